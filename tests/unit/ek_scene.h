/* A maker of TPMs with a root and a CA, and certificates of endorsement keys by it. */
#ifndef RATLS_TEST_EK_SCENE_H
#define RATLS_TEST_EK_SCENE_H

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "ek_check.h"
#include "pki.h"

#define EKU_EK "2.23.133.8.1"
#define DEFECT(name) RATLS_EK_DEFECT_##name

static struct ek_world {
    EVP_PKEY *root_key, *ca_key, *key;
    X509 *root, *ca;
    struct ratls_roots *roots;
} w;

static inline void pin(X509 *certificate, bool may_pin)
{
    enum ratls_root_kind kind;
    bool is_new;
    size_t len;
    uint8_t *der = pki_der(certificate, &len);

    cr_assert(ratls_roots_add(w.roots, ratls_slice(der, len), may_pin, &kind, &is_new, NULL) ==
              RATLS_OK);
    cr_assert(is_new && kind == (may_pin ? RATLS_ROOT_PINNED : RATLS_ROOT_INTERMEDIATE));
    OPENSSL_free(der);
}

static inline void make_world(void)
{
    w.root_key = pki_key(PKI_P384);
    w.ca_key = pki_key(PKI_P256);
    w.key = pki_key(PKI_P256);
    w.root = pki_ca("Maker Root", w.root_key, NULL, NULL);
    w.ca = pki_ca("Maker CA 1", w.ca_key, w.root, w.root_key);
    w.roots = ratls_roots_new();
    pin(w.root, true);
    pin(w.ca, false);
}

static inline void free_world(void)
{
    EVP_PKEY_free(w.root_key);
    EVP_PKEY_free(w.ca_key);
    EVP_PKEY_free(w.key);
    X509_free(w.root);
    X509_free(w.ca);
    ratls_roots_free(w.roots);
}

static inline struct pki_spec good(void)
{
    return (struct pki_spec){.subject = "an endorsement key",
                             .key = w.key,
                             .issuer = w.ca,
                             .issuer_key = w.ca_key,
                             .key_usage = "critical,keyAgreement",
                             .eku = EKU_EK};
}

static inline X509_EXTENSION *extension(const char *oid, bool critical, const char *der, size_t len)
{
    ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
    X509_EXTENSION *made;

    cr_assert(ASN1_OCTET_STRING_set(bytes, (const unsigned char *)der, (int)len) == 1);
    made = X509_EXTENSION_create_by_OBJ(NULL, type, critical, bytes);
    cr_assert_not_null(made);
    ASN1_OBJECT_free(type);
    ASN1_OCTET_STRING_free(bytes);
    return made;
}

#define EXTENSION(oid, critical, der) extension(oid, critical, der, sizeof(der) - 1)

/* What is found of a certificate, which it frees. */
static inline struct ratls_ek_answer ask(X509 *certificate, X509 *sent, bool allows_software)
{
    struct ratls_slice certificates[2];
    struct ratls_ek_question question = {.certificates = certificates,
                                         .count = sent == NULL ? 1 : 2,
                                         .roots = w.roots,
                                         .now = (int64_t)time(NULL),
                                         .allows_software = allows_software};
    struct ratls_ek_answer answer;
    struct ratls_error err = {0};
    uint8_t *der, *sent_der = NULL;

    der = pki_der(certificate, &certificates[0].len);
    certificates[0].p = der;
    if (sent != NULL)
        sent_der = pki_der(sent, &certificates[1].len);
    certificates[1].p = sent_der;
    cr_assert(ratls_ek_check(&question, &answer, &err) == RATLS_OK, "%s", err.text);
    OPENSSL_free(der);
    OPENSSL_free(sent_der);
    X509_free(certificate);
    return answer;
}

static inline void expect(const char *name, const struct pki_spec *spec, unsigned defects,
                          const char *words)
{
    struct ratls_ek_answer a = ask(pki_certificate(spec), NULL, false);

    cr_expect_eq(a.defects, defects, "%s: %x: %s", name, a.defects, a.why);
    cr_expect_not_null(strstr(a.why, words), "%s: \"%s\" has no \"%s\"", name, a.why, words);
    ratls_ek_answer_done(&a);
}

#endif
