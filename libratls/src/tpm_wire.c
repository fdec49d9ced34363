#include "tpm_wire.h"

/* Limits of Part 2, with the largest algorithms of the reference code. */
#define DIGEST_MAX 64      /* TPM2B_DIGEST: SHA-512 */
#define DATA_MAX 66        /* TPM2B_DATA: TPMT_HA */
#define RSA_KEY_MAX 512    /* TPM2B_PUBLIC_KEY_RSA: 4096 bits */
#define ECC_KEY_MAX 128    /* TPM2B_ECC_PARAMETER */
#define SELECT_BYTES_MAX 4 /* TPMS_PCR_SELECTION: PCR_SELECT_MAX and one to come */

#define RSA_EXPONENT_DEFAULT 65537 /* Part 2, 12.2.3.5 (TPMS_RSA_PARMS) */

/* Part 2, 9.27 (TPMI_ALG_HASH): what a TPM may name, of which checks allow less. */
static uint16_t read_hash_alg(struct ratls_reader *r)
{
    uint16_t alg = ratls_read_u16(r);

    switch (alg) {
    case RATLS_ALG_SHA1:
    case RATLS_ALG_SHA256:
    case RATLS_ALG_SHA384:
    case RATLS_ALG_SHA512:
    case RATLS_ALG_SM3_256:
    case RATLS_ALG_SHA3_256:
    case RATLS_ALG_SHA3_384:
    case RATLS_ALG_SHA3_512:
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

/* What all that a TPM attests begins with. */
static void read_attest_head(struct ratls_reader *r, struct ratls_tpm_attest *attest)
{
    attest->magic = ratls_read_u32(r);
    attest->type = ratls_read_u16(r);
    attest->qualified_signer = ratls_read_tpm2b(r, RATLS_TPM_NAME_MAX);
    attest->extra_data = ratls_read_tpm2b(r, DATA_MAX);
    attest->clock_ms = ratls_read_u64(r);
    attest->reset_count = ratls_read_u32(r);
    attest->restart_count = ratls_read_u32(r);
    attest->safe = read_yes_no(r);
    attest->firmware_version = ratls_read_u64(r);
}

bool ratls_tpm_read_attest(struct ratls_slice in, struct ratls_tpm_attest *ret_attest)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_tpm_attest attest = {.raw = in};

    read_attest_head(&r, &attest);
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

bool ratls_tpm_read_certify(struct ratls_slice in, struct ratls_tpm_attest *ret_attest,
                            struct ratls_slice *ret_name)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_tpm_attest attest = {.raw = in};
    struct ratls_slice name = {0};

    read_attest_head(&r, &attest);
    if (attest.type == RATLS_TPM_ST_ATTEST_CERTIFY) {
        name = ratls_read_tpm2b(&r, RATLS_TPM_NAME_MAX);
        ratls_read_tpm2b(&r, RATLS_TPM_NAME_MAX); /* qualifiedName: of a parent nobody knows */
        if (!ratls_reader_done(&r))
            return false;
    }
    if (r.failed)
        return false;
    *ret_attest = attest;
    *ret_name = name;
    return true;
}

/* Part 2, 11.1.7 (TPMT_SYM_DEF_OBJECT). Null for signing keys; what else it is, attributes tell. */
static void skip_symmetric(struct ratls_reader *r)
{
    switch (ratls_read_u16(r)) {
    case RATLS_ALG_NULL:
        return;
    case RATLS_ALG_TDES:
    case RATLS_ALG_AES:
    case RATLS_ALG_SM4:
    case RATLS_ALG_CAMELLIA:
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
    case RATLS_ALG_RSAES:
        return;
    case RATLS_ALG_RSASSA:
    case RATLS_ALG_RSAPSS:
    case RATLS_ALG_OAEP:
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
    case RATLS_ALG_ECDH:
    case RATLS_ALG_SM2:
    case RATLS_ALG_ECSCHNORR:
    case RATLS_ALG_ECMQV:
        key->scheme_hash = read_hash_alg(r);
        return;
    case RATLS_ALG_ECDAA:
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
    case RATLS_ALG_MGF1:
    case RATLS_ALG_KDF1_SP800_56A:
    case RATLS_ALG_KDF2:
    case RATLS_ALG_KDF1_SP800_108:
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
    bool is_nist = curve >= RATLS_CURVE_P192 && curve <= RATLS_CURVE_P521;
    bool is_other = curve == RATLS_CURVE_BN_P256 || curve == RATLS_CURVE_BN_P638 ||
                    curve == RATLS_CURVE_SM2_P256;

    if (!is_nist && !is_other)
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
