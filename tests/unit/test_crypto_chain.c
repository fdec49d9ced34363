#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "pki.h"

#define DAY_S 86400

enum { ROOT, INTERMEDIATE, OTHER, AK, KEYS };

static EVP_PKEY *keys[KEYS];
static X509 *root, *intermediate, *other, *impostor;
static int64_t now_s;

static void setup(void)
{
    for (int i = 0; i < KEYS; i++)
        keys[i] = pki_key(PKI_P256);
    root = pki_ca("root", keys[ROOT], NULL, NULL);
    intermediate = pki_ca("intermediate", keys[INTERMEDIATE], root, keys[ROOT]);
    other = pki_ca("other", keys[OTHER], NULL, NULL);
    impostor = pki_ca("root", keys[OTHER], NULL, NULL); /* the root's name, another key */
    now_s = (int64_t)time(NULL);
}

static void teardown(void)
{
    for (int i = 0; i < KEYS; i++)
        EVP_PKEY_free(keys[i]);
    X509_free(root);
    X509_free(intermediate);
    X509_free(other);
    X509_free(impostor);
}

TestSuite(crypto_chain, .init = setup, .fini = teardown);

/* What is wrong with a chain at a time, "" if nothing; nothing stays on OpenSSL's error stack. */
static const char *verify_at(X509 *const *chain, size_t count, X509 *anchor, int64_t now)
{
    static char why[RATLS_WHY_MAX];
    struct ratls_slice certificates[4];
    struct ratls_error err = {0};
    int64_t until = -1;
    for (size_t i = 0; i < count; i++)
        certificates[i].p = pki_der(chain[i], &certificates[i].len);
    const struct ratls_ak_chain query = {certificates, count, anchor, keys[AK], now};
    ERR_clear_error();
    snprintf(why, sizeof(why), "not written");
    cr_assert_eq(ratls_ak_chain(&query, &until, why, &err), RATLS_OK, "%s", err.text);
    cr_assert_eq(ERR_peek_error(), 0);
    cr_assert_eq(until != -1, why[0] == '\0', "%s", why);
    for (size_t i = 0; i < count; i++)
        OPENSSL_free((void *)(uintptr_t)certificates[i].p);
    return why;
}

static const char *verify(X509 *const *chain, size_t count, X509 *anchor)
{
    return verify_at(chain, count, anchor, now_s);
}

/* Takes the leaf. */
static const char *verify_leaf(X509 *leaf, X509 *anchor)
{
    const char *why = verify(&leaf, 1, anchor);
    X509_free(leaf);
    return why;
}

#define cr_says(why, part)                                                                         \
    do {                                                                                           \
        const char *said = (why);                                                                  \
        cr_assert_not_null(strstr(said, (part)), "\"%s\" in \"%s\"", (part), said);                \
    } while (0)

Test(crypto_chain, leads_to_a_root_or_to_an_intermediate)
{
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, intermediate, keys[INTERMEDIATE]);
    X509 *const chain[] = {leaf, intermediate, root};
    cr_assert_str_eq(verify(chain, 2, root), "");
    cr_assert_str_eq(verify(chain, 1, intermediate), "", "a partial chain");
    cr_assert_str_eq(verify(chain, 2, intermediate), "", "with the issuer itself");
    cr_assert_str_eq(verify(chain, 3, root), "", "with the root itself");
    cr_says(verify(chain, 1, root), "unable to get local issuer certificate");
    cr_says(verify(chain, 2, other), "certificate 2: unable to get local issuer");
    X509_free(leaf);
}

Test(crypto_chain, accepts_rsa_issuers_and_keys)
{
    EVP_PKEY *ca_key = pki_key(PKI_RSA2048);
    X509 *ca = pki_ca("rsa", ca_key, NULL, NULL);
    cr_assert_str_eq(verify_leaf(pki_ak_certificate(keys[AK], NULL, ca, ca_key), ca), "");
    EVP_PKEY_free(keys[AK]);
    keys[AK] = pki_key(PKI_RSA2048);
    cr_assert_str_eq(verify_leaf(pki_ak_certificate(keys[AK], NULL, ca, ca_key), ca), "");
    X509_free(ca);
    EVP_PKEY_free(ca_key);
}

