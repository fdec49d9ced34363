/*
 * What somebody makes who has the TPM, and wants to have the TLS key elsewhere too: objects of a
 * real TPM that its attestation key certifies, or does not.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <tss2/tss2_mu.h>

#include "tls_key_scene.h"

static void begin(void)
{
    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
}

TestSuite(attester_tls_key_forged, .init = begin, .fini = tear_down, .timeout = 180);

#define NO_SESSION ESYS_TR_NONE

struct forge {
    struct ratls_tpm tpm;
    struct ratls_ak_state state;
    struct ratls_ak ak;
    ESYS_TR parent;
    TPM2B_PUBLIC area; /* of what is to be certified */
    ESYS_TR object;
    TPM2B_AUTH auth; /* as is */
    TPM2B_ATTEST *attest;
    TPMT_SIGNATURE *signature;
    TPM2B_DATA qualifying;
};

static const TPM2B_DATA no_info;
static const TPML_PCR_SELECTION no_pcrs;
static const TPM2B_SENSITIVE_CREATE no_secret;

static void open_forge(struct forge *forge)
{
    struct ratls_error err = {0};
    TPM2B_PUBLIC template = {
        .publicArea = {.type = TPM2_ALG_ECC,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
                                           TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA |
                                           TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                           TPMA_OBJECT_SENSITIVEDATAORIGIN,
                       .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
                                                              .keyBits.aes = 128,
                                                              .mode.aes = TPM2_ALG_CFB},
                                                .scheme.scheme = TPM2_ALG_NULL,
                                                .curveID = TPM2_ECC_NIST_P256,
                                                .kdf.scheme = TPM2_ALG_NULL}}};

    memset(forge, 0, sizeof *forge);
    assert_ok(ratls_tpm_open(f.tpm.tcti, &forge->tpm, &err), &err);
    assert_ok(ratls_ak_state_load(f.state, &forge->state, &err), &err);
    assert_ok(ratls_ak_load(&forge->tpm, &forge->state, &forge->ak, &err), &err);
    cr_assert_eq(Esys_CreatePrimary(forge->tpm.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, NO_SESSION,
                                    NO_SESSION, &no_secret, &template, &no_info, &no_pcrs,
                                    &forge->parent, NULL, NULL, NULL, NULL),
                 TSS2_RC_SUCCESS);
    forge->area = (TPM2B_PUBLIC){
        .publicArea = {.type = TPM2_ALG_ECC,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT,
                       .parameters.eccDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                                .scheme.scheme = TPM2_ALG_NULL,
                                                .curveID = TPM2_ECC_NIST_P256,
                                                .kdf.scheme = TPM2_ALG_NULL}}};
}

static void close_forge(struct forge *forge)
{
    Esys_Free(forge->attest);
    Esys_Free(forge->signature);
    ratls_ak_unload(&forge->tpm, &forge->ak);
    ratls_ak_state_clear(&forge->state);
    ratls_tpm_close(&forge->tpm);
}

/* A key that OpenSSL has made, and so who runs the machine: imported into the TPM. */
static void import_key(struct forge *forge)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    TPM2B_ECC_PARAMETER *x = &forge->area.publicArea.unique.ecc.x;
    TPM2B_ECC_PARAMETER *y = &forge->area.publicArea.unique.ecc.y;
    TPM2B_SENSITIVE sensitive = {.sensitiveArea = {.sensitiveType = TPM2_ALG_ECC}};
    TPM2B_ECC_PARAMETER *d = &sensitive.sensitiveArea.sensitive.ecc;
    const TPMT_SYM_DEF_OBJECT none = {.algorithm = TPM2_ALG_NULL};
    const TPM2B_ENCRYPTED_SECRET no_seed = {0};
    TPM2B_PRIVATE duplicate = {0}, *blob = NULL;
    BIGNUM *n = NULL;
    uint8_t point[65];
    size_t len = 0;

    cr_assert_not_null(key);
    cr_assert_eq(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &len), 1);
    cr_assert_eq(len, sizeof point);
    cr_assert_eq(EVP_PKEY_get_bn_param(key, "priv", &n), 1);
    x->size = y->size = d->size = 32;
    memcpy(x->buffer, point + 1, 32);
    memcpy(y->buffer, point + 33, 32);
    cr_assert_eq(BN_bn2binpad(n, d->buffer, 32), 32);
    len = 0;
    cr_assert_eq(Tss2_MU_TPM2B_SENSITIVE_Marshal(&sensitive, duplicate.buffer,
                                                 sizeof duplicate.buffer, &len),
                 TSS2_RC_SUCCESS);
    duplicate.size = (UINT16)len;
    cr_assert_eq(Esys_Import(forge->tpm.esys, forge->parent, ESYS_TR_PASSWORD, NO_SESSION,
                             NO_SESSION, &no_info, &forge->area, &duplicate, &no_seed, &none,
                             &blob),
                 TSS2_RC_SUCCESS);
    cr_assert_eq(Esys_Load(forge->tpm.esys, forge->parent, ESYS_TR_PASSWORD, NO_SESSION, NO_SESSION,
                           blob, &forge->area, &forge->object),
                 TSS2_RC_SUCCESS);
    Esys_Free(blob);
    BN_free(n);
    EVP_PKEY_free(key);
}

