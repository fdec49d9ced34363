/*
 * Does the TLS key of the channel lie in the TPM that attests (policy: tls-key)? All need
 * evidence.format; tls-key.present is needed by .format, and that by all others. In addition
 * tls-key.signature needs what quote.signature needs, and tls-key.name a certification: .type.
 *
 * That the peer has the use of the key is shown by TLS itself (CertificateVerify). Here it is shown
 * where the key is: the TPM says that it has loaded an object of this Name, and who speaks for the
 * TPM is the attestation key of the quote. Attributes are what the Name is a hash of, so they are
 * as true as it.
 */
#include "appraise.h"

#include <stdio.h>

#include "key_attributes.h"
#include "keys.h"
#include "quote_memory.h"
#include "tls_key_item.h"

#define FIRST RATLS_CHECK_TLS_KEY_PRESENT
#define LAST RATLS_CHECK_TLS_KEY_ATTRIBUTES

/* What is read of item 10. */
struct proof {
    struct ratls_tls_key_item item;
    struct ratls_tpm_public key;
    uint8_t spki_sha256[32]; /* of the key */
    struct ratls_tpm_attest attest;
    struct ratls_slice name; /* that was certified */
    struct ratls_tpm_signature signature;
};

static bool check_presence(struct ratls_appraisal *a)
{
    const bool is_present = a->evidence.tls_key.len > 0;

    return ratls_check_holds(a->report, RATLS_CHECK_TLS_KEY_PRESENT, is_present, "evidence",
                             "a proof that the TLS key is in the TPM",
                             is_present
                                 ? "one"
                                 : "none: that side has no key of its certificate made by ratls "
                                   "init --tls-key tpm, was not restarted since, or is too old");
}

/* The key must be one that a certificate can have, and its Name one that is worth something. */
static enum ratls_status read_key(struct ratls_appraisal *a, struct proof *proof, bool *ret_good)
{
    enum ratls_status status;

    *ret_good = ratls_tpm_read_public(proof->item.public_area, &proof->key) &&
                ratls_tpm_is_strong_hash(proof->key.name_alg);
    if (!*ret_good)
        return RATLS_OK;
    status = ratls_public_spki_sha256(&proof->key, proof->spki_sha256, a->err);
    *ret_good = status == RATLS_OK;
    return status == RATLS_MALFORMED ? RATLS_OK : status;
}

static bool check_part(struct ratls_appraisal *a, bool is_good, const char *at,
                       const char *expected, size_t len)
{
    char actual[RATLS_VALUE_MAX];

    if (ratls_check_decide(a->report, RATLS_CHECK_TLS_KEY_FORMAT, is_good)) {
        snprintf(actual, sizeof actual, "%zu bytes%s", len, is_good ? "" : " that are none");
        ratls_check_say(a->report, RATLS_CHECK_TLS_KEY_FORMAT, at, expected, actual);
    }
    return is_good;
}

static enum ratls_status check_format(struct ratls_appraisal *a, struct proof *proof)
{
    const struct ratls_tls_key_item *item = &proof->item;
    bool is_good = false;
    enum ratls_status status;

    if (!check_part(a, ratls_tls_key_item_read(a->evidence.tls_key, &proof->item), "tls-key",
                    "a public area, a certification and its signature", a->evidence.tls_key.len))
        return RATLS_OK;
    status = read_key(a, proof, &is_good);
    if (status != RATLS_OK)
        return status;
    check_part(a, is_good, "tls-key.public", "a TPMT_PUBLIC of a key for TLS; name by SHA-2",
               item->public_area.len);
    is_good = ratls_tpm_read_certify(item->attest, &proof->attest, &proof->name);
    check_part(a, is_good, "tls-key.attest", "a TPMS_ATTEST", item->attest.len);
    is_good = ratls_tpm_read_signature(item->signature, &proof->signature);
    check_part(a, is_good, "tls-key.signature", "a TPMT_SIGNATURE by ecdsa, rsassa or rsapss",
               item->signature.len);
    return RATLS_OK;
}

/*
 * The proof never changes, and comes with each handshake: its signature is verified once for a
 * policy file, and then found among those that were (quote_memory.h).
 */
static enum ratls_status verify(struct ratls_appraisal *a, const struct proof *proof,
                                bool *ret_valid)
{
    const struct ratls_tls_key_item *item = &proof->item;
    enum ratls_status status =
        ratls_quote_hash(ratls_slice(a->ak_name, a->ak_name_len), item->attest, item->signature,
                         a->tls_key_sha256, a->err);

    if (status != RATLS_OK)
        return status;
    a->has_tls_key = true;
    if (ratls_quote_memory_knows(ratls_key_cache_quotes(a->rules->keys), a->tls_key_sha256)) {
        *ret_valid = true;
        return RATLS_OK;
    }
    return ratls_verify(a->key, &a->ak, &proof->signature, item->attest, ret_valid, a->err);
}

/* By the key of the quote, with exactly the scheme of its public area. */
static enum ratls_status check_signature(struct ratls_appraisal *a, const struct proof *proof)
{
    static const enum ratls_check needed[] = {RATLS_CHECK_AK_FORMAT, RATLS_CHECK_AK_ALGORITHM,
                                              RATLS_CHECK_AK_TRUST};
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    bool is_valid = false;
    enum ratls_status status;