Test(crypto_chain, every_certificate_has_its_place)
{
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, intermediate, keys[INTERMEDIATE]);
    X509 *const reversed[] = {intermediate, leaf};
    X509 *const extra[] = {leaf, intermediate, other};
    X509 *const before[] = {leaf, other, intermediate};
    X509 *const twice[] = {leaf, leaf, intermediate};
    X509 *const four[] = {leaf, intermediate, root, root};
    cr_assert_str_neq(verify(reversed, 2, root), "");
    cr_says(verify(extra, 3, root), "certificate 3 is not part of the path");
    cr_says(verify(before, 3, root), "certificate 2 is not part of the path");
    cr_says(verify(twice, 3, root), "certificate 2 is not part of the path");
    cr_says(verify(four, 4, root), "4 certificates, not 1 to 3");
    cr_says(verify(four, 0, root), "0 certificates");
    X509_free(leaf);
}

Test(crypto_chain, signature_and_name_of_the_issuer_count)
{
    cr_says(verify_leaf(pki_ak_certificate(keys[AK], NULL, other, keys[OTHER]), root),
            "unable to get local issuer certificate");
    cr_assert_str_neq(verify_leaf(pki_ak_certificate(keys[AK], NULL, impostor, keys[OTHER]), root),
                      "");
    cr_assert_str_neq(verify_leaf(pki_ak_certificate(keys[AK], NULL, root, keys[OTHER]), root), "");
    cr_assert_str_eq(verify_leaf(pki_ak_certificate(keys[AK], NULL, root, keys[ROOT]), root), "");
    cr_assert_str_neq(verify_leaf(pki_ak_certificate(keys[AK], NULL, NULL, NULL), root), "");
}

Test(crypto_chain, certificate_of_the_key_may_be_the_anchor_itself)
{
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, other, keys[OTHER]);
    X509 *same_names = pki_ak_certificate(keys[AK], NULL, other, keys[OTHER]);
    cr_assert_str_eq(verify(&leaf, 1, leaf), "");
    cr_assert_str_neq(verify(&same_names, 1, leaf), "", "with another serial number");
    X509_free(leaf);
    X509_free(same_names);
}

/* The attestation key's certificate cannot certify another key, nor can a server's. */
Test(crypto_chain, issuers_are_certification_authorities)
{
    X509 *server = pki_server_certificate(keys[OTHER], "DNS:a.example", root, keys[ROOT]);
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, server, keys[OTHER]);
    X509 *const chain[] = {leaf, server};
    cr_says(verify(chain, 2, root), "invalid CA certificate");
    X509_free(leaf);
    X509_free(server);
}

/* RFC 5280, 4.2.1.9. */
Test(crypto_chain, issuers_follow_rfc_5280_to_the_letter)
{
    X509 *ca = pki_certificate(&(struct pki_spec){.subject = "not critical",
                                                  .key = keys[OTHER],
                                                  .issuer = root,
                                                  .issuer_key = keys[ROOT],
                                                  .ca = "CA:TRUE"});
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, ca, keys[OTHER]);
    X509 *const chain[] = {leaf, ca};
    cr_says(verify(chain, 2, root), "Basic Constraints of CA cert not marked critical");
    X509_free(leaf);
    X509_free(ca);
}

Test(crypto_chain, issuers_have_112_bits_of_security)
{
    EVP_PKEY *weak = EVP_RSA_gen(1024);
    X509 *ca = pki_ca("weak", weak, NULL, NULL);
    cr_says(verify_leaf(pki_ak_certificate(keys[AK], NULL, ca, weak), ca),
            "CA certificate key too weak");
    X509_free(ca);
    EVP_PKEY_free(weak);
}

Test(crypto_chain, path_length_of_the_issuer_counts)
{
    struct pki_spec spec = {
        .subject = "short", .key = keys[OTHER], .ca = "critical,CA:TRUE,pathlen:0"};
    X509 *anchor = pki_certificate(&spec);
    X509 *ca = pki_ca("below", keys[INTERMEDIATE], anchor, keys[OTHER]);
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, ca, keys[INTERMEDIATE]);
    X509 *const chain[] = {leaf, ca};
    cr_says(verify(chain, 2, anchor), "path length constraint exceeded");
    cr_assert_str_eq(verify_leaf(pki_ak_certificate(keys[AK], NULL, anchor, keys[OTHER]), anchor),
                     "");
    X509_free(leaf);
    X509_free(ca);
    X509_free(anchor);
}

