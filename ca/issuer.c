#include "issuer.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "fail.h"
#include "issuer_key.h"
#include "policy_file.h"

#define CERTIFICATE_FILE_MAX 65536
#define AIK_USAGE "2.23.133.8.3" /* TCG EK Credential Profile: tcg-kp-AIKCertificate */
#define ANY_USAGE "2.5.29.37.0"  /* RFC 5280, 4.2.1.12: anyExtendedKeyUsage */

struct issuer {
    const char *path; /* of the configuration */
    X509 *certificate;
    EVP_PKEY *key;
    EVP_MD *hash;
    uint8_t *der;
    size_t len;
    uint8_t sha256[32];
    int64_t from, until;
    char properties[RATLS_KEY_PROPERTIES_MAX];
};

struct ratls_issuers {
    OSSL_LIB_CTX *context;
    size_t provider_count;
    OSSL_PROVIDER *providers[RATLS_CA_PROVIDERS_MAX];
    size_t count;
    struct issuer items[RATLS_CA_ISSUERS_MAX];
};

/* ---- providers ---- */

static enum ratls_status load_provider(struct ratls_issuers *issuers, const char *name,
                                       struct ratls_error *err)
{
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(issuers->context, name);

    if (provider == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "OpenSSL's provider %s (providers in the configuration) cannot be "
                          "loaded: is it installed? 'openssl list -providers -provider %s' tells",
                          name, name);
    issuers->providers[issuers->provider_count++] = provider;
    return RATLS_OK;
}

static enum ratls_status load_providers(struct ratls_issuers *issuers,
                                        const struct ratls_ca_config *config,
                                        struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    issuers->context = OSSL_LIB_CTX_new();
    if (issuers->context == NULL)
        return ratls_fail_openssl(err, "OSSL_LIB_CTX");
    if (config->provider_count == 0)
        return load_provider(issuers, "default", err);
    for (size_t i = 0; i < config->provider_count && status == RATLS_OK; i++)
        status = load_provider(issuers, config->providers[i], err);
    return status;
}

/* ---- certificate ---- */

/* RFC 5280, 4.2.1.12: usages of a CA are taken for those that it may certify. */
static bool may_certify_aks(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    bool may = usages == NULL;
    char oid[64];

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usages, i), 1);
        may = may || strcmp(oid, AIK_USAGE) == 0 || strcmp(oid, ANY_USAGE) == 0;
    }
    EXTENDED_KEY_USAGE_free(usages);
    return may;
}

const char *ratls_issuer_fault(X509 *certificate)
{
    const uint32_t usage = X509_get_key_usage(certificate);

    if (X509_check_ca(certificate) != 1)
        return "not the certificate of a CA (basicConstraints, keyUsage)";
    if (X509_get_ext_by_NID(certificate, NID_key_usage, -1) < 0 ||
        (usage & KU_KEY_CERT_SIGN) == 0 || (usage & KU_CRL_SIGN) == 0)
        return "may not sign certificates and CRLs: its keyUsage needs keyCertSign and cRLSign";
    if (X509_get0_subject_key_id(certificate) == NULL)
        return "has no subjectKeyIdentifier, by which clients find it";
    if (X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0)
        return "has no subject, by which clients find it";
    if (!may_certify_aks(certificate))
        return "may not certify attestation keys: its extendedKeyUsage lacks " AIK_USAGE
               " (tcg-kp-AIKCertificate)";
    if (X509_get0_pubkey(certificate) == NULL ||
        ratls_issuer_key_hash(X509_get0_pubkey(certificate)) == NULL)
        return "has another key than P-256, P-384, P-521, or RSA of 2048 to 4096 bits";
    return NULL;
}

static enum ratls_status read_certificate(struct issuer *issuer, struct ratls_error *err)
{
    struct ratls_error why = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(issuer->path, CERTIFICATE_FILE_MAX, &bytes, &len, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_ca_certificate(ratls_slice(bytes, len), &issuer->certificate, &why);
    free(bytes);
    if (status != RATLS_OK)
        return ratls_fail(err, status, "%s: %s", issuer->path, why.text);
    if (ratls_issuer_fault(issuer->certificate) != NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: %s", issuer->path,
                          ratls_issuer_fault(issuer->certificate));
    return RATLS_OK;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *ret = timegm(&tm);
    return true;
}

static enum ratls_status describe(struct ratls_issuers *issuers, struct issuer *issuer,
                                  struct ratls_error *err)
{
    const int len = i2d_X509(issuer->certificate, &issuer->der);

