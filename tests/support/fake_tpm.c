#include "fake_tpm.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"

#define TPM_RH_ENDORSEMENT 0x4000000Bu
#define PCR_SELECT_LEN 3
#define RSA_MODULUS_MAX 512

/* Prints where, and OpenSSL's reasons, and aborts. */
#define must(condition) must_hold((condition) ? true : false, #condition, __LINE__)

static void must_hold(bool held, const char *condition, int line)
{
    if (held)
        return;
    fprintf(stderr, "fake_tpm.c:%d: failed: %s\n", line, condition);
    ERR_print_errors_fp(stderr);
    abort();
}

void fake_bytes_set(struct fake_bytes *bytes, const void *p, size_t len)
{
    must(len <= sizeof bytes->p);
    if (len > 0)
        memcpy(bytes->p, p, len);
    bytes->len = len;
}

static struct ratls_slice slice_of(const struct fake_bytes *bytes)
{
    return ratls_slice(bytes->p, bytes->len);
}

static struct ratls_writer writer_of(struct fake_bytes *bytes)
{
    return ratls_writer(bytes->p, sizeof bytes->p);
}

static void end_writing(const struct ratls_writer *w, struct fake_bytes *bytes)
{
    must(!w->failed);
    bytes->len = w->len;
}

static void write_tpm2b(struct ratls_writer *w, struct ratls_slice bytes)
{
    ratls_write_u16(w, (uint16_t)bytes.len);
    ratls_write_bytes(w, bytes);
}

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
    write_tpm2b(w, ratls_slice(point + 1, half));
    write_tpm2b(w, ratls_slice(point + 1 + half, half));
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
    write_tpm2b(w, ratls_slice(modulus, (size_t)len));
}

static void write_public(EVP_PKEY *key, const struct fake_area *area, struct ratls_writer *w)
{
    bool is_ecc = EVP_PKEY_is_a(key, "EC") == 1;

    ratls_write_u16(w, is_ecc ? RATLS_ALG_ECC : RATLS_ALG_RSA);
    ratls_write_u16(w, area->name_alg);
    ratls_write_u32(w, area->attributes);
    write_tpm2b(w, ratls_slice(NULL, 0));
    if (is_ecc)
        write_ecc_public(key, area, w);
    else
        write_rsa_public(key, area, w);
}

size_t fake_tpm_public(const struct fake_tpm *tpm, uint8_t *out)
{
    struct ratls_writer w = ratls_writer(out, RATLS_TPM_STRUCTURE_MAX);

    write_public(tpm->key, &tpm->area, &w);
    must(!w.failed);
    return w.len;
}

/* By OpenSSL itself, not by the library's digest: any hash, and an independent answer. */
static size_t digest(uint16_t alg, struct ratls_slice in, uint8_t *out)
{
    const EVP_MD *md = EVP_get_digestbyname(ratls_tpm_hash_name(alg));
    unsigned len = 0;

    must(md != NULL && EVP_Digest(in.p, in.len, out, &len, md, NULL));
    return len;
}

static size_t make_name(uint16_t alg, struct ratls_slice public, uint8_t *out)
{
    out[0] = (uint8_t)(alg >> 8);
    out[1] = (uint8_t)alg;
    return 2 + digest(alg, public, out + 2);
}

size_t fake_tpm_name(const struct fake_tpm *tpm, uint8_t *out)
{
    uint8_t public[RATLS_TPM_STRUCTURE_MAX];
    size_t len = fake_tpm_public(tpm, public);

    return make_name(tpm->area.name_alg, ratls_slice(public, len), out);
}

static void fill_area(struct fake_draft *draft)
{
    draft->area = draft->tpm->area;
}

static void make_public(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->ak_public);
    struct fake_bytes qualified = {0};
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t len;

    write_public(draft->tpm->key, &draft->area, &w);
    end_writing(&w, &draft->ak_public);
    len = make_name(draft->area.name_alg, slice_of(&draft->ak_public), name);
    w = writer_of(&qualified);
    ratls_write_u32(&w, TPM_RH_ENDORSEMENT);
    ratls_write_bytes(&w, ratls_slice(name, len));
    end_writing(&w, &qualified);
    draft->qualified_signer.len =
        make_name(draft->area.name_alg, slice_of(&qualified), draft->qualified_signer.p);
}

