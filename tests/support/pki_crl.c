#include "pki_crl.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "must.h"

static X509_EXTENSION *make_unknown(void)
{
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    must(oid != NULL && value != NULL && ASN1_OCTET_STRING_set(value, (const uint8_t *)"\5", 2));
    extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    must(extension != NULL);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    return extension;
}

static ASN1_INTEGER *make_number(const struct pki_crl_spec *spec)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    uint8_t octets[64];

    must(number != NULL && ASN1_INTEGER_set(number, spec->number == 0 ? 1 : spec->number) == 1);
    must(spec->number_octets <= sizeof octets);
    memset(octets, 0x11, sizeof octets);
    must(spec->number_octets == 0 ||
         ASN1_STRING_set(number, octets, (int)spec->number_octets) == 1);
    return number;
}

static void add_extensions(X509_CRL *list, const struct pki_crl_spec *spec)
{
    ASN1_INTEGER *number = make_number(spec);
    X509_EXTENSION *unknown = make_unknown();

    must(spec->is_old || spec->number < 0 ||
         X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, 0) == 1);
    must(!spec->has_two_numbers ||
         X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, X509V3_ADD_APPEND) == 1);
    must(!spec->is_delta || X509_CRL_add1_ext_i2d(list, NID_delta_crl, number, 1, 0) == 1);
    must(!spec->has_critical || X509_CRL_add_ext(list, unknown, -1) == 1);
    X509_EXTENSION_free(unknown);
    ASN1_INTEGER_free(number);
}

static void add_entry(X509_CRL *list, const struct pki_crl_spec *spec, ASN1_TIME *date)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    X509_EXTENSION *unknown = make_unknown();

    must(entry != NULL &&
         X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(spec->revoked)) == 1);
    must(X509_REVOKED_set_revocationDate(entry, date) == 1);
    must(!spec->has_critical_entry || X509_REVOKED_add_ext(entry, unknown, -1) == 1);
    must(X509_CRL_add0_revoked(list, entry) == 1);
    X509_EXTENSION_free(unknown);
}

uint8_t *pki_crl(const struct pki_crl_spec *spec, size_t *ret_len)
{
    const EVP_MD *md = EVP_get_digestbyname(spec->digest == NULL ? "SHA256" : spec->digest);
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)spec->from_s);
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)spec->until_s);
    X509_CRL *list = X509_CRL_new();
    uint8_t *der = NULL;
    int len;

    must(md != NULL && from != NULL && until != NULL && list != NULL);
    must(X509_CRL_set_version(list, spec->is_old ? 0 : 1) == 1);
    must(X509_CRL_set_issuer_name(list, X509_get_subject_name(spec->issuer)) == 1);
    must(X509_CRL_set1_lastUpdate(list, from) == 1);
    must(spec->until_s == 0 || X509_CRL_set1_nextUpdate(list, until) == 1);
    if (spec->revoked != NULL)
        add_entry(list, spec, from);
    add_extensions(list, spec);
    must(X509_CRL_sort(list) == 1 && X509_CRL_sign(list, spec->issuer_key, md) > 0);
    len = i2d_X509_CRL(list, &der);
    must(len > 0);
    *ret_len = (size_t)len;
    X509_CRL_free(list);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return der;
}
