#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto.h"
#include "describe.h"
#include "describe_enroll.h"
#include "evidence.h"
#include "issue.h"

/* RFC 4514, with everything that is not printable ASCII escaped. */
#define NAME_FLAGS (XN_FLAG_RFC2253 | ASN1_STRFLGS_ESC_QUOTE)

static void describe_bio(struct ratls_view *v, const char *key, const char *label, BIO *bio)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    if (len >= 0)
        ratls_view_slice(v, key, label, ratls_slice(text, (size_t)len));
}

static void describe_name(struct ratls_view *v, const char *key, const char *label,
                          const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0)
        describe_bio(v, key, label, bio);
    BIO_free(bio);
}

static void describe_time(struct ratls_view *v, const char *key, const char *label,
                          const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio != NULL && ASN1_TIME_print_ex(bio, time, ASN1_DTFLGS_ISO8601) == 1)
        describe_bio(v, key, label, bio);
    BIO_free(bio);
}

static void describe_public_key(struct ratls_view *v, const EVP_PKEY *key)
{
    char text[80];

    if (key == NULL) {
        ratls_view_text(v, "publicKey", "TLS key", "unreadable");
        return;
    }
    snprintf(text, sizeof text, "%s, %d bits",
             EVP_PKEY_get0_type_name(key) == NULL ? "unknown" : EVP_PKEY_get0_type_name(key),
             EVP_PKEY_get_bits(key));
    ratls_view_text(v, "publicKey", "TLS key", text);
}

static void describe_spki(struct ratls_view *v, const X509_PUBKEY *spki)
{
    uint8_t hash[RATLS_SPKI_HASH_LEN];
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(spki, &der);

    if (len > 0 && ratls_sha256(ratls_slice(der, (size_t)len), hash, NULL) == RATLS_OK)
        ratls_view_digest(v, "spkiSha256", "TLS key (SHA-256)", ratls_slice(hash, sizeof hash));
    OPENSSL_free(der);
}

static void describe_names(struct ratls_view *v, const X509 *certificate)
{
    unsigned char *der = NULL;
    char names[512] = "";
    int len = i2d_X509(certificate, &der);

    if (len > 0)
        ratls_certificate_names_text(ratls_slice(der, (size_t)len), names, sizeof names);
    ratls_view_text(v, "names", "names", names);
    OPENSSL_free(der);
}

static void describe_serial(struct ratls_view *v, const X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *text = number == NULL ? NULL : BN_bn2hex(number);

    ratls_view_text(v, "serial", "serial", text == NULL ? "unreadable" : text);
    OPENSSL_free(text);
    BN_free(number);
}

static void describe_inner_evidence(struct ratls_view *v, bool present, struct ratls_slice evidence)
{
    ratls_view_bool(v, "hasEvidence", "carries evidence", present);
    if (!present)
        return;
    ratls_view_section(v, "evidence", "Evidence");
    if (!ratls_describe_evidence(v, evidence)) {
        ratls_view_text(v, "error", "unreadable", "not evidence of this version");
        ratls_view_hex(v, "bytes", "bytes", evidence);
    }
    ratls_view_section_end(v);
}

void ratls_describe_certificate(struct ratls_view *v, const X509 *certificate)
{
    struct ratls_slice evidence = {0};
    bool present;

    describe_name(v, "subject", "subject", X509_get_subject_name(certificate));
    describe_name(v, "issuer", "issuer", X509_get_issuer_name(certificate));
    describe_serial(v, certificate);
    describe_names(v, certificate);
    describe_time(v, "notBefore", "valid from", X509_get0_notBefore(certificate));
    describe_time(v, "notAfter", "valid until", X509_get0_notAfter(certificate));
    describe_public_key(v, X509_get0_pubkey(certificate));
    describe_spki(v, X509_get_X509_PUBKEY(certificate));
    ratls_describe_tpm_of_certificate(v, certificate);
    present = ratls_evidence_in_certificate(certificate, &evidence);
    describe_inner_evidence(v, present, evidence);
}

void ratls_describe_csr(struct ratls_view *v, X509_REQ *csr)
{
    X509 *wanted = ratls_csr_as_certificate(csr);
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
    struct ratls_slice evidence = {0};
    bool present;

    describe_name(v, "subject", "subject", X509_REQ_get_subject_name(csr));
    if (wanted != NULL)
        describe_names(v, wanted);
    describe_public_key(v, key);
    describe_spki(v, X509_REQ_get_X509_PUBKEY(csr));
    ratls_view_bool(v, "signatureValid", "signed by its key",
                    key != NULL && X509_REQ_verify(csr, key) == 1);
    present = wanted != NULL && ratls_evidence_in_certificate(wanted, &evidence);
    describe_inner_evidence(v, present, evidence);
    X509_free(wanted);
}
