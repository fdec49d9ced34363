#include "result.h"

#include <string.h>

#include "cbor.h"
#include "request.h"

/* Keys of claims: RFC 8392 (4), RFC 9711 (10.2), draft-ietf-rats-ear (IANA Considerations). */
#define EXPIRES_AT 4
#define ISSUED_AT 6
#define NONCE 10
#define PROFILE 265
#define SUBMODS 266
#define STATUS 1000
#define TRUST 1001
#define POLICY_IDS 1003
#define VERIFIER 1004
#define DEVELOPER 0
#define BUILD 1
#define KEY_ATTESTATION (-70002) /* draft-ietf-rats-ear, Project Veraison Extensions */
#define AKPUB "akpub"
#define QUOTE (-70300) /* ours: below -65536 (RFC 8392, 9.1.1); a map, as the draft wants */

/* In the map of the claim of ours, in this order. */
enum quote_label {
    SERVER_NAME = 1,
    SERVICE,
    SPKI_SHA256,
    AK_NAME, /* from here on all or none */
    SELECTION,
    PCR_DIGEST,
    RESET_COUNT,
    RESTART_COUNT,
};

#define CLAIMS_MAX 32 /* of a map, with those that are not known */
#define ALL_CLAIMS_OF_STATE 5
#define NAME_MIN 3 /* the algorithm, and a digest */

/* Which claims of a map were there. */
struct keys {
    struct ratls_cbor *c;
    struct ratls_slice last; /* as it is encoded */
};

/* RFC 8949, 4.2.1: in the bytewise order of their encodings. */
static bool is_behind(struct ratls_slice key, struct ratls_slice last)
{
    size_t common = key.len < last.len ? key.len : last.len;
    int order = common == 0 ? 0 : memcmp(key.p, last.p, common);

    return order > 0 || (order == 0 && key.len > last.len);
}

/*
 * The next key of a map, if it is an integer; 0, which is no key of these maps but of the two in
 * which it is asked for, if it is a text. Others are refused.
 */
static int64_t next_key(struct keys *keys)
{
    struct ratls_cbor *c = keys->c;
    struct ratls_slice key = c->rest;
    int64_t number = 0;

    if (ratls_cbor_peek(c) == RATLS_CBOR_TEXT)
        ratls_cbor_skip(c);
    else
        number = ratls_cbor_int(c, INT64_MIN, INT64_MAX);
    key.len -= c->rest.len;
    if (c->failed || !is_behind(key, keys->last))
        c->failed = true;
    keys->last = key;
    return number;
}

static struct ratls_slice read_text(struct ratls_cbor *c)
{
    return ratls_cbor_text(c, 1, RATLS_RESULT_TEXT_MAX);
}

static void read_verifier(struct ratls_cbor *c, struct ratls_result *result)
{
    ratls_cbor_map(c, 2, 2);
    ratls_cbor_expect_uint(c, DEVELOPER);
    result->developer = read_text(c);
    ratls_cbor_expect_uint(c, BUILD);
    result->build = read_text(c);
}

static void read_trust(struct ratls_cbor *c, struct ratls_result *result)
{
    size_t count = ratls_cbor_map(c, 1, RATLS_TRUST_COUNT);
    uint64_t lowest = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t claim = ratls_cbor_uint(c, RATLS_TRUST_COUNT - 1);

        if (claim < lowest)
            c->failed = true;
        lowest = claim + 1;
        result->trust[claim] = (int8_t)ratls_cbor_int(c, INT8_MIN, INT8_MAX);
    }
}

static void read_policies(struct ratls_cbor *c, struct ratls_result *result)
{
    size_t count = ratls_cbor_array(c, 1, RATLS_RESULT_POLICIES_MAX);

    for (size_t i = 0; i < count; i++) {
        struct ratls_slice id = read_text(c);

        if (i == 0)
            result->policy_id = id;
    }
}

/* Draft-ietf-rats-ear, Project Veraison Extensions: a map, whose other members are not known. */
static void read_key(struct ratls_cbor *c, struct ratls_result *result)
{
    ratls_cbor_map(c, 1, 1);
    ratls_cbor_expect_text(c, AKPUB);
    result->key = ratls_cbor_bytes(c, 1, RATLS_RESULT_SPKI_MAX);
}

