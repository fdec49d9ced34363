#include "enroll_online.h"

#include <stdio.h>
#include <string.h>

#include "base64url.h"
#include "crypto.h"
#include "fail.h"

#define DIGEST_LEN 32
#define PARTS_MAX 4

/* TCG TPM Vendor ID Registry. */
#define VENDOR_INTEL 0x494e5443u /* "INTC" */
#define VENDOR_AMD 0x414d4400u   /* "AMD" */

#define URL_INTEL "https://ekop.intel.com/ekcertservice/"
#define URL_AMD "https://ftpm.amd.com/pki/aia/"
#define AMD_ID_LEN 16 /* of the digest */

/*
 * Neither maker has it in a document: this is what tpm2_getekcertificate(1) asks for. RSA: modulus
 * and exponent; ECC: both coordinates.
 */
static enum ratls_status hash_intel(const struct ratls_tpm_public *key, uint8_t out[DIGEST_LEN],
                                    struct ratls_error *err)
{
    static const uint8_t exponent[] = {1, 0, 1};
    const struct ratls_slice rsa[] = {key->rsa_modulus, ratls_slice(exponent, sizeof exponent)};
    const struct ratls_slice ecc[] = {key->x, key->y};

    return ratls_digest(RATLS_ALG_SHA256, key->type == RATLS_ALG_RSA ? rsa : ecc, 2, out, err);
}

/* The same, with a number for the type before it; the exponent has four bytes, and comes first. */
static enum ratls_status hash_amd(const struct ratls_tpm_public *key, uint8_t out[DIGEST_LEN],
                                  struct ratls_error *err)
{
    static const uint8_t of_rsa[] = {0, 0, 0x22, 0x22, 0, 1, 0, 1}, of_ecc[] = {0, 0, 0x44, 0x44};
    const struct ratls_slice rsa[] = {ratls_slice(of_rsa, sizeof of_rsa), key->rsa_modulus};
    const struct ratls_slice ecc[] = {ratls_slice(of_ecc, sizeof of_ecc), key->x, key->y};
    const bool is_rsa = key->type == RATLS_ALG_RSA;

    return ratls_digest(RATLS_ALG_SHA256, is_rsa ? rsa : ecc, is_rsa ? 2 : 3, out, err);
}

enum ratls_status ratls_enroll_online_url(uint32_t manufacturer, struct ratls_slice area,
                                          char out[static RATLS_ENROLL_URL_MAX],
                                          struct ratls_error *err)
{
    char id[RATLS_BASE64URL_LEN(DIGEST_LEN) + 1] = "";
    struct ratls_writer w = ratls_writer((uint8_t *)id, sizeof id - 1);
    struct ratls_tpm_public key;
    uint8_t digest[DIGEST_LEN];
    enum ratls_status status;

    out[0] = '\0';
    if (manufacturer != VENDOR_INTEL && manufacturer != VENDOR_AMD)
        return RATLS_OK;
    if (!ratls_tpm_read_public(area, &key))
        return ratls_fail(err, RATLS_MALFORMED, "the endorsement key is unreadable");
    if (manufacturer == VENDOR_INTEL) {
        status = hash_intel(&key, digest, err);
        ratls_base64url_write(ratls_slice(digest, DIGEST_LEN), &w);
        snprintf(out, RATLS_ENROLL_URL_MAX, "%s%s%%3D", URL_INTEL, id); /* with padding */
        return status;
    }
    status = hash_amd(&key, digest, err);
    ratls_hex(ratls_slice(digest, AMD_ID_LEN), id, sizeof id);
    snprintf(out, RATLS_ENROLL_URL_MAX, "%s%s", URL_AMD, id);
    return status;
}
