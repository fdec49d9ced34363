/* The quotes that were verified: what is found, what is not, what has to go. */
#include <criterion/criterion.h>
#include <string.h>

#include "keys.h"
#include "quote_memory.h"

static struct ratls_key_cache *cache;
static struct ratls_quote_memory *memory;

static void open_memory(void)
{
    cache = ratls_key_cache_new();
    cr_assert(cache != NULL);
    memory = ratls_key_cache_quotes(cache);
}

static void close_memory(void)
{
    ratls_key_cache_free(cache);
}

static void number_hash(unsigned number, uint8_t out[32])
{
    memset(out, 0x11, 32);
    memcpy(out + 28, &number, sizeof number);
}

static bool knows(unsigned number)
{
    uint8_t hash[32];

    number_hash(number, hash);
    return ratls_quote_memory_knows(memory, hash);
}

static void see(unsigned number)
{
    uint8_t hash[32];

    number_hash(number, hash);
    ratls_quote_memory_seen(memory, hash);
}

Test(quote_memory, knows_what_was_seen, .init = open_memory, .fini = close_memory)
{
    uint8_t zeros[32] = {0};

    cr_expect_not(knows(1));
    cr_expect_not(ratls_quote_memory_knows(memory, zeros), "an empty slot is no quote");
    see(1);
    cr_expect(knows(1));
    for (unsigned bit = 0; bit < 32; bit++)
        cr_expect_not(knows(1 ^ UINT32_C(1) << bit), "bit %u", bit);
}

Test(quote_memory, the_oldest_goes, .init = open_memory, .fini = close_memory)
{
    for (unsigned i = 0; i < RATLS_QUOTES_KNOWN_MAX; i++)
        see(i);
    see(0); /* used again: 1 is the oldest now */
    see(1000);
    cr_expect(knows(0));
    cr_expect(knows(1000));
    cr_expect_not(knows(1));
    for (unsigned i = 2; i < RATLS_QUOTES_KNOWN_MAX; i++)
        cr_expect(knows(i), "%u", i);
    see(1001);
    cr_expect_not(knows(0), "and so on");
}

static void hash(const char *name, const char *attest, const char *signature, uint8_t out[32])
{
    cr_assert_eq(ratls_quote_hash(ratls_slice(name, strlen(name)),
                                  ratls_slice(attest, strlen(attest)),
                                  ratls_slice(signature, strlen(signature)), out, NULL),
                 RATLS_OK);
}

/* The same bytes, cut elsewhere, are another quote. */
Test(quote_memory, parts_do_not_run_into_each_other)
{
    static const char *const parts[][3] = {
        {"name", "attest", "signature"}, {"na", "meattest", "signature"},
        {"name", "attests", "ignature"}, {"", "nameattest", "signature"},
        {"name", "attestsignature", ""}, {"attest", "name", "signature"},
    };
    uint8_t hashes[sizeof parts / sizeof *parts][32];

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        hash(parts[i][0], parts[i][1], parts[i][2], hashes[i]);
        for (size_t j = 0; j < i; j++)
            cr_expect_arr_neq(hashes[i], hashes[j], 32, "%zu and %zu", i, j);
    }
}