Test(crypto_chain, time_is_the_callers)
{
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, root, keys[ROOT]);
    cr_assert_str_eq(verify_at(&leaf, 1, root, now_s), "");
    cr_says(verify_at(&leaf, 1, root, now_s + 2 * DAY_S), "expired");
    cr_says(verify_at(&leaf, 1, root, now_s - 2 * DAY_S), "not yet valid");
    X509_free(leaf);
}

Test(crypto_chain, until_is_the_first_expiry)
{
    static const struct {
        int64_t leaf_s, ca_s, expected_s;
    } cases[] = {{100, 200, 100}, {200, 100, 100}, {5000000, 7000000, DAY_S}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ratls_slice certificates[2];
        char why[RATLS_WHY_MAX];
        int64_t until = 0;
        X509 *ca = pki_certificate(&(struct pki_spec){.subject = "ca",
                                                      .key = keys[OTHER],
                                                      .issuer = root,
                                                      .issuer_key = keys[ROOT],
                                                      .ca = "critical,CA:TRUE",
                                                      .not_after_s = cases[i].ca_s});
        X509 *leaf = pki_certificate(&(struct pki_spec){.subject = "ak",
                                                        .key = keys[AK],
                                                        .issuer = ca,
                                                        .issuer_key = keys[OTHER],
                                                        .eku = PKI_EKU_AK,
                                                        .not_after_s = cases[i].leaf_s});
        certificates[0].p = pki_der(leaf, &certificates[0].len);
        certificates[1].p = pki_der(ca, &certificates[1].len);
        const struct ratls_ak_chain query = {certificates, 2, root, keys[AK], now_s};
        cr_assert_eq(ratls_ak_chain(&query, &until, why, NULL), RATLS_OK);
        cr_assert_str_eq(why, "");
        cr_assert_leq(llabs(until - now_s - cases[i].expected_s), 5, "%zu: %lld", i,
                      (long long)(until - now_s));
        OPENSSL_free((void *)(uintptr_t)certificates[0].p);
        OPENSSL_free((void *)(uintptr_t)certificates[1].p);
        X509_free(leaf);
        X509_free(ca);
    }
}

static X509 *make_leaf(const char *eku, const char *key_usage, EVP_PKEY *key)
{
    return pki_certificate(&(struct pki_spec){.subject = "ak",
                                              .key = key,
                                              .issuer = root,
                                              .issuer_key = keys[ROOT],
                                              .key_usage = key_usage,
                                              .eku = eku});
}

Test(crypto_chain, leaf_is_a_certificate_of_this_attestation_key)
{
    cr_assert_str_eq(verify_leaf(make_leaf("serverAuth,2.23.133.8.3", NULL, keys[AK]), root), "");
    cr_says(verify_leaf(make_leaf(NULL, NULL, keys[AK]), root), "lacks tcg-kp-AIKCertificate");
    cr_says(verify_leaf(make_leaf("serverAuth", NULL, keys[AK]), root), "lacks tcg-kp-AIK");
    cr_says(verify_leaf(make_leaf("anyExtendedKeyUsage", NULL, keys[AK]), root),
            "lacks tcg-kp-AIK");
    cr_says(verify_leaf(make_leaf("2.23.133.8.1", NULL, keys[AK]), root), "lacks tcg-kp-AIK");
    cr_says(verify_leaf(make_leaf("2.23.133.8.3.1", NULL, keys[AK]), root), "lacks tcg-kp-AIK");
    cr_says(verify_leaf(make_leaf("2.23.133.8.31", NULL, keys[AK]), root), "lacks tcg-kp-AIK");
    cr_says(verify_leaf(make_leaf(PKI_EKU_AK, "keyEncipherment", keys[AK]), root),
            "lacks digitalSignature");
    cr_says(verify_leaf(make_leaf(PKI_EKU_AK, NULL, keys[OTHER]), root), "another key");
}

