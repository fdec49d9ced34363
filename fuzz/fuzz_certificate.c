/*
 * Certificates of peers: ratls_ak_chain(), ratls_evidence_in_certificate(),
 * ratls_certificate_names(), ratls_certificate_names_text(), ratls_spki_sha256(), and
 * ratls_ak_certificate_read() beside OpenSSL.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ak_certificate.h"
#include "crypto.h"
#include "evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX 64

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What is read again from the extension that is written for it is the same. */
static void check_round_trip(struct ratls_slice evidence)
{
    struct ratls_slice again;
    struct ratls_evidence read;
    enum ratls_status status;
    X509_EXTENSION *extension = NULL;
    X509 *certificate = X509_new();
    status = ratls_evidence_extension(evidence, &extension, NULL);
    if (status == RATLS_USAGE && ratls_evidence_read(evidence, &read)) { /* it has logs */
        X509_free(certificate);
        return;
    }
    require(status == RATLS_OK);
    require(certificate && X509_add_ext(certificate, extension, -1) == 1);
    require(ratls_evidence_in_certificate(certificate, &again));
    require(ratls_slice_equal(evidence, again));
    X509_EXTENSION_free(extension);
    X509_free(certificate);
}

/* In bounds, ended, and printable. */
static void check_text(struct ratls_slice der, size_t cap)
{
    char text[TEXT_MAX + 1];
    memset(text, 1, sizeof(text));
    ratls_certificate_names_text(der, text, cap);
    require(text[cap] == 1);
    require(cap == 0 || memchr(text, '\0', cap));
    for (const char *p = text; cap > 0 && *p; p++)
        require(*p >= 0x20 && *p < 0x7f);
}

/* The short reader leaves these two as they are: each is compared with one that is known. */
static bool are_readable(struct ratls_slice spki, struct ratls_slice issuer)
{
    const unsigned char *at = spki.p;
    const unsigned char *name_at = issuer.p;
    X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &at, (long)spki.len);
    X509_NAME *name = d2i_X509_NAME(NULL, &name_at, (long)issuer.len);
    const bool is_whole =
        key != NULL && name != NULL && at == spki.p + spki.len && name_at == issuer.p + issuer.len;

    X509_PUBKEY_free(key);
    X509_NAME_free(name);
    return is_whole;
}

/* What the short reader finds, OpenSSL finds: the same names, times and key. */
static void check_plain(struct ratls_slice der, const X509 *certificate)
{
    struct ratls_ak_certificate plain;
    const unsigned char *name;
    size_t len;
    struct tm tm;
    uint8_t spki[32], found[32];
    if (!ratls_ak_certificate_read(der, &plain) ||
        (!certificate && !are_readable(plain.spki, plain.issuer)))
        return;
    require(certificate && X509_get_version(certificate) == X509_VERSION_3);
    require(X509_NAME_get0_der(X509_get_issuer_name(certificate), &name, &len) == 1 &&
            ratls_slice_equal(plain.issuer, ratls_slice(name, len)));
    require(ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &tm) &&
            timegm(&tm) == plain.not_before);
    require(ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) &&
            timegm(&tm) == plain.not_after);
    if (ratls_spki_sha256(certificate, spki, NULL) == RATLS_OK)
        require(ratls_sha256(plain.spki, found, NULL) == RATLS_OK &&
                memcmp(spki, found, sizeof(spki)) == 0);
    if (ratls_ak_certificate_has_name(&plain, "server.example.org"))
        require(ratls_certificate_names(der, "server.example.org"));
}

/* With the certificate as its own issuer, at a time when it may be valid: deep into the checks. */
static void check_chain(struct ratls_slice der, X509 *certificate)
{
    char why[RATLS_WHY_MAX];
    struct tm tm = {0};
    int64_t until = INT64_MIN;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    ERR_clear_error();
    if (!key || !ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &tm))
        return;
    const struct ratls_slice twice[] = {der, der};
    struct ratls_ak_chain chain = {twice, 1, certificate, key, timegm(&tm)};
    require(ratls_ak_chain(&chain, &until, why, NULL) == RATLS_OK);
    require((why[0] == '\0') == (until >= chain.now));
    chain.count = 2;
    require(ratls_ak_chain(&chain, &until, why, NULL) == RATLS_OK && why[0] != '\0');
    require(ERR_peek_error() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_slice der = ratls_slice(data, size);
    struct ratls_slice evidence;
    uint8_t spki[32];
    for (size_t cap = 0; cap <= TEXT_MAX; cap += 16)
        check_text(der, cap);
    require(!ratls_certificate_names(der, "") && !ratls_certificate_names(der, ".example.org"));
    (void)ratls_certificate_names(der, "server.example.org");
    (void)ratls_certificate_names(der, "192.0.2.1");
    require(ERR_peek_error() == 0);
    const uint8_t *p = data;
    X509 *certificate = d2i_X509(NULL, &p, (long)size);
    check_plain(der, certificate);
    ERR_clear_error();
    if (certificate && ratls_evidence_in_certificate(certificate, &evidence))
        check_round_trip(evidence);
    if (certificate)
        check_chain(der, certificate);
    if (certificate && ratls_spki_sha256(certificate, spki, NULL) != RATLS_OK)
        ERR_clear_error();
    X509_free(certificate);
    ERR_clear_error();
    return 0;
}
