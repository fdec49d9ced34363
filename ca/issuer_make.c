#include "issuer_make.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "crypto_serial.h"
#include "fail.h"
#include "issuer.h"
#include "issuer_key.h"

#define SUBJECT_MAX 512
#define DAY_S 86400

/* Of certificates that a CA gives itself, or asks another one for: x509v3_config(5). */
static const struct {
    int nid;
    const char *value;
} extensions[] = {
    {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage, "critical,keyCertSign,cRLSign"},
    {NID_subject_key_identifier, "hash"},
};

#define EXTENSION_COUNT (sizeof extensions / sizeof *extensions)

enum ratls_status ratls_issuer_key_make(EVP_PKEY **ret_key, struct ratls_error *err)
{
    *ret_key = EVP_EC_gen("P-256");
    return *ret_key == NULL ? ratls_fail_openssl(err, "cannot make a key") : RATLS_OK;
}

/* One "TYPE=value". */
static bool add_part(X509_NAME *name, char *part)
{
    char *value = strchr(part, '=');

    if (value == NULL || value == part || value[1] == '\0')
        return false;
    *value++ = '\0';
    return X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)value, -1,
                                      -1, 0) == 1;
}

static enum ratls_status make_subject(const char *text, X509_NAME **ret_name,
                                      struct ratls_error *err)
{
    X509_NAME *name = X509_NAME_new();
    char copy[SUBJECT_MAX], *rest = NULL;
    bool is_good = name != NULL && strlen(text) < sizeof copy;

    if (is_good) {
        memcpy(copy, text, strlen(text) + 1);
        for (char *part = strtok_r(copy, ",", &rest); part != NULL && is_good;
             part = strtok_r(NULL, ",", &rest))
            is_good = add_part(name, part + strspn(part, " "));
    }
    if (is_good && X509_NAME_entry_count(name) > 0) {
        *ret_name = name;
        return RATLS_OK;
    }
    X509_NAME_free(name);
    return ratls_fail(err, RATLS_USAGE,
                      "subject '%s': parts such as O=Bank,CN=CA of machines are wanted", text);
}

/* ---- self-signed ---- */

static bool add_extensions(X509 *certificate)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < EXTENSION_COUNT; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        const bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

        X509_EXTENSION_free(extension);
        if (!done)
            return false;
    }
    return true;
}

static bool fill(X509 *certificate, const struct ratls_issuer_wish *wish, X509_NAME *subject)
{
    uint8_t serial[RATLS_SERIAL_LEN];

    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ratls_serial_set(certificate, serial) &&
           X509_set_subject_name(certificate, subject) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), wish->now - RATLS_CA_SKEW_S) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate),
                         wish->now + (int64_t)wish->days * DAY_S) != NULL &&
           X509_set_pubkey(certificate, wish->key) == 1 && add_extensions(certificate);
}

enum ratls_status ratls_issuer_certificate_make(const struct ratls_issuer_wish *wish,
                                                X509 **ret_certificate, struct ratls_error *err)
{
    EVP_MD *hash = EVP_MD_fetch(wish->context, ratls_issuer_key_hash(wish->key), NULL);
    X509_NAME *subject = NULL;
    X509 *certificate = NULL;
    char properties[RATLS_KEY_PROPERTIES_MAX];
    enum ratls_status status = make_subject(wish->subject, &subject, err);

    ratls_issuer_key_properties(wish->key, properties);
    ERR_set_mark();
    if (status == RATLS_OK) {
        certificate = X509_new_ex(wish->context, properties);
        if (certificate == NULL || hash == NULL || !fill(certificate, wish, subject))
            status = ratls_fail_openssl(err, "cannot make the certificate");
        else if (X509_sign(certificate, wish->key, hash) <= 0)
            status = ratls_fail_openssl(err, "the key cannot sign its certificate");
    }
    ERR_pop_to_mark();
    X509_NAME_free(subject);
    EVP_MD_free(hash);
    if (status == RATLS_OK)
        *ret_certificate = certificate;
    else
        X509_free(certificate);
    return status;
}

/* ---- a request ---- */

/* Without subjectKeyIdentifier, which is up to who certifies. */
static bool add_wanted(X509_REQ *request)
{
    STACK_OF(X509_EXTENSION) *wanted = sk_X509_EXTENSION_new_null();
    bool done = wanted != NULL;

    for (size_t i = 0; i < EXTENSION_COUNT && done; i++) {
        X509_EXTENSION *extension;

        if (extensions[i].nid == NID_subject_key_identifier)
            continue;
        extension = X509V3_EXT_conf_nid(NULL, NULL, extensions[i].nid, extensions[i].value);
        done = extension != NULL && sk_X509_EXTENSION_push(wanted, extension) > 0;
        if (!done)
            X509_EXTENSION_free(extension);
    }
    done = done && X509_REQ_add_extensions(request, wanted) == 1;
    sk_X509_EXTENSION_pop_free(wanted, X509_EXTENSION_free);
    return done;
}

enum ratls_status ratls_issuer_request_make(const struct ratls_issuer_wish *wish,
                                            X509_REQ **ret_request, struct ratls_error *err)
{
    EVP_MD *hash = EVP_MD_fetch(wish->context, ratls_issuer_key_hash(wish->key), NULL);
    X509_NAME *subject = NULL;
    X509_REQ *request = NULL;
    char properties[RATLS_KEY_PROPERTIES_MAX];
    enum ratls_status status = make_subject(wish->subject, &subject, err);

    ratls_issuer_key_properties(wish->key, properties);
    ERR_set_mark();
    if (status == RATLS_OK) {
        request = X509_REQ_new_ex(wish->context, properties);
        if (request == NULL || hash == NULL ||
            X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
            X509_REQ_set_subject_name(request, subject) != 1 ||
            X509_REQ_set_pubkey(request, wish->key) != 1 || !add_wanted(request) ||
            X509_REQ_sign(request, wish->key, hash) <= 0)
            status = ratls_fail_openssl(err, "cannot make the request");
    }
    ERR_pop_to_mark();
    X509_NAME_free(subject);
    EVP_MD_free(hash);
    if (status == RATLS_OK)
        *ret_request = request;
    else
        X509_REQ_free(request);
    return status;
}
