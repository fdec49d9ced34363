/* A loaded policy: what <ratls/policy.h> hides. One struct ratls_rules is one file. */
#ifndef RATLS_RULES_H
#define RATLS_RULES_H

#include <openssl/types.h>
#include <pthread.h>
#include <stdatomic.h>

#include <ratls/attester.h>
#include <ratls/policy.h>

#include "ak_form.h"
#include "boot_known.h"
#include "boot_lines.h"
#include "bytes.h"
#include "crypto.h"
#include "crypto_crl.h"
#include "crypto_signer.h"
#include "ima_replay.h"
#include "ledger.h"
#include "pattern.h"
#include "policy_stamp.h"
#include "refvals.h"
#include "token.h"
#include "tpm_wire.h"

struct ratls_names { /* of peers; count 0: every name, also none */
    char **names;    /* lower case; "*.example.org" stands for one label; IP addresses as text */
    size_t count;
};

/* Allowed values of one PCR in one bank. */
struct ratls_pcr_rule {
    uint16_t bank;
    uint8_t index;
    size_t count;                        /* at least 1 */
    uint8_t (*values)[RATLS_DIGEST_MAX]; /* each as long as a digest of the bank */
};

/* An attestation key, pinned by its Name. */
struct ratls_pin {
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t name_len;
    struct ratls_names servers; /* narrower than those of the file */
};

/* An issuer of certificates of attestation keys. */
struct ratls_issuer {
    char *path;
    X509 *certificate;
    struct ratls_names servers;
    struct ratls_crl *crl; /* NULL: the policy names none */
    char *crl_path;        /* of its file, for words */
    atomic_bool is_proven; /* OpenSSL has verified a certificate by it: ratls_ak_chain_plain() */
};

struct ratls_denied_key {
    uint8_t name[RATLS_TPM_NAME_MAX]; /* behind its end zeros: its algorithm says how long it is */
};

/* Attestation keys that are refused, also if they are pinned or certified (policy: deny-keys). */
struct ratls_denied_keys {
    bool is_asked;
    struct ratls_denied_key *items; /* ascending */
    size_t count;                   /* 0 if its files have no Name yet */
};

enum ratls_freshness {
    RATLS_FRESHNESS_NONCE = 0,   /* the quote is made for this session */
    RATLS_FRESHNESS_EPOCH,       /* it may be one of this epoch, whose key speaks for the session */
    RATLS_FRESHNESS_CERTIFICATE, /* certificate mode is enough */
};

/* Whose time stamps end an epoch, and when (policy: epoch). */
struct ratls_epoch_rules {
    uint64_t within_s;
    struct ratls_pem_certificate *certificates; /* of the authorities */
    struct ratls_authorities authorities;       /* the same: borrows the certificates */
    struct ratls_epoch_memory *memory;          /* epoch_memory.h; NULL: not asked */
};

/* Reference values of several files: one of them must have the digest. */
struct ratls_references {
    struct ratls_refvals **sets;
    char **paths; /* of their files */
    size_t count; /* 0: the policy does not ask */
};

/* Who may have signed what was loaded: a certificate, to the byte, as Secure Boot measures it. */
struct ratls_boot_signer {
    char *name; /* its subject, for words */
    uint8_t *der;
    size_t len;
};

/* Owns its text. */
struct ratls_patterns {
    struct ratls_pattern *items;
    char **texts;
    size_t count;
};

/*
 * What the firmware's log must say (policy: boot). Each key stands for PCRs, and every event of
 * these must be allowed by it: what nobody asked about is not allowed either.
 */
struct ratls_boot_rules {
    bool is_asked;
    uint16_t bank;
    uint32_t pcrs;                     /* bit i: the log must explain PCR i */
    bool secure_boot_required;         /* PCR 7 */
    struct ratls_boot_signer *signers; /* PCR 7, authorities */
    size_t signer_count;
    struct ratls_references variables;   /* PCR 7: PK, KEK, db, dbx, and authorities by digest */
    bool images_signed;                  /* PCR 4: whatever Secure Boot let through */
    struct ratls_references images;      /* PCR 4: Authenticode digests */
    struct ratls_references kernels;     /* PCR 4, 9, 11: one of these must have been loaded */
    struct ratls_references firmware;    /* PCR 0, 2 */
    struct ratls_references settings;    /* PCR 1, 3 */
    struct ratls_references partitions;  /* PCR 5 */
    struct ratls_patterns command_lines; /* PCR 8, 12; exact ones also the load options of PCR 9 */
    struct ratls_boot_lines exact_lines; /* the exact ones again */
    struct ratls_boot_known known;       /* made once, not for every log */
    struct ratls_references files;       /* PCR 9, 11, 13 */
    struct ratls_references owner_keys;  /* PCR 14 */
};

/* What the list of Linux IMA must say (policy: ima). */
struct ratls_ima_rules {
    bool is_asked;
    uint16_t bank;
    enum ratls_ima_mode extend;
    struct ratls_references allow;
    struct ratls_references deny;
    struct ratls_signer *signers;
    size_t signer_count;
    struct ratls_patterns exclude;
    struct ratls_patterns signature_required;
    bool violations_allowed;
    bool syncs;         /* what does not fit is asked for at once (sync: auto) */
    uint8_t sha256[32]; /* of all of this: what is acknowledged holds under the same rules only */
};

