/* A server with a TPM, a client with a policy, and a channel between them: all of it good. */
#ifndef RATLS_TEST_SCENE_H
#define RATLS_TEST_SCENE_H

#include "appraise.h"
#include "fake_boot.h"
#include "fake_policy.h"
#include "fake_tpm.h"
#include "pki.h"

#define SCENE_SERVER "bank.example"
#define SCENE_COUNTER 7      /* of the challenge, in mode renewal */
#define SCENE_NOW 1800000000 /* in 2027; certificates are made to be valid then */

#define SCENE_WITHIN_S 60

struct scene_ima; /* scene_ima.h */

struct scene {
    struct fake_tpm *tpm;
    struct ratls_policy *policy;
    struct ratls_rules *rules; /* of policy */
    struct ratls_expectation expectation;
    /* The channel, as the client saw it. */
    bool absent; /* no evidence came */
    bool resumed;
    bool misplaced;
    /* The keys that it named: scene_name_keys(). */
    size_t key_id_count;
    uint8_t key_ids[RATLS_KEY_IDS_MAX][RATLS_KEY_ID_LEN];
    const char *fault;      /* the answer around the evidence is none */
    struct fake_boot *boot; /* NULL: its policy says nothing about the boot */
    struct scene_ima *ima;  /* NULL: the policy says nothing about files */
    /* The issuer of the policy, and the certificate of the key, of a scene with certificates. */
    EVP_PKEY *issuer_key;
    X509 *issuer;
    struct fake_tsa *tsa; /* NULL: no epochs */
    EVP_PKEY *tls_key;    /* NULL: scene_tls_key() was not called */
};

/* mode and algorithm as the names say; the key is not trusted yet. */
void scene_open(struct scene *scene, enum ratls_mode mode, enum fake_algorithm algorithm);
void scene_close(struct scene *scene);

/* Evidence was accepted on this channel before, by the key and in the boot that the TPM has now. */
void scene_accepted(struct scene *scene);

/* The key is pinned for SCENE_SERVER. */
void scene_pin(struct scene *scene);
/* The key has a certificate for these names (for example "DNS:bank.example") by an issuer. */
void scene_certify(struct scene *scene, const char *names);
/*
 * The machine has a log of its boot, which leads to its PCRs, and the policy allows exactly it. The
 * log that is sent is that of scene->boot when the server attests.
 */
void scene_boot(struct scene *scene);
/*
 * The server has epochs: its time stamps are of the authority that the policy names, 5 seconds old
 * and valid for SCENE_WITHIN_S.
 */
void scene_epoch(struct scene *scene);
/* The same, with a certificate as spec says, its life beside; anchor NULL: itself is named. */
void scene_epoch_by(struct scene *scene, struct pki_spec spec, X509 *anchor);
/* The policy names a root; a CA below it, with this extended key usage, certified the authority. */
void scene_epoch_below(struct scene *scene, const char *eku);
/* A certificate of the scene's issuer with this specification, whose issuer may be left out. */
X509 *scene_certificate(struct scene *scene, struct pki_spec spec);

/* The server's TLS key is in its TPM, and the policy wants that. */
void scene_tls_key(struct scene *scene);

/* The client has accepted the server before, and names all keys that it knows of it. */
void scene_name_keys(struct scene *scene);

/* Evidence for what the client expects. The caller frees it with free(). */
struct fake_draft *scene_attest(struct scene *scene, fake_tamper *tamper, void *arg);
/* Appraises evidence that came by the scene's channel. The caller frees the report. */
struct ratls_report *scene_appraise(struct scene *scene, const uint8_t *evidence, size_t len);

#endif
