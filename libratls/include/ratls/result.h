/*
 * Attestation results: what a verifier found, signed, for others to rely on (RFC 9334, 5).
 *
 * A result is an EAR (draft-ietf-rats-ear, profile "tag:ietf.org,2026:rats/ear#03") with a
 * trustworthiness vector (draft-ietf-rats-ar4si): as CWT (RFC 8392, in COSE_Sign1) or as JWT
 * (RFC 7519). WIRE.md, 12 has every claim.
 */
#ifndef RATLS_RESULT_H
#define RATLS_RESULT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ratls/attester.h>
#include <ratls/report.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATLS_RESULT_PROFILE "tag:ietf.org,2026:rats/ear#03"
#define RATLS_RESULT_SUBMOD "RATLS_TPM" /* label of the one appraisal in a result */
#define RATLS_RESULT_MAX 8192     /* bytes of a CWT; the text of a JWT is up to twice as long */
#define RATLS_RESULT_TEXT_MAX 256 /* characters of a text in a result */
#define RATLS_RESULT_NONCE_MAX 64
#define RATLS_RESULT_DIGEST_MAX 64
#define RATLS_RESULT_AK_NAME_MAX 66

enum ratls_result_format {
    RATLS_RESULT_CWT = 0,
    RATLS_RESULT_JWT,
};

/* Tiers of trustworthiness (draft-ietf-rats-ar4si, 3.2): each is better than the next. */
enum ratls_tier {
    RATLS_TIER_NONE = 0, /* nothing is said */
    RATLS_TIER_AFFIRMING = 2,
    RATLS_TIER_WARNING = 32,
    RATLS_TIER_CONTRAINDICATED = 96,
};

/* Claims of the vector (draft-ietf-rats-ar4si, 2.3); each from -128 to 127, 0: nothing is said. */
enum ratls_trust {
    RATLS_TRUST_INSTANCE_IDENTITY = 0,
    RATLS_TRUST_CONFIGURATION,
    RATLS_TRUST_EXECUTABLES,
    RATLS_TRUST_FILE_SYSTEM,
    RATLS_TRUST_HARDWARE,
    RATLS_TRUST_RUNTIME_OPAQUE,
    RATLS_TRUST_STORAGE_OPAQUE,
    RATLS_TRUST_SOURCED_DATA,
    RATLS_TRUST_COUNT,
};

/* "affirming" and so on, and the name of a claim, as in JSON. NULL for what is none. */
RATLS_API const char *ratls_tier_name(enum ratls_tier tier);
RATLS_API const char *ratls_trust_name(enum ratls_trust claim);
/* The tier of a value of a claim. */
RATLS_API enum ratls_tier ratls_tier_of(int8_t value);

/* Initialise with {0} and fill what is needed. */
struct ratls_result_options {
    EVP_PKEY *key; /* of the verifier, private: ECDSA on P-256 (ES256) or P-384 (ES384); borrowed */
    enum ratls_result_format format;
    int64_t now;         /* when it is issued, seconds since 1970-01-01 UTC; required */
    uint64_t lifetime_s; /* from when the evidence was made: certificate, time stamp; required */
    /* The TLS key as DER SubjectPublicKeyInfo, for relying parties that compare it; may be NULL. */
    const uint8_t *spki;
    size_t spki_len;
};

/*
 * A signed result of the appraisal that the report is of: also of a refused one, whose status is
 * then "contraindicated". The caller frees *ret_bytes with free(); a JWT has no final NUL.
 *
 * RATLS_USAGE if an option is missing, if the TLS key is not the one that was appraised, if the
 * evidence is older than the lifetime, if another result stood for the values (policy: results),
 * or if the report is brief: those that the provider makes keep nothing to make a result of.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_result_make(const struct ratls_report *report, const struct ratls_result_options *options,
                  uint8_t **ret_bytes, size_t *ret_len, struct ratls_error *ret_error);

/* What a result says. Texts are printable ASCII; empty: not said. */
struct ratls_result_claims {
    int64_t issued_at;                         /* iat, seconds since 1970-01-01 UTC */
    int64_t expires_at;                        /* exp; 0: not said */
    char developer[RATLS_RESULT_TEXT_MAX + 1]; /* of the verifier (ear_verifier_id) */
    char build[RATLS_RESULT_TEXT_MAX + 1];
    enum ratls_tier status;
    int8_t trust[RATLS_TRUST_COUNT];           /* the vector; index: enum ratls_trust */
    char policy_id[RATLS_RESULT_TEXT_MAX + 1]; /* the first of ear_appraisal_policy_ids */
    uint8_t nonce[RATLS_RESULT_NONCE_MAX]; /* eat_nonce of the appraisal: the session's binder */
    size_t nonce_len;                      /* 0: not said */
    /* What the appraised quote said (ear_ratls). */
    bool is_ratls; /* false: a result of another verifier; what follows is empty */
    char server_name[RATLS_RESULT_TEXT_MAX + 1];
    char service[RATLS_SERVICE_MAX + 1];
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN];
    bool has_state; /* false: the quote was not authentic; what follows is empty */
    uint8_t ak_name[RATLS_RESULT_AK_NAME_MAX];
    size_t ak_name_len;
    struct ratls_pcr_selection selection;
    uint8_t pcr_digest[RATLS_RESULT_DIGEST_MAX];
    size_t pcr_digest_len;
    uint32_t reset_count;
    uint32_t restart_count;
};

/* What a relying party knows by itself. Initialise with {0} and fill what is needed. */
struct ratls_result_expectation {
    EVP_PKEY *key; /* of the one verifier that is trusted; its curve is the algorithm; required */
    int64_t now;   /* seconds since 1970-01-01 UTC; required */
    /* Of the session that it must be about, for who challenged; NULL: any. */
    const uint8_t *nonce;
    size_t nonce_len;
};

/*
 * Reads a result of either format, of at most RATLS_RESULT_MAX bytes (a JWT: twice as many), and
 * checks what does not depend on its subject: signature, profile, times, nonce, and that its status
 * is not better than its vector. Whether the status is good enough, and whose it is, the caller
 * asks of *ret_claims, which is set with RATLS_OK only.
 *
 * RATLS_MALFORMED if it is no EAR, RATLS_REJECTED if it is one that must not be believed: the text
 * of *ret_error says why.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_result_verify(const uint8_t *bytes, size_t len,
                    const struct ratls_result_expectation *expectation,
                    struct ratls_result_claims *ret_claims, struct ratls_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
