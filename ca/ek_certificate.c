#include "ek_certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "crypto.h"
#include "crypto_tpm_maker.h"
#include "der.h"
#include "fail.h"

#define OID_MAX 64

/* TCG OID registry. */
#define OID_EK_USAGE "2.23.133.8.1"
#define OID_GOOGLE_INSTANCE "1.3.6.1.4.1.11129.2.1.21"

/* 2.23.133.2.16 (tpmSpecification), as DER. */
static const uint8_t specification[] = {0x67, 0x81, 0x05, 0x02, 0x10};

static bool is_oid(const ASN1_OBJECT *object, const char *oid)
{
    char text[OID_MAX];
    int len = OBJ_obj2txt(text, sizeof text, object, 1);

    return len == (int)strlen(oid) && strcmp(text, oid) == 0;
}

/* An extension as OpenSSL reads it; NULL if there is none. */
static void *read_extension(struct ratls_ek_certificate *c, int nid)
{
    int found = -1;
    void *extension = X509_get_ext_d2i(c->certificate, nid, &found, NULL);

    if (extension == NULL && found != -1) /* -1: it is not there */
        c->is_readable = false;
    return extension;
}

/* ---- key ---- */

/*
 * A key that is marked as one for RSAES-OAEP, which OpenSSL does not read, is an RSA key as any
 * other; the parameters (TPM 1.2 had its own label) say nothing that a TPM 2.0 goes by.
 */
static EVP_PKEY *read_oaep_key(const X509_PUBKEY *spki)
{
    const unsigned char *bytes = NULL;
    int len = 0;

    if (X509_PUBKEY_get0_param(NULL, &bytes, &len, NULL, spki) != 1)
        return NULL;
    return d2i_PublicKey(EVP_PKEY_RSA, NULL, &bytes, len);
}

static bool is_oaep(const X509_PUBKEY *spki)
{
    ASN1_OBJECT *algorithm = NULL;

    return X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, spki) == 1 &&
           OBJ_obj2nid(algorithm) == NID_rsaesOaep;
}

/* One key, one hash: a point may be written in several forms. */
static EVP_PKEY *read_plain_key(X509_PUBKEY *spki)
{
    EVP_PKEY *key = X509_PUBKEY_get(spki);
    EVP_PKEY *copy = key == NULL ? NULL : EVP_PKEY_dup(key);

    EVP_PKEY_free(key);
    if (copy != NULL && EVP_PKEY_is_a(copy, "EC") &&
        EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1) {
        EVP_PKEY_free(copy);
        copy = NULL;
    }
    return copy;
}

static enum ratls_status read_key(struct ratls_ek_certificate *c, struct ratls_error *err)
{
    X509_PUBKEY *spki = X509_get_X509_PUBKEY(c->certificate);
    enum ratls_status status = RATLS_OK;
    unsigned char *der = NULL;
    int len;

    c->is_oaep = is_oaep(spki);
    c->key = c->is_oaep ? read_oaep_key(spki) : read_plain_key(spki);
    if (c->key == NULL)
        return RATLS_OK;
    len = i2d_PUBKEY(c->key, &der);
    if (len <= 0)
        return ratls_fail_openssl(err, "SubjectPublicKeyInfo of an endorsement key");
    status = ratls_sha256(ratls_slice(der, (size_t)len), c->sha256, err);
    OPENSSL_free(der);
    return status;
}

/* ---- what it says of the TPM ---- */

static void read_names(struct ratls_ek_certificate *c)
{
    GENERAL_NAMES *names = read_extension(c, NID_subject_alt_name);
    struct ratls_tpm_maker maker;

    ratls_tpm_maker_read(names, &maker);
    memcpy(c->manufacturer, maker.manufacturer, sizeof c->manufacturer);
    memcpy(c->model, maker.model, sizeof c->model);
    memcpy(c->version, maker.version, sizeof c->version);
    c->is_software = maker.is_software;
    GENERAL_NAMES_free(names);
}

/* TPMSpecification ::= SEQUENCE { family UTF8String, level INTEGER, revision INTEGER }. */
static void read_specification(struct ratls_ek_certificate *c, struct ratls_slice values)
{
    struct ratls_reader set = ratls_reader(values);
    struct ratls_reader fields = ratls_reader(ratls_der_take(&set, RATLS_DER_SEQUENCE));
    const struct ratls_slice family = ratls_der_take(&fields, RATLS_DER_UTF8_STRING);

    if (fields.failed || !ratls_reader_done(&set))
        c->is_readable = false;
    else
        ratls_escape(family, c->family, sizeof c->family);
}

