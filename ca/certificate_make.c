#include "certificate_make.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "crypto_general_name.h"
#include "crypto_serial.h"
#include "crypto_tpm_maker.h"
#include "fail.h"

#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280, A.1 */
#define AIK_USAGE "2.23.133.8.3" /* tcg-kp-AIKCertificate */
#define COMMON_NAME_DEFAULT "ratls attestation key"

/* ---- names ---- */

static bool set_subject(X509 *certificate, const struct ratls_ak_wish *wish)
{
    struct ratls_slice name = wish->names[0];

    if (name.len > COMMON_NAME_MAX)
        name = ratls_slice(COMMON_NAME_DEFAULT, strlen(COMMON_NAME_DEFAULT));
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                      MBSTRING_UTF8, name.p, (int)name.len, -1, 0) == 1;
}

static GENERAL_NAME *make_software_name(const struct ratls_ek_certificate *software)
{
    struct ratls_tpm_maker maker = {.is_software = true};
    GENERAL_NAME *out = GENERAL_NAME_new();
    X509_NAME *name;

    memcpy(maker.manufacturer, software->manufacturer, sizeof maker.manufacturer);
    memcpy(maker.model, software->model, sizeof maker.model);
    memcpy(maker.version, software->version, sizeof maker.version);
    name = ratls_tpm_maker_name(&maker);
    if (out == NULL || name == NULL) {
        GENERAL_NAME_free(out);
        X509_NAME_free(name);
        return NULL;
    }
    GENERAL_NAME_set0_value(out, GEN_DIRNAME, name);
    return out;
}