    if (!ratls_checks_passed(a->report, needed, sizeof needed / sizeof *needed))
        return RATLS_OK;
    status = verify(a, proof, &is_valid);
    if (status != RATLS_OK ||
        !ratls_check_decide(a->report, RATLS_CHECK_TLS_KEY_SIGNATURE, is_valid))
        return status;
    snprintf(expected, sizeof expected, "a signature by the attestation key, %s with %s",
             ratls_tpm_alg_name(a->ak.scheme), ratls_tpm_alg_name(a->ak.scheme_hash));
    snprintf(actual, sizeof actual, "%s signature, %s with %s", is_valid ? "a valid" : "another",
             ratls_tpm_alg_name(proof->signature.alg), ratls_tpm_alg_name(proof->signature.hash));
    ratls_check_say(a->report, RATLS_CHECK_TLS_KEY_SIGNATURE, "tls-key.signature", expected,
                    actual);
    return RATLS_OK;
}

/* Of all that an attestation key signs, only this says that a key is in the TPM. */
static enum ratls_status check_type(struct ratls_appraisal *a, const struct proof *proof)
{
    uint8_t extra_data[32];
    enum ratls_status status = ratls_tls_key_extra_data(proof->spki_sha256, extra_data, a->err);

    if (status != RATLS_OK)
        return status;
    ratls_check_uint(a->report, RATLS_CHECK_TLS_KEY_TYPE, "tls-key.attest.magic",
                     RATLS_TPM_GENERATED, proof->attest.magic);
    ratls_check_uint(a->report, RATLS_CHECK_TLS_KEY_TYPE, "tls-key.attest.type",
                     RATLS_TPM_ST_ATTEST_CERTIFY, proof->attest.type);
    ratls_check_bytes(a->report, RATLS_CHECK_TLS_KEY_TYPE, "tls-key.attest.extraData",
                      ratls_slice(extra_data, sizeof extra_data), proof->attest.extra_data);
    return RATLS_OK;
}

static enum ratls_status check_name(struct ratls_appraisal *a, const struct proof *proof)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t len = 0;
    enum ratls_status status;

    if (!ratls_check_passed(a->report, RATLS_CHECK_TLS_KEY_TYPE))
        return RATLS_OK;
    status = ratls_tpm_name(&proof->key, name, &len, a->err);
    if (status == RATLS_OK)
        ratls_check_bytes(a->report, RATLS_CHECK_TLS_KEY_NAME, "tls-key.attest.attested.name",
                          ratls_slice(name, len), proof->name);
    return status;
}

/* The key of this channel, as this side saw it in the certificate: not another one of that TPM. */
static void check_spki(struct ratls_appraisal *a, const struct proof *proof)
{
    const struct ratls_expectation *e = a->submission->expectation;

    ratls_check_bytes(a->report, RATLS_CHECK_TLS_KEY_SPKI, "tls-key.public",
                      ratls_slice(e->spki_sha256, sizeof e->spki_sha256),
                      ratls_slice(proof->spki_sha256, sizeof proof->spki_sha256));
}

static const struct ratls_key_attribute attributes[] = {
    {RATLS_TPMA_FIXED_TPM, true, "fixedTPM"},
    {RATLS_TPMA_FIXED_PARENT, true, "fixedParent"},
    {RATLS_TPMA_SENSITIVE_DATA_ORIGIN, true, "sensitiveDataOrigin"},
    {RATLS_TPMA_SIGN, true, "sign"},
    {RATLS_TPMA_RESTRICTED, false, "restricted"},
    {RATLS_TPMA_ENCRYPTED_DUPLICATION, false, "encryptedDuplication"},
};

#define ATTRIBUTE_COUNT (sizeof attributes / sizeof attributes[0])

/*
 * Part 2, 8.3. Without them the private key may be known elsewhere: it was made outside
 * (TPM2_Import), or may leave. A restricted key is for what the TPM says, and no key for TLS too.
 */
static void check_attributes(struct ratls_appraisal *a, const struct proof *proof)
{
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    const uint32_t bits = proof->key.attributes;

    if (!ratls_check_decide(a->report, RATLS_CHECK_TLS_KEY_ATTRIBUTES,
                            ratls_key_has_attributes(attributes, ATTRIBUTE_COUNT, bits)))
        return;
    ratls_key_say_attributes(attributes, ATTRIBUTE_COUNT, bits, sizeof expected, expected, actual);
    ratls_check_say(a->report, RATLS_CHECK_TLS_KEY_ATTRIBUTES, "tls-key.public.objectAttributes",
                    expected, actual);
}

enum ratls_status ratls_check_tls_key(struct ratls_appraisal *a)
{
    struct proof proof;
    enum ratls_status status;

    if (!a->rules->needs_tpm_tls_key) {
        for (int check = FIRST; check <= LAST; check++)
            ratls_check_not_asked(a->report, (enum ratls_check)check);
        return RATLS_OK;
    }
    if (!ratls_check_passed(a->report, RATLS_CHECK_EVIDENCE_FORMAT) || !check_presence(a))
        return RATLS_OK;
    status = check_format(a, &proof);
    if (status != RATLS_OK || !ratls_check_passed(a->report, RATLS_CHECK_TLS_KEY_FORMAT))
        return status;
    status = check_signature(a, &proof);
    if (status == RATLS_OK)
        status = check_type(a, &proof);
    if (status == RATLS_OK)
        status = check_name(a, &proof);
    check_spki(a, &proof);
    check_attributes(a, &proof);
    return status;
}
