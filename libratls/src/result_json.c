#include "result_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "fail.h"
#include "refvals_json.h"
#include "request.h"

#define DEPTH_MAX 8
#define TEXT_MAX 8192 /* all texts and bytes at their longest have less than 6000 */

/* Names of claims: RFC 7519, RFC 9711, draft-ietf-rats-ear; the last one is ours. */
#define PROFILE "eat_profile"
#define ISSUED_AT "iat"
#define EXPIRES_AT "exp"
#define NONCE "eat_nonce"
#define SUBMODS "submods"
#define VERIFIER "ear_verifier_id"
#define STATUS "ear_status"
#define TRUST "ear_trustworthiness_vector"
#define POLICY_IDS "ear_appraisal_policy_ids"
#define KEY_ATTESTATION "ear_veraison_key_attestation"
#define AKPUB "akpub"
#define QUOTE "ear_ratls"

/* ---- writer ---- */

/* Takes the value. */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0)
        *failed = true;
}

static void put_text(json_t *object, const char *key, struct ratls_slice text, bool *failed)
{
    if (text.len > 0)
        put(object, key, json_stringn((const char *)text.p, text.len), failed);
}

/* RFC 9711, 7.2.2: bytes are base64url without padding. */
static void put_bytes(json_t *object, const char *key, struct ratls_slice bytes, bool *failed)
{
    char text[RATLS_BASE64URL_LEN(RATLS_RESULT_SPKI_MAX)];
    struct ratls_writer w = ratls_writer((uint8_t *)text, sizeof text);

    if (bytes.len == 0)
        return;
    ratls_base64url_write(bytes, &w);
    *failed = *failed || w.failed;
    put(object, key, json_stringn(text, w.len), failed);
}

static void put_number(json_t *object, const char *key, uint64_t number, bool *failed)
{
    put(object, key, json_integer((json_int_t)number), failed);
}

static json_t *make_trust(const struct ratls_result *result, bool *failed)
{
    json_t *trust = json_object();

    for (int i = 0; i < RATLS_TRUST_COUNT; i++)
        if (result->trust[i] != 0)
            put(trust, ratls_trust_name((enum ratls_trust)i), json_integer(result->trust[i]),
                failed);
    if (json_object_size(trust) == 0) /* must not be empty: a claim of 0 says nothing */
        put(trust, ratls_trust_name(RATLS_TRUST_INSTANCE_IDENTITY), json_integer(0), failed);
    return trust;
}

static json_t *make_selection(const struct ratls_pcr_selection *selection, bool *failed)
{
    json_t *object = json_object();

    for (size_t i = 0; i < selection->count; i++) {
        json_t *pcrs = json_array();

        for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++)
            if ((selection->banks[i].pcrs >> pcr & 1) != 0 &&
                json_array_append_new(pcrs, json_integer(pcr)) != 0)
                *failed = true;
        put(object, ratls_tpm_hash_name(selection->banks[i].hash_alg), pcrs, failed);
    }
    return object;
}

static json_t *make_quote(const struct ratls_result *result, bool *failed)
{
    json_t *quote = json_object();

    put_text(quote, "server-name", result->server_name, failed);
    put_text(quote, "service", result->service, failed);
    put_bytes(quote, "spki-sha256", result->spki_sha256, failed);
    if (!result->has_state)
        return quote;
    put_bytes(quote, "ak-name", result->ak_name, failed);
    put(quote, "pcr-selection", make_selection(&result->selection, failed), failed);
    put_bytes(quote, "pcr-digest", result->pcr_digest, failed);
    put_number(quote, "reset-count", result->reset_count, failed);
    put_number(quote, "restart-count", result->restart_count, failed);
    return quote;
}

