/*
 * The N-th allocation fails, for every N: what a CA makes is whole, or it is not made. Nothing that
 * it should say is left out because memory was short.
 */
#include "ca_scene.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "certificate_make.h"
#include "crl_make.h"
#include "crypto.h"
#include "crypto_tpm_maker.h"
#include "failmalloc.h"
#include "rules_file.h"

#define ALLOCATIONS_MAX 20000
#define EK "3f2a000000000000000000000000000000000000000000000000000000000001"

static EVP_PKEY *ca_key, *key;
static X509 *ca;
static struct ratls_issuers *issuers;
static struct ratls_ca_issuer_config config;

static void make_world(void)
{
    struct ratls_error err = {0};

    scene_make();
    ca_key = pki_key(PKI_P256);
    key = pki_key(PKI_P256);
    ca = scene_ca(ca_key, 0);
    config = (struct ratls_ca_issuer_config){scene_certificate("ca.crt", ca),
                                             scene_key("ca.key", ca_key, NULL)};
    cr_assert_eq(scene_open(&config, 1, &issuers, &err), RATLS_OK, "%s", err.text);
}

static void free_world(void)
{
    ratls_issuers_close(issuers);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    scene_remove();
}

TestSuite(ca_memory, .init = make_world, .fini = free_world);

/* Seven extensions, four names of which one is the software TPM's. */
static void expect_whole(const struct ratls_ak_made *made, size_t n)
{
    X509 *certificate = ratls_certificate_of_der(ratls_slice(made->der, made->len));
    GENERAL_NAMES *names;

    cr_assert_not_null(certificate);
    names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    cr_expect_eq(X509_get_ext_count(certificate), 7, "%zu", n);
    cr_expect_eq(sk_GENERAL_NAME_num(names), 3, "%zu", n);
    cr_expect(ratls_certificate_is_software(certificate), "%zu", n);
    cr_expect_eq(X509_NAME_entry_count(X509_get_subject_name(certificate)), 1, "%zu", n);
    cr_expect_eq(X509_verify(certificate, ca_key), 1, "%zu", n);
    GENERAL_NAMES_free(names);
    X509_free(certificate);
}

Test(ca_memory, certificates)
{
    static const struct ratls_ek_certificate software = {.manufacturer = "id:00001014",
                                                         .model = "swtpm"};
    const struct ratls_slice names[] = {ratls_slice("bank.example", 12),
                                        ratls_slice("192.0.2.7", 9)};
    const struct ratls_ak_wish wish = {.key = key,
                                       .names = names,
                                       .name_count = 2,
                                       .now = time(NULL),
                                       .validity_s = 60,
                                       .crl_url = "http://ca.example/crl",
                                       .software = &software};
    unsigned failures = 0;
    bool failed = true;

    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        struct ratls_ak_made made = {.der = NULL};
        struct ratls_error err = {0};
        enum ratls_status status;

        failmalloc_arm(n);
        status = ratls_ak_certificate_make(issuers, &wish, &made, &err);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        cr_expect(status == RATLS_OK || (made.der == NULL && err.text[0] != '\0'), "%zu", n);
        if (status == RATLS_OK)
            expect_whole(&made, n);
        free(made.der);
        ERR_clear_error();
    }
    cr_expect_not(failed);
    cr_expect_gt(failures, 50);
}

Test(ca_memory, crls)
{
    static const struct ratls_crl_entry entries[] = {
        {.serial = {0x41, 1}, .serial_len = 2, .at = 1700000000, .reason = 1},
        {.serial = {0x41, 2}, .serial_len = 2, .at = 1700000000, .reason = 0},
        {.serial = {0x41, 3}, .serial_len = 2, .at = 1700000000, .reason = 5},
    };
    const struct ratls_crl_wish wish = {.entries = entries,
                                        .count = 3,
                                        .number = 7,
                                        .this_update = 1700000000,
                                        .next_update = 1700000600};
    unsigned failures = 0;
    bool failed = true;

    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        struct ratls_error err = {0};
        enum ratls_status status;
        uint8_t *der = NULL;
        size_t len = 0;

        failmalloc_arm(n);
        status = ratls_crl_make(issuers, 0, &wish, &der, &len, &err);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        cr_expect(status == RATLS_OK || (der == NULL && err.text[0] != '\0'), "%zu", n);
        if (status == RATLS_OK) {
            const unsigned char *p = der;
            X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)len);

            cr_assert_not_null(list);
            cr_expect_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)), 3, "%zu", n);
            cr_expect_eq(X509_CRL_get_ext_count(list), 2, "%zu", n);
            cr_expect_eq(X509_CRL_verify(list, ca_key), 1, "%zu", n);
            X509_CRL_free(list);
        }
        free(der);
        ERR_clear_error();
    }
    cr_expect_not(failed);
    cr_expect_gt(failures, 50);
}

Test(ca_memory, configurations)
{
    static const char text[] =
        "ca: 1\nstore: s\nroots: r\nissuers: [{certificate: c, key: k}]\n"
        "providers: [default]\ncrl-url: http://ca.example/crl\nnames: [\"*.a.example\"]\n"
        "algorithms: [rsassa]\ndeny-firmware: [\"0007000200000000\"]\n"
        "approval: {rules: [{ek: " EK ", names: [x.a.example]}], rules-file: f}\n"
        "limits: {waiting: 3}\n";
    unsigned failures = 0;
    bool failed = true;

    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        struct ratls_ca_config *read = NULL;
        struct ratls_error err = {0};
        enum ratls_status status;

        failmalloc_arm(n);
        status = ratls_ca_config_read("ca.yaml", ratls_slice(text, sizeof text - 1), &read, &err);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        cr_expect(status == RATLS_OK ? read->rule_count == 1 && read->firmware_count == 1
                                     : status == RATLS_MEMORY && read == NULL,
                  "%zu: %s", n, err.text);
        ratls_ca_config_free(read);
    }
    cr_expect_not(failed);
    cr_expect_gt(failures, 10);
}

Test(ca_memory, rules)
{
    static const char text[] = EK ",a.example\n";
    unsigned failures = 0;
    bool failed = true;

    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        struct ratls_rules_file *file = NULL;
        enum ratls_status status;

        failmalloc_arm(n);
        status = ratls_rules_file_read("f", ratls_slice(text, sizeof text - 1), &file, NULL);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        cr_expect(status == RATLS_OK || (status == RATLS_MEMORY && file == NULL), "%zu", n);
        ratls_rules_file_free(file);
    }
    cr_expect_not(failed);
    cr_expect_geq(failures, 4);
}
