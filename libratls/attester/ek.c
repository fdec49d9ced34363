#include "ek.h"

#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "crypto.h"
#include "fail.h"
#include "nv.h"

#define NO_SESSION ESYS_TR_NONE
#define COORDINATE_LEN 32 /* of the low range: P-256 */
#define BITS_PER_BYTE 8

/* ---- templates ---- */

/* The low range wants zeros, or the maker's nonce and zeros, where the key will be; the high range
 * nothing: profile, B.3 and B.4. */
static void write_unique(const struct ratls_ek_profile *profile, struct ratls_slice nonce,
                         TPMT_PUBLIC *area)
{
    if (profile->is_high)
        return;
    if (profile->type == TPM2_ALG_RSA) {
        area->unique.rsa.size = profile->rsa_bits / BITS_PER_BYTE;
        if (nonce.len > 0 && nonce.len <= area->unique.rsa.size)
            memcpy(area->unique.rsa.buffer, nonce.p, nonce.len);
        return;
    }
    area->unique.ecc.x.size = area->unique.ecc.y.size = COORDINATE_LEN;
    if (nonce.len > 0 && nonce.len <= COORDINATE_LEN)
        memcpy(area->unique.ecc.x.buffer, nonce.p, nonce.len);
}

static void write_template(const struct ratls_ek_profile *profile, TPM2B_PUBLIC *ret)
{
    const struct ratls_slice policy = ratls_ek_policy(profile);
    TPMT_PUBLIC *area = &ret->publicArea;
    TPMT_SYM_DEF_OBJECT *symmetric = &area->parameters.asymDetail.symmetric;

    memset(ret, 0, sizeof *ret);
    area->type = profile->type;
    area->nameAlg = profile->name_alg;
    area->objectAttributes = ratls_ek_attributes(profile);
    area->authPolicy.size = (UINT16)policy.len;
    memcpy(area->authPolicy.buffer, policy.p, policy.len);
    symmetric->algorithm = TPM2_ALG_AES;
    symmetric->keyBits.aes = profile->aes_bits;
    symmetric->mode.aes = TPM2_ALG_CFB;
    area->parameters.asymDetail.scheme.scheme = TPM2_ALG_NULL;
    if (profile->type == TPM2_ALG_RSA) {
        area->parameters.rsaDetail.keyBits = profile->rsa_bits;
    } else {
        area->parameters.eccDetail.curveID = profile->curve;
        area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    }
}

/* What the maker left in NV memory for this template; nothing if the index is not there. */
static enum ratls_status read_if_there(struct ratls_tpm *tpm, uint32_t index, uint8_t **ret_bytes,
                                       size_t *ret_len, struct ratls_error *err)
{
    uint32_t found[RATLS_NV_INDICES_MAX];
    size_t count = 0;
    enum ratls_status status;

    if (index == 0)
        return RATLS_OK;
    status = ratls_nv_list(tpm, index, index, found, &count, err);
    if (status != RATLS_OK || count == 0)
        return status;
    return ratls_nv_read(tpm, index, ret_bytes, ret_len, err);
}

/*
 * Profile, 2.2.1.5: a template of the maker's own goes before ours, and a nonce of his into either.
 * Whatever they say: the key counts only if it is the one that he certified.
 */
static enum ratls_status find_template(struct ratls_tpm *tpm,
                                       const struct ratls_ek_profile *profile, TPM2B_PUBLIC *ret,
                                       struct ratls_error *err)
{
    uint8_t *nonce = NULL, *own = NULL;
    size_t nonce_len = 0, own_len = 0, offset = 0;
    enum ratls_status status = read_if_there(tpm, profile->template_nv, &own, &own_len, err);

    if (status == RATLS_OK)
        status = read_if_there(tpm, profile->nonce_nv, &nonce, &nonce_len, err);
    if (status == RATLS_OK)
        write_template(profile, ret);
    if (status == RATLS_OK && own != NULL &&
        Tss2_MU_TPMT_PUBLIC_Unmarshal(own, own_len, &offset, &ret->publicArea) != TSS2_RC_SUCCESS)
        status = ratls_fail(err, RATLS_TPM, "NV index 0x%08x has no template of an endorsement key",
                            profile->template_nv);
    if (status == RATLS_OK && (own == NULL || nonce != NULL))
        write_unique(profile, ratls_slice(nonce, nonce_len), &ret->publicArea);
    free(nonce);
    free(own);
    return status;
}

