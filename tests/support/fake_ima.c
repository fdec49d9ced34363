#include "fake_ima.h"

#include <openssl/rsa.h>
#include <string.h>

#include "must.h"
#include "pki.h"

#define SHA1_LEN 20
#define KERNEL_SHA256 4
#define XATTR_HEAD 9 /* type, version, hash, key id, length */

void fake_ima_begin(struct fake_ima *ima, uint16_t list_alg, uint16_t bank,
                    enum ratls_ima_mode mode)
{
    memset(ima, 0, sizeof *ima);
    ima->list_alg = list_alg;
    ima->bank = bank;
    ima->mode = mode;
    ima->entry_pcr = RATLS_IMA_PCR;
}

static void put_le32(uint8_t out[4], size_t value)
{
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void add(struct fake_bytes *bytes, const void *p, size_t len)
{
    must(len <= sizeof bytes->p - bytes->len);
    if (len > 0)
        memcpy(bytes->p + bytes->len, p, len);
    bytes->len += len;
}

void fake_ima_field(struct fake_bytes *data, const void *p, size_t len)
{
    uint8_t head[4];

    put_le32(head, len);
    add(data, head, sizeof head);
    add(data, p, len);
}

void fake_ima_path(struct fake_bytes *data, const char *path)
{
    fake_ima_field(data, path, strlen(path) + 1);
}

void fake_ima_digest(struct fake_bytes *data, const char *prefix, uint8_t fill, size_t digest_len)
{
    struct fake_bytes field = {0};
    uint8_t digest[RATLS_DIGEST_MAX];

    must(digest_len <= sizeof digest);
    memset(digest, fill, sizeof digest);
    add(&field, prefix, strlen(prefix) + 1);
    add(&field, digest, digest_len);
    fake_ima_field(data, field.p, field.len);
}

/* What evmctl and the kernel call the key id. */
static void get_id(EVP_PKEY *key, uint8_t out[4])
{
    uint8_t *bits = NULL;
    uint8_t digest[RATLS_DIGEST_MAX];
    int len = i2d_PublicKey(key, &bits);

    must(len > 0);
    must(fake_digest(RATLS_ALG_SHA1, ratls_slice(bits, (size_t)len), digest) == SHA1_LEN);
    memcpy(out, digest + SHA1_LEN - 4, 4);
    OPENSSL_free(bits);
}

static size_t sign(EVP_PKEY *key, const uint8_t *digest, uint8_t *out, size_t cap)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t len = cap;

    must(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1);
    if (EVP_PKEY_is_a(key, "RSA"))
        must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1);
    must(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1);
    must(EVP_PKEY_sign(ctx, out, &len, digest, 32) == 1);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

void fake_ima_signature(struct fake_bytes *data, EVP_PKEY *key, uint8_t version, uint8_t fill)
{
    /* struct ima_file_id: type, hash and digest are what version 3 signs the digest of. */
    uint8_t id[2 + 32] = {6, KERNEL_SHA256};
    uint8_t xattr[XATTR_HEAD + 512] = {version == 2 ? 3 : 6, version, KERNEL_SHA256};
    uint8_t digest[RATLS_DIGEST_MAX];
    size_t len;

    memset(digest, fill, sizeof digest);
    memset(id + 2, fill, 32);
    if (version != 2)
        fake_digest(RATLS_ALG_SHA256, ratls_slice(id, sizeof id), digest);
    get_id(key, xattr + 3);
    len = sign(key, digest, xattr + XATTR_HEAD, sizeof xattr - XATTR_HEAD);
    xattr[7] = (uint8_t)(len >> 8);
    xattr[8] = (uint8_t)len;
    fake_ima_field(data, xattr, XATTR_HEAD + len);
}

/* PCR = H(PCR || what is extended). */
static void extend(struct fake_ima *ima, const uint8_t *listed, const struct fake_bytes *data,
                   bool is_violation)
{
    uint8_t both[2 * RATLS_DIGEST_MAX] = {0};
    size_t len = ratls_tpm_hash_len(ima->bank);

    memcpy(both, ima->pcr, len);
    if (is_violation)
        memset(both + len, 0xff, ima->mode == RATLS_IMA_PADDED ? SHA1_LEN : len);
    else if (ima->mode == RATLS_IMA_PADDED)
        memcpy(both + len, listed, SHA1_LEN);
    else
        must(fake_digest(ima->bank, ratls_slice(data->p, data->len), both + len) == len);
    must(fake_digest(ima->bank, ratls_slice(both, 2 * len), ima->pcr) == len);
}