/* The chain stays away if the request named the key (WIRE.md, 3). */
static bool is_key_named(struct fake_draft *draft)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t id[32];
    size_t len = make_name(draft->area.name_alg, slice_of(&draft->ak_public), name);

    digest(RATLS_ALG_SHA256, ratls_slice(name, len), id);
    for (size_t i = 0; i < draft->request->key_id_count; i++) {
        if (memcmp(draft->request->key_ids[i], id, RATLS_KEY_ID_LEN) == 0)
            return true;
    }
    return false;
}

static void fill_statement(struct fake_draft *draft)
{
    const struct ratls_attest_request *request = draft->request;
    bool has_session = request->mode == RATLS_MODE_HANDSHAKE;
    struct ratls_evidence *evidence = &draft->evidence;

    make_public(draft);
    evidence->certificate_count = is_key_named(draft) ? 0 : draft->tpm->chain_count;
    for (size_t i = 0; i < evidence->certificate_count; i++)
        evidence->certificates[i] = ratls_slice(draft->tpm->chain[i], draft->tpm->chain_len[i]);
    must(ratls_evidence_manifest(evidence, draft->manifest, NULL) == RATLS_OK);
    draft->statement = (struct ratls_statement){
        .label = ratls_slice(RATLS_STATEMENT_LABEL, strlen(RATLS_STATEMENT_LABEL)),
        .mode = request->mode,
        .role = request->role,
        .tls_version = request->tls_version,
        .cipher_suite = request->cipher_suite,
        .nonce = ratls_slice(request->nonce, has_session ? sizeof request->nonce : 0),
        .binder = ratls_slice(request->binder, has_session ? sizeof request->binder : 0),
        .spki_sha256 = ratls_slice(request->spki_sha256, sizeof request->spki_sha256),
        .service = ratls_slice(draft->tpm->service, strlen(draft->tpm->service)),
        .manifest = ratls_slice(draft->manifest, sizeof draft->manifest),
        .context = ratls_slice(request->context, request->context_len),
    };
}

static void fill_leaf(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->statement_cbor);

    ratls_statement_write(&draft->statement, &w);
    end_writing(&w, &draft->statement_cbor);
    draft->path = (struct ratls_merkle_path){.tree_size = 1};
}

/* A path that cannot be climbed gives the leaf: the quote has to say something. */
static void fill_extra_data(struct fake_draft *draft)
{
    uint8_t root[32];
    bool is_valid;

    must(ratls_merkle_leaf(slice_of(&draft->statement_cbor), root, NULL) == RATLS_OK);
    must(ratls_merkle_root(root, &draft->path, &is_valid, root, NULL) == RATLS_OK);
    fake_bytes_set(&draft->extra_data, root, sizeof root);
}

/* The values of a selection, and their digest by the hash of the scheme (Part 2, 10.12.1). */
static void fill_pcrs(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->pcr_values);

    for (size_t i = 0; i < draft->selection.count; i++) {
        const struct ratls_pcr_bank *bank = &draft->selection.banks[i];

        for (unsigned index = 0; index < RATLS_PCR_COUNT; index++) {
            if ((bank->pcrs >> index & 1) != 0)
                ratls_write_bytes(&w, ratls_slice(fake_tpm_pcr(draft->tpm, bank->hash_alg, index),
                                                  ratls_tpm_hash_len(bank->hash_alg)));
        }
    }
    end_writing(&w, &draft->pcr_values);
    draft->pcr_digest.len =
        digest(draft->area.scheme_hash, slice_of(&draft->pcr_values), draft->pcr_digest.p);
}

