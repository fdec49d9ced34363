/*
 * The N-th allocation of the memory of keys fails, for every N. What cannot be remembered is not:
 * that is no failure of the handshake, nothing is left half, and the next one is remembered.
 */
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "failmalloc.h"
#include "keys.h"
#include "pki.h"

#define ALLOCATIONS_MAX 1000

static const uint8_t name_bytes[34] = {0x00, 0x0b, 7};
static const struct ratls_slice name = {name_bytes, sizeof name_bytes};
static const struct ratls_slice area_bytes = {(const uint8_t *)"area", 4};
static const uint8_t chain[32] = {1};

static uint8_t point[65];
static struct ratls_tpm_public area;
static struct ratls_key_cache *cache;

static void begin(void)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    size_t len = 0;

    cr_assert_eq(
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len),
        1);
    EVP_PKEY_free(key);
    area = (struct ratls_tpm_public){.type = RATLS_ALG_ECC,
                                     .scheme = RATLS_ALG_ECDSA,
                                     .scheme_hash = RATLS_ALG_SHA256,
                                     .curve = RATLS_CURVE_P256,
                                     .x = {point + 1, 32},
                                     .y = {point + 33, 32}};
}

TestSuite(keys_memory, .init = begin);

static void renew(void)
{
    ratls_key_cache_free(cache);
    cache = ratls_key_cache_new();
    cr_assert_not_null(cache);
}

Test(keys_memory, a_cache)
{
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        failmalloc_arm(n);
        cache = ratls_key_cache_new();
        failed = failmalloc_disarm();
        cr_expect(cache != NULL || failed, "%zu", n);
        cr_expect(cache == NULL || n > 1, "its own is the first");
        ratls_key_cache_free(cache);
        cr_assert_lt(n, ALLOCATIONS_MAX);
    }
}

static void see(void)
{
    const struct ratls_tpm_counters counters = {1, 2, 3};

    ratls_key_cache_seen(cache, name, &counters);
}

Test(keys_memory, counters)
{
    struct ratls_tpm_counters got;
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        renew();
        failmalloc_arm(n);
        see();
        failed = failmalloc_disarm();
        cr_expect_eq(ratls_key_cache_counters(cache, name, &got), !failed, "%zu", n);
        see();
        cr_expect(ratls_key_cache_counters(cache, name, &got), "%zu", n);
        cr_assert_lt(n, ALLOCATIONS_MAX);
    }
    ratls_key_cache_free(cache);
}

static void verify_chain(void)
{
    ratls_key_cache_chain_verified(cache, name, area_bytes, chain, "a", 100);
}

static bool is_known(void)
{
    return ratls_key_cache_chain_known(cache, name, chain, "a", 50);
}

/* Whether requests name it; then it is known, too, with its area. */
static bool is_named(void)
{
    uint8_t ids[1][RATLS_KEY_ID_LEN], out[RATLS_AREA_KNOWN_MAX];
    size_t len = 0;

    if (ratls_key_cache_ids(cache, "a", 50, ids, 1) == 0)
        return false;
    cr_expect(is_known());
    cr_expect_eq(ratls_key_cache_named(cache, ids[0], "a", out, &len, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(ratls_slice(out, len), area_bytes));
    return true;
}

Test(keys_memory, chains)
{
    size_t n = 1, known = 0;
    bool failed = true;

    renew();
    verify_chain(); /* what OpenSSL makes but once is not counted */
    for (; failed; n++) {
        renew();
        failmalloc_arm(n);
        verify_chain();
        failed = failmalloc_disarm();
        cr_expect_eq(is_named(), !failed, "%zu", n);
        known += is_known();
        verify_chain();
        cr_expect(is_named(), "%zu", n);
        cr_assert_lt(n, ALLOCATIONS_MAX);
    }
    cr_expect_gt(known, 1, "without an area, or a server, the chain is known all the same");
    cr_expect_gt(n, known + 1, "without an entry nothing is");
    ratls_key_cache_free(cache);
}

static EVP_PKEY *get(size_t n, bool *ret_failed)
{
    struct ratls_error err = {0};
    EVP_PKEY *key = NULL;
    enum ratls_status status;

    failmalloc_arm(n);
    status = ratls_key_cache_get(cache, &area, name, &key, &err);
    *ret_failed = failmalloc_disarm();
    cr_expect_eq(status == RATLS_OK, key != NULL, "%zu", n);
    cr_expect(status == RATLS_OK || *ret_failed, "%zu", n);
    return key;
}

/* The last allocation is that of the entry: the key is made, and not remembered. */
Test(keys_memory, keys)
{
    size_t count;
    bool failed = true;
    EVP_PKEY *key, *again;

    for (int i = 0; i < 2; i++) { /* what OpenSSL makes but once is not counted */
        renew();
        EVP_PKEY_free(get(ALLOCATIONS_MAX, &failed));
    }
    count = failmalloc_count(FAILMALLOC_OWN) + failmalloc_count(FAILMALLOC_OPENSSL);
    for (size_t n = 1; n <= count; n++) {
        renew();
        key = get(n, &failed);
        again = get(0, &failed);
        cr_assert_not_null(again, "%zu", n);
        cr_expect(n < count || (key != NULL && key != again), "it was not remembered");
        EVP_PKEY_free(key);
        EVP_PKEY_free(again);
    }
    ratls_key_cache_free(cache);
}
