#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto.h"
#include "pki.h"

static EVP_PKEY *ca_key, *ak;
static X509 *ca;

static void setup(void)
{
    ca_key = pki_key(PKI_P256);
    ak = pki_key(PKI_P256);
    ca = pki_ca("ca", ca_key, NULL, NULL);
}

static void teardown(void)
{
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(ak);
    X509_free(ca);
}

TestSuite(crypto_names, .init = setup, .fini = teardown);

static const struct {
    const char *names, *server;
    bool named;
} name_cases[] = {
    {"DNS:a.example", "a.example", true},
    {"DNS:a.example", "A.Example", true},
    {"DNS:b.example,DNS:a.example", "a.example", true},
    {"DNS:a.example", "b.a.example", false},
    {"DNS:b.a.example", ".a.example", false},
    {"DNS:*.a.example", "b.a.example", false},
    {"DNS:*.a.example,DNS:b.a.example", "b.a.example", true},
    {"DNS:a.example", "", false},
    {"DNS:a.example", NULL, false},
    {"email:root@a.example", "a.example", false},
    {"URI:https://a.example", "a.example", false},
    {NULL, "a.example", false},
    {"IP:192.0.2.1", "192.0.2.1", true},
    {"IP:192.0.2.1", "192.0.2.2", false},
    {"DNS:192.0.2.1", "192.0.2.1", false},
    {"IP:2001:db8::1", "2001:db8:0::1", true},
    {"IP:2001:db8::1", "2001:db8::2", false},
    {NULL, "attestation key", false}, /* the common name */
};

Test(crypto_names, names_are_those_of_the_subject_alternative_name)
{
    for (size_t i = 0; i < sizeof(name_cases) / sizeof(name_cases[0]); i++) {
        size_t len = 0;
        X509 *leaf = pki_ak_certificate(ak, name_cases[i].names, ca, ca_key);
        uint8_t *der = pki_der(leaf, &len);
        ERR_clear_error();
        cr_assert_eq(ratls_certificate_names(ratls_slice(der, len), name_cases[i].server),
                     name_cases[i].named, "%zu: %s in %s", i, name_cases[i].server,
                     name_cases[i].names);
        cr_assert_eq(ERR_peek_error(), 0);
        OPENSSL_free(der);
        X509_free(leaf);
    }
}

static const struct {
    const char *names, *text;
    size_t cap;
} text_cases[] = {
    {"DNS:a.example,email:x@y.example,IP:192.0.2.1,IP:2001:db8::1",
     "a.example, 192.0.2.1, 2001:db8::1", 100},
    {"DNS:a.example,DNS:b.example", "a.example, b.example", 21},
    {"DNS:a.example,DNS:b.example", "a.example, b.exa...", 20},
    {"DNS:a.example", "a.ex...", 8},
    {"email:x@y.example", "no name", 100},
    {NULL, "no name", 100},
};

Test(crypto_names, names_text_is_cut_where_it_must_be)
{
    for (size_t i = 0; i < sizeof(text_cases) / sizeof(text_cases[0]); i++) {
        char text[100];
        size_t len = 0;
        X509 *leaf = pki_ak_certificate(ak, text_cases[i].names, ca, ca_key);
        uint8_t *der = pki_der(leaf, &len);
        memset(text, 'x', sizeof(text));
        ratls_certificate_names_text(ratls_slice(der, len), text, text_cases[i].cap);
        cr_assert_str_eq(text, text_cases[i].text);
        for (size_t cap = 0; cap < 8; cap++) {
            memset(text, 'x', sizeof(text));
            ratls_certificate_names_text(ratls_slice(der, len), text, cap);
            cr_assert(cap == 0 || memchr(text, '\0', cap));
            cr_assert_eq(text[cap], 'x');
        }
        OPENSSL_free(der);
        X509_free(leaf);
    }
    char text[32];
    ratls_certificate_names_text(ratls_slice("x", 1), text, sizeof(text));
    cr_assert_str_eq(text, "no certificate");
}

/* A NUL or an escape sequence in a name is shown as what it is. */
Test(crypto_names, names_text_is_escaped)
{
    char text[64];
    size_t len = 0;
    uint8_t der_name[] = {0x30, 5, 0x82, 3, 'a', 0x1b, 0x00};
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, der_name, sizeof(der_name));
    X509_EXTENSION *extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, value);
    X509 *leaf =
        pki_certificate(&(struct pki_spec){.subject = "ak", .key = ak, .extensions = {extension}});
    uint8_t *der = pki_der(leaf, &len);
    ratls_certificate_names_text(ratls_slice(der, len), text, sizeof(text));
    cr_assert_str_eq(text, "a\\x1b\\x00");
    cr_assert_not(ratls_certificate_names(ratls_slice(der, len), "a"));
    OPENSSL_free(der);
    X509_free(leaf);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

Test(crypto_names, spki_hash_is_of_the_der_of_the_key)
{
    static const enum pki_algorithm algorithms[] = {PKI_P256, PKI_P384, PKI_P521, PKI_RSA2048};
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        uint8_t expected[32], actual[32];
        uint8_t *der = NULL;
        EVP_PKEY *key = pki_key(algorithms[i]);
        X509 *certificate = pki_server_certificate(key, NULL, ca, ca_key);
        int len = i2d_PUBKEY(key, &der);
        cr_assert_gt(len, 0);
        cr_assert_eq(ratls_sha256(ratls_slice(der, (size_t)len), expected, NULL), RATLS_OK);
        cr_assert_eq(ratls_spki_sha256(certificate, actual, NULL), RATLS_OK);
        cr_assert_arr_eq(actual, expected, 32);
        OPENSSL_free(der);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
}
