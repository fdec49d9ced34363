#include "tls_key.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "ak_use.h"
#include "crypto.h"
#include "evidence.h"
#include "fail.h"
#include "tls_key_item.h"

#define NO_SESSION ESYS_TR_NONE

static const TPM2B_DATA no_outside_info;
static const TPML_PCR_SELECTION no_pcrs;
static const TPM2B_SENSITIVE_CREATE no_secret;

/* To the bit what tpm2-openssl makes: the same template is the same key, as long as the owner's
 * seed is. */
static enum ratls_status make_parent(struct ratls_tpm *tpm, ESYS_TR *ret_parent,
                                     struct ratls_error *err)
{
    const TPM2B_PUBLIC template = {
        .publicArea = {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
                                TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA | TPMA_OBJECT_FIXEDTPM |
                                TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN,
            .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
                                                   .keyBits.aes = 128,
                                                   .mode.aes = TPM2_ALG_CFB},
                                     .scheme.scheme = TPM2_ALG_NULL,
                                     .curveID = TPM2_ECC_NIST_P256,
                                     .kdf.scheme = TPM2_ALG_NULL},
        }};
    TSS2_RC rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, NO_SESSION,
                                    NO_SESSION, &no_secret, &template, &no_outside_info, &no_pcrs,
                                    ret_parent, NULL, NULL, NULL, NULL);

    return rc == TSS2_RC_SUCCESS
               ? RATLS_OK
               : ratls_tpm_fail(tpm, rc, "making the parent of keys for TLS", err);
}

/*
 * Without a scheme: TLS names the hash of each signature. Not restricted, for TLS signs what no TPM
 * made.
 */
static TPM2B_PUBLIC build_template(void)
{
    return (TPM2B_PUBLIC){.publicArea = {
                              .type = TPM2_ALG_ECC,
                              .nameAlg = TPM2_ALG_SHA256,
                              .objectAttributes = TPMA_OBJECT_USERWITHAUTH |
                                                  TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                                                  TPMA_OBJECT_FIXEDPARENT |
                                                  TPMA_OBJECT_SENSITIVEDATAORIGIN,
                              .parameters.eccDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                                       .scheme.scheme = TPM2_ALG_NULL,
                                                       .curveID = TPM2_ECC_NIST_P256,
                                                       .kdf.scheme = TPM2_ALG_NULL},
                          }};
}

enum ratls_status ratls_tls_key_create(struct ratls_tpm *tpm, struct ratls_tls_key *ret_key,
                                       struct ratls_error *err)
{
    const TPM2B_PUBLIC template = build_template();
    TPM2B_PRIVATE *blob = NULL;
    TPM2B_PUBLIC *area = NULL;
    ESYS_TR parent = ESYS_TR_NONE;
    enum ratls_status status = make_parent(tpm, &parent, err);
    TSS2_RC rc;

    if (status != RATLS_OK)
        return status;
    rc = Esys_Create(tpm->esys, parent, ESYS_TR_PASSWORD, NO_SESSION, NO_SESSION, &no_secret,
                     &template, &no_outside_info, &no_pcrs, &blob, &area, NULL, NULL, NULL);
    if (rc == TSS2_RC_SUCCESS) {
        ret_key->area = *area;
        ret_key->blob = *blob;
    } else {
        status = ratls_tpm_fail(tpm, rc, "making the key for TLS", err);
    }
    Esys_Free(area);
    Esys_Free(blob);
    Esys_FlushContext(tpm->esys, parent);
    return status;
}

static enum ratls_status load_key(struct ratls_tpm *tpm, const struct ratls_tls_key *key,
                                  ESYS_TR *ret_object, struct ratls_error *err)
{
    ESYS_TR parent = ESYS_TR_NONE;
    enum ratls_status status = make_parent(tpm, &parent, err);
    TSS2_RC rc;

    if (status != RATLS_OK)
        return status;
    rc = Esys_Load(tpm->esys, parent, ESYS_TR_PASSWORD, NO_SESSION, NO_SESSION, &key->blob,
                   &key->area, ret_object);
    if (rc != TSS2_RC_SUCCESS)
        status = ratls_tpm_fail(tpm, rc, "loading the key for TLS", err);
    Esys_FlushContext(tpm->esys, parent);
    return status;
}

