#include "tpm_wire.h"

#include <stdio.h>
#include <string.h>

/* Limits of Part 2, with the largest algorithms of the reference code. */
#define DIGEST_MAX 64      /* TPM2B_DIGEST: SHA-512 */
#define DATA_MAX 66        /* TPM2B_DATA: TPMT_HA */
#define RSA_KEY_MAX 512    /* TPM2B_PUBLIC_KEY_RSA: 4096 bits */
#define ECC_KEY_MAX 128    /* TPM2B_ECC_PARAMETER */
#define SELECT_BYTES_MAX 4 /* TPMS_PCR_SELECTION: PCR_SELECT_MAX and one to come */

#define RSA_EXPONENT_DEFAULT 65537 /* Part 2, 12.2.3.5 (TPMS_RSA_PARMS) */

/* Algorithms that are only read past; the others are in tpm_wire.h. Part 2, 6.3. */
enum other_alg {
    ALG_TDES = 0x0003,
    ALG_AES = 0x0006,
    ALG_MGF1 = 0x0007,
    ALG_SM3_256 = 0x0012,
    ALG_SM4 = 0x0013,
    ALG_RSAES = 0x0015,
    ALG_OAEP = 0x0017,
    ALG_ECDH = 0x0019,
    ALG_ECDAA = 0x001A,
    ALG_SM2 = 0x001B,
    ALG_ECSCHNORR = 0x001C,
    ALG_ECMQV = 0x001D,
    ALG_KDF1_SP800_56A = 0x0020,
    ALG_KDF2 = 0x0021,
    ALG_KDF1_SP800_108 = 0x0022,
    ALG_CAMELLIA = 0x0026,
    ALG_SHA3_256 = 0x0027,
    ALG_SHA3_384 = 0x0028,
    ALG_SHA3_512 = 0x0029,
};

enum other_curve { /* Part 2, 6.4 */
    CURVE_P192 = 0x0001,
    CURVE_BN_P256 = 0x0010,
    CURVE_BN_P638 = 0x0011,
    CURVE_SM2 = 0x0020,
};

struct named_alg {
    uint16_t alg;
    const char *name;
    size_t hash_len; /* 0: not a hash that we know */
};

static const struct named_alg ALGS[] = {
    {RATLS_ALG_RSA, "rsa", 0},         {RATLS_ALG_SHA1, "sha1", 20},
    {RATLS_ALG_SHA256, "sha256", 32},  {RATLS_ALG_SHA384, "sha384", 48},
    {RATLS_ALG_SHA512, "sha512", 64},  {RATLS_ALG_NULL, "null", 0},
    {RATLS_ALG_RSASSA, "rsassa", 0},   {RATLS_ALG_RSAPSS, "rsapss", 0},
    {RATLS_ALG_ECDSA, "ecdsa", 0},     {RATLS_ALG_ECC, "ecc", 0},
    {ALG_TDES, "tdes", 0},             {ALG_AES, "aes", 0},
    {ALG_MGF1, "mgf1", 0},             {ALG_SM3_256, "sm3_256", 0},
    {ALG_SM4, "sm4", 0},               {ALG_RSAES, "rsaes", 0},
    {ALG_OAEP, "oaep", 0},             {ALG_ECDH, "ecdh", 0},
    {ALG_ECDAA, "ecdaa", 0},           {ALG_SM2, "sm2", 0},
    {ALG_ECSCHNORR, "ecschnorr", 0},   {ALG_ECMQV, "ecmqv", 0},
    {ALG_CAMELLIA, "camellia", 0},     {ALG_SHA3_256, "sha3_256", 0},
    {ALG_SHA3_384, "sha3_384", 0},     {ALG_SHA3_512, "sha3_512", 0},
};

static const struct named_alg *find_alg(uint16_t alg)
{
    for (size_t i = 0; i < sizeof ALGS / sizeof *ALGS; i++)
        if (ALGS[i].alg == alg)
            return &ALGS[i];
    return NULL;
}

const char *ratls_tpm_hash_name(uint16_t alg)
{
    return ratls_tpm_hash_len(alg) == 0 ? NULL : find_alg(alg)->name;
}

uint16_t ratls_tpm_hash_alg(const char *name)
{
    for (size_t i = 0; i < sizeof ALGS / sizeof *ALGS; i++)
        if (ALGS[i].hash_len != 0 && strcmp(ALGS[i].name, name) == 0)
            return ALGS[i].alg;
    return 0;
}