static void create_key(struct forge *forge)
{
    TPM2B_PRIVATE *blob = NULL;
    TPM2B_PUBLIC *area = NULL;

    cr_assert_eq(Esys_Create(forge->tpm.esys, forge->parent, ESYS_TR_PASSWORD, NO_SESSION,
                             NO_SESSION, &no_secret, &forge->area, &no_info, &no_pcrs, &blob, &area,
                             NULL, NULL, NULL),
                 TSS2_RC_SUCCESS);
    forge->area = *area;
    cr_assert_eq(Esys_Load(forge->tpm.esys, forge->parent, ESYS_TR_PASSWORD, NO_SESSION, NO_SESSION,
                           blob, area, &forge->object),
                 TSS2_RC_SUCCESS);
    Esys_Free(blob);
    Esys_Free(area);
}

static TSS2_RC certify(ESYS_CONTEXT *esys, ESYS_TR ak, ESYS_TR session, void *arg)
{
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    struct forge *forge = arg;

    return Esys_Certify(esys, forge->object, ak, ESYS_TR_PASSWORD, session, NO_SESSION,
                        &forge->qualifying, &scheme, &forge->attest, &forge->signature);
}

/* What an honest attester would not certify: the item, and the hash of the key. */
static enum ratls_status forge_item(struct forge *forge, struct ratls_writer *w, uint8_t spki[32],
                                    struct ratls_error *err)
{
    static uint8_t area[RATLS_TPM_STRUCTURE_MAX], signature[RATLS_TPM_STRUCTURE_MAX];
    const struct ratls_ak_command command = {RATLS_AK_SIGNS, "certifying", certify, forge};
    struct ratls_tls_key_item item;
    struct ratls_tpm_public key;
    size_t len = 0, signature_len = 0;
    enum ratls_status status;

    cr_assert_eq(Tss2_MU_TPMT_PUBLIC_Marshal(&forge->area.publicArea, area, sizeof area, &len),
                 TSS2_RC_SUCCESS);
    item.public_area = ratls_slice(area, len);
    cr_assert(ratls_tpm_read_public(item.public_area, &key));
    assert_ok(ratls_public_spki_sha256(&key, spki, err), err);
    forge->qualifying.size = 32;
    assert_ok(ratls_tls_key_extra_data(spki, forge->qualifying.buffer, err), err);
    status = ratls_ak_use(&forge->tpm, &forge->ak, &command, err);
    if (status != RATLS_OK)
        return status;
    cr_assert_eq(Tss2_MU_TPMT_SIGNATURE_Marshal(forge->signature, signature, sizeof signature,
                                                &signature_len),
                 TSS2_RC_SUCCESS);
    item.attest = ratls_slice(forge->attest->attestationData, forge->attest->size);
    item.signature = ratls_slice(signature, signature_len);
    ratls_tls_key_item_write(&item, w);
    cr_assert_not(w->failed);
    return RATLS_OK;
}

static void expect_forged(struct forge *forge, const char *check)
{
    uint8_t bytes[RATLS_TLS_KEY_ITEM_MAX], spki[32];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
    struct ratls_error err = {0};

    assert_ok(forge_item(forge, &w, spki, &err), &err);
    if (check == NULL)
        expect_good(ratls_writer_slice(&w), spki);
    else
        expect_refused(ratls_writer_slice(&w), spki, check);
}

/* The TPM certifies it, for it is loaded: only its attributes tell where it comes from. */
Test(attester_tls_key_forged, an_imported_key_is_refused)
{
    struct forge forge;

    open_forge(&forge);
    import_key(&forge);
    expect_forged(&forge, "tls-key.attributes");
    close_forge(&forge);
}

/* Made in the TPM, and allowed to leave it: for another parent, and so for another TPM. */
Test(attester_tls_key_forged, a_key_that_may_leave_is_refused)
{
    struct forge forge;

    open_forge(&forge);
    forge.area.publicArea.objectAttributes |= TPMA_OBJECT_SENSITIVEDATAORIGIN;
    create_key(&forge);
    expect_forged(&forge, "tls-key.attributes");
    close_forge(&forge);
}

/* The same way with what such a key must have: so it is that which is refused above. */
Test(attester_tls_key_forged, a_key_of_tpm2_openssl_would_do)
{
    struct forge forge;

    open_forge(&forge);
    forge.area.publicArea.objectAttributes |= TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                              TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                              TPMA_OBJECT_DECRYPT;
    create_key(&forge);
    expect_forged(&forge, NULL);
    close_forge(&forge);
}

/*
 * A public area alone may claim any attributes when it is loaded. That a TPM does not certify what
 * has no private part is what the attributes rest on (Part 3, 18.2).
 */
Test(attester_tls_key_forged, a_public_area_alone_is_not_certified)
{
    uint8_t bytes[RATLS_TLS_KEY_ITEM_MAX], spki[32];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
    struct ratls_error err = {0};
    struct forge forge;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t point[65];
    size_t len = 0;

    open_forge(&forge);
    forge.area.publicArea.objectAttributes |=
        TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
    cr_assert_eq(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, &len), 1);
    forge.area.publicArea.unique.ecc.x.size = forge.area.publicArea.unique.ecc.y.size = 32;
    memcpy(forge.area.publicArea.unique.ecc.x.buffer, point + 1, 32);
    memcpy(forge.area.publicArea.unique.ecc.y.buffer, point + 33, 32);
    cr_assert_eq(Esys_LoadExternal(forge.tpm.esys, NO_SESSION, NO_SESSION, NO_SESSION, NULL,
                                   &forge.area, ESYS_TR_RH_OWNER, &forge.object),
                 TSS2_RC_SUCCESS);
    assert_fails(forge_item(&forge, &w, spki, &err), RATLS_TPM, &err, "certifying");
    EVP_PKEY_free(key);
    close_forge(&forge);
}