static void fill_quote(struct fake_draft *draft)
{
    const struct ratls_pcr_selection *selection = &draft->request->selection;

    fill_extra_data(draft);
    draft->magic = RATLS_TPM_GENERATED;
    draft->type = RATLS_TPM_ST_ATTEST_QUOTE;
    draft->clock_ms = draft->tpm->clock_ms++;
    draft->reset_count = draft->tpm->reset_count;
    draft->restart_count = draft->tpm->restart_count;
    draft->safe = draft->tpm->safe;
    draft->firmware_version = draft->tpm->firmware_version;
    draft->selection.count = selection->count;
    memcpy(draft->selection.banks, selection->banks, sizeof selection->banks);
    fill_pcrs(draft);
}

static void write_selection(const struct ratls_tpm_selection *selection, struct ratls_writer *w)
{
    ratls_write_u32(w, (uint32_t)selection->count);
    for (size_t i = 0; i < selection->count; i++) {
        ratls_write_u16(w, selection->banks[i].hash_alg);
        ratls_write_u8(w, PCR_SELECT_LEN);
        for (unsigned j = 0; j < PCR_SELECT_LEN; j++)
            ratls_write_u8(w, (uint8_t)(selection->banks[i].pcrs >> 8 * j));
    }
}

static void fill_attest(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->attest);

    ratls_write_u32(&w, draft->magic);
    ratls_write_u16(&w, draft->type);
    write_tpm2b(&w, slice_of(&draft->qualified_signer));
    write_tpm2b(&w, slice_of(&draft->extra_data));
    ratls_write_u64(&w, draft->clock_ms);
    ratls_write_u32(&w, draft->reset_count);
    ratls_write_u32(&w, draft->restart_count);
    ratls_write_u8(&w, draft->safe);
    ratls_write_u64(&w, draft->firmware_version);
    write_selection(&draft->selection, &w);
    write_tpm2b(&w, slice_of(&draft->pcr_digest));
    end_writing(&w, &draft->attest);
    draft->signer = draft->tpm->key;
    draft->signature_alg = draft->area.scheme;
    draft->signature_hash = draft->area.scheme_hash;
}

static size_t sign(const struct fake_draft *draft, uint8_t *out, size_t cap)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_ctx = NULL;
    size_t len = cap;

    must(ctx != NULL);
    must(EVP_DigestSignInit_ex(ctx, &key_ctx, ratls_tpm_hash_name(draft->signature_hash), NULL,
                               NULL, draft->signer, NULL) == 1);
    if (draft->signature_alg == RATLS_ALG_RSAPSS) {
        must(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING) == 1);
        must(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    must(EVP_DigestSign(ctx, out, &len, draft->attest.p, draft->attest.len) == 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void write_ecdsa(struct ratls_slice der, size_t half, struct ratls_writer *w)
{
    uint8_t number[66];
    const unsigned char *p = der.p;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &p, (long)der.len);

    must(signature != NULL);
    must(BN_bn2binpad(ECDSA_SIG_get0_r(signature), number, (int)half) == (int)half);
    write_tpm2b(w, ratls_slice(number, half));
    must(BN_bn2binpad(ECDSA_SIG_get0_s(signature), number, (int)half) == (int)half);
    write_tpm2b(w, ratls_slice(number, half));
    ECDSA_SIG_free(signature);
}

static void fill_signature(struct fake_draft *draft)
{
    uint8_t raw[RATLS_TPM_STRUCTURE_MAX];
    size_t len = sign(draft, raw, sizeof raw);
    struct ratls_writer w = writer_of(&draft->signature);

    ratls_write_u16(&w, draft->signature_alg);
    ratls_write_u16(&w, draft->signature_hash);
    if (draft->signature_alg == RATLS_ALG_ECDSA)
        write_ecdsa(ratls_slice(raw, len), ((size_t)EVP_PKEY_get_bits(draft->signer) + 7) / 8, &w);
    else
        write_tpm2b(&w, ratls_slice(raw, len));
    end_writing(&w, &draft->signature);
    draft->evidence.statement = slice_of(&draft->statement_cbor);
    draft->evidence.path = draft->path;
    draft->evidence.attest = slice_of(&draft->attest);
    draft->evidence.signature = slice_of(&draft->signature);
    draft->evidence.ak_public = slice_of(&draft->ak_public);
    draft->evidence.pcr_values = slice_of(&draft->pcr_values);
}

static void fill_wire(struct fake_draft *draft)
{
    struct ratls_writer w = ratls_writer(draft->wire, sizeof draft->wire);

    ratls_evidence_write(&draft->evidence, &w);
    must(!w.failed);
    draft->wire_len = w.len;
}

struct fake_draft *fake_tpm_attest(struct fake_tpm *tpm, const struct ratls_attest_request *request,
                                   fake_tamper *tamper, void *arg)
{
    static void (*const fill[])(struct fake_draft *) = {
        [FAKE_AREA] = fill_area,     [FAKE_STATEMENT] = fill_statement,
        [FAKE_LEAF] = fill_leaf,     [FAKE_QUOTE] = fill_quote,
        [FAKE_ATTEST] = fill_attest, [FAKE_SIGNED] = fill_signature,
        [FAKE_WIRE] = fill_wire,
    };
    struct fake_draft *draft = calloc(1, sizeof *draft);

    must(draft != NULL);
    draft->tpm = tpm;
    draft->request = request;
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++) {
        fill[i](draft);
        if (tamper != NULL)
            tamper((enum fake_stage)i, draft, arg);
    }
    return draft;
}

