#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "pki.h"

#define CMW "1.3.6.1.5.5.7.1.35"

static X509_EXTENSION *make_extension(const char *oid, int critical, const void *value, size_t len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    cr_assert_eq(ASN1_OCTET_STRING_set(data, value, (int)len), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, data);
    cr_assert_not_null(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(data);
    return extension;
}

/* A certificate with these extensions, which are freed, as its reader gets it: through DER. */
static X509 *make_certificate(X509_EXTENSION *first, X509_EXTENSION *second)
{
    size_t len = 0;
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *made = pki_certificate(
        &(struct pki_spec){.subject = "server", .key = key, .extensions = {first, second}});
    uint8_t *der = pki_der(made, &len);
    const uint8_t *p = der;
    X509 *read = d2i_X509(NULL, &p, (long)len);
    cr_assert_not_null(read);
    OPENSSL_free(der);
    X509_free(made);
    EVP_PKEY_free(key);
    X509_EXTENSION_free(first);
    X509_EXTENSION_free(second);
    return read;
}

Test(evidence_x509, evidence_comes_back_from_a_certificate)
{
    static const size_t lengths[] = {1, 127, 128, 255, 256, RATLS_EVIDENCE_MAX};
    static uint8_t bytes[RATLS_EVIDENCE_MAX];
    memset(bytes, 0xa5, sizeof(bytes));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        X509_EXTENSION *extension = NULL;
        struct ratls_slice got = {NULL, 0};
        cr_assert_eq(ratls_evidence_extension(ratls_slice(bytes, lengths[i]), &extension, NULL),
                     RATLS_OK);
        cr_assert_eq(X509_EXTENSION_get_critical(extension), 0);
        X509 *certificate = make_certificate(extension, NULL);
        cr_assert(ratls_evidence_in_certificate(certificate, &got), "%zu", lengths[i]);
        cr_assert(ratls_slice_equal(got, ratls_slice(bytes, lengths[i])), "%zu", lengths[i]);
        X509_free(certificate);
    }
}

Test(evidence_x509, writer_refuses_what_does_not_fit)
{
    static uint8_t bytes[RATLS_EVIDENCE_MAX + 1];
    X509_EXTENSION *extension = NULL;
    cr_assert_eq(ratls_evidence_extension(ratls_slice(NULL, 0), &extension, NULL), RATLS_LIMIT);
    cr_assert_eq(ratls_evidence_extension(ratls_slice(bytes, sizeof(bytes)), &extension, NULL),
                 RATLS_LIMIT);
    cr_assert_null(extension);
}

#define LONG_FORM "\x04\x81\x80" /* and 128 bytes */
#define FILL128                                                                                    \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                             \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *name;
    const char *value;
    size_t len;
    bool accepted;
} values[] = {
    {"octet string", "\x04\x02hi", 4, true},
    {"length in two bytes", LONG_FORM FILL128, 131, true},
    {"nothing", "", 0, false},
    {"tag alone", "\x04", 1, false},
    {"empty octet string", "\x04\x00", 2, false},
    {"JSON", "\x0c\x02hi", 4, false},
    {"constructed octet string", "\x24\x04\x04\x02hi", 6, false},
    {"bytes behind", "\x04\x02hi!", 5, false},
    {"too short", "\x04\x03hi", 4, false},
    {"long form of a short length", "\x04\x81\x02hi", 5, false},
    {"longer form of a long length", "\x04\x82\x00\x80" FILL128, 132, false},
    {"three bytes of length", "\x04\x83\x00\x00\x02hi", 7, false},
    {"length cut off", "\x04\x82\x01", 3, false},
    {"indefinite length", "\x04\x80hi\x00\x00", 6, false},
    {"reserved length", "\x04\xffhi", 4, false},
};

Test(evidence_x509, value_is_the_der_of_exactly_one_octet_string)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct ratls_slice got = {NULL, 0};
        X509 *certificate =
            make_certificate(make_extension(CMW, 0, values[i].value, values[i].len), NULL);
        cr_assert_eq(ratls_evidence_in_certificate(certificate, &got), values[i].accepted, "%s",
                     values[i].name);
        cr_assert_eq(got.p != NULL, values[i].accepted, "%s", values[i].name);
        X509_free(certificate);
    }
}

Test(evidence_x509, critical_or_not_is_read)
{
    for (int critical = 0; critical < 2; critical++) {
        struct ratls_slice got = {NULL, 0};
        X509 *certificate = make_certificate(make_extension(CMW, critical, "\x04\x02hi", 4), NULL);
        cr_assert(ratls_evidence_in_certificate(certificate, &got));
        cr_assert(ratls_slice_equal(got, ratls_slice("hi", 2)));
        X509_free(certificate);
    }
}

Test(evidence_x509, none_two_or_another_extension_is_no_evidence)
{
    static const char *const others[] = {"1.3.6.1.5.5.7.1.36", "1.3.6.1.5.5.7.1",
                                         "1.3.6.1.5.5.7.1.35.1"};
    struct ratls_slice got = {NULL, 0};
    X509 *certificate = make_certificate(NULL, NULL);
    cr_assert_not(ratls_evidence_in_certificate(certificate, &got));
    X509_free(certificate);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        certificate = make_certificate(make_extension(others[i], 0, "\x04\x02hi", 4), NULL);
        cr_assert_not(ratls_evidence_in_certificate(certificate, &got), "%s", others[i]);
        X509_free(certificate);
    }
    certificate = make_certificate(make_extension(CMW, 0, "\x04\x02hi", 4),
                                   make_extension(CMW, 0, "\x04\x02hi", 4));
    cr_assert_not(ratls_evidence_in_certificate(certificate, &got));
    cr_assert_null(got.p);
    X509_free(certificate);
}

/* WIRE.md, 4. */
Test(evidence_x509, logs_do_not_go_into_a_certificate)
{
    const struct ratls_evidence logs[] = {
        {.boot_log = ratls_slice("log", 3)},
        {.has_ima = true, .ima = {.list_alg = 0x0004}},
    };
    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
        uint8_t out[256];
        struct ratls_writer w = ratls_writer(out, sizeof(out));
        X509_EXTENSION *extension = NULL;
        struct ratls_error err = {0};
        ratls_evidence_write(&logs[i], &w);
        cr_assert_not(w.failed);
        cr_expect_eq(ratls_evidence_extension(ratls_writer_slice(&w), &extension, &err),
                     RATLS_USAGE);
        cr_expect_str_eq(err.text, "evidence with logs does not go into a certificate");
        cr_expect_null(extension);
    }
}
