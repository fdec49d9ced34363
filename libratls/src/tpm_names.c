/* Names of what tpm_wire.c reads, for reports and policies. */
#include "tpm_wire.h"

#include <stdio.h>
#include <string.h>

#define STRONG_HASH_LEN 32 /* SHA-1 is shorter */

struct named_alg {
    uint16_t alg;
    const char *name;
    size_t hash_len; /* 0: not a hash that we know */
};

static const struct named_alg ALGS[] = {
    {RATLS_ALG_RSA, "rsa", 0},           {RATLS_ALG_TDES, "tdes", 0},
    {RATLS_ALG_SHA1, "sha1", 20},        {RATLS_ALG_AES, "aes", 0},
    {RATLS_ALG_MGF1, "mgf1", 0},         {RATLS_ALG_SHA256, "sha256", 32},
    {RATLS_ALG_SHA384, "sha384", 48},    {RATLS_ALG_SHA512, "sha512", 64},
    {RATLS_ALG_NULL, "null", 0},         {RATLS_ALG_SM3_256, "sm3_256", 0},
    {RATLS_ALG_SM4, "sm4", 0},           {RATLS_ALG_RSASSA, "rsassa", 0},
    {RATLS_ALG_RSAES, "rsaes", 0},       {RATLS_ALG_RSAPSS, "rsapss", 0},
    {RATLS_ALG_OAEP, "oaep", 0},         {RATLS_ALG_ECDSA, "ecdsa", 0},
    {RATLS_ALG_ECDH, "ecdh", 0},         {RATLS_ALG_ECDAA, "ecdaa", 0},
    {RATLS_ALG_SM2, "sm2", 0},           {RATLS_ALG_ECSCHNORR, "ecschnorr", 0},
    {RATLS_ALG_ECMQV, "ecmqv", 0},       {RATLS_ALG_KDF1_SP800_56A, "kdf1_sp800_56a", 0},
    {RATLS_ALG_KDF2, "kdf2", 0},         {RATLS_ALG_KDF1_SP800_108, "kdf1_sp800_108", 0},
    {RATLS_ALG_ECC, "ecc", 0},           {RATLS_ALG_CAMELLIA, "camellia", 0},
    {RATLS_ALG_SHA3_256, "sha3_256", 0}, {RATLS_ALG_SHA3_384, "sha3_384", 0},
    {RATLS_ALG_SHA3_512, "sha3_512", 0},
};
#define ALG_COUNT (sizeof ALGS / sizeof *ALGS)

static const struct named_alg UNKNOWN_ALG = {0, "unknown", 0};

static const struct named_alg *find_alg(uint16_t alg)
{
    for (size_t i = 0; i < ALG_COUNT; i++)
        if (ALGS[i].alg == alg)
            return &ALGS[i];
    return &UNKNOWN_ALG;
}

const char *ratls_tpm_hash_name(uint16_t alg)
{
    const struct named_alg *found = find_alg(alg);

    return found->hash_len == 0 ? NULL : found->name;
}

uint16_t ratls_tpm_hash_alg(const char *name)
{
    for (size_t i = 0; i < ALG_COUNT; i++)
        if (ALGS[i].hash_len != 0 && strcmp(ALGS[i].name, name) == 0)
            return ALGS[i].alg;
    return 0;
}

size_t ratls_tpm_hash_len(uint16_t alg)
{
    return find_alg(alg)->hash_len;
}

bool ratls_tpm_is_strong_hash(uint16_t alg)
{
    return find_alg(alg)->hash_len >= STRONG_HASH_LEN;
}

const char *ratls_tpm_alg_name(uint16_t alg)
{
    return find_alg(alg)->name;
}

/* A text that is cut, with "..." at its end, where it does not fit. */
struct text {
    char *out;
    size_t cap; /* at least 1 */
    size_t len;
};

static void append(struct text *text, const char *word)
{
    static const char mark[] = "...";
    size_t room = text->cap - text->len;
    int wanted = snprintf(text->out + text->len, room, "%s", word);

    if (wanted >= 0 && (size_t)wanted < room) {
        text->len += (size_t)wanted;
        return;
    }
    if (text->cap >= sizeof mark)
        memcpy(text->out + text->cap - sizeof mark, mark, sizeof mark);
    text->len = text->cap - 1;
}

static void append_number(struct text *text, const char *prefix, unsigned number)
{
    char word[16];

    snprintf(word, sizeof word, "%s%u", prefix, number);
    append(text, word);
}

static void append_bank(struct text *text, const struct ratls_pcr_bank *bank)
{
    const char *name = ratls_tpm_alg_name(bank->hash_alg);
    const char *separator = ":";

    append(text, name);
    if (bank->pcrs == 0)
        append(text, ":");
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        if ((bank->pcrs >> pcr & 1) == 0)
            continue;
        append_number(text, separator, pcr);
        separator = ",";
    }
}

void ratls_tpm_selection_text(const struct ratls_pcr_bank *banks, size_t count, char *out,
                              size_t cap)
{
    struct text text = {.out = out, .cap = cap};

    if (cap == 0)
        return;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            append(&text, " ");
        append_bank(&text, &banks[i]);
    }
}

size_t ratls_tpm_selection_values_len(const struct ratls_pcr_bank *banks, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        size_t digest_len = ratls_tpm_hash_len(banks[i].hash_alg);

        if (digest_len == 0)
            return 0;
        total += digest_len * (size_t)__builtin_popcount(banks[i].pcrs);
    }
    return total;
}
