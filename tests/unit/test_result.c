/* The claims of a result in CBOR and in JSON, and what stands around them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "octets.h"
#include "result_json.h"
#include "result_sample.h"

static struct octets encode(const struct ratls_result *result)
{
    uint8_t out[RATLS_RESULT_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    ratls_result_write(result, &w);
    cr_assert_not(w.failed);
    return octets_copy(w.p, w.len);
}

static bool accepts(struct ratls_slice in)
{
    struct ratls_result result;

    return ratls_result_read(in, &result);
}

static void expect_same_claims(const struct ratls_result *a, const struct ratls_result *b)
{
    const struct ratls_slice of_a[] = {a->profile, a->developer,   a->build,     a->policy_id,
                                       a->nonce,   a->key,         a->service,   a->server_name,
                                       a->ak_name, a->spki_sha256, a->pcr_digest};
    const struct ratls_slice of_b[] = {b->profile, b->developer,   b->build,     b->policy_id,
                                       b->nonce,   b->key,         b->service,   b->server_name,
                                       b->ak_name, b->spki_sha256, b->pcr_digest};

    for (size_t i = 0; i < sizeof of_a / sizeof *of_a; i++)
        cr_expect(ratls_slice_equal(of_a[i], of_b[i]), "%zu", i);
    cr_expect(a->issued_at == b->issued_at && a->has_expiry == b->has_expiry &&
              a->expires_at == b->expires_at && a->status == b->status);
    cr_expect(memcmp(a->trust, b->trust, sizeof a->trust) == 0);
    cr_expect(a->is_ratls == b->is_ratls && a->has_state == b->has_state &&
              a->reset_count == b->reset_count && a->restart_count == b->restart_count);
    cr_expect_eq(a->selection.count, b->selection.count);
    for (size_t i = 0; i < a->selection.count; i++)
        cr_expect(a->selection.banks[i].hash_alg == b->selection.banks[i].hash_alg &&
                  a->selection.banks[i].pcrs == b->selection.banks[i].pcrs);
}

static void expect_cbor_again(struct ratls_result result)
{
    struct octets bytes = encode(&result);
    struct ratls_result read;
    struct octets again;

    cr_assert(ratls_result_read(octets_slice(bytes), &read));
    expect_same_claims(&result, &read);
    again = encode(&read);
    cr_expect(ratls_slice_equal(octets_slice(again), octets_slice(bytes)));
    free(again.p);
    free(bytes.p);
}

Test(result, cbor_comes_back)
{
    struct ratls_result result = sample_result();

    expect_cbor_again(result);
    expect_cbor_again(sample_smallest());
    result.has_state = false;
    result.ak_name = result.pcr_digest = ratls_slice(NULL, 0);
    result.selection.count = 0;
    result.reset_count = result.restart_count = 0;
    expect_cbor_again(result);
    for (int i = INT8_MIN; i <= INT8_MAX; i++) {
        result = sample_result();
        result.trust[i & 7] = (int8_t)i;
        expect_cbor_again(result);
    }
}

Test(result, only_the_whole_is_read)
{
    struct ratls_result result = sample_result();
    struct octets bytes = encode(&result);

    assert_only_whole(octets_slice(bytes), accepts);
    free(bytes.p);
}

/* A place in good bytes, and what stands there instead. */
struct patch {
    const char *name;
    const char *from; /* hexadecimal; occurs once */
    const char *to;
};

static struct octets apply(struct octets bytes, const struct patch *patch)
{
    struct octets from = octets_from_hex(patch->from), to = octets_from_hex(patch->to);
    struct octets out = {.p = malloc(bytes.len + to.len)};
    uint8_t *place = memmem(bytes.p, bytes.len, from.p, from.len);
    size_t before, behind;

    cr_assert_not_null(place, "%s", patch->name);
    before = (size_t)(place - bytes.p);
    behind = before + from.len;
    memcpy(out.p, bytes.p, before);
    memcpy(out.p + before, to.p, to.len);
    memcpy(out.p + before + to.len, bytes.p + behind, bytes.len - behind);
    out.len = before + to.len + bytes.len - behind;
    cr_assert_null(memmem(place + 1, bytes.len - before - 1, from.p, from.len), "%s", patch->name);
    free(from.p);
    free(to.p);
    return out;
}

