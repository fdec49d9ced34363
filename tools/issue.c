#include "issue.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "crypto.h"
#include "crypto_general_name.h"
#include "crypto_serial.h"
#include "evidence.h"
#include "fail.h"

#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280, A.1 */
#define DNS_NAME_MAX 253
#define CLOCK_SKEW_S 300 /* clients whose clock is a little behind */

/* An extension of OpenSSL's own kind, in the syntax of its configuration files. */
struct simple_extension {
    int nid;
    const char *value;
};

enum ratls_status ratls_key_generate(enum ratls_key_kind kind, EVP_PKEY **ret_key,
                                     struct ratls_error *err)
{
    EVP_PKEY *key = kind == RATLS_KEY_RSA_2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

    if (key == NULL)
        return ratls_fail_openssl(err, "cannot make a private key");
    *ret_key = key;
    return RATLS_OK;
}

static bool is_address(const char *name)
{
    uint8_t address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* Letters, digits, '-' and '.', and "*." before it: the shape, for the rest is up to the DNS. */
static bool is_dns_name(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    const size_t len = strlen(name);

    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    return len <= DNS_NAME_MAX && name[0] != '\0' && name[0] != '.' && name[0] != '-' &&
           strspn(name, allowed) == strlen(name) && strstr(name, "..") == NULL;
}

enum ratls_status ratls_names_check(const struct ratls_list *names, struct ratls_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!is_address(names->items[i]) && !is_dns_name(names->items[i]))
            return ratls_fail(err, RATLS_USAGE, "--name: '%s' is no DNS name and no IP address",
                              names->items[i]);
    }
    return RATLS_OK;
}

/* The subjectAltName extension; critical without a subject (RFC 5280, 4.2.1.6). */
static X509_EXTENSION *make_alt_names(const struct ratls_list *names, bool critical)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    X509_EXTENSION *extension = NULL;

    for (size_t i = 0; all != NULL && i < names->count; i++) {
        GENERAL_NAME *one =
            ratls_general_name(ratls_slice(names->items[i], strlen(names->items[i])));

        if (one == NULL || sk_GENERAL_NAME_push(all, one) == 0) {
            GENERAL_NAME_free(one);
            goto out;
        }
    }
    if (all != NULL)
        extension = X509V3_EXT_i2d(NID_subject_alt_name, critical, all);

out:
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return extension;
}

static bool set_subject(X509_NAME *subject, const char *name)
{
    const size_t len = strlen(name);

    if (len > COMMON_NAME_MAX)
        return true;
    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                      (const unsigned char *)name, (int)len, -1, 0) == 1;
}

static bool set_validity(X509 *certificate, unsigned days)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW_S) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, NULL) != NULL;
}

static bool add_simple_extensions(X509 *certificate, X509 *issuer)
{
    static const struct simple_extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
    };
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

