#include "fake_tpm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "must.h"

#define RSA_MODULUS_MAX 512

struct fake_tpm *fake_tpm_new(enum fake_algorithm algorithm)
{
    static const struct {
        uint16_t scheme, hash;
    } schemes[] = {
        [FAKE_ECDSA_P256] = {RATLS_ALG_ECDSA, RATLS_ALG_SHA256},
        [FAKE_ECDSA_P384] = {RATLS_ALG_ECDSA, RATLS_ALG_SHA384},
        [FAKE_RSASSA] = {RATLS_ALG_RSASSA, RATLS_ALG_SHA256},
        [FAKE_RSAPSS] = {RATLS_ALG_RSAPSS, RATLS_ALG_SHA256},
    };
    struct fake_tpm *tpm = calloc(1, sizeof *tpm);

    must(tpm != NULL);
    if (algorithm == FAKE_ECDSA_P256 || algorithm == FAKE_ECDSA_P384)
        tpm->key = EVP_EC_gen(algorithm == FAKE_ECDSA_P256 ? "P-256" : "P-384");
    else
        tpm->key = EVP_RSA_gen(2048);
    must(tpm->key != NULL);
    tpm->area = (struct fake_area){.name_alg = RATLS_ALG_SHA256,
                                   .attributes = FAKE_AK_ATTRIBUTES,
                                   .scheme = schemes[algorithm].scheme,
                                   .scheme_hash = schemes[algorithm].hash};
    snprintf(tpm->service, sizeof tpm->service, "default");
    tpm->clock_ms = 1000000;
    tpm->reset_count = 7;
    tpm->restart_count = 3;
    tpm->safe = true;
    tpm->firmware_version = 0x2024012500120000;
    for (unsigned bank = 0; bank < FAKE_BANKS; bank++)
        for (unsigned i = 0; i < RATLS_PCR_COUNT; i++)
            memset(tpm->pcrs[bank][i], (int)(0x20 * (bank + 1) + i), sizeof tpm->pcrs[bank][i]);
    return tpm;
}

void fake_tpm_free(struct fake_tpm *tpm)
{
    if (tpm == NULL)
        return;
    for (size_t i = 0; i < tpm->chain_count; i++)
        OPENSSL_free(tpm->chain[i]);
    EVP_PKEY_free(tpm->key);
    EVP_PKEY_free(tpm->epoch_key);
    free(tpm);
}

uint8_t *fake_tpm_pcr(struct fake_tpm *tpm, uint16_t bank, unsigned index)
{
    static const uint16_t banks[FAKE_BANKS] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                               RATLS_ALG_SHA512};
    size_t i = 0;

    while (i < FAKE_BANKS && banks[i] != bank)
        i++;
    must(i < FAKE_BANKS && index < RATLS_PCR_COUNT);
    return tpm->pcrs[i][index];
}

void fake_tpm_add_certificate(struct fake_tpm *tpm, const X509 *certificate)
{
    size_t i = tpm->chain_count++;
    int len;

    must(i < FAKE_CHAIN_MAX);
    len = i2d_X509(certificate, &tpm->chain[i]);
    must(len > 0);
    tpm->chain_len[i] = (size_t)len;
}

void fake_write_tpm2b(struct ratls_writer *w, struct ratls_slice bytes)
{
    ratls_write_u16(w, (uint16_t)bytes.len);
    ratls_write_bytes(w, bytes);
}

/* Part 2, 12.2.4, for ECC: no symmetric algorithm, no key derivation. */
static void write_ecc_public(EVP_PKEY *key, const struct fake_area *area, struct ratls_writer *w)
{
    uint8_t point[1 + 2 * 66];
    size_t len;
    size_t half;

    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len));
    must(point[0] == POINT_CONVERSION_UNCOMPRESSED);
    half = (len - 1) / 2;
    ratls_write_u16(w, RATLS_ALG_NULL);
    ratls_write_u16(w, area->scheme);
    if (area->scheme != RATLS_ALG_NULL)
        ratls_write_u16(w, area->scheme_hash);
    ratls_write_u16(w, half == 32 ? RATLS_CURVE_P256 : RATLS_CURVE_P384);
    ratls_write_u16(w, RATLS_ALG_NULL);
    fake_write_tpm2b(w, ratls_slice(point + 1, half));
    fake_write_tpm2b(w, ratls_slice(point + 1 + half, half));
}

static void write_rsa_public(EVP_PKEY *key, const struct fake_area *area, struct ratls_writer *w)
{
    uint8_t modulus[RSA_MODULUS_MAX];
    BIGNUM *n = NULL;
    int len;

    must(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n));
    len = BN_bn2bin(n, modulus);
    BN_free(n);
    ratls_write_u16(w, RATLS_ALG_NULL);
    ratls_write_u16(w, area->scheme);
    if (area->scheme != RATLS_ALG_NULL)
        ratls_write_u16(w, area->scheme_hash);
    ratls_write_u16(w, (uint16_t)(8 * len));
    ratls_write_u32(w, area->exponent);
    fake_write_tpm2b(w, ratls_slice(modulus, (size_t)len));
}

void fake_write_public(EVP_PKEY *key, const struct fake_area *area, struct ratls_writer *w)
{
    bool is_ecc = EVP_PKEY_is_a(key, "EC") == 1;

    ratls_write_u16(w, is_ecc ? RATLS_ALG_ECC : RATLS_ALG_RSA);
    ratls_write_u16(w, area->name_alg);
    ratls_write_u32(w, area->attributes);
    fake_write_tpm2b(w, ratls_slice(NULL, 0));
    if (is_ecc)
        write_ecc_public(key, area, w);
    else
        write_rsa_public(key, area, w);
}

size_t fake_tpm_public(const struct fake_tpm *tpm, uint8_t *out)
{
    struct ratls_writer w = ratls_writer(out, RATLS_TPM_STRUCTURE_MAX);

    fake_write_public(tpm->key, &tpm->area, &w);
    must(!w.failed);
    return w.len;
}

size_t fake_digest(uint16_t alg, struct ratls_slice in, uint8_t *out)
{
    const EVP_MD *md = EVP_get_digestbyname(ratls_tpm_hash_name(alg));
    unsigned len = 0;

    must(md != NULL && EVP_Digest(in.p, in.len, out, &len, md, NULL));
    return len;
}

size_t fake_name(uint16_t alg, struct ratls_slice public, uint8_t *out)
{
    out[0] = (uint8_t)(alg >> 8);
    out[1] = (uint8_t)alg;
    return 2 + fake_digest(alg, public, out + 2);
}

size_t fake_tpm_name(const struct fake_tpm *tpm, uint8_t *out)
{
    uint8_t public[RATLS_TPM_STRUCTURE_MAX];
    size_t len = fake_tpm_public(tpm, public);

    return fake_name(tpm->area.name_alg, ratls_slice(public, len), out);
}
