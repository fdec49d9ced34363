/*
 * Targets: ratls_refvals_parse for text, Keylime's JSON and CoRIM, the look-ups, and
 * ratls_refvals_compile: what was read is there, in order, and compiles to the same.
 */
#include <string.h>

#include "fuzz.h"
#include "refvals.h"
#include "refvals_image.h"

static int compare(struct ratls_slice a, struct ratls_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.p, b.p, len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Ascending by length, digest and name: so none is there twice. */
static void check_order(const struct ratls_refvals *set, size_t i)
{
    struct ratls_slice digest, name, last_digest, last_name;
    int order;

    if (i == 0)
        return;
    ratls_refvals_get(set, i, &digest, &name);
    ratls_refvals_get(set, i - 1, &last_digest, &last_name);
    FUZZ_CHECK(digest.len >= last_digest.len);
    if (digest.len > last_digest.len)
        return;
    order = compare(last_digest, digest);
    FUZZ_CHECK(order < 0 || (order == 0 && compare(last_name, name) < 0));
}

static void check_set(const struct ratls_refvals *set)
{
    struct ratls_slice digest, name, first;

    for (size_t i = 0; i < ratls_refvals_count(set); i++) {
        ratls_refvals_get(set, i, &digest, &name);
        FUZZ_CHECK(digest.len == 32 || digest.len == 48 || digest.len == 64);
        FUZZ_CHECK(name.len > 0 && name.len <= RATLS_REFVALS_NAME_MAX);
        FUZZ_CHECK(memchr(name.p, '\0', name.len) == NULL);
        FUZZ_CHECK(ratls_refvals_has(set, digest));
        FUZZ_CHECK(ratls_refvals_allows(set, digest, name));
        first = ratls_refvals_name(set, digest);
        FUZZ_CHECK(first.len > 0 && compare(first, name) <= 0);
        first = ratls_refvals_find(set, name);
        FUZZ_CHECK(first.len > 0 && ratls_refvals_allows(set, first, name));
        check_order(set, i);
    }
    FUZZ_CHECK(strlen(ratls_refvals_unused(set)) < 200);
}

static void check_compiled(struct ratls_refvals *set)
{
    struct ratls_refvals_image image;
    uint8_t hash[32], stored[32];
    uint8_t *bytes = NULL;
    size_t len = 0;

    FUZZ_CHECK(ratls_refvals_compile(&set, 1, &bytes, &len, NULL) == RATLS_OK);
    FUZZ_CHECK(ratls_refvals_image_open(ratls_slice(bytes, len), &image));
    FUZZ_CHECK(ratls_refvals_image_hash(image.bytes, hash, NULL) == RATLS_OK);
    FUZZ_CHECK(ratls_refvals_digest(set, stored, NULL) == RATLS_OK);
    FUZZ_CHECK(memcmp(hash, stored, sizeof hash) == 0);
    FUZZ_CHECK(ratls_refvals_check(set, NULL) == RATLS_OK);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;

    status = ratls_refvals_parse("file", ratls_slice(data, size), &set, &err);
    FUZZ_CHECK((status == RATLS_OK) == (set != NULL));
    FUZZ_CHECK(status == RATLS_OK || status == RATLS_USAGE);
    FUZZ_CHECK(status == RATLS_OK || strncmp(err.text, "file:", 5) == 0);
    if (set == NULL)
        return 0;
    check_set(set);
    check_compiled(set);
    ratls_refvals_free(set);
    return 0;
}