/* Which claims of the state there are; the caller counts. */
static void read_quote_claim(struct ratls_cbor *c, int64_t label, struct ratls_result *result)
{
    switch (label) {
    case SERVER_NAME:
        result->server_name = read_text(c);
        break;
    case SERVICE:
        result->service = ratls_cbor_text(c, 1, RATLS_SERVICE_MAX);
        break;
    case SPKI_SHA256:
        result->spki_sha256 = ratls_cbor_bytes(c, RATLS_SPKI_HASH_LEN, RATLS_SPKI_HASH_LEN);
        break;
    case AK_NAME:
        result->ak_name = ratls_cbor_bytes(c, NAME_MIN, RATLS_TPM_NAME_MAX);
        break;
    case SELECTION:
        ratls_selection_read(c, &result->selection);
        break;
    case PCR_DIGEST:
        result->pcr_digest = ratls_cbor_bytes(c, 1, RATLS_RESULT_DIGEST_MAX);
        break;
    case RESET_COUNT:
        result->reset_count = (uint32_t)ratls_cbor_uint(c, UINT32_MAX);
        break;
    case RESTART_COUNT:
        result->restart_count = (uint32_t)ratls_cbor_uint(c, UINT32_MAX);
        break;
    default:
        ratls_cbor_skip(c);
    }
}

static void read_quote(struct ratls_cbor *c, struct ratls_result *result)
{
    size_t count = ratls_cbor_map(c, 1, CLAIMS_MAX);
    struct keys keys = {.c = c};
    unsigned of_state = 0;

    for (size_t i = 0; i < count && !c->failed; i++) {
        int64_t label = next_key(&keys);

        of_state += label >= AK_NAME && label <= RESTART_COUNT;
        read_quote_claim(c, label, result);
    }
    if (of_state != 0 && of_state != ALL_CLAIMS_OF_STATE)
        c->failed = true;
    result->has_state = of_state == ALL_CLAIMS_OF_STATE;
    result->is_ratls = true;
}

static void read_appraisal_claim(struct ratls_cbor *c, int64_t key, struct ratls_result *result)
{
    switch (key) {
    case NONCE:
        result->nonce = ratls_cbor_bytes(c, RATLS_RESULT_NONCE_MIN, RATLS_RESULT_NONCE_MAX);
        break;
    case STATUS:
        result->status = ratls_cbor_uint(c, RATLS_TIER_CONTRAINDICATED);
        break;
    case TRUST:
        read_trust(c, result);
        break;
    case POLICY_IDS:
        read_policies(c, result);
        break;
    case KEY_ATTESTATION:
        read_key(c, result);
        break;
    case QUOTE:
        read_quote(c, result);
        break;
    default:
        ratls_cbor_skip(c);
    }
}

/* A vector is there, or nobody could ask whether the status is better. */
static void read_appraisal(struct ratls_cbor *c, struct ratls_result *result)
{
    size_t count;
    struct keys keys = {.c = c};
    bool has_status = false, has_trust = false;

    ratls_cbor_map(c, 1, 1); /* one server, one appraisal */
    ratls_cbor_expect_text(c, RATLS_RESULT_SUBMOD);
    count = ratls_cbor_map(c, 1, CLAIMS_MAX);
    for (size_t i = 0; i < count && !c->failed; i++) {
        int64_t key = next_key(&keys);

        has_status = has_status || key == STATUS;
        has_trust = has_trust || key == TRUST;
        read_appraisal_claim(c, key, result);
    }
    if (!has_status || !has_trust)
        c->failed = true;
}

static void read_claim(struct ratls_cbor *c, int64_t key, struct ratls_result *result)
{
    switch (key) {
    case EXPIRES_AT:
        result->expires_at = ratls_cbor_uint(c, INT64_MAX);
        result->has_expiry = true;
        break;
    case ISSUED_AT:
        result->issued_at = ratls_cbor_uint(c, INT64_MAX);
        break;
    case PROFILE:
        result->profile = read_text(c);
        break;
    case VERIFIER:
        read_verifier(c, result);
        break;
    case SUBMODS:
        read_appraisal(c, result);
        break;
    default:
        ratls_cbor_skip(c);
    }
}

bool ratls_result_read(struct ratls_slice in, struct ratls_result *ret)
{
    static const int64_t required[] = {ISSUED_AT, PROFILE, SUBMODS, VERIFIER};
    struct ratls_cbor c = ratls_cbor(in);
    struct keys keys = {.c = &c};
    struct ratls_result result = {0};
    size_t count = ratls_cbor_map(&c, 1, CLAIMS_MAX);
    size_t found = 0;

    for (size_t i = 0; i < count && !c.failed; i++) {
        int64_t key = next_key(&keys);

        for (size_t j = 0; j < sizeof required / sizeof *required; j++)
            found += key == required[j];
        read_claim(&c, key, &result);
    }
    if (!ratls_cbor_done(&c) || found != sizeof required / sizeof *required ||
        !ratls_result_valid(&result))
        return false;
    *ret = result;
    return true;
}

