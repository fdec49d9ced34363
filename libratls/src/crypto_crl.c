#include "crypto_crl.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"

#define VERSION_2 1 /* RFC 5280, 5.1.2.1 */
#define NUMBER_OCTETS_MAX 20 /* of a cRLNumber, RFC 5280, 5.2.3 */
#define PEM_BEGIN "-----BEGIN "

struct ratls_crl {
    X509_CRL *list;
    int64_t from, until;
};

static X509_CRL *read_pem(struct ratls_slice file)
{
    BIO *bio = BIO_new_mem_buf(file.p, (int)file.len);
    X509_CRL *list = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    X509_CRL *next = list == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

    BIO_free(bio);
    if (next == NULL)
        return list;
    X509_CRL_free(next);
    X509_CRL_free(list);
    return NULL;
}

/* NULL if it is not exactly one list. */
static X509_CRL *read_list(struct ratls_slice file)
{
    const unsigned char *p = file.p;
    X509_CRL *list;

    if (file.len > INT32_MAX)
        return NULL;
    if (file.len >= strlen(PEM_BEGIN) && memcmp(file.p, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
        return read_pem(file);
    list = d2i_X509_CRL(NULL, &p, (long)file.len);
    if (list == NULL || p == file.p + file.len)
        return list;
    X509_CRL_free(list);
    return NULL;
}

/* Of the list or of an entry: it may change what the list says, and is not understood here. */
static bool has_critical(const STACK_OF(X509_EXTENSION) *extensions)
{
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
        if (X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(extensions, i)))
            return true;
    }
    return false;
}

static bool has_critical_entry(X509_CRL *list)
{
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(list);

    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
        if (has_critical(X509_REVOKED_get0_extensions(sk_X509_REVOKED_value(entries, i))))
            return true;
    }
    return false;
}

/* None, or one that is short enough: the time to print a number grows with the square of it. */
static bool has_fit_number(const X509_CRL *list)
{
    int critical;
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(list, NID_crl_number, &critical, NULL);
    const bool is_there = critical != -1;
    const bool is_fit = number != NULL && ASN1_STRING_length(number) <= NUMBER_OCTETS_MAX;

    ASN1_INTEGER_free(number);
    return is_fit || !is_there;
}

static bool is_by_sha2(const X509_CRL *list)
{
    int digest = NID_undef;

    return OBJ_find_sigid_algs(X509_CRL_get_signature_nid(list), &digest, NULL) == 1 &&
           (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512);
}

