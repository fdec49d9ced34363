#include <criterion/criterion.h>
#include <string.h>

#include "octets.h"
#include "refvals.h"

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A40 A32 "aaaaaaaa"
#define A64 A32 A32
#define META "\"meta\": {\"version\": 1, \"generator\": 3}, \"release\": 0, "
#define REST                                                                                       \
    "\"excludes\": [], \"keyrings\": {}, \"ima\": {\"ignored_keyrings\": [], "                     \
    "\"log_hash_alg\": \"sha1\", \"dm_policy\": null}, \"ima-buf\": {}, "                          \
    "\"verification-keys\": \"\"}"
#define POLICY(digests) "{" META "\"digests\": {" digests "}, " REST

static enum ratls_status parse(const char *text, struct ratls_refvals **ret_set,
                               struct ratls_error *err)
{
    struct octets copy = octets_copy(text, strlen(text));
    enum ratls_status status = ratls_refvals_parse("policy.json", octets_slice(copy), ret_set, err);

    free(copy.p);
    return status;
}

static struct ratls_refvals *parse_good(const char *text)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(parse(text, &set, &err), RATLS_OK, "%s", err.text);
    return set;
}

Test(refvals_keylime, digests)
{
    static const char text[] =
        "\n " POLICY("\"/usr/bin/ls\": [\"" A64 "\", \"" A64 A32 "\"], "
                     "\"/usr/bin/\\u00e4 \\\"\": [\"" A64 A64 "\", \"" A40 "\"], "
                     "\"boot_aggregate\": [\"" A40 "\"]") "\n";
    struct ratls_refvals *set = parse_good(text);
    uint8_t digest[64];

    memset(digest, 0xaa, sizeof digest);
    cr_expect_eq(ratls_refvals_count(set), 3);
    cr_expect_str_eq(ratls_refvals_unused(set), "digests of SHA-1 (2)");
    cr_expect(ratls_refvals_allows(set, ratls_slice(digest, 32), ratls_slice("/usr/bin/ls", 11)));
    cr_expect(ratls_refvals_allows(set, ratls_slice(digest, 48), ratls_slice("/usr/bin/ls", 11)));
    cr_expect(ratls_refvals_allows(set, ratls_slice(digest, 64),
                                   ratls_slice("/usr/bin/\xc3\xa4 \"", 13)));
    cr_expect_not(
        ratls_refvals_allows(set, ratls_slice(digest, 64), ratls_slice("/usr/bin/ls", 11)));
    cr_expect_eq(ratls_refvals_find(set, ratls_slice("boot_aggregate", 14)).len, 0);
    ratls_refvals_free(set);
}

/* One, two, three and four bytes of UTF-8, as they are and as escapes. */
Test(refvals_keylime, escapes)
{
    static const char path[] = "/\b\f\n\r\t/\\\"$\xc2\xa2\xe2\x82\xac\xf0\x90\x8d\x88";
    struct ratls_refvals *raw = parse_good(POLICY(
        "\"/\\b\\f\\n\\r\\t/\\\\\\\"$\xc2\xa2\xe2\x82\xac\xf0\x90\x8d\x88\": [\"" A64 "\"]"));
    struct ratls_refvals *escaped = parse_good(
        POLICY("\"\\/\\u0008\\u000c\\u000A\\u000d\\u0009/\\u005c\\u0022\\u0024\\u00a2\\u20AC"
               "\\uD800\\udf48\": [\"" A64 "\"]"));
    struct ratls_slice name = ratls_slice(path, sizeof path - 1);

    cr_expect_eq(ratls_refvals_find(raw, name).len, 32);
    cr_expect_eq(ratls_refvals_find(escaped, name).len, 32);
    ratls_refvals_free(raw);
    ratls_refvals_free(escaped);
}

/* The same content has the same digest, whatever file it is from. */
Test(refvals_keylime, the_kind_of_the_file_does_not_count)
{
    static const char list[] = A64 "  /usr/bin/ls\n";
    struct ratls_refvals *policy = parse_good(POLICY("\"/usr/bin/ls\": [\"" A64 "\"]"));
    struct ratls_refvals *text = parse_good(list);
    uint8_t a[32], b[32];

    cr_assert_eq(ratls_refvals_digest(policy, a, NULL), RATLS_OK);
    cr_assert_eq(ratls_refvals_digest(text, b, NULL), RATLS_OK);
    cr_expect_arr_eq(a, b, 32);
    ratls_refvals_free(policy);
    ratls_refvals_free(text);
}

