/* What was verified for an epoch: what is found, what is not, what has to go. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <string.h>

#include "epoch_memory.h"
#include "pki.h"

#define KEPT 64

static struct ratls_epoch_memory *memory;
static EVP_PKEY *keys[2];

static void begin(void)
{
    memory = ratls_epoch_memory_new();
    cr_assert_not_null(memory);
    for (int i = 0; i < 2; i++)
        keys[i] = pki_key(PKI_P256);
}

static void end(void)
{
    ratls_epoch_memory_free(memory);
    for (int i = 0; i < 2; i++)
        EVP_PKEY_free(keys[i]);
}

TestSuite(epoch_memory, .init = begin, .fini = end);

static void number_hash(unsigned number, uint8_t out[static 32])
{
    memset(out, 0x11, 32);
    memcpy(out + 28, &number, sizeof number);
}

static void see(unsigned token, unsigned key)
{
    struct ratls_epoch_seen seen = {.token = {.time = token}, .key = keys[key % 2]};

    number_hash(token, seen.token_sha256);
    number_hash(key, seen.key_sha256);
    ratls_epoch_memory_seen(memory, &seen);
}

static bool knows_token(unsigned number)
{
    struct ratls_token token;
    uint8_t sha256[32];

    number_hash(number, sha256);
    if (!ratls_epoch_memory_token(memory, sha256, &token))
        return false;
    cr_expect_eq(token.time, number);
    return true;
}

static bool knows_key(unsigned number)
{
    uint8_t sha256[32];
    EVP_PKEY *key;

    number_hash(number, sha256);
    key = ratls_epoch_memory_key(memory, sha256);
    cr_expect(key == NULL || key == keys[number % 2], "%u", number);
    EVP_PKEY_free(key);
    return key != NULL;
}

Test(epoch_memory, tokens_and_keys_are_apart)
{
    cr_expect_not(knows_token(0), "an empty slot is no token");
    see(1, 2);
    cr_expect(knows_token(1));
    cr_expect_not(knows_token(2));
    cr_expect(knows_key(2));
    cr_expect_not(knows_key(1));
    see(1, 2);
    cr_expect(knows_token(1));
    cr_expect(knows_key(2));
}

Test(epoch_memory, the_one_that_was_not_used_for_longest_goes)
{
    for (unsigned i = 0; i < KEPT; i++)
        see(i, 0); /* one key for all */
    cr_expect(knows_token(0));
    see(KEPT, 1);
    cr_expect(knows_token(0));
    cr_expect_not(knows_token(1));
    for (unsigned i = 2; i <= KEPT; i++)
        cr_expect(knows_token(i), "%u", i);
    cr_expect(knows_key(0));
    for (unsigned i = 2; i <= KEPT; i++)
        see(0, i);
    cr_expect(knows_key(0), "used behind 1");
    see(0, KEPT + 1);
    cr_expect_not(knows_key(1));
    cr_expect(knows_key(KEPT + 1));
    cr_expect(knows_token(2), "tokens were not touched");
}
