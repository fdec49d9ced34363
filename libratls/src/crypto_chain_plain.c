/* Certificates of attestation keys that need not be read by OpenSSL: see ak_certificate.h. */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "ak_certificate.h"
#include "crypto.h"
#include "crypto_direct.h"

#define P256_LEN 32

/* SubjectPublicKeyInfo of a point on P-256 (RFC 5480, 2), up to its coordinates. */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

/* Leading zeros may be missing in what a TPM writes. */
static void write_coordinate(struct ratls_writer *w, struct ratls_slice coordinate)
{
    static const uint8_t zeros[P256_LEN];

    if (coordinate.len > P256_LEN)
        w->failed = true;
    else
        ratls_write_bytes(w, ratls_slice(zeros, P256_LEN - coordinate.len));
    ratls_write_bytes(w, coordinate);
}

/* Holds exactly the key: there is one way to write it, which is compared. */
static bool is_of_key(const struct ratls_ak_certificate *certificate,
                      const struct ratls_tpm_public *area)
{
    uint8_t spki[sizeof p256_head + 2 * P256_LEN];
    struct ratls_writer w = ratls_writer(spki, sizeof spki);

    if (area->type != RATLS_ALG_ECC || area->curve != RATLS_CURVE_P256)
        return false;
    ratls_write_bytes(&w, ratls_slice(p256_head, sizeof p256_head));
    write_coordinate(&w, area->x);
    write_coordinate(&w, area->y);
    return !w.failed && ratls_slice_equal(ratls_slice(spki, w.len), certificate->spki);
}

/* RFC 5280, 6.1.3, a.4: by the very bytes of the name, and the key that it names. */
static bool is_by_anchor(const struct ratls_ak_certificate *certificate, X509 *anchor)
{
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(anchor);
    const unsigned char *name = NULL;
    size_t len = 0;

    return key_id != NULL && X509_get_ext_by_NID(anchor, NID_name_constraints, -1) < 0 &&
           X509_NAME_get0_der(X509_get_subject_name(anchor), &name, &len) == 1 &&
           ratls_slice_equal(ratls_slice(name, len), certificate->issuer) &&
           ratls_slice_equal(
               ratls_slice(ASN1_STRING_get0_data(key_id), (size_t)ASN1_STRING_length(key_id)),
               certificate->issuer_key_id);
}

/* Of both; as OpenSSL counts, the second of notAfter is too late. */
static bool is_in_time(const struct ratls_ak_certificate *certificate, const X509 *anchor,
                       int64_t now, int64_t *ret_until)
{
    struct tm begin, end;
    int64_t until;

    if (!ASN1_TIME_to_tm(X509_get0_notBefore(anchor), &begin) ||
        !ASN1_TIME_to_tm(X509_get0_notAfter(anchor), &end))
        return false;
    until = timegm(&end);
    until = certificate->not_after < until ? certificate->not_after : until;
    if (now < certificate->not_before || now < timegm(&begin) || now >= until)
        return false;
    *ret_until = until;
    return true;
}

static bool is_signed(const struct ratls_ak_certificate *certificate, const X509 *anchor)
{
    EVP_PKEY *key = X509_get0_pubkey(anchor);
    const struct ratls_tpm_signature signature = {
        .alg = RATLS_ALG_ECDSA, .hash = RATLS_ALG_SHA256, .r = certificate->r, .s = certificate->s};
    uint8_t digest[32];
    bool is_valid = false;

    return key != NULL && EVP_PKEY_is_a(key, "EC") &&
           ratls_sha256(certificate->tbs, digest, NULL) == RATLS_OK &&
           ratls_direct_ecdsa(key, &signature, ratls_slice(digest, sizeof digest), &is_valid) &&
           is_valid;
}

bool ratls_ak_chain_plain(const struct ratls_ak_chain *chain, const struct ratls_tpm_public *area,
                          const char *server_name, int64_t *ret_until)
{
    struct ratls_ak_certificate certificate;
    int64_t until;
    bool holds;

    if (chain->count != 1 || server_name == NULL ||
        !ratls_ak_certificate_read(chain->certificates[0], &certificate))
        return false;
    ERR_set_mark();
    holds = ratls_ak_certificate_has_name(&certificate, server_name) &&
            is_of_key(&certificate, area) && is_by_anchor(&certificate, chain->anchor) &&
            is_in_time(&certificate, chain->anchor, chain->now, &until) &&
            is_signed(&certificate, chain->anchor);
    ERR_pop_to_mark();
    if (holds)
        *ret_until = until;
    return holds;
}
