/* The claims of an attestation result (WIRE.md, 12), and their encoding in CBOR. */
#ifndef RATLS_SRC_RESULT_H
#define RATLS_SRC_RESULT_H

#include <ratls/result.h>

#include "bytes.h"
#include "tpm_wire.h"

#define RATLS_RESULT_NONCE_MIN 8
#define RATLS_RESULT_SPKI_MAX 1024
#define RATLS_RESULT_POLICIES_MAX 8

/* Borrows from the bytes that it was read from. An empty slice: not said. */
struct ratls_result {
    struct ratls_slice profile;
    uint64_t issued_at;
    bool has_expiry;
    uint64_t expires_at;
    struct ratls_slice developer, build;
    uint64_t status; /* one of enum ratls_tier */
    int8_t trust[RATLS_TRUST_COUNT];
    struct ratls_slice policy_id; /* the first one */
    struct ratls_slice nonce;
    struct ratls_slice key; /* akpub: the TLS key, DER SubjectPublicKeyInfo */
    bool is_ratls;          /* it has the claim of ours, and so: */
    struct ratls_slice server_name;
    struct ratls_slice service;
    struct ratls_slice spki_sha256;
    bool has_state; /* and so: */
    struct ratls_slice ak_name;
    struct ratls_pcr_selection selection;
    struct ratls_slice pcr_digest;
    uint32_t reset_count, restart_count;
};

/*
 * What a CWT has in it. Claims that are not known are passed over, as RFC 8392 (3) wants; the rest
 * is deterministic. Whether the claims are good is left to the checks.
 */
bool ratls_result_read(struct ratls_slice in, struct ratls_result *ret);
void ratls_result_write(const struct ratls_result *result, struct ratls_writer *w);

/* Whether lengths and values keep to the format: for writers, and for readers of other encodings.
 */
bool ratls_result_valid(const struct ratls_result *result);

/* Whether the status claims more than the vector has, which a result must not. */
bool ratls_result_overstates(const struct ratls_result *result);
/* The worst tier of the vector. */
enum ratls_tier ratls_result_worst(const int8_t trust[static RATLS_TRUST_COUNT]);

/*
 * Copies to what a caller keeps. The texts of the result are printable ASCII and fit, as its
 * readers see to.
 */
void ratls_result_copy(const struct ratls_result *result, struct ratls_result_claims *ret_claims);

#endif
