#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "pki.h"
#include "tpm_p256.h"

#define LIMIT 1024

struct key_name {
    uint8_t bytes[34];
};

static uint8_t point[TPM_P256_POINT];
static struct ratls_tpm_public area;
static const struct ratls_slice some_area = {(const uint8_t *)"area", 4};

/* One public area for all: the cache goes by the name. */
static void setup(void)
{
    EVP_PKEY *key = pki_key(PKI_P256);

    area = tpm_p256_area(key, point);
    EVP_PKEY_free(key);
}

static struct key_name make_name(unsigned number)
{
    struct key_name name = {{0x00, 0x0b}};
    memcpy(name.bytes + 2, &number, sizeof(number));
    cr_assert_eq(ratls_sha256(ratls_slice(name.bytes, 6), name.bytes + 2, NULL), RATLS_OK);
    return name;
}

static struct ratls_slice slice(const struct key_name *name)
{
    return ratls_slice(name->bytes, sizeof(name->bytes));
}

static EVP_PKEY *get(struct ratls_key_cache *cache, unsigned number)
{
    struct key_name name = make_name(number);
    struct ratls_error err = {0};
    EVP_PKEY *key = NULL;
    cr_assert_eq(ratls_key_cache_get(cache, &area, slice(&name), &key, &err), RATLS_OK, "%s",
                 err.text);
    cr_assert_not_null(key);
    return key;
}

TestSuite(keys, .init = setup);

Test(keys, key_is_made_once_and_by_name)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    EVP_PKEY *first = get(cache, 1), *again = get(cache, 1), *other = get(cache, 2);
    cr_assert_eq(first, again);
    cr_assert_neq(first, other);
    ratls_key_cache_free(cache);
    cr_assert_eq(EVP_PKEY_get_bits(first), 256, "outlives the cache");
    EVP_PKEY_free(first);
    EVP_PKEY_free(again);
    EVP_PKEY_free(other);
    ratls_key_cache_free(NULL);
}

Test(keys, bad_area_and_bad_name_are_not_remembered)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name name = make_name(1);
    struct ratls_tpm_public bad = area;
    uint8_t long_name[RATLS_TPM_NAME_MAX + 1] = {0};
    EVP_PKEY *key = NULL;
    bad.x = area.y;
    cr_assert_eq(ratls_key_cache_get(cache, &bad, slice(&name), &key, NULL), RATLS_MALFORMED);
    cr_assert_eq(
        ratls_key_cache_get(cache, &area, ratls_slice(long_name, sizeof(long_name)), &key, NULL),
        RATLS_USAGE);
    cr_assert_eq(ratls_key_cache_get(cache, &area, ratls_slice(NULL, 0), &key, NULL), RATLS_USAGE);
    cr_assert_null(key);
    EVP_PKEY_free(get(cache, 1));
    ratls_key_cache_free(cache);
}

Test(keys, least_recently_used_of_1024_goes)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    EVP_PKEY *kept[LIMIT];
    for (unsigned i = 0; i < LIMIT; i++)
        kept[i] = get(cache, i);
    EVP_PKEY_free(get(cache, 0));
    EVP_PKEY_free(get(cache, LIMIT)); /* pushes out 1, not 0 */
    for (unsigned i = 0; i < LIMIT; i++) {
        if (i == 1)
            continue;
        EVP_PKEY *key = get(cache, i);
        cr_assert_eq(key, kept[i], "%u", i);
        EVP_PKEY_free(key);
    }
    EVP_PKEY *again = get(cache, 1);
    cr_assert_neq(again, kept[1]);
    EVP_PKEY_free(again);
    for (unsigned i = 0; i < LIMIT; i++)
        EVP_PKEY_free(kept[i]);
    ratls_key_cache_free(cache);
}

Test(keys, strangers_do_not_flush_counters)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name known = make_name(0);
    struct ratls_tpm_counters counters = {7, 2, 5000}, got = {0};
    ratls_key_cache_seen(cache, slice(&known), &counters);
    for (unsigned i = 1; i <= 3 * LIMIT; i++)
        EVP_PKEY_free(get(cache, i));
    cr_assert(ratls_key_cache_counters(cache, slice(&known), &got));
    cr_assert_eq(got.reset_count, 7);
    cr_assert_eq(got.restart_count, 2);
    cr_assert_eq(got.clock_ms, 5000);
    for (unsigned i = 1; i <= LIMIT; i++) { /* of accepted ones the least recently used goes */
        struct key_name name = make_name(i);
        ratls_key_cache_seen(cache, slice(&name), &counters);
    }
    cr_assert_not(ratls_key_cache_counters(cache, slice(&known), &got));
    ratls_key_cache_free(cache);
}

