/*
 * What the tests of certificates in the plain form share: an issuer, a key, and both ways to the
 * verdict on a certificate of it.
 */
#ifndef RATLS_TEST_AK_CERTIFICATE_SCENE_H
#define RATLS_TEST_AK_CERTIFICATE_SCENE_H

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "ak_certificate.h"
#include "crypto.h"
#include "pki.h"
#include "tpm_p256.h"

#define SERVER "bank.example"
#define NAMES "DNS:shop.example,IP:192.0.2.1,DNS:" SERVER

static EVP_PKEY *ca_key, *key;
static X509 *ca;
static uint8_t point[TPM_P256_POINT];
static struct ratls_tpm_public area;
static int64_t now;
static const char *server;

static inline void set_up(void)
{
    ca_key = pki_key(PKI_P256);
    ca = pki_ca("issuer", ca_key, NULL, NULL);
    key = pki_key(PKI_P256);
    area = tpm_p256_area(key, point);
    now = time(NULL);
    server = SERVER;
}

static inline void tear_down(void)
{
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

struct verdict {
    bool accepted;
    int64_t until;
};

static inline struct verdict ask_plain(struct ratls_slice der)
{
    const struct ratls_ak_chain chain = {&der, 1, ca, key, now};
    struct verdict verdict = {.until = 0};

    verdict.accepted = ratls_ak_chain_plain(&chain, &area, server, &verdict.until);
    return verdict;
}

static inline struct verdict ask_openssl(struct ratls_slice der)
{
    const struct ratls_ak_chain chain = {&der, 1, ca, key, now};
    struct verdict verdict = {.until = 0};
    char why[RATLS_WHY_MAX];

    cr_assert_eq(ratls_ak_chain(&chain, &verdict.until, why, NULL), RATLS_OK);
    verdict.accepted = why[0] == '\0' && ratls_certificate_names(der, server);
    return verdict;
}

/* Returns whether the short way takes it. */
static inline bool compare(struct ratls_slice der, const char *what, size_t number)
{
    const struct verdict plain = ask_plain(der);
    struct verdict openssl;

    if (!plain.accepted)
        return false;
    openssl = ask_openssl(der);
    cr_expect(openssl.accepted, "%s %zu: OpenSSL refuses it", what, number);
    cr_expect_eq(plain.until, openssl.until, "%s %zu: until", what, number);
    return true;
}

static inline struct pki_spec good_spec(void)
{
    return (struct pki_spec){.subject = "ak",
                             .key = key,
                             .issuer = ca,
                             .issuer_key = ca_key,
                             .names = NAMES,
                             .eku = PKI_EKU_AK};
}

static inline struct ratls_slice make_der(struct pki_spec spec, uint8_t **ret_owned)
{
    X509 *certificate = pki_certificate(&spec);
    size_t len = 0;

    *ret_owned = pki_der(certificate, &len);
    X509_free(certificate);
    return ratls_slice(*ret_owned, len);
}

#endif