/* ---- keys ---- */

static enum ratls_status write_area(struct ratls_tpm *tpm, const TPM2B_PUBLIC *public,
                                    uint8_t out[static RATLS_EK_AREA_MAX], size_t *ret_len,
                                    struct ratls_error *err)
{
    size_t len = 0;
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, out, RATLS_EK_AREA_MAX, &len);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "the public area of an endorsement key", err);
    *ret_len = len;
    return RATLS_OK;
}

/* Whether it is what the template makes, whatever the key. */
static bool is_of_template(const struct ratls_ek_profile *profile, struct ratls_slice area)
{
    struct ratls_tpm_public read;
    EVP_PKEY *key = NULL;
    bool matches = false;

    if (!ratls_tpm_read_public(area, &read) || ratls_public_key(&read, &key, NULL) != RATLS_OK)
        return false;
    if (!ratls_ek_fits(profile, key) ||
        ratls_ek_area_matches(profile, key, area, &matches, NULL) != RATLS_OK)
        matches = false;
    EVP_PKEY_free(key);
    return matches;
}

/* Whoever owns the TPM may have put anything at the handle: then it is not taken. */
static bool open_persistent(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                            ESYS_TR *ret_key, uint8_t area[static RATLS_EK_AREA_MAX],
                            size_t *ret_len)
{
    TPM2B_PUBLIC *public = NULL;
    ESYS_TR key = ESYS_TR_NONE;
    bool is_it;

    if (profile->handle == 0 ||
        Esys_TR_FromTPMPublic(tpm->esys, profile->handle, NO_SESSION, NO_SESSION, NO_SESSION,
                              &key) != TSS2_RC_SUCCESS)
        return false;
    is_it = Esys_ReadPublic(tpm->esys, key, NO_SESSION, NO_SESSION, NO_SESSION, &public, NULL,
                            NULL) == TSS2_RC_SUCCESS &&
            write_area(tpm, public, area, ret_len, NULL) == RATLS_OK &&
            is_of_template(profile, ratls_slice(area, *ret_len));
    Esys_Free(public);
    if (is_it)
        *ret_key = key;
    else
        Esys_TR_Close(tpm->esys, &key);
    return is_it;
}

enum ratls_status ratls_ek_open(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                ESYS_TR *ret_key, bool *ret_made,
                                uint8_t area[static RATLS_EK_AREA_MAX], size_t *ret_len,
                                struct ratls_error *err)
{
    const TPM2B_SENSITIVE_CREATE no_secret = {0};
    const TPM2B_DATA no_outside_info = {0};
    const TPML_PCR_SELECTION no_pcrs = {0};
    TPM2B_PUBLIC template, *public = NULL;
    enum ratls_status status;
    TSS2_RC rc;

    *ret_made = false;
    if (open_persistent(tpm, profile, ret_key, area, ret_len))
        return RATLS_OK;
    status = find_template(tpm, profile, &template, err);
    if (status != RATLS_OK)
        return status;
    rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, NO_SESSION,
                            NO_SESSION, &no_secret, &template, &no_outside_info, &no_pcrs, ret_key,
                            &public, NULL, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "making the endorsement key", err);
    status = write_area(tpm, public, area, ret_len, err);
    Esys_Free(public);
    if (status == RATLS_OK)
        *ret_made = true;
    else
        Esys_FlushContext(tpm->esys, *ret_key);
    return status;
}

enum ratls_status ratls_ek_read_area(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                     uint8_t area[static RATLS_EK_AREA_MAX], size_t *ret_len,
                                     struct ratls_error *err)
{
    ESYS_TR key = ESYS_TR_NONE;
    bool is_made = false;
    enum ratls_status status = ratls_ek_open(tpm, profile, &key, &is_made, area, ret_len, err);

    if (status != RATLS_OK)
        return status;
    if (is_made)
        Esys_FlushContext(tpm->esys, key);
    else
        Esys_TR_Close(tpm->esys, &key);
    return RATLS_OK;
}

/* ---- what there is ---- */

static enum ratls_status keep_area(struct ratls_eks *eks, struct ratls_slice area,
                                   struct ratls_slice *ret, struct ratls_error *err)
{
    uint8_t *copy = malloc(area.len + 1);

