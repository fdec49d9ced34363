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
    RATLS_MODE_EXPORTER = 3,    /* on the finished channel: bound to its exporter */
    RATLS_MODE_RENEWAL = 4,     /* the same again, later: bound to its exporter and a counter */
    RATLS_MODE_EPOCH = 5,       /* of a key that signs the statements of sessions for a while */
};

/* What a verifier can take beside evidence in mode 2 for its nonce (WIRE.md, 2); a bit set. */
enum ratls_offer {
    RATLS_OFFER_FRAMES = 1,   /* it speaks frames on this connection */
    RATLS_OFFER_EXPORTER = 2, /* it wants the evidence in mode 3; only with frames */
    RATLS_OFFER_EPOCH = 4,    /* evidence of an epoch is fresh enough */
    RATLS_OFFER_RESULT = 8,   /* an attestation result is of use */
    RATLS_OFFER_TLS_KEY = 16, /* proof that the TLS key is in the TPM is of use */
    RATLS_OFFER_ALL = 31,
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
    unsigned offers; /* of the verifier: enum ratls_offer; EPOCH, RESULT and TLS_KEY count here */
    struct ratls_pcr_selection selection; /* empty: logs alone, without a quote */
    struct ratls_log_request logs;        /* in certificate mode: none */
    /* Attestation keys whose public area and certificates the verifier has already; in certificate
       mode none. Evidence may then name its key by its place here (WIRE.md, 3). */
    size_t key_id_count;
    uint8_t key_ids[RATLS_KEY_IDS_MAX][RATLS_KEY_ID_LEN];
};

struct ratls_attest_job; /* of an attester: evidence that is being made */
struct ratls_state_job;  /* likewise: the measured state that is being read */

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

    /*
     * From here on optional: NULL if the attester cannot. begin does what attest does without
     * waiting: it calls done(arg) once, from any thread (also before it returns, but *ret_job is
     * set then), also if there is no evidence. From then on, also within done(arg), take() has the
     * result or what went wrong, and ends the job. cancel ends a job at any time, instead of take;
     * when it has returned, done is not called any more. A job belongs to the process that began
     * it: in a child after fork() done is not called, take fails, and either frees the child's
     * copy. A job holds a reference to its attester.
     */
    enum ratls_status (*begin)(struct ratls_attester *self,
                               const struct ratls_attest_request *request, void (*done)(void *arg),
                               void *arg, struct ratls_attest_job **ret_job,
                               struct ratls_error *ret_error);
    enum ratls_status (*take)(struct ratls_attester *self, struct ratls_attest_job *job,
                              uint8_t **ret_evidence, size_t *ret_len,
                              struct ratls_error *ret_error);
    void (*cancel)(struct ratls_attester *self, struct ratls_attest_job *job);

    /*
     * A digest of the measured state that a quote of this selection would show now, at most a
     * second old: SHA-256 of "ratls-state" with its NUL, the qualifiedSigner that its quotes have
     * (TPM 2.0 Part 2, 10.12.12: without its size field), resetCount and restartCount (4 bytes
     * big-endian each), and the PCR values as in evidence (WIRE.md, 3). Waits for the TPM as attest
     * does. RATLS_TPM if it could not be had.
     */
    enum ratls_status (*state)(struct ratls_attester *self,
                               const struct ratls_pcr_selection *selection, uint8_t ret_digest[32],
                               struct ratls_error *ret_error);

    /*
     * How many threads of its own the attester has now in this process. They run nothing of the
     * program but done(), and neither they nor done() may call the functions of TLS: a server with
     * one thread beside them need not share its SSL_CTX.
     */
    unsigned (*threads)(struct ratls_attester *self);

    /*
     * The state without waiting. begin_state, take_state and cancel_state are to state what begin,
     * take and cancel are to attest, and keep to the same rules: all three, or none.
     *
     * known_state is for who needs the state at once or not at all: a server that is asked to
     * resume a session. It returns a state that is at hand and at most a second old, or RATLS_TPM;
     * either way it returns at once. It also sees to it, in a thread of the attester, that one is
     * at hand soon and for some seconds. Where it is NULL, state is asked, and waited for.
     */
    enum ratls_status (*begin_state)(struct ratls_attester *self,
                                     const struct ratls_pcr_selection *selection,
                                     void (*done)(void *arg), void *arg,
                                     struct ratls_state_job **ret_job,
                                     struct ratls_error *ret_error);
    enum ratls_status (*take_state)(struct ratls_attester *self, struct ratls_state_job *job,
                                    uint8_t ret_digest[32], struct ratls_error *ret_error);
    void (*cancel_state)(struct ratls_attester *self, struct ratls_state_job *job);
    enum ratls_status (*known_state)(struct ratls_attester *self,
                                     const struct ratls_pcr_selection *selection,
                                     uint8_t ret_digest[32], struct ratls_error *ret_error);
};

#ifdef __cplusplus
}
#endif
#endif