static bool push_name(GENERAL_NAMES *all, GENERAL_NAME *name)
{
    if (name != NULL && sk_GENERAL_NAME_push(all, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool add_names(X509 *certificate, const struct ratls_ak_wish *wish)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool done = all != NULL;

    for (size_t i = 0; done && i < wish->name_count; i++)
        done = push_name(all, ratls_general_name(wish->names[i]));
    if (done && wish->software != NULL)
        done = push_name(all, make_software_name(wish->software));
    done = done &&
           X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return done;
}

/* ---- other extensions ---- */

/* RFC 5280, 4.2.1.13: one point, by its URL. By hand, for commas have a meaning to OpenSSL. */
static bool add_crl_url(X509 *certificate, const char *url)
{
    CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
    DIST_POINT *point = DIST_POINT_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    bool done = false;

    if (points == NULL || point == NULL || names == NULL || name == NULL || text == NULL ||
        ASN1_STRING_set(text, url, -1) != 1)
        goto out;
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    text = NULL;
    if (sk_GENERAL_NAME_push(names, name) <= 0)
        goto out;
    name = NULL;
    point->distpoint = DIST_POINT_NAME_new();
    if (point->distpoint == NULL)
        goto out;
    point->distpoint->type = 0; /* fullName */
    point->distpoint->name.fullname = names;
    names = NULL;
    if (sk_DIST_POINT_push(points, point) <= 0)
        goto out;
    point = NULL;
    done = X509_add1_ext_i2d(certificate, NID_crl_distribution_points, points, 0,
                             X509V3_ADD_DEFAULT) == 1;
out:
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    DIST_POINT_free(point);
    sk_DIST_POINT_pop_free(points, DIST_POINT_free);
    return done;
}

static bool add_key_id(X509 *certificate, X509 *issuer)
{
    AUTHORITY_KEYID *key_id = ratls_issuer_key_id(issuer);
    const bool done = key_id != NULL && X509_add1_ext_i2d(certificate, NID_authority_key_identifier,
                                                          key_id, 0, X509V3_ADD_DEFAULT) == 1;

    AUTHORITY_KEYID_free(key_id);
    return done;
}

static bool add_by_words(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool done;

    X509V3_set_ctx(&context, NULL, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value); /* x509v3_config(5) */
    done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool add_extensions(X509 *certificate, X509 *issuer)
{
    return add_by_words(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_by_words(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_by_words(certificate, NID_ext_key_usage, AIK_USAGE) &&
           add_key_id(certificate, issuer) &&
           add_by_words(certificate, NID_subject_key_identifier, "hash");
}

/* ---- the certificate ---- */

/* Never outside of the issuer's time. */
static bool set_validity(X509 *certificate, const struct ratls_issuers *issuers,
                         const struct ratls_ak_wish *wish, struct ratls_ak_made *made)
{
    int64_t from, until;

    ratls_issuer_validity(issuers, 0, &from, &until);
    made->not_before = wish->now - RATLS_CA_SKEW_S;
    made->not_after = wish->now + wish->validity_s;
    if (made->not_before < from)
        made->not_before = from;
    if (made->not_after > until)
        made->not_after = until;
    return ASN1_TIME_set(X509_getm_notBefore(certificate), made->not_before) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), made->not_after) != NULL;
}

static bool fill(X509 *certificate, const struct ratls_issuers *issuers,
                 const struct ratls_ak_wish *wish, struct ratls_ak_made *made)
{
    X509 *issuer = ratls_issuer_certificate(issuers, 0);

    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           ratls_serial_set(certificate, made->serial) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           set_validity(certificate, issuers, wish, made) && set_subject(certificate, wish) &&
           X509_set_pubkey(certificate, wish->key) == 1 && add_extensions(certificate, issuer) &&
           add_names(certificate, wish) &&
           (wish->crl_url == NULL || add_crl_url(certificate, wish->crl_url));
}

/* What a device signed is looked at before anybody gets it, as everybody will see it. */
static bool is_good(struct ratls_slice der, X509 *issuer)
{
    X509 *certificate = ratls_certificate_of_der(der);
    const bool good =
        certificate != NULL && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;

    X509_free(certificate);
    return good;
}

/* Signs, and writes it to der, which the caller frees with free(). */
static enum ratls_status sign(X509 *certificate, const struct ratls_issuers *issuers,
                              struct ratls_ak_made *made, struct ratls_error *err)
{
    unsigned char *der = NULL;
    int len;

    if (X509_sign(certificate, ratls_issuer_key(issuers, 0), ratls_issuer_hash(issuers, 0)) <= 0)
        return ratls_fail_openssl(err, "the key of the CA cannot sign the certificate");
    len = i2d_X509(certificate, &der);
    made->der = len <= 0 ? NULL : malloc((size_t)len);
    if (made->der != NULL) {
        made->len = (size_t)len;
        memcpy(made->der, der, made->len);
    }
    OPENSSL_free(der);
    if (made->der == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (is_good(ratls_slice(made->der, made->len), ratls_issuer_certificate(issuers, 0)))
        return RATLS_OK;
    return ratls_fail(err, RATLS_CRYPTO, "the key of the CA made a signature that does not hold");
}

enum ratls_status ratls_ak_certificate_make(struct ratls_issuers *issuers,
                                            const struct ratls_ak_wish *wish,
                                            struct ratls_ak_made *ret, struct ratls_error *err)
{
    struct ratls_ak_made made = {.serial_len = RATLS_SERIAL_LEN};
    enum ratls_status status = ratls_issuers_may_issue(issuers, wish->now, err);
    X509 *certificate;

    if (status != RATLS_OK)
        return status;
    if (wish->name_count == 0 || wish->validity_s == 0)
        return ratls_fail(err, RATLS_USAGE, "a certificate without names or without a time");
    ERR_set_mark();
    certificate = X509_new_ex(ratls_issuers_context(issuers), ratls_issuer_properties(issuers, 0));
    if (certificate == NULL || !fill(certificate, issuers, wish, &made))
        status = ratls_fail_openssl(err, "cannot make the certificate");
    else
        status = sign(certificate, issuers, &made, err);
    ERR_pop_to_mark();
    X509_free(certificate);
    if (status == RATLS_OK)
        *ret = made;
    else
        free(made.der);
    return status;
}
