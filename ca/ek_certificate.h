/*
 * What a certificate says of an endorsement key (TCG EK Credential Profile, 3.2), as the makers of
 * TPMs really write it. Nothing is verified here: ek_check.h.
 */
#ifndef RATLS_CA_EK_CERTIFICATE_H
#define RATLS_CA_EK_CERTIFICATE_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"
#include "crypto_tpm_maker.h"

#define RATLS_EK_CERTIFICATE_MAX 8192 /* those that are known have less than 1600 bytes */
#define RATLS_EK_TEXT_MAX RATLS_TPM_MAKER_TEXT_MAX
#define RATLS_EK_URL_MAX 256

struct ratls_ek_certificate {
    X509 *certificate;
    EVP_PKEY *key; /* NULL: none that OpenSSL can read */
    bool is_oaep;  /* its key is marked as one for RSAES-OAEP alone (RFC 4055, 4.1) */
    uint8_t
        sha256[32];   /* of the key: DER SubjectPublicKeyInfo, as id-rsaEncryption or as a point */
    bool is_readable; /* no extension is there twice, or cannot be read */
    bool is_ca;
    bool is_for_ek; /* extended key usage tcg-kp-EKCertificate */
    bool has_extended_usage;
    bool is_google; /* has the description of an instance of Google's cloud */
    /* Attributes of the TPM in subjectAltName and subjectDirectoryAttributes; "": not said. */
    char manufacturer[RATLS_EK_TEXT_MAX]; /* "id:49465800": a vendor ID of the TCG */
    char model[RATLS_EK_TEXT_MAX];
    char version[RATLS_EK_TEXT_MAX];
    char family[RATLS_EK_TEXT_MAX]; /* of the specification: "2.0", "1.2" */
    bool is_software;               /* by what it says of itself */
};

/*
 * From the DER of a peer. RATLS_MALFORMED if it is not exactly one certificate. Free with
 * ratls_ek_certificate_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_ek_certificate_read(struct ratls_slice der,
                                                             struct ratls_ek_certificate *ret,
                                                             struct ratls_error *err);
void ratls_ek_certificate_done(struct ratls_ek_certificate *certificate);

/* Where it says that its issuer's certificate is (authorityInfoAccess); "" if it does not. */
void ratls_ek_issuer_url(const X509 *certificate, char out[static RATLS_EK_URL_MAX]);

/* A name in one line, escaped, cut to fit. */
void ratls_ek_name_text(const X509_NAME *name, char *out, size_t cap);

#endif