/* a5: five claims; 04 exp, 06 iat, 1a6b49d200 and 1a6b49e010 the times; 1903e8 ear_status. */
static const struct patch damages[] = {
    {"exp as a float", "041a6b49e010", "04fa4ed693a4"},
    {"exp as a double", "041a6b49e010", "04fb41dad2780400000000"},
    {"exp as a text", "041a6b49e010", "046131"},
    {"exp that is negative", "041a6b49e010", "0420"},
    {"exp of more than 63 bits", "041a6b49e010", "041bffffffffffffffff"},
    {"iat as a float", "061a6b49d200", "06fa4ed693a4"},
    {"iat twice, and no exp", "041a6b49e010", "061a6b49d200"},
    {"no iat", "061a6b49d200", "051a6b49d200"},
    {"exp behind iat", "041a6b49e010061a6b49d200", "061a6b49d200041a6b49e010"},
    {"a time that is not the shortest", "041a6b49e010", "041b000000006b49e010"},
    {"no profile", "190109781d", "190108781d"},
    {"no submods", "19010aa1", "19010ba1"},
    {"another label", "695241544c535f54504d", "695241544c535f54504e"},
    {"no ear_verifier_id", "1903eca2", "1903eda2"},
    {"a claim too many", "a5041a", "a6041a"},
    {"an indefinite map", "a5041a", "bf041a"},
    {"no map", "a5041a", "85041a"},
    {"a tier that is none", "1903e802", "1903e803"},
    {"a status as a text", "1903e802", "1903e86161"},
    {"no status", "1903e802", "1903e702"},
    {"a vector with a claim of its own", "a200020203", "a200020803"},
    {"a vector that goes back", "a200020203", "a202030002"},
    {"a vector with a claim twice", "a200020203", "a200020003"},
    {"a claim of more than 127", "a200020203", "a20002021880"},
    {"a claim of less than -128", "a200020203", "a20002023880"},
    {"a claim as a float", "a200020203", "a2000202f94200"},
    {"an empty vector", "a200020203", "a0"},
    {"an empty list of policies", "1903eb81697368613235363a3030", "1903eb80"},
    {"a policy that is no text", "1903eb81697368613235363a3030", "1903eb8100"},
    {"a nonce of 7 bytes", "0a58206e", "0a476e6e6e6e6e6e6e0b5818"},
    {"a selection of nothing", "0581820b880001020304050607", "0580"},
    {"a selection with PCR 24", "0581820b880001020304050607", "0581820b8818180102030405060718"},
    {"the state without its key", "04582261", "09582261"},
    {"a reset count of 33 bits", "0707", "071b0000000100000000"},
    {"a service that is empty", "026764656661756c74", "0260"},
    {"a name with a line end", "6c62616e6b2e6578616d706c65", "6c62616e6b0a6578616d706c65"},
    {"a key of text where only integers are", "06582070", "f6582070"},
};

Test(result, cbor_is_refused)
{
    struct ratls_result result = sample_result();
    struct octets good = encode(&result);

    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct octets bad = apply(good, &damages[i]);

        cr_expect_not(accepts(octets_slice(bad)), "%s", damages[i].name);
        free(bad.p);
    }
    free(good.p);
}

/* RFC 8392, 3: claims that are not understood are ignored. Also deep ones, and those with names. */
Test(result, unknown_claims_are_passed_over)
{
    static const struct patch patches[] = {
        {"a number", "a5041a6b49e010", "a60101041a6b49e010"},
        {"a float", "a5041a6b49e010", "a601fa4ed693a4041a6b49e010"},
        {"a nest", "a5041a6b49e010", "a6018181818181818181a10102041a6b49e010"},
        {"in the appraisal", "a60a5820",
         "a7056161"
         "0a5820"},
        {"in the claim of ours", "a8016c62616e6b2e6578616d706c65",
         "a90020016c62616e6b2e6578616d706c65"},
        {"no expiry", "a5041a6b49e010", "a4"},
        {"three policies", "1903eb81697368613235363a3030", "1903eb83697368613235363a303061616162"},
    };
    struct ratls_result result = sample_result();
    struct octets good = encode(&result);

    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        struct octets more = apply(good, &patches[i]);
        struct ratls_result read;

        cr_expect(ratls_result_read(octets_slice(more), &read), "%s", patches[i].name);
        cr_expect_eq(read.has_expiry, strcmp(patches[i].name, "no expiry") != 0);
        free(more.p);
    }
    free(good.p);
}

Test(result, nothing_is_written_that_nobody_reads)
{
    struct ratls_result bad[6];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        bad[i] = sample_result();
    bad[0].status = 3;
    bad[1].nonce.len = 7;
    bad[2].selection.count = 0;
    bad[3].build = ratls_slice(NULL, 0);
    bad[4].server_name = sample_text("b\xc3\xbc");
    bad[5].expires_at = UINT64_MAX;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ratls_writer w = ratls_writer(NULL, RATLS_RESULT_MAX);
        char *text = NULL;

        ratls_result_write(&bad[i], &w);
        cr_expect(w.failed, "%zu", i);
        cr_expect_eq(ratls_result_json_write(&bad[i], &text, NULL), RATLS_USAGE, "%zu", i);
    }
}

static void expect_json_again(struct ratls_result result)
{
    struct ratls_result_json json;
    char *text = NULL;

    cr_assert_eq(ratls_result_json_write(&result, &text, NULL), RATLS_OK);
    cr_assert_eq(ratls_result_json_read(sample_text(text), &json, NULL), RATLS_OK, "%s", text);
    expect_same_claims(&result, &json.result);
    ratls_result_json_done(&json);
    free(text);
}

