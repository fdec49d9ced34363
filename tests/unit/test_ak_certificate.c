/*
 * The short way to a certificate's verdict beside OpenSSL's: whatever the short one takes, OpenSSL
 * takes, with the same name and to the same second.
 */
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ak_certificate.h"
#include "crypto.h"
#include "pki.h"

#define SERVER "bank.example"
#define NAMES "DNS:shop.example,IP:192.0.2.1,DNS:" SERVER
#define DER_MAX 2048
#define DAY_S 86400

static EVP_PKEY *ca_key, *key;
static X509 *ca;
static uint8_t point[65];
static struct ratls_tpm_public area;
static int64_t now;

static void take_area(EVP_PKEY *of)
{
    size_t len = 0;

    cr_assert(
        EVP_PKEY_get_octet_string_param(of, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len));
    area = (struct ratls_tpm_public){.type = RATLS_ALG_ECC,
                                     .scheme = RATLS_ALG_ECDSA,
                                     .scheme_hash = RATLS_ALG_SHA256,
                                     .curve = RATLS_CURVE_P256,
                                     .x = {point + 1, 32},
                                     .y = {point + 33, 32}};
}

static void set_up(void)
{
    ca_key = pki_key(PKI_P256);
    ca = pki_ca("issuer", ca_key, NULL, NULL);
    key = pki_key(PKI_P256);
    take_area(key);
    now = time(NULL);
}

static void tear_down(void)
{
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

struct verdict {
    bool accepted;
    int64_t until;
};

static struct verdict ask_plain(struct ratls_slice der)
{
    const struct ratls_ak_chain chain = {&der, 1, ca, key, now};
    struct verdict verdict = {.until = 0};

    verdict.accepted = ratls_ak_chain_plain(&chain, &area, SERVER, &verdict.until);
    return verdict;
}

static struct verdict ask_openssl(struct ratls_slice der)
{
    const struct ratls_ak_chain chain = {&der, 1, ca, key, now};
    struct verdict verdict = {.until = 0};
    char why[RATLS_WHY_MAX];

    cr_assert_eq(ratls_ak_chain(&chain, &verdict.until, why, NULL), RATLS_OK);
    verdict.accepted = why[0] == '\0' && ratls_certificate_names(der, SERVER);
    return verdict;
}

/* Returns whether the short way takes it. */
static bool compare(struct ratls_slice der, const char *what, size_t number)
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

static struct pki_spec good_spec(void)
{
    return (struct pki_spec){.subject = "ak",
                             .key = key,
                             .issuer = ca,
                             .issuer_key = ca_key,
                             .names = NAMES,
                             .eku = PKI_EKU_AK};
}

static struct ratls_slice make_der(struct pki_spec spec, uint8_t **ret_owned)
{
    X509 *certificate = pki_certificate(&spec);
    size_t len = 0;

    *ret_owned = pki_der(certificate, &len);
    X509_free(certificate);
    return ratls_slice(*ret_owned, len);
}

Test(ak_certificate, the_plain_form, .init = set_up, .fini = tear_down)
{
    struct ratls_ak_certificate certificate;
    uint8_t *owned;
    struct ratls_slice der = make_der(good_spec(), &owned);

    cr_assert(ratls_ak_certificate_read(der, &certificate));
    cr_expect(ratls_ak_certificate_has_name(&certificate, SERVER));
    cr_expect(ratls_ak_certificate_has_name(&certificate, "SHOP.example"));
    cr_expect_not(ratls_ak_certificate_has_name(&certificate, "192.0.2.1"));
    cr_expect_not(ratls_ak_certificate_has_name(&certificate, ""));
    cr_expect_not(ratls_ak_certificate_has_name(&certificate, "ank.example"));
    cr_expect_not(ratls_ak_certificate_has_name(&certificate, SERVER "."));
    cr_expect(compare(der, "good", 0));
    OPENSSL_free(owned);
}

static bool is_plain(struct pki_spec spec)
{
    uint8_t *owned;
    struct ratls_slice der = make_der(spec, &owned);
    bool plain = compare(der, spec.subject, 0);

    OPENSSL_free(owned);
    return plain;
}

/* Good or bad, these are left to OpenSSL. */
Test(ak_certificate, all_else_is_left_to_openssl, .init = set_up, .fini = tear_down)
{
    EVP_PKEY *other = pki_key(PKI_P256), *rsa = pki_key(PKI_RSA2048);
    X509 *same_name = pki_ca("issuer", other, NULL, NULL);
    const struct pki_spec changes[] = {
        {.subject = "another key", .key = other},
        {.subject = "RSA", .key = rsa},
        {.subject = "another issuer of the same name", .issuer = same_name, .issuer_key = other},
        {.subject = "signed by another", .issuer_key = other},
        {.subject = "a CA", .ca = "critical,CA:TRUE"},
        {.subject = "for TLS", .eku = "serverAuth"},
        {.subject = "for TLS too", .eku = PKI_EKU_AK ",serverAuth"},
        {.subject = "for signing certificates", .key_usage = "critical,keyCertSign"},
        {.subject = "for both", .key_usage = "digitalSignature,keyCertSign"},
        {.subject = "not for signing", .key_usage = "keyAgreement"},
        {.subject = "another name", .names = "DNS:shop.example"},
        {.subject = "a wildcard", .names = "DNS:*.example"},
        {.subject = "an address", .names = "IP:192.0.2.1"},
        {.subject = "a mail address too", .names = NAMES ",email:root@" SERVER},
        {.subject = "expired", .not_after_s = -600},
        {.subject = "not yet valid", .not_before_s = 60},
    };

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct pki_spec spec = good_spec();
        const struct pki_spec *c = &changes[i];

        spec.subject = c->subject;
        spec.key = c->key != NULL ? c->key : spec.key;
        spec.issuer = c->issuer != NULL ? c->issuer : spec.issuer;
        spec.issuer_key = c->issuer_key != NULL ? c->issuer_key : spec.issuer_key;
        spec.ca = c->ca;
        spec.key_usage = c->key_usage;
        spec.names = c->names != NULL ? c->names : spec.names;
        spec.eku = c->eku != NULL ? c->eku : spec.eku;
        spec.not_before_s = c->not_before_s;
        spec.not_after_s = c->not_after_s;
        cr_expect_not(is_plain(spec), "%s", spec.subject);
    }
    X509_free(same_name);
    EVP_PKEY_free(other);
    EVP_PKEY_free(rsa);
}