/* Why a list is none that the issuer vouches for, and that says all; NULL if it is. */
static const char *find_defect(X509_CRL *list, X509 *issuer)
{
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) != 0)
        return "the CRL of another issuer";
    if ((X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
        return "the issuer may not sign CRLs: its key usage lacks cRLSign";
    if (!is_by_sha2(list))
        return "a CRL that is not signed with SHA-256, SHA-384 or SHA-512";
    if (X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
        return "the issuer has not signed this CRL";
    if (X509_CRL_get_version(list) != VERSION_2)
        return "not a CRL of version 2";
    if (X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0 ||
        X509_CRL_get_ext_by_NID(list, NID_issuing_distribution_point, -1) >= 0)
        return "a CRL of a part of the certificates: a complete one is needed";
    if (has_critical(X509_CRL_get0_extensions(list)) || has_critical_entry(list))
        return "a CRL with a critical extension, which is not understood";
    if (!has_fit_number(list))
        return "a CRL whose number is not one of at most 20 octets";
    return NULL;
}

static bool read_time(const ASN1_TIME *time, int64_t *ret)
{
    struct tm tm;

    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *ret = timegm(&tm);
    return true;
}

static enum ratls_status check_list(struct ratls_crl *crl, X509 *issuer, struct ratls_error *err)
{
    const char *defect;

    if (crl->list == NULL)
        return ratls_fail(err, RATLS_USAGE, "not one CRL in PEM or DER");
    defect = find_defect(crl->list, issuer);
    if (defect != NULL)
        return ratls_fail(err, RATLS_USAGE, "%s", defect);
    if (!read_time(X509_CRL_get0_lastUpdate(crl->list), &crl->from) ||
        !read_time(X509_CRL_get0_nextUpdate(crl->list), &crl->until))
        return ratls_fail(err, RATLS_USAGE, "a CRL that does not say until when it holds");
    return RATLS_OK;
}

enum ratls_status ratls_crl_read(struct ratls_slice file, X509 *issuer, struct ratls_crl **ret_crl,
                                 struct ratls_error *err)
{
    struct ratls_crl *crl = calloc(1, sizeof *crl);
    enum ratls_status status;

    if (crl == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ERR_set_mark();
    crl->list = read_list(file);
    status = check_list(crl, issuer, err);
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_crl = crl;
    else
        ratls_crl_free(crl);
    return status;
}

void ratls_crl_free(struct ratls_crl *crl)
{
    if (crl == NULL)
        return;
    X509_CRL_free(crl->list);
    free(crl);
}

int64_t ratls_crl_until(const struct ratls_crl *crl)
{
    return crl->until;
}

bool ratls_crl_clears(const struct ratls_crl *crl, struct ratls_slice certificate, int64_t now,
                      char ret_why[static RATLS_WHY_MAX])
{
    X509_REVOKED *entry = NULL;
    X509 *read = NULL;

    ret_why[0] = '\0';
    if (now < crl->from) {
        snprintf(ret_why, RATLS_WHY_MAX, "the CRL is not valid yet");
    } else if (now >= crl->until) {
        snprintf(ret_why, RATLS_WHY_MAX, "the CRL is out of date: fetch a new one");
    } else {
        read = ratls_certificate_of_der(certificate);
        if (read == NULL)
            snprintf(ret_why, RATLS_WHY_MAX, "a certificate that cannot be read");
        /* 2 stands for removeFromCRL, which a complete list has no use for. */
        else if (X509_CRL_get0_by_serial(crl->list, &entry, X509_get0_serialNumber(read)) != 0)
            snprintf(ret_why, RATLS_WHY_MAX, "a certificate that its issuer has revoked");
    }
    X509_free(read);
    return ret_why[0] == '\0';
}

int64_t ratls_crl_from(const struct ratls_crl *crl)
{
    return crl->from;
}

size_t ratls_crl_count(const struct ratls_crl *crl)
{
    const int count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl->list));

    return count < 0 ? 0 : (size_t)count; /* -1: the optional list is not there */
}

/* The caller frees it; NULL: there is none. */
static BIGNUM *read_number(const struct ratls_crl *crl)
{
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl->list, NID_crl_number, NULL, NULL);
    BIGNUM *value = number == NULL ? NULL : ASN1_INTEGER_to_BN(number, NULL);

    ASN1_INTEGER_free(number);
    return value;
}

void ratls_crl_number(const struct ratls_crl *crl, char out[static RATLS_CRL_NUMBER_MAX])
{
    BIGNUM *value = read_number(crl);
    char *text = value == NULL ? NULL : BN_bn2dec(value);

    snprintf(out, RATLS_CRL_NUMBER_MAX, "%s", text == NULL ? "" : text);
    OPENSSL_free(text);
    BN_free(value);
}

bool ratls_crl_same(const struct ratls_crl *a, const struct ratls_crl *b)
{
    unsigned char *a_der = NULL, *b_der = NULL;
    const int a_len = i2d_X509_CRL(a->list, &a_der), b_len = i2d_X509_CRL(b->list, &b_der);
    const bool is_same = a_len > 0 && a_len == b_len && memcmp(a_der, b_der, (size_t)a_len) == 0;

    OPENSSL_free(a_der);
    OPENSSL_free(b_der);
    return is_same;
}

bool ratls_crl_follows(const struct ratls_crl *list, const struct ratls_crl *old,
                       char ret_why[static RATLS_WHY_MAX])
{
    BIGNUM *number = read_number(list), *old_number = read_number(old);

    ret_why[0] = '\0';
    if (number == NULL && old_number != NULL)
        snprintf(ret_why, RATLS_WHY_MAX, "it has no number, and the one that is there has one");
    else if (number != NULL && old_number != NULL && BN_cmp(number, old_number) < 0)
        snprintf(ret_why, RATLS_WHY_MAX, "its number is lower than that of the one that is there");
    else if (number != NULL && old_number != NULL && BN_cmp(number, old_number) == 0)
        snprintf(ret_why, RATLS_WHY_MAX, "it is another one with the same number");
    else if (list->from < old->from || (number == NULL && list->from == old->from))
        snprintf(ret_why, RATLS_WHY_MAX, "it is not of a later time than the one that is there");
    BN_free(number);
    BN_free(old_number);
    return ret_why[0] == '\0';
}
