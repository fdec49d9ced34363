/*
 * The short way to a certificate's verdict beside OpenSSL's: whatever the short one takes, OpenSSL
 * takes, with the same name and to the same second.
 */
#include <stdint.h>
#include <stdio.h>

#include "ak_certificate_scene.h"

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

/* Whose names are no names, or are compared as something else than text. */
Test(ak_certificate, names_that_are_none, .init = set_up, .fini = tear_down)
{
    static const char *const texts[] = {"192.0.2.1", "192.000.2.1",   "2001:db8::1",
                                        "::1",       ".bank.example", "."};
    char names[64];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pki_spec spec = good_spec();

        server = texts[i];
        snprintf(names, sizeof names, "DNS:%s", server);
        spec.subject = "a name as text";
        spec.names = names;
        cr_expect_not(is_plain(spec), "%s", server);
    }
    server = "BANK.Example";
    cr_expect(is_plain(good_spec()));
}

/*
 * By the name of its issuer, and by nothing that says otherwise: OpenSSL takes it for self-signed,
 * as which nobody trusts it.
 */
Test(ak_certificate, of_the_name_of_its_issuer, .init = set_up, .fini = tear_down)
{
    static const char *const subjects[] = {"issuer", "ISSUER", " issuer  "};
    const ASN1_OCTET_STRING *issuer_id = X509_get0_subject_key_id(ca);

    for (size_t i = 0; i < 2 * sizeof subjects / sizeof *subjects; i++) {
        struct pki_spec spec = good_spec();
        X509 *certificate;
        uint8_t *owned;
        size_t len = 0;

        spec.subject = subjects[i / 2];
        certificate = pki_certificate(&spec);
        X509_EXTENSION_free(X509_delete_ext(
            certificate, X509_get_ext_by_NID(certificate, NID_subject_key_identifier, -1)));
        if (i % 2 == 1) /* or has that of the issuer */
            cr_assert_eq(X509_add1_ext_i2d(certificate, NID_subject_key_identifier,
                                           (void *)(uintptr_t)issuer_id, 0, 0),
                         1);
        cr_assert_gt(X509_sign(certificate, ca_key, EVP_sha256()), 0);
        owned = pki_der(certificate, &len);
        X509_free(certificate);
        cr_expect_not(compare(ratls_slice(owned, len), spec.subject, i));
        OPENSSL_free(owned);
    }
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
        {"crlDistributionPoints", "critical,URI:http://ca.example/list"},
        {"crlDistributionPoints", "URI:http://ca.example/1,URI:http://ca.example/2"},
        {"crlDistributionPoints", "DNS:ca.example"},
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

/* Where a list is: nothing that the verdict depends on, in exactly one form. */
Test(ak_certificate, the_place_of_a_list, .init = set_up, .fini = tear_down)
{
    static const struct {
        const char *what, *value;
        bool is_plain;
    } rows[] = {
        {"a URI", "URI:http://ca.example/ratls.crl", true},
        {"the same by hand", "DER:300a3008a006a00486026161", true},
        {"of no letter", "DER:30083006a004a0028600", false},
        {"of a byte that is no text", "DER:300a3008a006a00486026107", false},
        {"no point", "DER:3000", false},
        {"an empty point", "DER:30023000", false},
        {"a point without a name", "DER:30043002a000", false},
        {"no names in it", "DER:30063004a002a000", false},
        {"two points", "DER:30143008a006a004860261613008a006a00486026161", false},
        {"reasons", "DER:300e300ca006a0048602616181020001", false},
        {"an issuer of lists", "DER:300e300ca006a00486026161a2028200", false},
        {"a relative name", "DER:300a3008a006a10486026161", false},
        {"a byte behind the name", "DER:300b3009a007a0048602616100", false},
        {"a byte behind the point's name", "DER:300b3009a006a0048602616100", false},
        {"a byte behind the point", "DER:300b3008a006a0048602616100", false},
        {"a byte behind all", "DER:300a3008a006a0048602616100", false},
        {"a length that is not the shortest", "DER:300b3009a007a0058681026161", false},
        {"a length beyond the end", "DER:300a3008a006a00486036161", false},
        {"no sequence", "DER:0500", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pki_spec spec = good_spec();

        spec.subject = rows[i].what;
        spec.extensions[0] = make_extension("crlDistributionPoints", rows[i].value);
        cr_expect_eq(is_plain(spec), rows[i].is_plain, "%s", rows[i].what);
        X509_EXTENSION_free(spec.extensions[0]);
    }
}

Test(ak_certificate, two_places_of_lists, .init = set_up, .fini = tear_down)
{
    struct pki_spec spec = good_spec();

    spec.subject = "twice";
    spec.extensions[0] = make_extension("crlDistributionPoints", "URI:http://ca.example/1");
    spec.extensions[1] = make_extension("crlDistributionPoints", "URI:http://ca.example/2");
    cr_expect_not(is_plain(spec));
    X509_EXTENSION_free(spec.extensions[0]);
    X509_EXTENSION_free(spec.extensions[1]);
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