static X509_EXTENSION *make_extension(const char *name, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, ca, ca, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    extension = X509V3_EXT_nconf(NULL, &ctx, name, value);
    cr_assert(extension != NULL, "%s", name);
    return extension;
}

Test(ak_certificate, one_extension_more, .init = set_up, .fini = tear_down)
{
    static const struct {
        const char *name, *value;
    } more[] = {
        {"crlDistributionPoints", "URI:http://ca.example/list"},
        {"authorityInfoAccess", "OCSP;URI:http://ca.example"},
        {"1.2.3.4", "critical,DER:0500"},
        {"keyUsage", "digitalSignature"},
    };

    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        struct pki_spec spec = good_spec();

        spec.subject = more[i].name;
        spec.extensions[0] = make_extension(more[i].name, more[i].value);
        cr_expect_not(is_plain(spec), "%s", more[i].name);
        X509_EXTENSION_free(spec.extensions[0]);
    }
}

/* At the very edges, which OpenSSL has where it has them. */
Test(ak_certificate, the_time, .init = set_up, .fini = tear_down)
{
    uint8_t *owned;
    struct ratls_slice der = make_der(good_spec(), &owned);
    const int64_t begin = now;
    struct ratls_ak_certificate certificate;
    size_t taken = 0;

    cr_assert(ratls_ak_certificate_read(der, &certificate));
    const int64_t edges[] = {certificate.not_before, certificate.not_after};
    for (size_t i = 0; i < 2; i++)
        for (now = edges[i] - 2; now <= edges[i] + 2; now++) {
            cr_expect_eq(ask_plain(der).accepted, ask_openssl(der).accepted, "%zu, %lld", i,
                         (long long)(now - edges[i]));
            taken += (size_t)ask_plain(der).accepted;
        }
    cr_expect(taken > 0 && taken < 10);
    now = begin;
    OPENSSL_free(owned);
}

