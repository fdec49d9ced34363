/* Revocation lists: which are taken, and what they say. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/pem.h>
#include <string.h>

#include "crypto_crl.h"
#include "pki_crl.h"

#define FROM 1700000000
#define UNTIL 1700086400

static EVP_PKEY *key, *other_key;
static X509 *issuer, *other, *no_crls, *good, *bad;

static X509 *make_ca(const char *subject, EVP_PKEY *of, const char *usage)
{
    const struct pki_spec spec = {
        .subject = subject, .key = of, .ca = "critical,CA:TRUE", .key_usage = usage};

    return pki_certificate(&spec);
}

static void make_world(void)
{
    key = pki_key(PKI_P256);
    other_key = pki_key(PKI_P256);
    issuer = make_ca("issuer", key, "critical,keyCertSign,cRLSign");
    no_crls = make_ca("issuer", key, "critical,keyCertSign");
    other = make_ca("other", key, "critical,keyCertSign,cRLSign");
    good = pki_ak_certificate(other_key, "DNS:a.example", issuer, key);
    bad = pki_ak_certificate(other_key, "DNS:a.example", issuer, key);
}

static void free_world(void)
{
    X509_free(issuer);
    X509_free(no_crls);
    X509_free(other);
    X509_free(good);
    X509_free(bad);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
}

TestSuite(crypto_crl, .init = make_world, .fini = free_world);

static struct pki_crl_spec spec_of(void)
{
    return (struct pki_crl_spec){
        .issuer = issuer, .issuer_key = key, .revoked = bad, .from_s = FROM, .until_s = UNTIL};
}

static enum ratls_status read_spec(const struct pki_crl_spec *spec, X509 *by,
                                   struct ratls_crl **ret, struct ratls_error *err)
{
    size_t len;
    uint8_t *der = pki_crl(spec, &len);
    enum ratls_status status = ratls_crl_read(ratls_slice(der, len), by, ret, err);

    OPENSSL_free(der);
    return status;
}

static void expect_why(const struct ratls_crl *crl, const X509 *certificate, int64_t now,
                       const char *expected)
{
    char why[RATLS_WHY_MAX];
    size_t len;
    uint8_t *der = pki_der(certificate, &len);

    cr_expect(eq(int, ratls_crl_clears(crl, ratls_slice(der, len), now, why), expected[0] == '\0'));
    cr_expect(eq(str, why, (char *)expected));
    cr_expect(not(ratls_crl_clears(crl, ratls_slice(der, len - 1), now, why)), "cut");
    OPENSSL_free(der);
}

Test(crypto_crl, says)
{
    struct pki_crl_spec spec = spec_of();
    struct ratls_crl *crl = NULL;
    struct ratls_error err = {0};

    cr_assert(eq(int, read_spec(&spec, issuer, &crl, &err), RATLS_OK), "%s", err.text);
    cr_expect(eq(i64, ratls_crl_until(crl), UNTIL));
    expect_why(crl, good, FROM, "");
    expect_why(crl, good, UNTIL - 1, "");
    expect_why(crl, bad, FROM, "a certificate that its issuer has revoked");
    expect_why(crl, good, FROM - 1, "the CRL is not valid yet");
    expect_why(crl, good, UNTIL, "the CRL is out of date: fetch a new one");
    ratls_crl_free(crl);
    spec.revoked = NULL;
    cr_assert(eq(int, read_spec(&spec, issuer, &crl, &err), RATLS_OK));
    expect_why(crl, bad, FROM, "");
    ratls_crl_free(crl);
}

static void expect_refused(const struct pki_crl_spec *spec, X509 *by, const char *why)
{
    struct ratls_crl *crl = NULL;
    struct ratls_error err = {0};

    cr_expect(eq(int, read_spec(spec, by, &crl, &err), RATLS_USAGE), "%s", why);
    cr_expect(eq(ptr, (void *)crl, NULL));
    cr_expect(eq(str, err.text, (char *)why));
}

Test(crypto_crl, refused)
{
    struct pki_crl_spec spec = spec_of();

    expect_refused(&spec, other, "the CRL of another issuer");
    expect_refused(&spec, no_crls, "the issuer may not sign CRLs: its key usage lacks cRLSign");
    spec.issuer_key = other_key;
    expect_refused(&spec, issuer, "the issuer has not signed this CRL");
    spec = spec_of();
    spec.digest = "SHA1";
    expect_refused(&spec, issuer, "a CRL that is not signed with SHA-256, SHA-384 or SHA-512");
    spec = spec_of();
    spec.is_old = true;
    expect_refused(&spec, issuer, "not a CRL of version 2");
    spec = spec_of();
    spec.is_delta = true;
    expect_refused(&spec, issuer, "a CRL of a part of the certificates: a complete one is needed");
    spec = spec_of();
    spec.has_critical = true;
    expect_refused(&spec, issuer, "a CRL with a critical extension, which is not understood");
    spec = spec_of();
    spec.has_critical_entry = true;
    expect_refused(&spec, issuer, "a CRL with a critical extension, which is not understood");
    spec = spec_of();
    spec.number_octets = 21;
    expect_refused(&spec, issuer, "a CRL whose number is not one of at most 20 octets");
    spec = spec_of();
    spec.has_two_numbers = true;
    expect_refused(&spec, issuer, "a CRL whose number is not one of at most 20 octets");
    spec = spec_of();
    spec.until_s = 0;
    expect_refused(&spec, issuer, "a CRL that does not say until when it holds");
}

/* Cut anywhere, with something behind it, or with a byte changed: never taken. */
Test(crypto_crl, other_bytes)
{
    const struct pki_crl_spec spec = spec_of();
    struct ratls_crl *crl = NULL;
    size_t len;
    uint8_t *der = pki_crl(&spec, &len), *more = calloc(1, len + 1);

    memcpy(more, der, len);
    cr_expect(eq(int, ratls_crl_read(ratls_slice(more, len + 1), issuer, &crl, NULL), RATLS_USAGE));
    for (size_t i = 0; i < len; i++) {
        cr_expect(eq(int, ratls_crl_read(ratls_slice(der, i), issuer, &crl, NULL), RATLS_USAGE));
        more[i] ^= 1;
        cr_expect(eq(int, ratls_crl_read(ratls_slice(more, len), issuer, &crl, NULL), RATLS_USAGE),
                  "byte %zu", i);
        more[i] ^= 1;
    }
    free(more);
    OPENSSL_free(der);
}

Test(crypto_crl, pem)
{
    const struct pki_crl_spec spec = spec_of();
    struct ratls_crl *crl = NULL;
    size_t len, der_len;
    uint8_t *der = pki_crl(&spec, &der_len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    cr_assert(eq(int, PEM_write_bio(bio, "X509 CRL", "", der, (long)der_len) > 0, 1));
    len = (size_t)BIO_get_mem_data(bio, &text);
    cr_assert(eq(int, ratls_crl_read(ratls_slice(text, len), issuer, &crl, NULL), RATLS_OK));
    expect_why(crl, bad, FROM, "a certificate that its issuer has revoked");
    ratls_crl_free(crl);
    cr_assert(eq(int, PEM_write_bio(bio, "X509 CRL", "", der, (long)der_len) > 0, 1));
    len = (size_t)BIO_get_mem_data(bio, &text);
    cr_expect(eq(int, ratls_crl_read(ratls_slice(text, len), issuer, &crl, NULL), RATLS_USAGE),
              "two of them");
    BIO_free(bio);
    OPENSSL_free(der);
}