/* RFC 5280, 4.2.1.8: SEQUENCE OF SEQUENCE { type, SET OF value }. */
static void read_attributes(struct ratls_ek_certificate *c)
{
    const int place = X509_get_ext_by_NID(c->certificate, NID_subject_directory_attributes, -1);
    const ASN1_OCTET_STRING *bytes;
    struct ratls_reader r, list;

    if (place < 0)
        return;
    bytes = X509_EXTENSION_get_data(X509_get_ext(c->certificate, place));
    r = ratls_reader(ratls_slice(ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes)));
    list = ratls_reader(ratls_der_take(&r, RATLS_DER_SEQUENCE));
    if (!ratls_reader_done(&r))
        c->is_readable = false;
    while (!list.failed && list.rest.len > 0) {
        struct ratls_reader one = ratls_reader(ratls_der_take(&list, RATLS_DER_SEQUENCE));
        const struct ratls_slice type = ratls_der_take_oid(&one);
        const struct ratls_slice values = ratls_der_take(&one, RATLS_DER_SET);

        if (!one.failed &&
            ratls_slice_equal(type, ratls_slice(specification, sizeof specification)))
            read_specification(c, values);
        if (!ratls_reader_done(&one))
            list.failed = true;
    }
    if (list.failed)
        c->is_readable = false;
}

/* ---- what it is for ---- */

static void read_usages(struct ratls_ek_certificate *c)
{
    EXTENDED_KEY_USAGE *usages = read_extension(c, NID_ext_key_usage);

    c->has_extended_usage = usages != NULL;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        if (is_oid(sk_ASN1_OBJECT_value(usages, i), OID_EK_USAGE))
            c->is_for_ek = true;
    EXTENDED_KEY_USAGE_free(usages);
}

static void read_purposes(struct ratls_ek_certificate *c)
{
    BASIC_CONSTRAINTS *constraints = read_extension(c, NID_basic_constraints);
    ASN1_BIT_STRING *usage = read_extension(c, NID_key_usage);

    c->is_ca = constraints != NULL && constraints->ca != 0;
    BASIC_CONSTRAINTS_free(constraints);
    ASN1_BIT_STRING_free(usage);
    read_usages(c);
    for (int i = 0; i < X509_get_ext_count(c->certificate); i++) {
        const ASN1_OBJECT *type = X509_EXTENSION_get_object(X509_get_ext(c->certificate, i));

        if (X509_get_ext_by_OBJ(c->certificate, type, i) >= 0) /* RFC 5280, 4.2: once at most */
            c->is_readable = false;
        if (is_oid(type, OID_GOOGLE_INSTANCE))
            c->is_google = true;
    }
}

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

/* The CA of software TPMs that swtpm_localca makes. */
static void find_software(struct ratls_ek_certificate *c)
{
    char issuer[RATLS_EK_TEXT_MAX];

    ratls_ek_name_text(X509_get_issuer_name(c->certificate), issuer, sizeof issuer);
    if (begins_with(issuer, "CN=swtpm-localca"))
        c->is_software = true;
}

enum ratls_status ratls_ek_certificate_read(struct ratls_slice der,
                                            struct ratls_ek_certificate *ret,
                                            struct ratls_error *err)
{
    struct ratls_ek_certificate c = {.is_readable = true};
    const unsigned char *p = der.p;
    enum ratls_status status = RATLS_OK;

    ERR_set_mark();
    if (der.len > 0 && der.len <= RATLS_EK_CERTIFICATE_MAX)
        c.certificate = d2i_X509(NULL, &p, (long)der.len);
    if (c.certificate == NULL || p != der.p + der.len)
        status = ratls_fail(err, RATLS_MALFORMED, "not the DER of one X.509 certificate");
    if (status == RATLS_OK)
        status = read_key(&c, err);
    if (status == RATLS_OK) {
        read_names(&c);
        read_attributes(&c);
        read_purposes(&c);
        find_software(&c);
    }
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret = c;
    else
        ratls_ek_certificate_done(&c);
    return status;
}

void ratls_ek_certificate_done(struct ratls_ek_certificate *certificate)
{
    EVP_PKEY_free(certificate->key);
    X509_free(certificate->certificate);
    certificate->key = NULL;
    certificate->certificate = NULL;
}

void ratls_ek_issuer_url(const X509 *certificate, char out[static RATLS_EK_URL_MAX])
{
    AUTHORITY_INFO_ACCESS *places = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);

    out[0] = '\0';
    for (int i = 0; out[0] == '\0' && i < sk_ACCESS_DESCRIPTION_num(places); i++) {
        const ACCESS_DESCRIPTION *place = sk_ACCESS_DESCRIPTION_value(places, i);
        const GENERAL_NAME *at = place->location;

        if (OBJ_obj2nid(place->method) == NID_ad_ca_issuers && at->type == GEN_URI)
            ratls_escape(ratls_slice(ASN1_STRING_get0_data(at->d.uniformResourceIdentifier),
                                     (size_t)ASN1_STRING_length(at->d.uniformResourceIdentifier)),
                         out, RATLS_EK_URL_MAX);
    }
    AUTHORITY_INFO_ACCESS_free(places);
}

void ratls_ek_name_text(const X509_NAME *name, char *out, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;

    out[0] = '\0';
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        len = BIO_get_mem_data(bio, &text);
        ratls_escape(ratls_slice(text, len > 0 ? (size_t)len : 0), out, cap);
    }
    BIO_free(bio);
}
