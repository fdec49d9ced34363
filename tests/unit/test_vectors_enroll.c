/* The test vectors of WIRE.md, 14, which Python made: messages, and what ties them together. */
#include <criterion/criterion.h>

#include "crypto.h"
#include "enroll_scene.h"
#include "octets.h"
#include "values.h"

static const char *const messages[ENROLL_KINDS] = {"request", "challenge", "answer", "result"};

static const struct values *vectors(void)
{
    static struct values values;
    static char path[VECTOR_PATH_MAX];
    const char *source = getenv("RATLS_SOURCE_DIR");

    cr_assert_not_null(source, "RATLS_SOURCE_DIR is not set");
    if (values.count == 0) {
        snprintf(path, sizeof path, "%s/tests/vectors", source);
        values_load(path, "enroll.values", &values);
    }
    return &values;
}

static struct ratls_slice get(const char *name)
{
    return values_get(vectors(), name);
}

static void expect_value(struct ratls_slice actual, const char *name)
{
    cr_expect(ratls_slice_equal(actual, get(name)), "%s", name);
}

Test(vectors_enroll, every_field_of_a_request_arrives)
{
    struct ratls_enroll_request request;

    cr_assert(ratls_enroll_request_read(get("request"), &request));
    expect_value(request.nonce, "nonce");
    cr_assert_eq(request.name_count, 3);
    expect_value(request.names[0], "name-1");
    expect_value(request.names[1], "name-2");
    expect_value(request.names[2], "name-3");
    cr_expect_eq(request.ek_template, values_number(vectors(), "ek-template"));
    expect_value(request.ek_public, "ek-public");
    cr_assert_eq(request.ek_certificate_count, 2);
    expect_value(request.ek_certificates[0], "ek-certificate-1");
    expect_value(request.ek_certificates[1], "ek-certificate-2");
    expect_value(request.ak_public, "ak-public");
    expect_value(request.token_id, "token-id");
    expect_value(request.token_mac, "token-mac");
}