static json_t *make_appraisal(const struct ratls_result *result, bool *failed)
{
    json_t *appraisal = json_object(), *list, *key;

    put(appraisal, STATUS, json_string(ratls_tier_name((enum ratls_tier)result->status)), failed);
    put(appraisal, TRUST, make_trust(result, failed), failed);
    if (result->policy_id.len > 0) {
        list = json_array();
        if (json_array_append_new(
                list, json_stringn((const char *)result->policy_id.p, result->policy_id.len)) != 0)
            *failed = true;
        put(appraisal, POLICY_IDS, list, failed);
    }
    put_bytes(appraisal, NONCE, result->nonce, failed);
    if (result->key.len > 0) {
        key = json_object();
        put_bytes(key, AKPUB, result->key, failed);
        put(appraisal, KEY_ATTESTATION, key, failed);
    }
    if (result->is_ratls)
        put(appraisal, QUOTE, make_quote(result, failed), failed);
    return appraisal;
}

static json_t *make_claims(const struct ratls_result *result, bool *failed)
{
    json_t *claims = json_object(), *verifier = json_object(), *submods = json_object();

    put_text(claims, PROFILE, result->profile, failed);
    put_number(claims, ISSUED_AT, result->issued_at, failed);
    if (result->has_expiry)
        put_number(claims, EXPIRES_AT, result->expires_at, failed);
    put_text(verifier, "developer", result->developer, failed);
    put_text(verifier, "build", result->build, failed);
    put(claims, VERIFIER, verifier, failed);
    put(submods, RATLS_RESULT_SUBMOD, make_appraisal(result, failed), failed);
    put(claims, SUBMODS, submods, failed);
    return claims;
}

enum ratls_status ratls_result_json_write(const struct ratls_result *result, char **ret_text,
                                          struct ratls_error *err)
{
    char *text = malloc(TEXT_MAX + 1);
    bool failed = text == NULL;
    json_t *claims;
    size_t len;

    if (!ratls_result_valid(result)) {
        free(text);
        return ratls_fail(err, RATLS_USAGE, "a result that does not keep to its format");
    }
    claims = make_claims(result, &failed);
    /* Not json_dumps(): what that has no memory for is missing from its text without a word. */
    len = failed ? 0 : json_dumpb(claims, text, TEXT_MAX, JSON_COMPACT);
    json_decref(claims);
    if (len == 0 || len > TEXT_MAX) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    text[len] = '\0';
    *ret_text = text;
    return RATLS_OK;
}

/* ---- reader ---- */

/* Errors stick. What the result borrows goes behind each other: it is shorter than its text. */
struct source {
    struct ratls_writer kept;
    bool failed;
};

/* NULL: it is not there, which is wrong if it is required. */
static json_t *get(struct source *s, json_t *object, const char *key, bool is_required)
{
    json_t *value = json_object_get(object, key);

    if (value == NULL && is_required)
        s->failed = true;
    return value;
}

static struct ratls_slice keep_text(struct source *s, json_t *value)
{
    size_t begin = s->kept.len;
    struct ratls_slice text = ratls_slice(json_string_value(value), json_string_length(value));

    if (value == NULL)
        return ratls_slice(NULL, 0);
    if (!json_is_string(value) || text.len == 0)
        s->failed = true;
    ratls_write_bytes(&s->kept, text);
    return ratls_slice(s->kept.p + begin, s->kept.len - begin);
}

static struct ratls_slice keep_bytes(struct source *s, json_t *value)
{
    struct ratls_slice text = ratls_slice(json_string_value(value), json_string_length(value));
    uint8_t bytes[RATLS_BASE64URL_BYTES(2 * RATLS_RESULT_SPKI_MAX)];
    size_t begin = s->kept.len, len = 0;

    if (value == NULL)
        return ratls_slice(NULL, 0);
    if (!json_is_string(value) || text.len == 0 || text.len > 2 * RATLS_RESULT_SPKI_MAX ||
        !ratls_base64url_read(text, bytes, &len))
        s->failed = true;
    ratls_write_bytes(&s->kept, ratls_slice(bytes, s->failed ? 0 : len));
    return ratls_slice(s->kept.p + begin, s->kept.len - begin);
}

