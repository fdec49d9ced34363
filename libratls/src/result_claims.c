/* What is the same for both encodings of a result. */
#include <string.h>

#include "request.h"
#include "result.h"

#define NAME_MIN 3 /* the algorithm, and a digest */

static const char *const trust_names[RATLS_TRUST_COUNT] = {
    "instance-identity", "configuration",  "executables",    "file-system",
    "hardware",          "runtime-opaque", "storage-opaque", "sourced-data",
};

/* No default: the compiler reports a tier without a name. */
const char *ratls_tier_name(enum ratls_tier tier)
{
    switch (tier) {
    case RATLS_TIER_NONE:
        return "none";
    case RATLS_TIER_AFFIRMING:
        return "affirming";
    case RATLS_TIER_WARNING:
        return "warning";
    case RATLS_TIER_CONTRAINDICATED:
        return "contraindicated";
    }
    return NULL;
}

const char *ratls_trust_name(enum ratls_trust claim)
{
    return claim >= 0 && claim < RATLS_TRUST_COUNT ? trust_names[claim] : NULL;
}

/* draft-ietf-rats-ar4si, 2.3.1: -1, 0 and 1 say nothing; the negative ones mirror the others. */
enum ratls_tier ratls_tier_of(int8_t value)
{
    if (value >= -1 && value <= 1)
        return RATLS_TIER_NONE;
    if (value >= -RATLS_TIER_WARNING && value < RATLS_TIER_WARNING)
        return RATLS_TIER_AFFIRMING;
    if (value >= -RATLS_TIER_CONTRAINDICATED && value < RATLS_TIER_CONTRAINDICATED)
        return RATLS_TIER_WARNING;
    return RATLS_TIER_CONTRAINDICATED;
}

enum ratls_tier ratls_result_worst(const int8_t trust[static RATLS_TRUST_COUNT])
{
    enum ratls_tier worst = RATLS_TIER_NONE;

    for (size_t i = 0; i < RATLS_TRUST_COUNT; i++) {
        enum ratls_tier tier = ratls_tier_of(trust[i]);

        worst = tier > worst ? tier : worst;
    }
    return worst;
}

/* "None" claims nothing: it is better only than what warns. */
bool ratls_result_overstates(const struct ratls_result *result)
{
    enum ratls_tier worst = ratls_result_worst(result->trust);

    if (result->status == RATLS_TIER_NONE)
        return worst >= RATLS_TIER_WARNING;
    return result->status < (uint64_t)worst;
}

static bool is_text(struct ratls_slice text, size_t min, size_t max)
{
    return text.len >= min && text.len <= max && ratls_slice_is_printable(text);
}

static bool is_state_valid(const struct ratls_result *result)
{
    if (!result->has_state)
        return true;
    return result->is_ratls && result->ak_name.len >= NAME_MIN &&
           result->ak_name.len <= RATLS_TPM_NAME_MAX && ratls_selection_valid(&result->selection) &&
           result->pcr_digest.len >= 1 && result->pcr_digest.len <= RATLS_RESULT_DIGEST_MAX;
}

static bool is_quote_valid(const struct ratls_result *result)
{
    if (!result->is_ratls)
        return true;
    return is_text(result->server_name, 0, RATLS_RESULT_TEXT_MAX) &&
           is_text(result->service, 1, RATLS_SERVICE_MAX) &&
           result->spki_sha256.len == RATLS_SPKI_HASH_LEN;
}

bool ratls_result_valid(const struct ratls_result *result)
{
    bool has_nonce = result->nonce.len != 0;

    return is_text(result->profile, 1, RATLS_RESULT_TEXT_MAX) &&
           is_text(result->developer, 1, RATLS_RESULT_TEXT_MAX) &&
           is_text(result->build, 1, RATLS_RESULT_TEXT_MAX) &&
           is_text(result->policy_id, 0, RATLS_RESULT_TEXT_MAX) && result->issued_at <= INT64_MAX &&
           result->expires_at <= INT64_MAX && result->status <= RATLS_TIER_CONTRAINDICATED &&
           ratls_tier_name((enum ratls_tier)result->status) != NULL &&
           (!has_nonce || (result->nonce.len >= RATLS_RESULT_NONCE_MIN &&
                           result->nonce.len <= RATLS_RESULT_NONCE_MAX)) &&
           result->key.len <= RATLS_RESULT_SPKI_MAX && is_quote_valid(result) &&
           is_state_valid(result);
}

static void copy_text(struct ratls_slice text, char *out)
{
    if (text.len > 0)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
}

static void copy_bytes(struct ratls_slice bytes, uint8_t *out, size_t *ret_len)
{
    if (bytes.len > 0)
        memcpy(out, bytes.p, bytes.len);
    *ret_len = bytes.len;
}

void ratls_result_copy(const struct ratls_result *result, struct ratls_result_claims *ret_claims)
{
    struct ratls_result_claims claims = {
        .issued_at = (int64_t)result->issued_at,
        .expires_at = result->has_expiry ? (int64_t)result->expires_at : 0,
        .status = (enum ratls_tier)result->status,
        .is_ratls = result->is_ratls,
        .has_state = result->has_state,
        .selection = result->selection,
        .reset_count = result->reset_count,
        .restart_count = result->restart_count,
    };
    size_t len;

    copy_text(result->developer, claims.developer);
    copy_text(result->build, claims.build);
    copy_text(result->policy_id, claims.policy_id);
    copy_text(result->server_name, claims.server_name);
    copy_text(result->service, claims.service);
    memcpy(claims.trust, result->trust, sizeof claims.trust);
    copy_bytes(result->nonce, claims.nonce, &claims.nonce_len);
    copy_bytes(result->spki_sha256, claims.spki_sha256, &len);
    copy_bytes(result->ak_name, claims.ak_name, &claims.ak_name_len);
    copy_bytes(result->pcr_digest, claims.pcr_digest, &claims.pcr_digest_len);
    *ret_claims = claims;
}
