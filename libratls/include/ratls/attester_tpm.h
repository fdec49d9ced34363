/*
 * An attester with a TPM 2.0 behind it (libratls-attester). It opens the TPM only when evidence is
 * asked for, in the process that asks, and never keeps a caller waiting longer than its deadline.
 */
#ifndef RATLS_ATTESTER_TPM_H
#define RATLS_ATTESTER_TPM_H

#include <stdbool.h>

#include <ratls/attester.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ratls_ak_algorithm {
    RATLS_AK_ECDSA_P256 = 0,
    RATLS_AK_RSA_2048, /* RSASSA with SHA-256: 3.6 times cheaper for the client to check */
};

/* One quote serves so many at most: a Merkle path has 16 hashes (WIRE.md, 6). */
#define RATLS_TPM_QUEUE_MAX 65536

struct ratls_tpm_options {
    const char *state_dir; /* folder of the attestation key; required */
    const char *tcti;      /* as in tpm2-tools; NULL: what the state folder says */
    const char *service;   /* of every statement; NULL: "default"; at most RATLS_SERVICE_MAX */
    unsigned deadline_ms;  /* longest wait for the TPM; 0: 5000 */
    /*
     * The logs of this machine, opened at once, with the rights that the process has now, and read
     * when they are asked for. NULL: the kernel's, in /sys/kernel/security; "": none is sent. A log
     * that cannot be opened is not sent either.
     */
    const char *boot_log;
    const char *ima_list;
    /*
     * A file with an attestation result of this machine (<ratls/result.h>, a CWT), for clients that
     * ask for one. Read each time, so that it may be replaced at any time. NULL: none is sent; nor
     * is a file that cannot be read, or is none.
     */
    const char *result;
    /*
     * Time stamps (RFC 3161), so that one quote serves all connections of an epoch whose verifiers
     * take that (policy: epoch; WIRE.md, 5.1). http://... of an authority, which is asked when half
     * of an epoch is over, while there are such connections; or the absolute path of a file that
     * something else renews (a TimeStampResp or a token, DER). NULL: none. Without a time stamp
     * each connection has a quote of its own.
     */
    const char *epoch;
    unsigned epoch_s; /* how long a time stamp is used: at most 3600; 0: 30 */
    /* What an administrator should know while the attester works; from any thread. May be NULL. */
    void (*notice)(void *notice_arg, const char *text);
    void *notice_arg;
    /*
     * How many may wait for the TPM at a time, in a process: about 1 KiB each. Who comes then is
     * told at once that it is too slow. 0: RATLS_TPM_QUEUE_MAX, and no more than that.
     */
    unsigned queue;
};

/*
 * Reads the state folder that ratls_tpm_init() made; does not open the TPM. The caller owns
 * *ret_attester and frees it with (*ret_attester)->free(*ret_attester).
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tpm_attester_new(const struct ratls_tpm_options *options,
                       struct ratls_attester **ret_attester, struct ratls_error *ret_error);

/*
 * One more attester of the same key, whose statements name another service (printable ASCII, at
 * most RATLS_SERVICE_MAX). It shares all else with the attester that it is made of, which may be
 * freed before it: the TPM's thread, so that one quote serves those that wait at both, and the
 * logs. The caller owns *ret_attester.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tpm_attester_of_service(struct ratls_attester *attester, const char *service,
                              struct ratls_attester **ret_attester, struct ratls_error *ret_error);

enum ratls_tpm_log {
    RATLS_TPM_BOOT_LOG,
    RATLS_TPM_IMA_LIST,
    RATLS_TPM_RESULT, /* no log, but said in the same way */
};

/*
 * Why a log is not sent, as far as it was known when ratls_tpm_attester_new() made this attester:
 * it could not be opened, or is none that can be sent. NULL: nothing is known against it, or it was
 * not wanted.
 */
RATLS_API const char *ratls_tpm_log_missing(const struct ratls_attester *attester,
                                            enum ratls_tpm_log log);

/* A batch is what one quote covers: WIRE.md, 5. */
#define RATLS_TPM_BATCH_CLASSES 17

