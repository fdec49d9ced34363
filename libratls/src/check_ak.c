/*
 * Is it an attestation key at all, and which one: ak.format. The key itself is made only if it may
 * be one to trust, and never if the policy denies it.
 */
#include "appraise.h"

#include <stdio.h>

#include "fail.h"
#include "keys.h"

static bool is_pinned(const struct ratls_appraisal *a)
{
    for (size_t i = 0; i < a->rules->pin_count; i++) {
        const struct ratls_pin *pin = &a->rules->pins[i];

        if (ratls_slice_equal(ratls_slice(pin->name, pin->name_len),
                              ratls_slice(a->ak_name, a->ak_name_len)))
            return true;
    }
    return false;
}

/*
 * Whether a key of this Name may turn out to be trusted. For any other nothing is done that costs
 * more than to look: who sends evidence by a key of his own must not make us verify it.
 */
static bool may_be_trusted(const struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;

    return is_pinned(a) ||
           (a->rules->issuer_count > 0 &&
            (a->evidence.certificate_count > 0 ||
             ratls_key_cache_chain_known(a->rules->keys, ratls_slice(a->ak_name, a->ak_name_len),
                                         NULL, e->server_name, e->now)));
}

/*
 * Makes the key's Name, and the key itself if it may be one to trust. RATLS_MALFORMED if there is
 * no such key, or none that anybody should use: why->text says so, or is empty.
 */
static enum ratls_status make_key(struct ratls_appraisal *a, struct ratls_error *why)
{
    enum ratls_status status;

    if (!ratls_tpm_is_strong_hash(a->ak.name_alg))
        return RATLS_MALFORMED;
    status = ratls_tpm_name(&a->ak, a->ak_name, &a->ak_name_len, a->err);
    if (status != RATLS_OK)
        return status;
    a->is_denied =
        ratls_denied_keys_have(&a->rules->denied_keys, ratls_slice(a->ak_name, a->ak_name_len));
    if (a->is_denied || !may_be_trusted(a))
        return RATLS_OK;
    status = ratls_key_cache_get(a->rules->keys, &a->ak, ratls_slice(a->ak_name, a->ak_name_len),
                                 &a->key, why);
    return status == RATLS_OK || status == RATLS_MALFORMED
               ? status
               : ratls_fail(a->err, status, "%s", why->text);
}

/*
 * The peer says which of the keys that we named it is: what that key is comes from our side. The
 * check has failed, and ak_public is empty, if we named no such key. No request is behind the
 * evidence of a certificate.
 */
static enum ratls_status take_named(struct ratls_appraisal *a)
{
    const struct ratls_submission *s = a->submission;
    const struct ratls_expectation *e = s->expectation;
    struct ratls_evidence *evidence = &a->evidence;
    const size_t named = e->mode == RATLS_MODE_CERTIFICATE ? 0 : s->key_id_count;
    const bool is_named = evidence->ak_index < named;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    size_t len = 0;
    enum ratls_status status = RATLS_OK;

    if (is_named)
        status = ratls_key_cache_named(a->rules->keys, s->key_ids[evidence->ak_index],
                                       e->server_name, a->ak_area, &len, a->err);
    evidence->ak_public = ratls_slice(a->ak_area, len);
    if (status != RATLS_OK || len != 0)
        return status;
    if (ratls_check_decide(a->report, RATLS_CHECK_AK_FORMAT, false)) {
        snprintf(expected, sizeof expected, "a TPMT_PUBLIC%s",
                 named == 0 ? ": the request named no key" : ", or a key that the request named");
        snprintf(actual, sizeof actual, "key %zu of the request, which named %zu%s",
                 evidence->ak_index, named, is_named ? "; it is not at hand any more" : "");
        ratls_check_say(a->report, RATLS_CHECK_AK_FORMAT, "quote.ak-public", expected, actual);
    }
    return RATLS_OK;
}

static enum ratls_status check_format(struct ratls_appraisal *a)
{
    char actual[RATLS_VALUE_MAX];
    struct ratls_error why = {0};
    bool readable = ratls_tpm_read_public(a->evidence.ak_public, &a->ak);
    enum ratls_status status = readable ? make_key(a, &why) : RATLS_MALFORMED;

    if (status != RATLS_OK && status != RATLS_MALFORMED)
        return status;
    if (!ratls_check_decide(a->report, RATLS_CHECK_AK_FORMAT, status == RATLS_OK))
        return RATLS_OK;
    snprintf(actual, sizeof actual, "%s, name by %s, %zu bytes%s%.90s",
             readable ? ratls_tpm_alg_name(a->ak.type) : "unreadable",
             readable ? ratls_tpm_alg_name(a->ak.name_alg) : "none", a->evidence.ak_public.len,
             !readable ? "" : ", ", readable && why.text[0] == '\0' ? "no such key" : why.text);
    ratls_check_say(a->report, RATLS_CHECK_AK_FORMAT, "quote.ak-public",
                    "a TPMT_PUBLIC: P-256, P-384, P-521, or RSA of 2048 to 4096 bits with "
                    "exponent 65537; name by SHA-2",
                    actual);
    return RATLS_OK;
}

enum ratls_status ratls_check_ak(struct ratls_appraisal *a)
{
    enum ratls_status status = RATLS_OK;

    if (a->evidence.is_ak_named)
        status = take_named(a);
    if (status != RATLS_OK || a->evidence.ak_public.len == 0)
        return status;
    return check_format(a);
}