Test(result, json_comes_back)
{
    struct ratls_result result = sample_result();

    expect_json_again(result);
    expect_json_again(sample_smallest());
    result.selection = (struct ratls_pcr_selection){
        .count = 2, .banks = {{RATLS_ALG_SHA256, 1u << 23}, {RATLS_ALG_SHA512, 0x3ff}}};
    result.trust[7] = -128;
    expect_json_again(result);
}

Test(result, json_is_refused)
{
    static const struct {
        const char *from, *to;
    } patches[] = {
        {"\"exp\":1800003600", "\"exp\":1800003600.0"},
        {"\"exp\":1800003600", "\"exp\":1.8e9"},
        {"\"exp\":1800003600", "\"exp\":\"1800003600\""},
        {"\"exp\":1800003600", "\"exp\":-1"},
        {"\"iat\":1800000000", "\"iat\":1800000000.5"},
        {"\"iat\":1800000000", "\"iat\":1800000000,\"iat\":1800000000"},
        {"\"iat\"", "\"jat\""},
        {"\"eat_profile\"", "\"profile\""},
        {"\"RATLS_TPM\"", "\"TPM\""},
        {"\"submods\":{", "\"submods\":{\"another\":{},"},
        {"\"affirming\"", "\"good\""},
        {"\"affirming\"", "2"},
        {"\"executables\":3", "\"executables\":128"},
        {"\"executables\":3", "\"executables\":3.0"},
        {"\"ear_trustworthiness_vector\":{\"instance-identity\":2,\"executables\":3}",
         "\"ear_trustworthiness_vector\":{}"},
        {"\"executables\":3}", "\"other\":96}"},
        {"[\"sha256:00\"]", "[]"},
        {"[\"sha256:00\"]", "[1]"},
        {"\"eat_nonce\":\"bm", "\"eat_nonce\":\"b="},
        {"\"service\":\"default\"", "\"service\":\"\""},
        {"\"service\":\"default\"", "\"service\":\"a\\u000ab\""},
        {"\"sha256\":[0,1", "\"sha256\":[0,0"},
        {"\"sha256\":[0,1", "\"sha256\":[24,1"},
        {"\"sha256\":[0,1", "\"sha1\":[0],\"sha256\":[0,1"},
        {"\"reset-count\":7", "\"reset-count\":4294967296"},
        {",\"restart-count\":9", ""},
    };
    struct ratls_result result = sample_result();
    char *good = NULL;

    cr_assert_eq(ratls_result_json_write(&result, &good, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        const char *place = strstr(good, patches[i].from);
        struct ratls_result_json json;
        char bad[4096];

        cr_assert_not_null(place, "%s", patches[i].from);
        snprintf(bad, sizeof bad, "%.*s%s%s", (int)(place - good), good, patches[i].to,
                 place + strlen(patches[i].from));
        cr_expect_eq(ratls_result_json_read(sample_text(bad), &json, NULL), RATLS_MALFORMED, "%s",
                     patches[i].to);
    }
    free(good);
}

Test(result, tiers)
{
    static const struct {
        int value;
        enum ratls_tier tier;
    } cases[] = {
        {0, RATLS_TIER_NONE},
        {1, RATLS_TIER_NONE},
        {-1, RATLS_TIER_NONE},
        {2, RATLS_TIER_AFFIRMING},
        {31, RATLS_TIER_AFFIRMING},
        {-2, RATLS_TIER_AFFIRMING},
        {-32, RATLS_TIER_AFFIRMING},
        {32, RATLS_TIER_WARNING},
        {95, RATLS_TIER_WARNING},
        {-33, RATLS_TIER_WARNING},
        {-96, RATLS_TIER_WARNING},
        {96, RATLS_TIER_CONTRAINDICATED},
        {127, RATLS_TIER_CONTRAINDICATED},
        {-97, RATLS_TIER_CONTRAINDICATED},
        {-128, RATLS_TIER_CONTRAINDICATED},
    };
    struct ratls_result result = sample_result();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(ratls_tier_of((int8_t)cases[i].value), cases[i].tier, "%d", cases[i].value);
    cr_expect_not(ratls_result_overstates(&result));
    result.trust[RATLS_TRUST_HARDWARE] = 32;
    cr_expect(ratls_result_overstates(&result));
    result.status = RATLS_TIER_NONE;
    cr_expect(ratls_result_overstates(&result), "none is better than a warning");
    result.status = RATLS_TIER_WARNING;
    cr_expect_not(ratls_result_overstates(&result));
    result.trust[RATLS_TRUST_HARDWARE] = 0;
    result.status = RATLS_TIER_NONE;
    cr_expect_not(ratls_result_overstates(&result), "none claims no more than affirming");
    cr_expect_null(ratls_trust_name(RATLS_TRUST_COUNT));
}