/* What the TPM of this process has done for an attester since it was made, or since fork(). */
struct ratls_tpm_counts {
    uint64_t quotes;  /* that the TPM made */
    uint64_t leaves;  /* statements that they cover */
    uint64_t states;  /* readings of the measured state */
    uint64_t errors;  /* quotes and readings that failed, for everybody who waited for them */
    /* How often the state was to be at hand (attester.h: known_state), and was, or was not. */
    uint64_t known_states;
    uint64_t unknown_states;
    uint64_t retries; /* answers that asked for patience; the command was sent again */
    /* Quotes by the size of their batch: of at most 2^i statements, and of more than 2^(i-1). */
    uint64_t batches[RATLS_TPM_BATCH_CLASSES];
    size_t waiting; /* requests that wait for the TPM now, those that it is at included */
};

/*
 * Reads the counts, all of the same moment, without waiting for the TPM. attester: of
 * ratls_tpm_attester_new(). All are 0 in a process that has asked this attester for nothing.
 */
RATLS_API void ratls_tpm_attester_counts(const struct ratls_attester *attester,
                                         struct ratls_tpm_counts *ret_counts);

/* What to do about keys for TLS in the TPM (policy: tls-key). */
enum ratls_tpm_tls_key {
    RATLS_TPM_TLS_KEY_NONE = 0,
    RATLS_TPM_TLS_KEY_MAKE,    /* one more */
    RATLS_TPM_TLS_KEY_CERTIFY, /* those of the folder, again */
};

struct ratls_tpm_init_options {
    const char *state_dir; /* created with mode 0750 if it is missing; required */
    const char *tcti;      /* NULL: the default of tpm2-tss; written to the state folder */
    enum ratls_ak_algorithm algorithm;
    bool transient;        /* do not take a persistent handle: every process makes the key again */
    bool replace;          /* make a new key where the folder has one already */
    /*
     * For a key that works only in states of the machine that an authority has signed
     * (ratls-seal(1)): the PCRs that make up a state, and the path of the authority's public key
     * (PEM; P-256, or RSA with 2048 bits). Both, or neither: NULL. PCRs 16 and 23 are refused:
     * everyone may reset them.
     */
    const struct ratls_pcr_selection *seal_selection;
    const char *seal_authority;
    bool unsealed; /* with replace: the new key is sealed to nothing, although the old one was */
    /*
     * MAKE: a P-256 key for TLS, for the OpenSSL provider tpm2-openssl, which the attestation key
     * certifies (TPM2_Certify); in a folder that has an attestation key nothing else is made,
     * unless replace is true. With replace the keys for TLS of the folder are certified again in
     * any case. Attesters take them into account when they are made anew.
     */
    enum ratls_tpm_tls_key tls_key;
    const char *tls_key_out; /* file of the key for TLS, new; NULL: tls.key in the state folder */
    /* Which key for TLS could not be certified, and why: the others are. May be NULL. */
    void (*notice)(void *notice_arg, const char *text);
    void *notice_arg;
};

/*
 * Creates a restricted signing key in the endorsement hierarchy of the TPM, and the state folder;
 * or a key for TLS, see tls_key. RATLS_USAGE if the folder has a key already, replace is false and
 * no key for TLS is wanted; or if it has none that could certify; or if tls_key_out is there
 * already; or if a sealed key, or one that cannot be read, would be replaced by one that is not
 * sealed, and unsealed is false. Set-up, not service: it takes as long as the TPM takes, which for
 * an RSA key may be a minute.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tpm_init(const struct ratls_tpm_init_options *options, struct ratls_error *ret_error);

/*
 * The TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4) of the attestation key of a state folder, at most cap
 * bytes, as the TPM wrote it. 512 bytes are always enough.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tpm_ak_public(const char *state_dir, uint8_t *out, size_t cap, size_t *ret_len,
                    struct ratls_error *ret_error);

/* The banks and PCRs that the TPM has allocated now. Takes as long as the TPM takes. */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tpm_pcr_selection(const char *tcti, struct ratls_pcr_selection *ret_selection,
                        struct ratls_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