    if (len <= 0)
        return ratls_fail_openssl(err, issuer->path);
    issuer->len = (size_t)len;
    ratls_issuer_key_properties(issuer->key, issuer->properties);
    issuer->hash = EVP_MD_fetch(issuers->context,
                                ratls_issuer_key_hash(X509_get0_pubkey(issuer->certificate)), NULL);
    if (issuer->hash == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "no SHA-2 among the providers of the configuration: add default");
    if (!read_time(X509_get0_notBefore(issuer->certificate), &issuer->from) ||
        !read_time(X509_get0_notAfter(issuer->certificate), &issuer->until))
        return ratls_fail(err, RATLS_USAGE, "%s: does not say how long it is valid", issuer->path);
    return ratls_sha256(ratls_slice(issuer->der, issuer->len), issuer->sha256, err);
}

static enum ratls_status open_issuer(struct ratls_issuers *issuers,
                                     const struct ratls_ca_issuer_config *config,
                                     struct issuer *issuer, struct ratls_error *err)
{
    enum ratls_status status;

    issuer->path = config->certificate;
    status = read_certificate(issuer, err);
    if (status == RATLS_OK)
        status = ratls_issuer_key_open(issuers->context, config->key, &issuer->key, err);
    if (status == RATLS_OK && EVP_PKEY_eq(X509_get0_pubkey(issuer->certificate), issuer->key) != 1)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: not the key of the certificate %s: they belong together in "
                            "issuers",
                            config->key, config->certificate);
    return status == RATLS_OK ? describe(issuers, issuer, err) : status;
}

enum ratls_status ratls_issuers_open(const struct ratls_ca_config *config,
                                     struct ratls_issuers **ret_issuers, struct ratls_error *err)
{
    struct ratls_issuers *issuers = calloc(1, sizeof *issuers);
    enum ratls_status status;

    if (issuers == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ERR_set_mark();
    status = load_providers(issuers, config, err);
    while (status == RATLS_OK && issuers->count < config->issuer_count) {
        const size_t i = issuers->count++;

        status = open_issuer(issuers, &config->issuers[i], &issuers->items[i], err);
    }
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_issuers = issuers;
    else
        ratls_issuers_close(issuers);
    return status;
}

void ratls_issuers_close(struct ratls_issuers *issuers)
{
    if (issuers == NULL)
        return;
    for (size_t i = 0; i < issuers->count; i++) {
        X509_free(issuers->items[i].certificate);
        EVP_PKEY_free(issuers->items[i].key);
        EVP_MD_free(issuers->items[i].hash);
        OPENSSL_free(issuers->items[i].der);
    }
    while (issuers->provider_count > 0)
        (void)OSSL_PROVIDER_unload(issuers->providers[--issuers->provider_count]);
    OSSL_LIB_CTX_free(issuers->context);
    free(issuers);
}

size_t ratls_issuers_count(const struct ratls_issuers *issuers)
{
    return issuers->count;
}

OSSL_LIB_CTX *ratls_issuers_context(const struct ratls_issuers *issuers)
{
    return issuers->context;
}

X509 *ratls_issuer_certificate(const struct ratls_issuers *issuers, size_t i)
{
    return issuers->items[i].certificate;
}

EVP_PKEY *ratls_issuer_key(const struct ratls_issuers *issuers, size_t i)
{
    return issuers->items[i].key;
}

const EVP_MD *ratls_issuer_hash(const struct ratls_issuers *issuers, size_t i)
{
    return issuers->items[i].hash;
}

const char *ratls_issuer_properties(const struct ratls_issuers *issuers, size_t i)
{
    return issuers->items[i].properties;
}

struct ratls_slice ratls_issuer_der(const struct ratls_issuers *issuers, size_t i)
{
    return ratls_slice(issuers->items[i].der, issuers->items[i].len);
}

const uint8_t *ratls_issuer_sha256(const struct ratls_issuers *issuers, size_t i)
{
    return issuers->items[i].sha256;
}

void ratls_issuer_validity(const struct ratls_issuers *issuers, size_t i, int64_t *ret_from,
                           int64_t *ret_until)
{
    *ret_from = issuers->items[i].from;
    *ret_until = issuers->items[i].until;
}

AUTHORITY_KEYID *ratls_issuer_key_id(X509 *issuer)
{
    const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
    AUTHORITY_KEYID *out = id == NULL ? NULL : AUTHORITY_KEYID_new();

    if (out == NULL)
        return NULL;
    out->keyid = ASN1_OCTET_STRING_dup(id);
    if (out->keyid != NULL)
        return out;
    AUTHORITY_KEYID_free(out);
    return NULL;
}

enum ratls_status ratls_issuers_may_issue(const struct ratls_issuers *issuers, int64_t now,
                                          struct ratls_error *err)
{
    const struct issuer *first = &issuers->items[0];

    if (now < first->from)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: the issuer's certificate is not valid yet: is the clock right?",
                          first->path);
    if (now >= first->until)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: the issuer's certificate has expired: 'ratls ca rollover' makes a "
                          "new issuer",
                          first->path);
    return RATLS_OK;
}