Test(ak_certificate, an_anchor_with_name_constraints, .init = set_up, .fini = tear_down)
{
    X509_EXTENSION *extension = make_extension("nameConstraints", "critical,permitted;DNS:example");
    const struct pki_spec spec = {.subject = "issuer",
                                  .key = ca_key,
                                  .ca = "critical,CA:TRUE",
                                  .key_usage = "critical,keyCertSign",
                                  .extensions = {extension}};

    X509_free(ca);
    ca = pki_certificate(&spec);
    cr_expect_not(is_plain(good_spec()));
    X509_EXTENSION_free(extension);
}

/* ---- signed by the issuer, whatever it says ---- */

static void put_head(struct ratls_writer *w, uint8_t tag, size_t len)
{
    ratls_write_u8(w, tag);
    if (len >= 0x100) {
        ratls_write_u8(w, 0x82);
        ratls_write_u16(w, (uint16_t)len);
        return;
    }
    if (len >= 0x80)
        ratls_write_u8(w, 0x81);
    ratls_write_u8(w, (uint8_t)len);
}

static struct ratls_slice sign_again(struct ratls_slice tbs, uint8_t out[static DER_MAX])
{
    static const uint8_t alg[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                  0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    uint8_t signature[80];
    size_t len = sizeof signature;
    struct ratls_writer w = ratls_writer(out, DER_MAX);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    cr_assert(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ca_key) == 1 &&
              EVP_DigestSign(ctx, signature, &len, tbs.p, tbs.len) == 1);
    EVP_MD_CTX_free(ctx);
    put_head(&w, 0x30, tbs.len + sizeof alg + 3 + len);
    ratls_write_bytes(&w, tbs);
    ratls_write_bytes(&w, ratls_slice(alg, sizeof alg));
    put_head(&w, 0x03, len + 1);
    ratls_write_u8(&w, 0);
    ratls_write_bytes(&w, ratls_slice(signature, len));
    cr_assert_not(w.failed);
    return ratls_writer_slice(&w);
}

/* Each byte of what is signed, changed in several ways, with a signature that holds. */
Test(ak_certificate, near_misses_with_good_signatures, .init = set_up, .fini = tear_down)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xff};
    uint8_t *owned, tbs[DER_MAX], der[DER_MAX];
    struct ratls_slice good = make_der(good_spec(), &owned);
    struct ratls_ak_certificate certificate;
    size_t taken = 0;

    cr_assert(ratls_ak_certificate_read(good, &certificate));
    cr_assert_lt(certificate.tbs.len, sizeof tbs);
    memcpy(tbs, certificate.tbs.p, certificate.tbs.len);
    cr_assert(compare(sign_again(ratls_slice(tbs, certificate.tbs.len), der), "unchanged", 0));
    for (size_t i = 0; i < certificate.tbs.len; i++)
        for (size_t k = 0; k < sizeof flips; k++) {
            tbs[i] ^= flips[k];
            taken += (size_t)compare(sign_again(ratls_slice(tbs, certificate.tbs.len), der),
                                     "changed", i);
            tbs[i] ^= flips[k];
        }
    cr_expect_gt(taken, 20, "serial number, subject and names may vary: %zu", taken);
    OPENSSL_free(owned);
}

/* Each bit of the whole, signed once. */
Test(ak_certificate, one_bit_of_a_certificate, .init = set_up, .fini = tear_down)
{
    uint8_t *owned;
    struct ratls_slice der = make_der(good_spec(), &owned);

    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        owned[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_not(ask_plain(der).accepted, "bit %zu", bit);
        owned[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < der.len; len++)
        cr_expect_not(ask_plain(ratls_slice(owned, len)).accepted, "%zu bytes", len);
    OPENSSL_free(owned);
}