static void put_text(struct ratls_writer *w, const char *text)
{
    ratls_cbor_put_text(w, ratls_slice(text, strlen(text)));
}

static void write_trust(const struct ratls_result *result, struct ratls_writer *w)
{
    size_t count = 0;

    for (size_t i = 0; i < RATLS_TRUST_COUNT; i++)
        count += result->trust[i] != 0;
    /* The map must not be empty: a claim of 0 says nothing. */
    ratls_cbor_put_map(w, count == 0 ? 1 : count);
    for (size_t i = 0; i < RATLS_TRUST_COUNT; i++) {
        if (result->trust[i] == 0 && (count > 0 || i > 0))
            continue;
        ratls_cbor_put_uint(w, i);
        ratls_cbor_put_int(w, result->trust[i]);
    }
}

static void write_quote(const struct ratls_result *result, struct ratls_writer *w)
{
    ratls_cbor_put_map(w, (size_t)(result->server_name.len > 0) + 2 +
                              (result->has_state ? ALL_CLAIMS_OF_STATE : 0));
    if (result->server_name.len > 0) {
        ratls_cbor_put_uint(w, SERVER_NAME);
        ratls_cbor_put_text(w, result->server_name);
    }
    ratls_cbor_put_uint(w, SERVICE);
    ratls_cbor_put_text(w, result->service);
    ratls_cbor_put_uint(w, SPKI_SHA256);
    ratls_cbor_put_bytes(w, result->spki_sha256);
    if (!result->has_state)
        return;
    ratls_cbor_put_uint(w, AK_NAME);
    ratls_cbor_put_bytes(w, result->ak_name);
    ratls_cbor_put_uint(w, SELECTION);
    ratls_selection_write(&result->selection, w);
    ratls_cbor_put_uint(w, PCR_DIGEST);
    ratls_cbor_put_bytes(w, result->pcr_digest);
    ratls_cbor_put_uint(w, RESET_COUNT);
    ratls_cbor_put_uint(w, result->reset_count);
    ratls_cbor_put_uint(w, RESTART_COUNT);
    ratls_cbor_put_uint(w, result->restart_count);
}

static void write_appraisal(const struct ratls_result *result, struct ratls_writer *w)
{
    ratls_cbor_put_map(w, 1);
    put_text(w, RATLS_RESULT_SUBMOD);
    ratls_cbor_put_map(w, 2 + (size_t)(result->nonce.len > 0) +
                              (size_t)(result->policy_id.len > 0) + (size_t)(result->key.len > 0) +
                              (size_t)result->is_ratls);
    if (result->nonce.len > 0) {
        ratls_cbor_put_uint(w, NONCE);
        ratls_cbor_put_bytes(w, result->nonce);
    }
    ratls_cbor_put_uint(w, STATUS);
    ratls_cbor_put_uint(w, result->status);
    ratls_cbor_put_uint(w, TRUST);
    write_trust(result, w);
    if (result->policy_id.len > 0) {
        ratls_cbor_put_uint(w, POLICY_IDS);
        ratls_cbor_put_array(w, 1);
        ratls_cbor_put_text(w, result->policy_id);
    }
    if (result->key.len > 0) {
        ratls_cbor_put_int(w, KEY_ATTESTATION);
        ratls_cbor_put_map(w, 1);
        put_text(w, AKPUB);
        ratls_cbor_put_bytes(w, result->key);
    }
    if (result->is_ratls) {
        ratls_cbor_put_int(w, QUOTE);
        write_quote(result, w);
    }
}

void ratls_result_write(const struct ratls_result *result, struct ratls_writer *w)
{
    if (!ratls_result_valid(result)) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_map(w, 4 + (size_t)result->has_expiry);
    if (result->has_expiry) {
        ratls_cbor_put_uint(w, EXPIRES_AT);
        ratls_cbor_put_uint(w, result->expires_at);
    }
    ratls_cbor_put_uint(w, ISSUED_AT);
    ratls_cbor_put_uint(w, result->issued_at);
    ratls_cbor_put_uint(w, PROFILE);
    ratls_cbor_put_text(w, result->profile);
    ratls_cbor_put_uint(w, SUBMODS);
    write_appraisal(result, w);
    ratls_cbor_put_uint(w, VERIFIER);
    ratls_cbor_put_map(w, 2);
    ratls_cbor_put_uint(w, DEVELOPER);
    ratls_cbor_put_text(w, result->developer);
    ratls_cbor_put_uint(w, BUILD);
    ratls_cbor_put_text(w, result->build);
}