Test(refvals_keylime, what_is_not_heeded_is_told)
{
    static const char text[] =
        "{" META "\"digests\": {}, \"excludes\": [\"/tmp/.*\", \"/var/.*\"], "
        "\"keyrings\": {\".ima\": [\"" A64 "\"]}, \"ima\": {\"ignored_keyrings\": [\"*\"], "
        "\"log_hash_alg\": \"sha256\", \"dm_policy\": {\"version\": 1}}, "
        "\"ima-buf\": {\"x\": [\"" A64 "\"]}, \"verification-keys\": \"[]\"}";
    struct ratls_refvals *set = parse_good(text);

    cr_expect_eq(ratls_refvals_count(set), 0);
    cr_expect_str_eq(ratls_refvals_unused(set),
                     "excludes (2), keyrings (1), ima-buf (1), verification-keys (1), "
                     "ignored_keyrings (1), dm_policy (1)");
    ratls_refvals_free(set);
}

static const struct {
    const char *text;
    const char *error;
} REFUSED[] = {
    {"{", "policy.json:1:1: string or '}' expected near end of file"},
    {"{}", "policy.json: no object \"digests\": not a runtime policy of Keylime"},
    {"{\"digests\": []}", "policy.json: no object \"digests\": not a runtime policy of Keylime"},
    {"{\"digests\": {}, \"digests\": {}}",
     "policy.json:1:25: duplicate object key near '\"digests\"'"},
    {"{\"digests\": {}}", "policy.json: meta.version: expected 1"},
    {"{\"meta\": {\"version\": 2}, \"digests\": {}}", "policy.json: meta.version: expected 1"},
    {"{\"payload\": \"e30=\", \"payloadType\": \"application/vnd.keylime+json\", \"signatures\": "
     "[]}",
     "policy.json: signed (DSSE): give the runtime policy that is in it"},
    {POLICY("\"/a\": \"" A64 "\""), "policy.json: /a: expected a list of digests"},
    {POLICY("\"/a\\n\": [1]"),
     "policy.json: /a\\x0a: expected digests of 64, 96 or 128 hex digits"},
    {POLICY("\"/a\": [\"\"]"), "policy.json: /a: expected digests of 64, 96 or 128 hex digits"},
    {POLICY("\"/a\": [\"" A32 "\"]"),
     "policy.json: /a: expected digests of 64, 96 or 128 hex digits"},
    {POLICY("\"/a\": [\"x" A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]"),
     "policy.json: /a: a digest is not hexadecimal"},
    {POLICY("\"\": [\"" A64 "\"]"),
     "policy.json: digests: a path of no bytes, or of more than 4095"},
    {POLICY("\"/a\\ud800b\": [\"" A64 "\"]"), NULL},
    {POLICY("\"/a\\ud8"), NULL},
    {POLICY("\"/a\\u0000b\": [\"" A64 "\"]"), NULL},
    {POLICY("\"/a\xff\": [\"" A64 "\"]"), NULL},
    {POLICY("") "x", NULL},
};

Test(refvals_keylime, what_is_no_policy)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        struct ratls_refvals *set = NULL;
        struct ratls_error err = {0};

        cr_expect_eq(parse(REFUSED[i].text, &set, &err), RATLS_USAGE, "%s", REFUSED[i].text);
        if (REFUSED[i].error != NULL)
            cr_expect_str_eq(err.text, REFUSED[i].error);
        cr_expect_null(set);
    }
}

/* Levels are counted outside of strings, before jansson recurses into them. */
Test(refvals_keylime, depth)
{
    static char text[200000];
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    text[0] = '{';
    memset(text + 1, '[', sizeof text - 2);
    cr_expect_eq(parse(text, &set, &err), RATLS_USAGE);
    cr_expect_str_eq(err.text, "policy.json: JSON nested deeper than 16");
    set = parse_good(POLICY("\"/\\\"[[[[[[[[[[[[[[[[[[[[{{{{{{\": [\"" A64 "\"]"));
    cr_expect_eq(ratls_refvals_count(set), 1);
    ratls_refvals_free(set);
}