    if (copy == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(copy, area.p, area.len);
    eks->owned[eks->owned_count++] = copy;
    *ret = ratls_slice(copy, area.len);
    return RATLS_OK;
}

static enum ratls_status read_key(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                  struct ratls_eks *eks, struct ratls_slice *ret_area,
                                  struct ratls_error *err)
{
    uint8_t area[RATLS_EK_AREA_MAX];
    size_t len = 0;
    enum ratls_status status = ratls_ek_read_area(tpm, profile, area, &len, err);

    return status == RATLS_OK ? keep_area(eks, ratls_slice(area, len), ret_area, err) : status;
}

/* An index that is reserved for a certificate may be there without one. */
static enum ratls_status read_one(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                  struct ratls_eks *eks, struct ratls_error *err)
{
    struct ratls_ek_entry entry = {.profile = profile};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status = read_if_there(tpm, profile->certificate_nv, &bytes, &len, err);

    if (status != RATLS_OK || bytes == NULL)
        return status;
    eks->owned[eks->owned_count++] = bytes;
    if (!ratls_ek_nv_certificate(ratls_slice(bytes, len), &entry.certificate))
        return RATLS_OK;
    status = read_key(tpm, profile, eks, &entry.area, err);
    if (status == RATLS_OK)
        eks->items[eks->count++] = entry;
    return status;
}

/* The indices of a chain are parts of one text, which may be cut anywhere. */
static enum ratls_status append_index(struct ratls_tpm *tpm, uint32_t index, uint8_t **whole,
                                      size_t *len, struct ratls_error *err)
{
    uint8_t *part = NULL, *longer = NULL;
    size_t part_len = 0;
    enum ratls_status status = ratls_nv_read(tpm, index, &part, &part_len, err);

    if (status != RATLS_OK)
        return status;
    longer = realloc(*whole, *len + part_len + 1);
    if (longer == NULL) {
        free(part);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    memcpy(longer + *len, part, part_len);
    *whole = longer;
    *len += part_len;
    free(part);
    return RATLS_OK;
}

enum ratls_status ratls_eks_read_chain(struct ratls_tpm *tpm, struct ratls_eks *eks,
                                       struct ratls_error *err)
{
    uint8_t **whole = &eks->owned[0];
    uint32_t indices[RATLS_NV_INDICES_MAX];
    size_t count = 0, len = 0;
    enum ratls_status status =
        ratls_nv_list(tpm, RATLS_EK_CHAIN_FIRST, RATLS_EK_CHAIN_LAST, indices, &count, err);

    for (size_t i = 0; status == RATLS_OK && i < count; i++)
        status = append_index(tpm, indices[i], whole, &len, err);
    if (status == RATLS_OK && count > 0 &&
        !ratls_ek_nv_chain(ratls_slice(*whole, len), eks->chain, &eks->chain_count))
        status = ratls_fail(err, RATLS_TPM,
                            "the TPM's NV memory has no certificates from 0x%08x on", indices[0]);
    return status;
}

enum ratls_status ratls_eks_read_one(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                     struct ratls_eks *ret_eks, struct ratls_error *err)
{
    struct ratls_eks eks = RATLS_EKS_NONE;
    enum ratls_status status = read_one(tpm, profile, &eks, err);

    if (status == RATLS_OK && eks.count > 0)
        status = ratls_eks_read_chain(tpm, &eks, err);
    if (status == RATLS_OK)
        *ret_eks = eks;
    else
        ratls_eks_done(&eks);
    return status;
}

enum ratls_status ratls_eks_read(struct ratls_tpm *tpm, struct ratls_eks *ret_eks,
                                 struct ratls_error *err)
{
    struct ratls_eks eks = RATLS_EKS_NONE;
    enum ratls_status status = ratls_eks_read_chain(tpm, &eks, err);

    for (unsigned id = RATLS_EK_L1; status == RATLS_OK && ratls_ek_profile(id) != NULL; id++)
        status = read_one(tpm, ratls_ek_profile(id), &eks, err);
    if (status == RATLS_OK && eks.count == 0)
        status = ratls_fail(err, RATLS_TPM,
                            "the TPM has no certificate of an endorsement key: some makers have "
                            "it on-line, and software TPMs only if swtpm_setup made one");
    if (status != RATLS_OK) {
        ratls_eks_done(&eks);
        return status;
    }
    *ret_eks = eks;
    return RATLS_OK;
}
