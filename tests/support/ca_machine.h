/*
 * A machine that enrols, without a TPM: an endorsement key with a maker's certificate, an
 * attestation key, and what a TPM does with both. What no TPM does can be done, too: a test changes
 * what is asked or answered before it is written.
 *
 * Nothing here returns an error: what fails prints why and aborts the test.
 */
#ifndef RATLS_TEST_CA_MACHINE_H
#define RATLS_TEST_CA_MACHINE_H

#include <openssl/x509.h>

#include "ek_template.h"
#include "enroll_message.h"
#include "fake_tpm.h"
#include "pki.h"

/* Who makes TPMs: a root that can be pinned, and a CA below it. */
struct ca_maker {
    EVP_PKEY *root_key, *key;
    X509 *root, *certificate;
};

void ca_maker_make(struct ca_maker *maker);
void ca_maker_done(struct ca_maker *maker);

#define CA_MACHINE_CERTIFICATES 2 /* of the endorsement key, and of the maker's CA */

struct ca_machine {
    const struct ratls_ek_profile *profile;
    EVP_PKEY *ek;
    uint8_t area[RATLS_EK_AREA_MAX];
    size_t area_len;
    uint8_t *certificates[CA_MACHINE_CERTIFICATES];
    size_t certificate_lens[CA_MACHINE_CERTIFICATES];
    struct fake_tpm *ak;
};

/* With a good certificate by this maker. */
void ca_machine_make(struct ca_machine *machine, const struct ca_maker *maker,
                     enum ratls_ek_template ek_template, enum fake_algorithm ak);
void ca_machine_done(struct ca_machine *machine);
/* What a good certificate of its endorsement key says; for ca_machine_certify(). */
struct pki_spec ca_machine_spec(const struct ca_machine *machine, const struct ca_maker *maker);
/* Another certificate instead of the one it has. */
void ca_machine_certify(struct ca_machine *machine, const struct pki_spec *spec);
/* SHA-256 of the endorsement key, as a CA counts it; and 64 digits of it. */
void ca_machine_ek(const struct ca_machine *machine, uint8_t out[static 32]);
void ca_machine_ek_text(const struct ca_machine *machine, char out[static 65]);

/* A request before it is written. Not moved: its slices are of its bytes. */
struct ca_wish {
    struct ratls_enroll_request request;
    uint8_t nonce[RATLS_ENROLL_NONCE_LEN];
    uint8_t ak_public[RATLS_TPM_STRUCTURE_MAX];
    uint8_t token_id[RATLS_ENROLL_TOKEN_ID_LEN], token_mac[RATLS_ENROLL_MAC_LEN];
};

/* names: separated by one space each, in the order of requests. */
void ca_machine_wish(const struct ca_machine *machine, const char *names, struct ca_wish *ret);
/* token: its text (enroll_token.h), or NULL. The caller frees what comes back. */
uint8_t *ca_wish_write(struct ca_wish *wish, const char *token, size_t *ret_len);

/*
 * TPM2_ActivateCredential: false if the TPM would refuse, as the credential is not for its
 * endorsement key and this Name. *ret_secret has 32 bytes.
 */
bool ca_machine_activate(const struct ca_machine *machine, struct ratls_slice name,
                         const struct ratls_enroll_challenge *challenge,
                         uint8_t ret_secret[static 32]);

/* An answer before it is written. Not moved. */
struct ca_reply {
    struct ratls_enroll_answer answer;
    uint8_t mac[RATLS_ENROLL_MAC_LEN];
    struct fake_draft *draft; /* of the quote */
};

/*
 * quote may be NULL. Without a secret, that is if the credential is for another, the MAC is one by
 * zeros. The caller ends it with ca_reply_done().
 */
void ca_machine_reply(const struct ca_machine *machine, struct ratls_slice request,
                      struct ratls_slice challenge, fake_tamper *quote, struct ca_reply *ret);
size_t ca_reply_write(const struct ca_reply *reply, uint8_t out[static RATLS_ENROLL_ANSWER_MAX]);
void ca_reply_done(struct ca_reply *reply);

#endif