size_t ratls_tpm_hash_len(uint16_t alg)
{
    const struct named_alg *found = find_alg(alg);

    return found == NULL ? 0 : found->hash_len;
}

const char *ratls_tpm_alg_name(uint16_t alg)
{
    const struct named_alg *found = find_alg(alg);

    return found == NULL ? "unknown" : found->name;
}

/* Part 2, 9.29 (TPMI_ALG_HASH): what a TPM may name, of which checks allow less. */
static uint16_t read_hash_alg(struct ratls_reader *r)
{
    uint16_t alg = ratls_read_u16(r);

    switch (alg) {
    case RATLS_ALG_SHA1:
    case RATLS_ALG_SHA256:
    case RATLS_ALG_SHA384:
    case RATLS_ALG_SHA512:
    case ALG_SM3_256:
    case ALG_SHA3_256:
    case ALG_SHA3_384:
    case ALG_SHA3_512:
        break;
    default:
        r->failed = true;
    }
    return alg;
}

/* Part 2, 10.6.2 (TPMS_PCR_SELECTION): bit i of byte j stands for PCR 8j + i. */
static struct ratls_pcr_bank read_bank(struct ratls_reader *r)
{
    struct ratls_pcr_bank bank = {.hash_alg = read_hash_alg(r)};
    uint8_t len = ratls_read_u8(r);
    struct ratls_slice bitmap = ratls_read_bytes(r, len);

    if (len < 1 || len > SELECT_BYTES_MAX) {
        r->failed = true;
        return bank;
    }
    for (size_t i = 0; i < bitmap.len; i++)
        bank.pcrs |= (uint32_t)bitmap.p[i] << (8 * i);
    if (bank.pcrs >> RATLS_PCR_COUNT != 0)
        r->failed = true;
    return bank;
}

static void read_selection(struct ratls_reader *r, struct ratls_tpm_selection *selection)
{
    uint32_t count = ratls_read_u32(r);

    if (count > RATLS_TPM_BANKS_MAX) {
        r->failed = true;
        return;
    }
    selection->count = count;
    for (size_t i = 0; i < count; i++)
        selection->banks[i] = read_bank(r);
}

/* TPMI_YES_NO. */
static bool read_yes_no(struct ratls_reader *r)
{
    uint8_t value = ratls_read_u8(r);

    if (value > 1)
        r->failed = true;
    return value == 1;
}

bool ratls_tpm_read_attest(struct ratls_slice in, struct ratls_tpm_attest *ret_attest)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_tpm_attest attest = {.raw = in};

    attest.magic = ratls_read_u32(&r);
    attest.type = ratls_read_u16(&r);
    attest.qualified_signer = ratls_read_tpm2b(&r, RATLS_TPM_NAME_MAX);
    attest.extra_data = ratls_read_tpm2b(&r, DATA_MAX);
    attest.clock_ms = ratls_read_u64(&r);
    attest.reset_count = ratls_read_u32(&r);
    attest.restart_count = ratls_read_u32(&r);
    attest.safe = read_yes_no(&r);
    attest.firmware_version = ratls_read_u64(&r);
    if (attest.type == RATLS_TPM_ST_ATTEST_QUOTE) {
        read_selection(&r, &attest.selection);
        attest.pcr_digest = ratls_read_tpm2b(&r, DIGEST_MAX);
        if (!ratls_reader_done(&r))
            return false;
    }
    if (r.failed)
        return false;
    *ret_attest = attest;
    return true;
}

/* Part 2, 11.1.7 (TPMT_SYM_DEF_OBJECT). A signing key has none, which its attributes must say too. */
static void skip_symmetric(struct ratls_reader *r)
{
    switch (ratls_read_u16(r)) {
    case RATLS_ALG_NULL:
        return;
    case ALG_TDES:
    case ALG_AES:
    case ALG_SM4:
    case ALG_CAMELLIA:
        ratls_read_u16(r); /* keyBits */
        ratls_read_u16(r); /* mode */
        return;
    default:
        r->failed = true;
    }
}

/* Part 2, 11.2.4.2 (TPMT_RSA_SCHEME). */
static void read_rsa_scheme(struct ratls_reader *r, struct ratls_tpm_public *key)
{
    key->scheme = ratls_read_u16(r);
    switch (key->scheme) {
    case RATLS_ALG_NULL:
    case ALG_RSAES:
        return;
    case RATLS_ALG_RSASSA:
    case RATLS_ALG_RSAPSS:
    case ALG_OAEP:
        key->scheme_hash = read_hash_alg(r);
        return;
    default:
        r->failed = true;
    }
}