/* A verifier whose attestation results are believed: its key, ECDSA on P-256 or P-384. */
struct ratls_result_verifier {
    char *path; /* of the file, for words */
    EVP_PKEY *key;
};

/* What stands for pcrs, boot and ima (policy: results). */
struct ratls_result_rules {
    bool is_asked;
    uint16_t bank;
    uint32_t pcrs; /* bit i: PCR i is part of the state that a result is about; at least one */
    struct ratls_result_verifier *verifiers; /* at least one */
    size_t verifier_count;
};

struct ratls_key_cache; /* keys.h: attestation keys that were seen before */

struct ratls_rules {
    char *path;
    uint8_t sha256[32];         /* of the text of the file */
    uint8_t decides_sha256[32]; /* of all that decides: a verdict holds under the same rules only */
    _Atomic int64_t refused_ms; /* when somebody was last refused: ratls_moment.boot_ms */
    struct ratls_stamp *stamps; /* of the files that it names */
    size_t stamp_count;
    bool for_clients;           /* the peers that these rules, and all their names, speak for */
    struct ratls_names servers; /* or clients */
    struct ratls_pin *pins;
    size_t pin_count;
    struct ratls_issuer *issuers;
    size_t issuer_count;
    struct ratls_pcr_rule *pcrs;              /* ascending by bank, then index; no duplicates */
    size_t pcr_count;                         /* may be 0 if boot is asked */
    struct ratls_references reference_values; /* where some of pcrs are from; for words */
    struct ratls_boot_rules boot;
    struct ratls_ima_rules ima;
    struct ratls_result_rules results; /* if asked: no pcrs, boot or ima */
    /* Of pcrs and boot, or of results; with ima PCR 10, and 0 to 9 for boot_aggregate. */
    struct ratls_pcr_selection selection;
    char service[RATLS_SERVICE_MAX + 1];
    enum ratls_freshness freshness;
    struct ratls_epoch_rules epoch;
    uint64_t max_age_s;  /* of evidence in a certificate; else of a verdict, 0: of one connection */
    uint64_t renew_s;    /* how often an attested channel is renewed; 0: never */
    bool needs_tpm_tls_key; /* tls-key: tpm */
    bool needs_exporter; /* only evidence that is bound to the exporter counts */
    unsigned algorithms;
    bool clock_ignored;   /* clock: ignored; else the clock must be safe */
    bool allows_software; /* certified keys of software TPMs, too */
    uint64_t *denied_firmware;
    size_t denied_firmware_count;
    struct ratls_denied_keys denied_keys;
    struct ratls_key_cache *keys; /* has its own lock */
    struct ratls_ledger *ledger;  /* of the policy, which owns it; has its own lock */
    bool keeps_counters;          /* in the ledger, too */
};

struct ratls_policy {
    atomic_uint references;
    struct ratls_rules *rules;
    size_t count;
    struct ratls_ledger *ledger; /* of all rules */
};

/*
 * The rules for a server's name (DNS name or IP address, any case), or NULL if the policy does not
 * speak for it. An exact name goes before a wildcard, a wildcard before a file without names.
 * name == NULL: only a file without names.
 */
struct ratls_rules *ratls_policy_rules(const struct ratls_policy *policy, const char *name);
/* The same of clients: a file speaks for servers or for clients, never for both. */
struct ratls_rules *ratls_policy_client_rules(const struct ratls_policy *policy, const char *name);

#define RATLS_POLICY_NAMED_MAX 192

/* "2 files speak for a.example, b.example, c.example and 4 more": servers or clients, as peer is.
 */
void ratls_policy_named(const struct ratls_policy *policy, enum ratls_role peer,
                        char out[static RATLS_POLICY_NAMED_MAX]);
/* RATLS_USAGE: no policy speaks for this peer (NULL: without a name), and for whom they do. */
enum ratls_status ratls_policy_fail_unlisted(const struct ratls_policy *policy,
                                             enum ratls_role peer, const char *name,
                                             struct ratls_error *err);

/*
 * Whether clock and counters of each key are in the ledger, too, as they are from
 * ratls_policy_use_state() on. Before the policy is used by anybody else.
 */
void ratls_policy_keep_counters(struct ratls_policy *policy, bool keeps);

/*
 * What to ask a client for that is not known yet: whatever one of its policies compares or reads.
 * RATLS_USAGE if no file speaks for clients, or if no one request fits all that do.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_policy_client_claims(const struct ratls_policy *policy,
                           struct ratls_pcr_selection *ret_selection,
                           struct ratls_log_request *ret_logs, struct ratls_error *err);

/* The word of a policy for it. */
const char *ratls_freshness_name(enum ratls_freshness freshness);

/* Whether a list of names covers a name; an empty list covers everything. */
bool ratls_names_cover(const struct ratls_names *names, const char *name);

/* Borrows. */
struct ratls_slice ratls_denied_key_name(const struct ratls_denied_key *key);
bool ratls_denied_keys_have(const struct ratls_denied_keys *denied, struct ratls_slice name);

/* Whether one of them has the digest, whatever its name. */
bool ratls_references_have(const struct ratls_references *references, struct ratls_slice digest);

#endif
