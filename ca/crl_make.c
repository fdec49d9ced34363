#include "crl_make.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define REASON_UNSPECIFIED 0 /* RFC 5280, 5.3.1: is left out */

/* ---- the list ---- */

static bool set_entry(X509_REVOKED *revoked, const struct ratls_crl_entry *entry)
{
    BIGNUM *number = BN_bin2bn(entry->serial, (int)entry->serial_len, NULL);
    ASN1_INTEGER *serial = number == NULL ? NULL : BN_to_ASN1_INTEGER(number, NULL);
    ASN1_TIME *at = ASN1_TIME_set(NULL, entry->at);
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    bool done = serial != NULL && at != NULL && reason != NULL &&
                X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
                X509_REVOKED_set_revocationDate(revoked, at) == 1;

    if (done && entry->reason != REASON_UNSPECIFIED)
        done =
            ASN1_ENUMERATED_set(reason, (long)entry->reason) == 1 &&
            X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, X509V3_ADD_DEFAULT) == 1;
    ASN1_ENUMERATED_free(reason);
    ASN1_TIME_free(at);
    ASN1_INTEGER_free(serial);
    BN_free(number);
    return done;
}

static bool add_entries(X509_CRL *crl, const struct ratls_crl_wish *wish)
{
    for (size_t i = 0; i < wish->count; i++) {
        X509_REVOKED *revoked = X509_REVOKED_new();

        if (revoked == NULL || !set_entry(revoked, &wish->entries[i]) ||
            X509_CRL_add0_revoked(crl, revoked) != 1) {
            X509_REVOKED_free(revoked);
            return false;
        }
    }
    return X509_CRL_sort(crl) == 1;
}

static bool set_times(X509_CRL *crl, const struct ratls_crl_wish *wish)
{
    ASN1_TIME *this_update = ASN1_TIME_set(NULL, wish->this_update);
    ASN1_TIME *next_update = ASN1_TIME_set(NULL, wish->next_update);
    const bool done = this_update != NULL && next_update != NULL &&
                      X509_CRL_set1_lastUpdate(crl, this_update) == 1 &&
                      X509_CRL_set1_nextUpdate(crl, next_update) == 1;

    ASN1_TIME_free(this_update);
    ASN1_TIME_free(next_update);
    return done;
}

/* RFC 5280, 5.2.1 and 5.2.3. */
static bool add_extensions(X509_CRL *crl, X509 *issuer, int64_t number)
{
    AUTHORITY_KEYID *key_id = ratls_issuer_key_id(issuer);
    ASN1_INTEGER *value = ASN1_INTEGER_new();
    const bool done = key_id != NULL && value != NULL &&
                      X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, key_id, 0,
                                            X509V3_ADD_DEFAULT) == 1 &&
                      ASN1_INTEGER_set_int64(value, number) == 1 &&
                      X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, X509V3_ADD_DEFAULT) == 1;
    ASN1_INTEGER_free(value);
    AUTHORITY_KEYID_free(key_id);
    return done;
}

static bool fill(X509_CRL *crl, X509 *issuer, const struct ratls_crl_wish *wish)
{
    return X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1 &&
           set_times(crl, wish) && add_entries(crl, wish) &&
           add_extensions(crl, issuer, wish->number);
}

/* What a device signed is looked at before anybody gets it, as everybody will see it. */
static bool is_good(const unsigned char *der, int len, X509 *issuer)
{
    X509_CRL *crl = d2i_X509_CRL(NULL, &der, len);
    const bool good = crl != NULL && X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1;

    X509_CRL_free(crl);
    return good;
}

static enum ratls_status sign(X509_CRL *crl, const struct ratls_issuers *issuers, size_t i,
                              uint8_t **ret_der, size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    unsigned char *der = NULL;
    uint8_t *out = NULL;
    int len;

    if (X509_CRL_sign(crl, ratls_issuer_key(issuers, i), ratls_issuer_hash(issuers, i)) <= 0)
        return ratls_fail_openssl(err, "the key of the CA cannot sign the CRL");
    len = i2d_X509_CRL(crl, &der);
    if (len > 0 && !is_good(der, len, ratls_issuer_certificate(issuers, i)))
        status =
            ratls_fail(err, RATLS_CRYPTO, "the key of the CA made a signature that does not hold");
    else if (len > 0)
        out = malloc((size_t)len);
    if (status == RATLS_OK && out == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (status == RATLS_OK) {
        memcpy(out, der, (size_t)len);
        *ret_der = out;
        *ret_len = (size_t)len;
    }
    OPENSSL_free(der);
    return status;
}

enum ratls_status ratls_crl_make(struct ratls_issuers *issuers, size_t i,
                                 const struct ratls_crl_wish *wish, uint8_t **ret_der,
                                 size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status;
    X509_CRL *crl;

    ERR_set_mark();
    crl = X509_CRL_new_ex(ratls_issuers_context(issuers), ratls_issuer_properties(issuers, i));
    if (crl == NULL || !fill(crl, ratls_issuer_certificate(issuers, i), wish))
        status = ratls_fail_openssl(err, "cannot make the CRL");
    else
        status = sign(crl, issuers, i, ret_der, ret_len, err);
    ERR_pop_to_mark();
    X509_CRL_free(crl);
    return status;
}