static void put(struct fake_ima *ima, const void *p, size_t len)
{
    must(len <= sizeof ima->bytes - ima->len);
    memcpy(ima->bytes + ima->len, p, len);
    ima->len += len;
}

void fake_ima_entry(struct fake_ima *ima, const char *template, const struct fake_bytes *data,
                    bool is_violation)
{
    uint8_t digest[RATLS_DIGEST_MAX] = {0}, head[4];
    size_t len = ratls_tpm_hash_len(ima->list_alg);

    must(ima->count < FAKE_IMA_ENTRIES_MAX);
    if (!is_violation)
        must(fake_digest(ima->list_alg, ratls_slice(data->p, data->len), digest) == len);
    put_le32(head, ima->entry_pcr);
    put(ima, head, sizeof head);
    put(ima, digest, len);
    put_le32(head, strlen(template));
    put(ima, head, sizeof head);
    put(ima, template, strlen(template));
    put_le32(head, data->len);
    put(ima, head, sizeof head);
    put(ima, data->p, data->len);
    extend(ima, digest, data, is_violation);
    ima->ends[ima->count++] = ima->len;
}

static void add_ng(struct fake_ima *ima, const char *path, uint8_t fill, bool is_violation)
{
    static struct fake_bytes data; /* too large for a stack frame */

    data.len = 0;
    fake_ima_digest(&data, "sha256:", fill, 32);
    fake_ima_path(&data, path);
    fake_ima_entry(ima, "ima-ng", &data, is_violation);
}

void fake_ima_file(struct fake_ima *ima, const char *path, uint8_t fill)
{
    add_ng(ima, path, fill, false);
}

void fake_ima_violation(struct fake_ima *ima, const char *path)
{
    add_ng(ima, path, 0, true);
}

void fake_ima_signed(struct fake_ima *ima, const char *path, uint8_t fill, EVP_PKEY *key)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", fill, 32);
    fake_ima_path(&data, path);
    if (key != NULL)
        fake_ima_signature(&data, key, 2, fill);
    else
        fake_ima_field(&data, NULL, 0);
    fake_ima_entry(ima, "ima-sig", &data, false);
}

static size_t hash_pcrs(struct fake_tpm *tpm, uint16_t alg, uint8_t *out)
{
    uint8_t pcrs[10 * RATLS_DIGEST_MAX];
    size_t len = ratls_tpm_hash_len(alg), count = alg == RATLS_ALG_SHA1 ? 8 : 10;

    for (unsigned i = 0; i < count; i++)
        memcpy(pcrs + i * len, fake_tpm_pcr(tpm, alg, i), len);
    return fake_digest(alg, ratls_slice(pcrs, count * len), out);
}

void fake_ima_boot(struct fake_ima *ima, struct fake_tpm *tpm, uint16_t alg)
{
    struct fake_bytes data = {0};
    uint8_t field[RATLS_DIGEST_MAX + 16];
    int head = snprintf((char *)field, 16, "%s:", ratls_tpm_hash_name(alg)) + 1; /* and its NUL */
    size_t len = hash_pcrs(tpm, alg, field + head);

    fake_ima_field(&data, field, (size_t)head + len);
    fake_ima_path(&data, "boot_aggregate");
    fake_ima_entry(ima, "ima-ng", &data, false);
}

void fake_ima_show(const struct fake_ima *ima, struct fake_tpm *tpm)
{
    tpm->ima_alg = ima->list_alg;
    tpm->ima_list = ratls_slice(ima->bytes, ima->len);
}

void fake_ima_install(const struct fake_ima *ima, struct fake_tpm *tpm)
{
    fake_ima_show(ima, tpm);
    memcpy(fake_tpm_pcr(tpm, ima->bank, RATLS_IMA_PCR), ima->pcr, ratls_tpm_hash_len(ima->bank));
}

EVP_PKEY *fake_ima_key(struct ratls_signer *ret_signer)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *certificate = pki_ca("signer of files", key, NULL, NULL);

    must(ratls_signer_init(certificate, ret_signer, NULL) == RATLS_OK);
    X509_free(certificate);
    return key;
}