Test(vectors_enroll, every_field_of_the_others_arrives)
{
    struct ratls_enroll_challenge challenge;
    struct ratls_enroll_answer answer;
    struct ratls_enroll_result result;
    uint8_t digest[32];

    cr_assert(ratls_enroll_challenge_read(get("challenge"), &challenge));
    expect_value(challenge.id, "id");
    cr_assert_eq(ratls_sha256(get("request"), digest, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(challenge.request_sha256, ratls_slice(digest, sizeof digest)));
    cr_expect_eq(challenge.expires, values_number(vectors(), "expires"));
    expect_value(challenge.credential_blob, "credential-blob");
    expect_value(challenge.encrypted_secret, "encrypted-secret");
    cr_assert(ratls_enroll_answer_read(get("answer"), &answer));
    expect_value(answer.id, "id");
    expect_value(answer.mac, "mac");
    expect_value(answer.attest, "attest");
    expect_value(answer.signature, "signature");
    cr_assert(ratls_enroll_result_read(get("result"), &result));
    expect_value(result.id, "id");
    cr_assert_eq(result.certificate_count, 2);
    expect_value(result.certificates[0], "certificate-1");
    expect_value(result.certificates[1], "certificate-2");
}

/* Each is written as Python wrote it, is read by its own reader alone, and only as a whole. */
Test(vectors_enroll, messages)
{
    for (int message = 0; message < ENROLL_KINDS; message++)
        for (int kind = 0; kind < ENROLL_KINDS; kind++)
            cr_expect_eq(enroll_is_taken((enum enroll_kind)kind, get(messages[message])),
                         kind == message, "%s by the reader of a %s", messages[message],
                         messages[kind]);
}

/*
 * Every byte in every other value: what is still read has another value, for it is written with
 * that byte.
 */
Test(vectors_enroll, changed_bytes)
{
    for (int kind = 0; kind < ENROLL_KINDS; kind++) {
        struct ratls_slice whole = get(messages[kind]);
        struct octets changed = octets_copy(whole.p, whole.len);
        size_t read = 0;

        for (size_t i = 0; i < whole.len; i++) {
            for (unsigned flip = 1; flip <= UINT8_MAX; flip++) {
                changed.p[i] = (uint8_t)(whole.p[i] ^ flip);
                read += enroll_is_taken((enum enroll_kind)kind, octets_slice(changed));
            }
            changed.p[i] = whole.p[i];
        }
        cr_expect(read > 0 && read < whole.len * UINT8_MAX, "%s: %zu", messages[kind], read);
        free(changed.p);
    }
}

Test(vectors_enroll, what_ties_them_together)
{
    uint8_t transcript[RATLS_ENROLL_TRANSCRIPT_LEN], key[32], mac[32], extra[32];

    cr_assert_eq(ratls_enroll_transcript(get("request"), get("challenge"), transcript, NULL),
                 RATLS_OK);
    expect_value(ratls_slice(transcript, sizeof transcript), "transcript");
    cr_assert_eq(ratls_enroll_answer_key(get("secret"), key, NULL), RATLS_OK);
    expect_value(ratls_slice(key, sizeof key), "answer-key");
    cr_assert_eq(ratls_enroll_mac(ratls_slice(key, sizeof key), transcript, mac, NULL), RATLS_OK);
    expect_value(ratls_slice(mac, sizeof mac), "mac");
    cr_assert_eq(ratls_enroll_extra_data(transcript, extra, NULL), RATLS_OK);
    expect_value(ratls_slice(extra, sizeof extra), "extra-data");
}

/* A key that is missing, cut or too long is never used. */
Test(vectors_enroll, keys_of_another_length)
{
    static const size_t lengths[] = {0, 16, 31, 33, 64};
    uint8_t transcript[RATLS_ENROLL_TRANSCRIPT_LEN] = {0};
    uint8_t bytes[64] = {0}, out[32];

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const struct ratls_slice key = ratls_slice(bytes, lengths[i]);

        memset(out, 0x5a, sizeof out);
        cr_expect_eq(ratls_enroll_answer_key(key, out, NULL), RATLS_USAGE);
        cr_expect_eq(ratls_enroll_mac(key, transcript, out, NULL), RATLS_USAGE);
        cr_expect_eq(ratls_enroll_token_mac(key, get("request"), out, NULL), RATLS_USAGE);
        cr_expect(out[0] == 0x5a && out[31] == 0x5a, "written to");
    }
}

static void compute_token_mac(struct ratls_slice request, uint8_t out[static 32])
{
    uint8_t hash[32];

    cr_assert_eq(ratls_sha256(get("token"), hash, NULL), RATLS_OK);
    cr_assert_eq(ratls_enroll_token_mac(ratls_slice(hash, sizeof hash), request, out, NULL),
                 RATLS_OK);
}

/* The server computes it before the token is in, the CA when it is. */
Test(vectors_enroll, token)
{
    struct ratls_enroll_request request;
    uint8_t bytes[VALUE_LINE_MAX], mac[32];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    compute_token_mac(get("request"), mac);
    expect_value(ratls_slice(mac, sizeof mac), "token-mac");
    cr_assert(ratls_enroll_request_read(get("request"), &request));
    request.token_id = request.token_mac = ratls_slice(NULL, 0);
    ratls_enroll_request_write(&request, &w);
    cr_assert_not(w.failed);
    memset(mac, 0, sizeof mac);
    compute_token_mac(ratls_writer_slice(&w), mac);
    expect_value(ratls_slice(mac, sizeof mac), "token-mac");
    request.names[0] = ratls_slice("192.0.2.0", 9);
    w = ratls_writer(bytes, sizeof bytes);
    ratls_enroll_request_write(&request, &w);
    cr_assert_not(w.failed);
    compute_token_mac(ratls_writer_slice(&w), mac);
    cr_expect_not(ratls_slice_equal(ratls_slice(mac, sizeof mac), get("token-mac")));
}

Test(vectors_enroll, token_of_what_is_no_request)
{
    uint8_t key[32] = {0}, out[32];
    struct ratls_error err;

    cr_expect_eq(ratls_enroll_token_mac(ratls_slice(key, sizeof key), get("challenge"), out, &err),
                 RATLS_MALFORMED);
}