/* Draft-ietf-rats-ear: a number with a fraction or an exponent is an error. */
static int64_t read_number(struct source *s, json_t *value, int64_t min, int64_t max)
{
    json_int_t number = json_integer_value(value);

    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || number < min || number > max) {
        s->failed = true;
        return 0;
    }
    return number;
}

static void read_trust(struct source *s, json_t *trust, struct ratls_result *result)
{
    size_t known = 0;

    for (int i = 0; i < RATLS_TRUST_COUNT; i++) {
        json_t *claim = json_object_get(trust, ratls_trust_name((enum ratls_trust)i));

        known += claim != NULL;
        result->trust[i] = (int8_t)read_number(s, claim, INT8_MIN, INT8_MAX);
    }
    /* One that is not known may be the worst of them. */
    if (known == 0 || json_object_size(trust) != known)
        s->failed = true;
}

static uint64_t read_status(struct source *s, json_t *value)
{
    static const enum ratls_tier tiers[] = {RATLS_TIER_NONE, RATLS_TIER_AFFIRMING,
                                            RATLS_TIER_WARNING, RATLS_TIER_CONTRAINDICATED};
    const char *name = json_string_value(value);

    for (size_t i = 0; name != NULL && i < sizeof tiers / sizeof *tiers; i++)
        if (strcmp(name, ratls_tier_name(tiers[i])) == 0)
            return tiers[i];
    s->failed = true;
    return RATLS_TIER_NONE;
}

static uint32_t read_pcrs(struct source *s, json_t *list)
{
    uint32_t pcrs = 0;
    json_t *item;
    size_t i;

    if (!json_is_array(list))
        s->failed = true;
    json_array_foreach(list, i, item)
    {
        uint32_t bit = UINT32_C(1) << read_number(s, item, 0, RATLS_PCR_COUNT - 1);

        if ((pcrs & bit) != 0)
            s->failed = true;
        pcrs |= bit;
    }
    return pcrs;
}

/* In the order of the banks, whatever the order in the text. */
static void read_selection(struct source *s, json_t *object, struct ratls_result *result)
{
    static const uint16_t banks[] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384, RATLS_ALG_SHA512};
    struct ratls_pcr_selection *selection = &result->selection;

    for (size_t i = 0; i < sizeof banks / sizeof *banks; i++) {
        json_t *pcrs = json_object_get(object, ratls_tpm_hash_name(banks[i]));

        if (pcrs != NULL)
            selection->banks[selection->count++] =
                (struct ratls_pcr_bank){.hash_alg = banks[i], .pcrs = read_pcrs(s, pcrs)};
    }
    if (json_object_size(object) != selection->count)
        s->failed = true;
}

static void read_quote(struct source *s, json_t *quote, struct ratls_result *result)
{
    result->is_ratls = quote != NULL;
    result->has_state = json_object_get(quote, "ak-name") != NULL;
    if (!result->is_ratls)
        return;
    result->server_name = keep_text(s, get(s, quote, "server-name", false));
    result->service = keep_text(s, get(s, quote, "service", true));
    result->spki_sha256 = keep_bytes(s, get(s, quote, "spki-sha256", true));
    result->ak_name = keep_bytes(s, get(s, quote, "ak-name", false));
    read_selection(s, get(s, quote, "pcr-selection", result->has_state), result);
    result->pcr_digest = keep_bytes(s, get(s, quote, "pcr-digest", result->has_state));
    result->reset_count =
        (uint32_t)read_number(s, get(s, quote, "reset-count", result->has_state), 0, UINT32_MAX);
    result->restart_count =
        (uint32_t)read_number(s, get(s, quote, "restart-count", result->has_state), 0, UINT32_MAX);
}