/* TPMT_PUBLIC, at most RATLS_TPM_STRUCTURE_MAX bytes. */
static enum ratls_status write_area(const struct ratls_tls_key *key, uint8_t *out,
                                    struct ratls_slice *ret_area, struct ratls_error *err)
{
    size_t len = 0;

    if (Tss2_MU_TPMT_PUBLIC_Marshal(&key->area.publicArea, out, RATLS_TPM_STRUCTURE_MAX, &len) !=
        TSS2_RC_SUCCESS)
        return ratls_fail(err, RATLS_TPM, "the public area of the key for TLS cannot be written");
    *ret_area = ratls_slice(out, len);
    return RATLS_OK;
}

static enum ratls_status hash_area(struct ratls_slice area, uint8_t out[static 32],
                                   struct ratls_error *err)
{
    struct ratls_tpm_public public;

    if (!ratls_tpm_read_public(area, &public))
        return ratls_fail(err, RATLS_TPM, "the public area of the key for TLS cannot be read");
    return ratls_public_spki_sha256(&public, out, err);
}

enum ratls_status ratls_tls_key_spki(const struct ratls_tls_key *key, uint8_t out[static 32],
                                     struct ratls_error *err)
{
    uint8_t bytes[RATLS_TPM_STRUCTURE_MAX];
    struct ratls_slice area;
    enum ratls_status status = write_area(key, bytes, &area, err);

    return status == RATLS_OK ? hash_area(area, out, err) : status;
}

struct wish {
    ESYS_TR object;
    TPM2B_DATA qualifying;
    TPM2B_ATTEST *attest; /* the answer, as is */
    TPMT_SIGNATURE *signature;
};

static TSS2_RC certify(ESYS_CONTEXT *esys, ESYS_TR ak, ESYS_TR session, void *arg)
{
    const TPMT_SIG_SCHEME scheme_of_key = {.scheme = TPM2_ALG_NULL};
    struct wish *wish = arg;

    return Esys_Certify(esys, wish->object, ak, ESYS_TR_PASSWORD, session, NO_SESSION,
                        &wish->qualifying, &scheme_of_key, &wish->attest, &wish->signature);
}

static enum ratls_status write_item(struct ratls_slice area, const struct wish *wish,
                                    struct ratls_writer *w, struct ratls_error *err)
{
    uint8_t signature[RATLS_TPM_STRUCTURE_MAX];
    size_t len = 0;
    struct ratls_tls_key_item item = {
        .public_area = area,
        .attest = ratls_slice(wish->attest->attestationData, wish->attest->size)};

    if (Tss2_MU_TPMT_SIGNATURE_Marshal(wish->signature, signature, sizeof signature, &len) !=
        TSS2_RC_SUCCESS)
        return ratls_fail(err, RATLS_TPM, "the TPM's signature cannot be written");
    item.signature = ratls_slice(signature, len);
    ratls_tls_key_item_write(&item, w);
    return w->failed ? ratls_fail(err, RATLS_TPM, "the TPM's certification is too long") : RATLS_OK;
}

enum ratls_status ratls_tls_key_certify(struct ratls_tpm *tpm, const struct ratls_tls_key *key,
                                        struct ratls_ak *ak, struct ratls_writer *w,
                                        struct ratls_error *err)
{
    struct wish wish = {.object = ESYS_TR_NONE, .qualifying.size = 32};
    const struct ratls_ak_command command = {RATLS_AK_SIGNS, "certifying the key for TLS", certify,
                                             &wish};
    uint8_t bytes[RATLS_TPM_STRUCTURE_MAX], spki[32];
    struct ratls_slice area;
    enum ratls_status status = write_area(key, bytes, &area, err);

    if (status == RATLS_OK)
        status = hash_area(area, spki, err);
    if (status == RATLS_OK)
        status = ratls_tls_key_extra_data(spki, wish.qualifying.buffer, err);
    if (status == RATLS_OK)
        status = load_key(tpm, key, &wish.object, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_ak_use(tpm, ak, &command, err);
    if (status == RATLS_OK)
        status = write_item(area, &wish, w, err);
    Esys_Free(wish.attest);
    Esys_Free(wish.signature);
    Esys_FlushContext(tpm->esys, wish.object);
    return status;
}
