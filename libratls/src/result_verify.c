/* <ratls/result.h>: what a relying party asks of a result. Of a stapled one check_result.c asks
 * more.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cose.h"
#include "crypto_ecdsa.h"
#include "fail.h"
#include "jws.h"
#include "result_file.h"
#include "result_json.h"

#define CLOCK_SKEW_S 300 /* how much a verifier's clock may be ahead of ours */

static enum ratls_status check_times(const struct ratls_result *result, int64_t now,
                                     struct ratls_error *err)
{
    if (result->issued_at > (uint64_t)now + CLOCK_SKEW_S)
        return ratls_fail(err, RATLS_REJECTED, "the result was issued in the future");
    if (result->has_expiry && result->expires_at <= (uint64_t)now)
        return ratls_fail(err, RATLS_REJECTED, "the result has expired");
    return RATLS_OK;
}

static enum ratls_status check_claims(const struct ratls_result *result,
                                      const struct ratls_result_expectation *e,
                                      struct ratls_error *err)
{
    if (!ratls_slice_equal(result->profile,
                           ratls_slice(RATLS_RESULT_PROFILE, strlen(RATLS_RESULT_PROFILE))))
        return ratls_fail(err, RATLS_REJECTED, "the result is of another profile of EAT");
    if (ratls_result_overstates(result))
        return ratls_fail(err, RATLS_REJECTED,
                          "the status of the result (%s) is better than its vector (%s)",
                          ratls_tier_name((enum ratls_tier)result->status),
                          ratls_tier_name(ratls_result_worst(result->trust)));
    if (e->nonce != NULL && !ratls_slice_equal(result->nonce, ratls_slice(e->nonce, e->nonce_len)))
        return ratls_fail(err, RATLS_REJECTED,
                          "the result is about another session: its nonce is "
                          "not the one that is expected");
    return check_times(result, e->now, err);
}

enum ratls_status ratls_result_verify(const uint8_t *bytes, size_t len,
                                      const struct ratls_result_expectation *expectation,
                                      struct ratls_result_claims *ret_claims,
                                      struct ratls_error *ret_error)
{
    struct ratls_result_file file;
    enum ratls_status status;
    bool is_valid = false;

    if (bytes == NULL || expectation == NULL || expectation->now <= 0 || ret_claims == NULL)
        return ratls_fail(ret_error, RATLS_USAGE, "a result, the time, and a place for its claims");
    if (ratls_ecdsa_of(expectation->key) == NULL)
        return ratls_fail(ret_error, RATLS_USAGE,
                          "the verifier's key is not an ECDSA key on P-256 or P-384");
    status = ratls_result_file_read(ratls_slice(bytes, len), &file, ret_error);
    if (status != RATLS_OK)
        return status;
    status = ratls_result_file_verify(&file, expectation->key, &is_valid, ret_error);
    if (status == RATLS_OK && !is_valid)
        status = ratls_fail(ret_error, RATLS_REJECTED,
                            "the result is not signed by the verifier's key with its algorithm");
    if (status == RATLS_OK)
        status = check_claims(&file.result, expectation, ret_error);
    if (status == RATLS_OK)
        ratls_result_copy(&file.result, ret_claims);
    ratls_result_file_done(&file);
    return status;
}
