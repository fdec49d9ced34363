/*
 * Verifier (RFC 9334, 3.2): appraises evidence without TLS, for tools, tests and programs that
 * carry the evidence themselves.
 */
#ifndef RATLS_VERIFIER_H
#define RATLS_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ratls/attester.h>
#include <ratls/policy.h>
#include <ratls/report.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATLS_AK_NAME_MAX 66 /* TPM 2.0 Part 1, 16: u16 algorithm and a digest */

/* Of evidence that was accepted: by which key, in which boot, and when by the TPM's clock. */
struct ratls_accepted {
    size_t ak_name_len; /* in bytes; 0: nothing was accepted yet */
    uint8_t ak_name[RATLS_AK_NAME_MAX];
    uint32_t reset_count; /* TPM 2.0 Part 2, 10.11.1 (TPMS_CLOCK_INFO) */
    uint32_t restart_count;
    uint64_t clock_ms;
    bool is_dated;  /* a time stamp says how old it was (epoch); else it was made for a nonce, */
    uint64_t age_s; /* or, unasked, is dated by the TPM's clock */
    uint64_t rest_s; /* how long the result that stands for its values, and the certificates of its
                        key with their CRL, still held; 0: there are none */
};

/*
 * What this side knows by itself. The verifier compares the evidence with these values and takes
 * none of them from the peer. Initialise with {0} and fill every field; in certificate mode nonce,
 * binder, tls_version and cipher_suite stay 0. From counter on the fields are for evidence on a
 * channel that is there already (WIRE.md, 10), and else stay 0.
 */
struct ratls_expectation {
    enum ratls_mode mode;
    enum ratls_role role;     /* of the side that attests */
    uint16_t tls_version;
    uint16_t cipher_suite;
    uint8_t nonce[RATLS_NONCE_LEN];
    uint8_t binder[RATLS_BINDER_LEN];
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN];
    const char *server_name;  /* DNS name or IP address that this side meant to reach; NULL: none */
    int64_t now;              /* seconds since 1970-01-01 UTC; for certificates and max-age */
    uint64_t counter;         /* of the challenge, in mode renewal */
    uint32_t sequence;        /* 0: the answer to it; else it came behind that, unasked */
    struct ratls_accepted before; /* the last answer on this channel: same key, same boot */
    uint64_t elapsed_ms; /* since the challenge whose answer `before` is; with a sequence */
};

/*
 * Appraises evidence (WIRE.md, 3). Returns RATLS_OK if the policy accepts it, RATLS_REJECTED if
 * not, and another status if it could not work; *ret_report is set in the first two cases, and
 * freed by the caller with ratls_report_free(). A server for which the policy has no rules is
 * RATLS_USAGE. In all modes with a session an all-zero nonce or binder is RATLS_USAGE: an expected
 * value that was never filled in must not be met by a peer that sends zeros. The evidence of modes
 * exporter and renewal is that of one piece, with the IMA list as far as it is in there. Evidence
 * that answers a request with key ids, and has its attestation key by its place there, is refused:
 * no request is known here.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_appraise(const struct ratls_policy *policy, const struct ratls_expectation *expectation,
               const uint8_t *evidence, size_t evidence_len, struct ratls_report **ret_report,
               struct ratls_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