static void read_appraisal(struct source *s, json_t *submods, struct ratls_result *result)
{
    json_t *appraisal = get(s, submods, RATLS_RESULT_SUBMOD, true);
    json_t *list = json_object_get(appraisal, POLICY_IDS);

    if (json_object_size(submods) != 1 || (list != NULL && json_array_size(list) == 0) ||
        json_array_size(list) > RATLS_RESULT_POLICIES_MAX)
        s->failed = true;
    result->status = read_status(s, get(s, appraisal, STATUS, true));
    read_trust(s, get(s, appraisal, TRUST, true), result);
    result->policy_id = keep_text(s, json_array_get(list, 0));
    result->nonce = keep_bytes(s, get(s, appraisal, NONCE, false));
    result->key = keep_bytes(s, json_object_get(get(s, appraisal, KEY_ATTESTATION, false), AKPUB));
    read_quote(s, json_object_get(appraisal, QUOTE), result);
}

static void read_claims(struct source *s, json_t *claims, struct ratls_result *result)
{
    json_t *verifier = get(s, claims, VERIFIER, true);
    json_t *expires_at = get(s, claims, EXPIRES_AT, false);

    result->profile = keep_text(s, get(s, claims, PROFILE, true));
    result->issued_at = (uint64_t)read_number(s, get(s, claims, ISSUED_AT, true), 0, INT64_MAX);
    result->has_expiry = expires_at != NULL;
    result->expires_at = (uint64_t)read_number(s, expires_at, 0, INT64_MAX);
    result->developer = keep_text(s, get(s, verifier, "developer", true));
    result->build = keep_text(s, get(s, verifier, "build", true));
    read_appraisal(s, get(s, claims, SUBMODS, true), result);
}

static enum ratls_status load(struct ratls_slice text, json_t **ret_json, struct ratls_error *err)
{
    struct ratls_error why = {0};
    enum ratls_status status = ratls_refvals_json("JSON", text, DEPTH_MAX, ret_json, &why);

    if (status == RATLS_USAGE)
        return ratls_fail(err, RATLS_MALFORMED, "%s", why.text);
    return status == RATLS_OK ? status : ratls_fail(err, status, "%s", why.text);
}

enum ratls_status ratls_result_json_read(struct ratls_slice text, struct ratls_result_json *ret,
                                         struct ratls_error *err)
{
    struct ratls_result_json json = {.bytes = malloc(text.len + 1)};
    struct source s = {.kept = ratls_writer(json.bytes, text.len)};
    json_t *claims = NULL;
    enum ratls_status status = load(text, &claims, err);

    if (json.bytes == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (status == RATLS_OK)
        read_claims(&s, claims, &json.result);
    json_decref(claims);
    if (status == RATLS_OK && (s.failed || s.kept.failed || !ratls_result_valid(&json.result)))
        status = ratls_fail(err, RATLS_MALFORMED, "JSON, but not the claims of a result (EAR)");
    if (status != RATLS_OK)
        ratls_result_json_done(&json);
    else
        *ret = json;
    return status;
}

void ratls_result_json_done(struct ratls_result_json *json)
{
    free(json->bytes);
    *json = (struct ratls_result_json){0};
}

enum ratls_status ratls_result_json_alg(struct ratls_slice header, char *out, size_t cap,
                                        struct ratls_error *err)
{
    json_t *json = NULL;
    enum ratls_status status = load(header, &json, err);
    const char *alg = json_string_value(json_object_get(json, "alg"));

    if (status != RATLS_OK)
        return status;
    snprintf(out, cap, "%s", alg != NULL && strlen(alg) < cap ? alg : "");
    /* RFC 7515, 4.1.11: extensions that must be understood; none is. */
    if (json_object_get(json, "crit") != NULL)
        status = ratls_fail(err, RATLS_MALFORMED,
                            "the header of the JWT has a crit that is not understood");
    json_decref(json);
    return status;
}
