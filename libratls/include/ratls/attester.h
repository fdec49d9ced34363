/*
 * Attester (RFC 9334, 3.1): the one seam between the TLS side and whatever makes quotes.
 *
 * The TLS side hands over structured values; only the attester builds the statement, hashes it and
 * lets a TPM sign the hash. It never quotes bytes that a caller chose (WIRE.md, 5).
 */
#ifndef RATLS_ATTESTER_H
#define RATLS_ATTESTER_H

#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATLS_NONCE_LEN 32
#define RATLS_BINDER_LEN 32
#define RATLS_SPKI_HASH_LEN 32
#define RATLS_CONTEXT_MAX 255
#define RATLS_SERVICE_MAX 64
#define RATLS_EVIDENCE_MAX 65531 /* extension_data of a CertificateEntry, RFC 8446, 4.4.2 */
#define RATLS_KEY_ID_LEN 8
#define RATLS_KEY_IDS_MAX 4
#define RATLS_BANKS_MAX 4
#define RATLS_PCR_COUNT 24

/* WIRE.md, 5. */
enum ratls_mode {
    RATLS_MODE_CERTIFICATE = 1, /* in an X.509 extension: the state when the certificate was made */
    RATLS_MODE_HANDSHAKE = 2,   /* in the Certificate message: bound to this handshake */
};

/* WIRE.md, 5. */
enum ratls_role {
    RATLS_ROLE_SERVER = 1,
    RATLS_ROLE_CLIENT = 2,
};

/* TPM 2.0 Part 2, 10.9.7 (TPML_PCR_SELECTION), with the bitmap as a number. */
struct ratls_pcr_bank {
    uint16_t hash_alg; /* TPM_ALG_ID, for example 0x000B for SHA-256 */
    uint32_t pcrs;     /* bit i stands for PCR i, i < RATLS_PCR_COUNT */
};

struct ratls_pcr_selection {
    size_t count; /* 1 to RATLS_BANKS_MAX, ascending by hash_alg, none of them empty */
    struct ratls_pcr_bank banks[RATLS_BANKS_MAX];
};

/*
 * Logs that explain PCRs, beside the quote (WIRE.md, 2). An attester sends what it has: whether
 * that is enough is the verifier's business.
 */
struct ratls_log_request {
    uint16_t boot_bank; /* TPM_ALG_ID: the firmware's log, in this bank; 0: not wanted */
    uint16_t ima_bank;  /* the list of Linux IMA that explains this bank; 0: not wanted */
    uint64_t ima_offset; /* of the first byte wanted; 0: from its begin */
    /* The offset counts in the list of this key and boot only; in any other from 0. */
    uint8_t ima_key_id[RATLS_KEY_ID_LEN];
    uint32_t ima_reset_count;   /* TPM 2.0 Part 2, 10.11.1 (TPMS_CLOCK_INFO) */
    uint32_t ima_restart_count;
};

/* What is to be attested. In certificate mode nonce, binder, tls_version and cipher_suite are 0. */
struct ratls_attest_request {
    enum ratls_mode mode;
    enum ratls_role role;
    uint16_t tls_version;  /* for example 0x0304 */
    uint16_t cipher_suite; /* for example 0x1301 */
    uint8_t nonce[RATLS_NONCE_LEN];
    uint8_t binder[RATLS_BINDER_LEN];
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN]; /* SHA-256 of the DER SubjectPublicKeyInfo */
    uint8_t context[RATLS_CONTEXT_MAX];
    size_t context_len;
    struct ratls_pcr_selection selection; /* empty: logs alone, without a quote */
    struct ratls_log_request logs;        /* in certificate mode: none */
    size_t key_id_count; /* attestation keys whose certificate the verifier has already */
    uint8_t key_ids[RATLS_KEY_IDS_MAX][RATLS_KEY_ID_LEN];
};

/*
 * An interface with one implementation in libratls-attester (attester_tpm.h); a program may bring
 * its own. All functions are called from any thread, and after fork().
 */
struct ratls_attester {
    /*
     * Makes evidence (WIRE.md, 3) of at most RATLS_EVIDENCE_MAX bytes; the caller frees
     * *ret_evidence with free(). Returns within a bounded time. RATLS_TPM if no quote could be had.
     */
    enum ratls_status (*attest)(struct ratls_attester *self,
                                const struct ratls_attest_request *request,
                                uint8_t **ret_evidence, size_t *ret_len,
                                struct ratls_error *ret_error);
    struct ratls_attester *(*up_ref)(struct ratls_attester *self);
    void (*free)(struct ratls_attester *self);
};

#ifdef __cplusplus
}
#endif
#endif