void fake_request(const struct ratls_expectation *expectation,
                  const struct ratls_pcr_selection *selection, struct ratls_attest_request *ret)
{
    *ret = (struct ratls_attest_request){.mode = expectation->mode,
                                         .role = expectation->role,
                                         .tls_version = expectation->tls_version,
                                         .cipher_suite = expectation->cipher_suite,
                                         .selection = *selection};
    memcpy(ret->nonce, expectation->nonce, sizeof ret->nonce);
    memcpy(ret->binder, expectation->binder, sizeof ret->binder);
    memcpy(ret->spki_sha256, expectation->spki_sha256, sizeof ret->spki_sha256);
    if (expectation->mode == RATLS_MODE_CERTIFICATE) {
        struct ratls_writer w = ratls_writer(ret->context, sizeof ret->context);

        ratls_write_u64(&w, (uint64_t)expectation->now);
        ret->context_len = w.len;
    }
}

struct fake_attester {
    struct ratls_attester base;
    atomic_uint references;
    pthread_mutex_t lock; /* a TPM does one thing at a time */
    struct fake_tpm *tpm;
    fake_tamper *tamper;
    void *arg;
};

static enum ratls_status attest(struct ratls_attester *self,
                                const struct ratls_attest_request *request, uint8_t *out,
                                size_t cap, size_t *ret_len, struct ratls_error *ret_error)
{
    struct fake_attester *attester = (struct fake_attester *)self;
    enum ratls_status status = RATLS_OK;
    struct fake_draft *draft;

    pthread_mutex_lock(&attester->lock);
    draft = fake_tpm_attest(attester->tpm, request, attester->tamper, attester->arg);
    pthread_mutex_unlock(&attester->lock);
    if (draft->wire_len > cap) {
        status = ratls_fail(ret_error, RATLS_LIMIT, "the evidence is too long");
    } else {
        memcpy(out, draft->wire, draft->wire_len);
        *ret_len = draft->wire_len;
    }
    free(draft);
    return status;
}

static struct ratls_attester *add_reference(struct ratls_attester *self)
{
    atomic_fetch_add(&((struct fake_attester *)self)->references, 1);
    return self;
}

static void drop_reference(struct ratls_attester *self)
{
    struct fake_attester *attester = (struct fake_attester *)self;

    if (attester == NULL || atomic_fetch_sub(&attester->references, 1) > 1)
        return;
    pthread_mutex_destroy(&attester->lock);
    free(attester);
}

struct ratls_attester *fake_attester_new(struct fake_tpm *tpm, fake_tamper *tamper, void *arg)
{
    struct fake_attester *attester = calloc(1, sizeof *attester);

    must(attester != NULL);
    attester->base = (struct ratls_attester){attest, add_reference, drop_reference};
    attester->references = 1;
    must(pthread_mutex_init(&attester->lock, NULL) == 0);
    attester->tpm = tpm;
    attester->tamper = tamper;
    attester->arg = arg;
    return &attester->base;
}