Test(keys, counters_never_go_back)
{
    static const struct {
        struct ratls_tpm_counters seen, expected;
    } steps[] = {
        {{5, 1, 1000}, {5, 1, 1000}}, {{5, 1, 999}, {5, 1, 1000}},  {{5, 1, 1001}, {5, 1, 1001}},
        {{5, 0, 2000}, {5, 1, 1001}}, {{4, 9, 9999}, {5, 1, 1001}}, {{5, 2, 10}, {5, 2, 10}},
        {{6, 0, 0}, {6, 0, 0}},
    };
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name name = make_name(0), other = make_name(1);
    struct ratls_tpm_counters got = {0};
    EVP_PKEY_free(get(cache, 0));
    cr_assert_not(ratls_key_cache_counters(cache, slice(&name), &got), "a key alone says nothing");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        ratls_key_cache_seen(cache, slice(&name), &steps[i].seen);
        cr_assert(ratls_key_cache_counters(cache, slice(&name), &got));
        cr_assert_eq(got.reset_count, steps[i].expected.reset_count, "%zu", i);
        cr_assert_eq(got.restart_count, steps[i].expected.restart_count, "%zu", i);
        cr_assert_eq(got.clock_ms, steps[i].expected.clock_ms, "%zu", i);
    }
    cr_assert_not(ratls_key_cache_counters(cache, slice(&other), &got));
    ratls_key_cache_free(cache);
}

Test(keys, chain_is_known_for_its_server_until_it_expires)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name name = make_name(0), other = make_name(1);
    const uint8_t chain[32] = {1}, other_chain[32] = {2};
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), chain, "a.example", 50));
    ratls_key_cache_chain_verified(cache, slice(&name), some_area, chain, "a.example", 100);
    cr_assert(ratls_key_cache_chain_known(cache, slice(&name), chain, "a.example", 99));
    cr_assert(ratls_key_cache_chain_known(cache, slice(&name), NULL, "a.example", 99));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), chain, "a.example", 100));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), NULL, "a.example", 100));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), other_chain, "a.example", 50));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), chain, "b.example", 50));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), NULL, NULL, 50));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&other), chain, "a.example", 50));
    ratls_key_cache_chain_verified(cache, slice(&name), some_area, other_chain, "a.example", 200);
    cr_assert(ratls_key_cache_chain_known(cache, slice(&name), other_chain, "a.example", 150));
    cr_assert_not(ratls_key_cache_chain_known(cache, slice(&name), chain, "a.example", 50));
    ratls_key_cache_free(cache);
}

Test(keys, last_four_servers_of_a_key_are_known)
{
    static const char *const servers[] = {NULL, "b", "c", "d", "e"};
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name name = make_name(0);
    const uint8_t chain[32] = {1};
    for (size_t i = 0; i < 5; i++)
        ratls_key_cache_chain_verified(cache, slice(&name), some_area, chain, servers[i], 100);
    for (size_t i = 0; i < 5; i++)
        cr_assert_eq(ratls_key_cache_chain_known(cache, slice(&name), chain, servers[i], 50), i > 0,
                     "%zu", i);
    ratls_key_cache_free(cache);
}

Test(keys, ids_are_those_of_the_server_latest_first_and_in_order)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    const uint8_t chain[32] = {1};
    uint8_t ids[8][RATLS_KEY_ID_LEN], hash[32];
    struct key_name names[6];
    for (unsigned i = 0; i < 6; i++) {
        names[i] = make_name(i);
        ratls_key_cache_chain_verified(cache, slice(&names[i]), some_area, chain,
                                       i == 5 ? "b" : "a", i == 4 ? 10 : 100);
    }
    cr_assert_eq(ratls_key_cache_ids(cache, "b", 50, ids, 4), 1);
    cr_assert_eq(ratls_sha256(slice(&names[5]), hash, NULL), RATLS_OK);
    cr_assert_arr_eq(ids[0], hash, RATLS_KEY_ID_LEN);
    cr_assert_eq(ratls_key_cache_ids(cache, "a", 50, ids, 8), 4, "names[4] has expired");
    for (size_t i = 1; i < 4; i++)
        cr_assert_lt(memcmp(ids[i - 1], ids[i], RATLS_KEY_ID_LEN), 0);
    cr_assert(ratls_key_cache_chain_known(cache, slice(&names[1]), chain, "a", 50));
    cr_assert_eq(ratls_key_cache_ids(cache, "a", 50, ids, 1), 1);
    cr_assert_eq(ratls_sha256(slice(&names[1]), hash, NULL), RATLS_OK);
    cr_assert_arr_eq(ids[0], hash, RATLS_KEY_ID_LEN, "the one used last");
    cr_assert_eq(ratls_key_cache_ids(cache, "a", 50, ids, 0), 0);
    cr_assert_eq(ratls_key_cache_ids(cache, "c", 50, ids, 4), 0);
    cr_assert_eq(ratls_key_cache_ids(cache, "a", 100, ids, 4), 0);
    ratls_key_cache_free(cache);
}

static bool is_named(struct ratls_key_cache *cache, const uint8_t id[static RATLS_KEY_ID_LEN],
                     const char *server, uint8_t out[static RATLS_AREA_KNOWN_MAX], size_t *ret_len)
{
    cr_assert_eq(ratls_key_cache_named(cache, id, server, out, ret_len, NULL), RATLS_OK);
    return *ret_len != 0;
}