/* Says "" or what is wrong with a certificate of the key, by an issuer, with one more extension. */
static const char *verify_extended(const char *names, const char *nid_value[2], bool on_issuer)
{
    X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, (char *)(uintptr_t)nid_value[0],
                                                (char *)(uintptr_t)nid_value[1]);
    struct pki_spec ca = {.subject = "ca", .key = keys[OTHER], .ca = "critical,CA:TRUE"};
    struct pki_spec ak = {.subject = "ak",
                          .key = keys[AK],
                          .issuer_key = keys[OTHER],
                          .eku = PKI_EKU_AK,
                          .names = names};
    const char *why;
    (on_issuer ? &ca : &ak)->extensions[0] = extension;
    cr_assert_not_null(extension);
    ak.issuer = pki_certificate(&ca);
    why = verify_leaf(pki_certificate(&ak), ak.issuer);
    X509_free(ak.issuer);
    X509_EXTENSION_free(extension);
    return why;
}

Test(crypto_chain, critical_extensions_and_constraints_of_the_issuer_count)
{
    const char *unknown[] = {"1.2.3.4", "DER:0500"};
    const char *critical[] = {"1.2.3.4", "critical,DER:0500"};
    const char *only_a[] = {"nameConstraints", "critical,permitted;DNS:a.example"};
    const char *not_b[] = {"nameConstraints", "critical,excluded;DNS:b.example"};
    const char *not_net[] = {"nameConstraints", "critical,excluded;IP:192.0.2.0/255.255.255.0"};
    const char *names[] = {"subjectAltName", "DNS:b.example"};
    const char *aik[] = {"extendedKeyUsage", "serverAuth,2.23.133.8.3"};
    const char *any[] = {"extendedKeyUsage", "anyExtendedKeyUsage"};
    const char *tls[] = {"extendedKeyUsage", "serverAuth"};
    for (int on_issuer = 0; on_issuer < 2; on_issuer++) {
        cr_assert_str_eq(verify_extended("DNS:a.example", unknown, on_issuer), "");
        cr_says(verify_extended("DNS:a.example", critical, on_issuer), "critical extension");
    }
    cr_assert_str_eq(verify_extended("DNS:a.example", aik, true), "");
    cr_assert_str_eq(verify_extended("DNS:a.example", any, true), "");
    cr_says(verify_extended("DNS:a.example", tls, true), "certificate 2: extended key usage lacks");
    cr_assert_str_eq(verify_extended("DNS:x.a.example", only_a, true), "");
    cr_says(verify_extended("DNS:b.example", only_a, true), "permitted subtree violation");
    cr_says(verify_extended("DNS:a.example,DNS:x.b.example", not_b, true), "excluded subtree");
    cr_says(verify_extended("DNS:a.example,IP:192.0.2.7", not_net, true), "excluded subtree");
    cr_assert_str_eq(verify_extended("DNS:a.example,IP:192.0.3.7", not_net, true), "");
    cr_says(verify_extended("DNS:a.example", names, false), "certificate 1"); /* twice */
}

Test(crypto_chain, der_is_exactly_one_certificate)
{
    uint8_t big[8193] = {0x30, 0x82, 0x1f, 0xfd};
    char why[RATLS_WHY_MAX];
    int64_t until = 0;
    struct ratls_slice certificate;
    struct ratls_ak_chain query = {&certificate, 1, root, keys[AK], now_s};
    X509 *leaf = pki_ak_certificate(keys[AK], NULL, root, keys[ROOT]);
    size_t len = 0;
    uint8_t *der = pki_der(leaf, &len);
    memcpy(big, der, len);
    const struct ratls_slice bad[] = {
        {big, len + 1}, {big, len - 1}, {big, 0}, {NULL, 0}, {big, sizeof(big)}, {big + 1, len - 1},
    };
    certificate = ratls_slice(big, len);
    cr_assert_eq(ratls_ak_chain(&query, &until, why, NULL), RATLS_OK);
    cr_assert_str_eq(why, "");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        certificate = bad[i];
        cr_assert_eq(ratls_ak_chain(&query, &until, why, NULL), RATLS_OK);
        cr_assert_str_eq(why, "certificate 1 is not the DER of one X.509 certificate", "%zu", i);
        cr_assert_not(ratls_certificate_names(certificate, "a.example"));
    }
    OPENSSL_free(der);
    X509_free(leaf);
}