/* Everything of a certificate but its names, its evidence and its signature. */
static X509 *begin_certificate(X509_NAME *subject, X509 *issuer, EVP_PKEY *key, unsigned days)
{
    uint8_t serial[RATLS_SERIAL_LEN];
    X509 *certificate = X509_new();

    if (certificate == NULL)
        return NULL;
    if (X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !ratls_serial_set(certificate, serial) || !set_validity(certificate, days) ||
        X509_set_pubkey(certificate, key) != 1 ||
        X509_set_subject_name(certificate, subject) != 1 ||
        X509_set_issuer_name(certificate,
                             issuer == NULL ? subject : X509_get_subject_name(issuer)) != 1 ||
        !add_simple_extensions(certificate, issuer == NULL ? certificate : issuer)) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

enum ratls_status ratls_issue_certificate(const struct ratls_issue *issue, X509 **ret_certificate,
                                          struct ratls_error *err)
{
    enum ratls_status status;
    X509_NAME *subject = X509_NAME_new();
    X509_EXTENSION *evidence = NULL;
    X509_EXTENSION *names = NULL;
    X509 *certificate = NULL;

    status = ratls_evidence_extension(issue->evidence, &evidence, err);
    if (status != RATLS_OK)
        goto out;
    status = RATLS_CRYPTO;
    if (subject == NULL || !set_subject(subject, issue->names->items[0]))
        goto out;
    names = make_alt_names(issue->names, X509_NAME_entry_count(subject) == 0);
    certificate = begin_certificate(subject, NULL, issue->key, issue->days);
    if (names == NULL || certificate == NULL || X509_add_ext(certificate, names, -1) != 1 ||
        X509_add_ext(certificate, evidence, -1) != 1 ||
        X509_sign(certificate, issue->key, EVP_sha256()) == 0)
        goto out;
    *ret_certificate = certificate;
    certificate = NULL;
    status = RATLS_OK;

out:
    X509_free(certificate);
    X509_EXTENSION_free(names);
    X509_EXTENSION_free(evidence);
    X509_NAME_free(subject);
    return status == RATLS_CRYPTO ? ratls_fail_openssl(err, "cannot make the certificate") : status;
}

enum ratls_status ratls_issue_csr(const struct ratls_issue *issue, X509_REQ **ret_csr,
                                  struct ratls_error *err)
{
    enum ratls_status status;
    STACK_OF(X509_EXTENSION) *wanted = sk_X509_EXTENSION_new_null();
    X509_EXTENSION *evidence = NULL;
    X509_EXTENSION *names = NULL;
    X509_REQ *csr = X509_REQ_new();

    status = ratls_evidence_extension(issue->evidence, &evidence, err);
    if (status != RATLS_OK)
        goto out;
    status = RATLS_CRYPTO;
    if (wanted == NULL || csr == NULL ||
        !set_subject(X509_REQ_get_subject_name(csr), issue->names->items[0]))
        goto out;
    names =
        make_alt_names(issue->names, X509_NAME_entry_count(X509_REQ_get_subject_name(csr)) == 0);
    if (names == NULL || sk_X509_EXTENSION_push(wanted, names) == 0 ||
        sk_X509_EXTENSION_push(wanted, evidence) == 0 ||
        X509_REQ_set_pubkey(csr, issue->key) != 1 || X509_REQ_add_extensions(csr, wanted) != 1 ||
        X509_REQ_sign(csr, issue->key, EVP_sha256()) == 0)
        goto out;
    *ret_csr = csr;
    csr = NULL;
    status = RATLS_OK;

out:
    X509_REQ_free(csr);
    sk_X509_EXTENSION_free(wanted);
    X509_EXTENSION_free(names);
    X509_EXTENSION_free(evidence);
    return status == RATLS_CRYPTO ? ratls_fail_openssl(err, "cannot make the request") : status;
}

X509 *ratls_csr_as_certificate(X509_REQ *csr)
{
    STACK_OF(X509_EXTENSION) *wanted = X509_REQ_get_extensions(csr);
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
    X509 *out = X509_new();
    bool done = out != NULL && key != NULL && X509_set_version(out, X509_VERSION_3) == 1 &&
                X509_set_pubkey(out, key) == 1;

    for (int i = 0; done && i < sk_X509_EXTENSION_num(wanted); i++)
        done = X509_add_ext(out, sk_X509_EXTENSION_value(wanted, i), -1) == 1;
    sk_X509_EXTENSION_pop_free(wanted, X509_EXTENSION_free);
    if (!done) {
        X509_free(out);
        return NULL;
    }
    return out;
}

/* Takes over the names and the evidence, and nothing else. */
static enum ratls_status copy_extensions(const X509 *wanted, X509 *certificate,
                                         struct ratls_error *err)
{
    const int at = X509_get_ext_by_NID(wanted, NID_subject_alt_name, -1);
    X509_EXTENSION *extension = NULL;
    struct ratls_slice evidence;
    enum ratls_status status;

    if (at < 0 || X509_get_ext_by_NID(wanted, NID_subject_alt_name, at) >= 0)
        return ratls_fail(err, RATLS_MALFORMED, "the request does not say one subjectAltName");
    if (!ratls_evidence_in_certificate(wanted, &evidence))
        return ratls_fail(err, RATLS_MALFORMED, "the request carries no evidence");
    status = ratls_evidence_extension(evidence, &extension, err);
    if (status != RATLS_OK)
        return status;
    if (X509_add_ext(certificate, X509_get_ext(wanted, at), -1) != 1 ||
        X509_add_ext(certificate, extension, -1) != 1)
        status = ratls_fail_openssl(err, "cannot make the certificate");
    X509_EXTENSION_free(extension);
    return status;
}

enum ratls_status ratls_issue_from_csr(X509_REQ *csr, X509 *ca, EVP_PKEY *ca_key, unsigned days,
                                       X509 **ret_certificate, struct ratls_error *err)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(csr);
    X509 *certificate = NULL;
    X509 *wanted = NULL;
    enum ratls_status status;

    if (key == NULL || X509_REQ_verify(csr, key) != 1)
        return ratls_fail(err, RATLS_MALFORMED, "the request is not signed by its key");
    if (X509_check_ca(ca) == 0 || X509_check_private_key(ca, ca_key) != 1)
        return ratls_fail(err, RATLS_USAGE,
                          "--ca is no CA certificate, or --ca-key is not its key");
    wanted = ratls_csr_as_certificate(csr);
    certificate = begin_certificate(X509_REQ_get_subject_name(csr), ca, key, days);
    if (wanted == NULL || certificate == NULL) {
        status = ratls_fail_openssl(err, "cannot make the certificate");
        goto out;
    }
    status = copy_extensions(wanted, certificate, err);
    if (status != RATLS_OK)
        goto out;
    if (X509_sign(certificate, ca_key, EVP_sha256()) == 0) {
        status = ratls_fail_openssl(err, "cannot sign the certificate");
        goto out;
    }
    *ret_certificate = certificate;
    certificate = NULL;

out:
    X509_free(certificate);
    X509_free(wanted);
    return status;
}