/* What a named key is comes from our own memory, and only for the server that it was named to. */
Test(keys, a_named_key_has_the_area_of_its_own)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name names[2] = {make_name(1), make_name(2)};
    uint8_t ids[2][RATLS_KEY_ID_LEN], hash[32];
    uint8_t out[RATLS_AREA_KNOWN_MAX];
    size_t len = 0;
    ratls_key_cache_chain_verified(cache, slice(&names[0]), ratls_slice("one", 3), NULL, "a", 100);
    ratls_key_cache_chain_verified(cache, slice(&names[1]), ratls_slice("three", 5), NULL, "b",
                                   100);
    cr_assert(ratls_key_cache_chain_known(cache, slice(&names[0]), NULL, "a", 99),
              "of a pin no chain is needed");
    cr_assert_eq(ratls_key_cache_ids(cache, "a", 50, ids, 2), 1);
    cr_assert(is_named(cache, ids[0], "a", out, &len));
    cr_assert(ratls_slice_equal(ratls_slice(out, len), ratls_slice("one", 3)));
    cr_assert(is_named(cache, ids[0], "A", out, &len), "the same server");
    cr_assert_not(is_named(cache, ids[0], "b", out, &len));
    cr_assert_not(is_named(cache, ids[0], NULL, out, &len));
    cr_assert_eq(ratls_key_cache_ids(cache, "b", 50, ids, 2), 1);
    cr_assert_not(is_named(cache, ids[0], "a", out, &len));
    cr_assert_eq(ratls_sha256(slice(&names[1]), hash, NULL), RATLS_OK);
    cr_assert_arr_eq(ids[0], hash, RATLS_KEY_ID_LEN);
    ratls_key_cache_free(cache);
}

Test(keys, an_area_that_is_too_long_is_not_named)
{
    static const uint8_t zeros[RATLS_AREA_KNOWN_MAX + 1];
    static const size_t lens[] = {0, 1, RATLS_AREA_KNOWN_MAX, RATLS_AREA_KNOWN_MAX + 1};
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        const bool is_kept = lens[i] > 0 && lens[i] <= RATLS_AREA_KNOWN_MAX;
        struct ratls_key_cache *cache = ratls_key_cache_new();
        struct key_name name = make_name(1);
        uint8_t ids[1][RATLS_KEY_ID_LEN], hash[32];
        uint8_t out[RATLS_AREA_KNOWN_MAX];
        size_t len = 0;
        ratls_key_cache_chain_verified(cache, slice(&name), ratls_slice(zeros, lens[i]), NULL, "a",
                                       100);
        cr_assert_eq(ratls_sha256(slice(&name), hash, NULL), RATLS_OK);
        cr_assert_eq(ratls_key_cache_ids(cache, "a", 50, ids, 1), is_kept, "%zu", lens[i]);
        cr_assert_eq(is_named(cache, hash, "a", out, &len), is_kept, "%zu", lens[i]);
        cr_assert_eq(len, is_kept ? lens[i] : 0);
        ratls_key_cache_free(cache);
    }
}

Test(keys, a_key_that_had_to_go_is_not_found)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name name = make_name(0);
    uint8_t ids[1][RATLS_KEY_ID_LEN], out[RATLS_AREA_KNOWN_MAX];
    size_t len = 0;
    ratls_key_cache_chain_verified(cache, slice(&name), some_area, NULL, "a", 100);
    cr_assert_eq(ratls_key_cache_ids(cache, "a", 50, ids, 1), 1);
    for (unsigned i = 1; i <= LIMIT; i++)
        EVP_PKEY_free(get(cache, i));
    cr_assert_not(is_named(cache, ids[0], "a", out, &len));
    ratls_key_cache_free(cache);
}

/* A ledger is asked and told once a minute, and at each boot. */
Test(keys, counters_are_due_now_and_then)
{
    struct ratls_key_cache *cache = ratls_key_cache_new();
    struct key_name name = make_name(0x33), stranger = make_name(0x34);
    struct ratls_tpm_counters counters = {7, 2, 5000}, booted = {8, 0, 10};

    cr_expect(ratls_key_cache_is_due(cache, slice(&name), &counters, 1000), "not seen yet");
    ratls_key_cache_seen(cache, slice(&name), &counters);
    cr_expect(ratls_key_cache_is_due(cache, slice(&name), &counters, 1000), "not kept yet");
    ratls_key_cache_kept(cache, slice(&name), &counters, 1000);
    cr_expect_not(ratls_key_cache_is_due(cache, slice(&name), &counters, 1001));
    counters.clock_ms += 50000;
    cr_expect_not(ratls_key_cache_is_due(cache, slice(&name), &counters, 60999));
    cr_expect(ratls_key_cache_is_due(cache, slice(&name), &counters, 61000), "a minute later");
    cr_expect(ratls_key_cache_is_due(cache, slice(&name), &booted, 1001), "another boot");
    ratls_key_cache_kept(cache, slice(&stranger), &counters, 1000);
    cr_expect(ratls_key_cache_is_due(cache, slice(&stranger), &counters, 1001), "no such key");
    ratls_key_cache_free(cache);
}