/* Part 2, 11.2.5.6 (TPMT_ECC_SCHEME). */
static void read_ecc_scheme(struct ratls_reader *r, struct ratls_tpm_public *key)
{
    key->scheme = ratls_read_u16(r);
    switch (key->scheme) {
    case RATLS_ALG_NULL:
        return;
    case RATLS_ALG_ECDSA:
    case ALG_ECDH:
    case ALG_SM2:
    case ALG_ECSCHNORR:
    case ALG_ECMQV:
        key->scheme_hash = read_hash_alg(r);
        return;
    case ALG_ECDAA:
        key->scheme_hash = read_hash_alg(r);
        ratls_read_u16(r); /* count */
        return;
    default:
        r->failed = true;
    }
}

/* Part 2, 11.2.3.3 (TPMT_KDF_SCHEME). */
static void skip_kdf(struct ratls_reader *r)
{
    switch (ratls_read_u16(r)) {
    case RATLS_ALG_NULL:
        return;
    case ALG_MGF1:
    case ALG_KDF1_SP800_56A:
    case ALG_KDF2:
    case ALG_KDF1_SP800_108:
        read_hash_alg(r);
        return;
    default:
        r->failed = true;
    }
}

static void read_rsa_key(struct ratls_reader *r, struct ratls_tpm_public *key)
{
    skip_symmetric(r);
    read_rsa_scheme(r, key);
    key->rsa_bits = ratls_read_u16(r);
    key->rsa_exponent = ratls_read_u32(r);
    if (key->rsa_exponent == 0)
        key->rsa_exponent = RSA_EXPONENT_DEFAULT;
    key->rsa_modulus = ratls_read_tpm2b(r, RSA_KEY_MAX);
}

/* Part 2, 6.4 (TPM_ECC_CURVE): NIST P-192 to P-521, BN P-256 and P-638, SM2 P-256. */
static uint16_t read_curve(struct ratls_reader *r)
{
    uint16_t curve = ratls_read_u16(r);
    bool is_nist = curve >= CURVE_P192 && curve <= RATLS_CURVE_P521;

    if (!is_nist && curve != CURVE_BN_P256 && curve != CURVE_BN_P638 && curve != CURVE_SM2)
        r->failed = true;
    return curve;
}

static void read_ecc_key(struct ratls_reader *r, struct ratls_tpm_public *key)
{
    skip_symmetric(r);
    read_ecc_scheme(r, key);
    key->curve = read_curve(r);
    skip_kdf(r);
    key->x = ratls_read_tpm2b(r, ECC_KEY_MAX);
    key->y = ratls_read_tpm2b(r, ECC_KEY_MAX);
}

bool ratls_tpm_read_public(struct ratls_slice in, struct ratls_tpm_public *ret_public)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_tpm_public key = {.raw = in};

    key.type = ratls_read_u16(&r);
    key.name_alg = read_hash_alg(&r);
    key.attributes = ratls_read_u32(&r);
    key.auth_policy = ratls_read_tpm2b(&r, DIGEST_MAX);
    if (key.type == RATLS_ALG_RSA)
        read_rsa_key(&r, &key);
    else if (key.type == RATLS_ALG_ECC)
        read_ecc_key(&r, &key);
    else
        return false;
    if (!ratls_reader_done(&r))
        return false;
    *ret_public = key;
    return true;
}

bool ratls_tpm_read_signature(struct ratls_slice in, struct ratls_tpm_signature *ret_signature)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_tpm_signature signature = {0};

    signature.alg = ratls_read_u16(&r);
    signature.hash = read_hash_alg(&r);
    switch (signature.alg) {
    case RATLS_ALG_RSASSA:
    case RATLS_ALG_RSAPSS:
        signature.rsa = ratls_read_tpm2b(&r, RSA_KEY_MAX);
        break;
    case RATLS_ALG_ECDSA:
        signature.r = ratls_read_tpm2b(&r, ECC_KEY_MAX);
        signature.s = ratls_read_tpm2b(&r, ECC_KEY_MAX);
        break;
    default:
        return false;
    }
    if (!ratls_reader_done(&r))
        return false;
    *ret_signature = signature;
    return true;
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
