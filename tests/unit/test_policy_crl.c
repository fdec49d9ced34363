/* crl of an issuer in attestation-keys. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "pki_crl.h"
#include "policy_folder.h"
#include "policy_refused.h"

#define FROM 1700000000
#define UNTIL 1700086400
#define POLICY(keys)                                                                               \
    "policy: ratls-1\nattestation-keys:\n  - " keys "\npcrs: [{index: 7, sha256: [" AA64 "]}]\n"

static X509 *issuer;
static EVP_PKEY *key;

static void write_crl(const char *path, EVP_PKEY *by, int64_t until)
{
    const struct pki_crl_spec spec = {
        .issuer = issuer, .issuer_key = by, .from_s = FROM, .until_s = until};
    size_t len;
    uint8_t *der = pki_crl(&spec, &len);
    FILE *f = fopen(path, "wb");

    cr_assert(f != NULL && fwrite(der, 1, len, f) == len);
    cr_assert(eq(int, fclose(f), 0));
    OPENSSL_free(der);
}

static void enter(void)
{
    struct pki_spec spec = {
        .subject = "issuer", .ca = "critical,CA:TRUE", .key_usage = "critical,keyCertSign,cRLSign"};

    policy_folder_enter();
    spec.key = key = pki_key(PKI_P256);
    issuer = pki_certificate(&spec);
    pki_write_certificate("ca.pem", issuer);
    write_crl("ca.crl", key, UNTIL);
}

static void leave(void)
{
    X509_free(issuer);
    EVP_PKEY_free(key);
    policy_folder_leave();
}

TestSuite(policy_crl, .init = enter, .fini = leave);

static void load(struct ratls_rules *ret_rules)
{
    static const char text[] = POLICY("{issuer: ca.pem, crl: ca.crl, "
                                      "crl-url: 'https://ca.example/v1/crl'}");
    struct ratls_error err = {0};

    cr_assert(eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), ret_rules, &err),
                 RATLS_OK),
              "%s", err.text);
}

/* A session that was accepted under another list is not resumed: what decides has changed. */
Test(policy_crl, decides)
{
    struct ratls_rules before = {0}, after = {0};

    load(&before);
    cr_assert(ne(ptr, (void *)before.issuers[0].crl, NULL));
    cr_expect(eq(str, before.issuers[0].crl_path, "ca.crl"));
    cr_expect(eq(i64, ratls_crl_until(before.issuers[0].crl), UNTIL));
    write_crl("new.crl", key, UNTIL + 1);
    cr_assert(eq(int, rename("new.crl", "ca.crl"), 0));
    load(&after);
    cr_expect(eq(i64, ratls_crl_until(after.issuers[0].crl), UNTIL + 1));
    cr_expect(ne(int, memcmp(before.decides_sha256, after.decides_sha256, 32), 0));
    ratls_rules_done(&before);
    ratls_rules_done(&after);
}

static const struct refused refusals[] = {
    {"of a pin", POLICY("{name: 000b" AA64 ", crl: ca.crl}"),
     "p.yaml:3:5: attestation-keys[0]: crl is of an issuer: deny a pinned key by deny-keys"},
    {"by another key", POLICY("{issuer: ca.pem, crl: other.crl}"),
     "p.yaml:3:27: attestation-keys[0].crl: other.crl: the issuer has not signed this CRL"},
    {"a URL without a file", POLICY("{issuer: ca.pem, crl-url: 'https://ca.example/crl'}"),
     "p.yaml:3:5: attestation-keys[0]: crl-url says where the file of crl comes from: name that"},
    {"no URL", POLICY("{issuer: ca.pem, crl: ca.crl, crl-url: ca.example}"),
     "p.yaml:3:5: attestation-keys[0]: crl-url is https://..., or unix:/SOCKET:/PATH"},
    {"no list", POLICY("{issuer: ca.pem, crl: ca.pem}"),
     "p.yaml:3:27: attestation-keys[0].crl: ca.pem: not one CRL in PEM or DER"},
};

Test(policy_crl, refused)
{
    EVP_PKEY *other = pki_key(PKI_P256);

    write_crl("other.crl", other, UNTIL);
    expect_refused(refusals, sizeof refusals / sizeof *refusals);
    EVP_PKEY_free(other);
}
