/* Certificates in files that a person names. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"

#define SUBJECT_MAX 200

/* Whether there is no second certificate: which one is meant would be a guess. */
static bool is_last(BIO *bio)
{
    X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);

    X509_free(next);
    return next == NULL;
}

enum ratls_status ratls_ca_certificate(struct ratls_slice pem, X509 **ret_certificate,
                                       struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    X509 *certificate = NULL;
    BIO *bio;

    if (pem.len > INT32_MAX)
        return ratls_fail(err, RATLS_USAGE, "too long for a certificate");
    ERR_set_mark();
    bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    if (bio == NULL) {
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
        goto out;
    }
    certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (certificate == NULL)
        status = ratls_fail(err, RATLS_USAGE, "no certificate in PEM");
    else if (!is_last(bio))
        status = ratls_fail(err, RATLS_USAGE, "more than one certificate: one file, one issuer");
    else if (X509_check_ca(certificate) != 1)
        status = ratls_fail(err, RATLS_USAGE,
                            "not the certificate of a CA (basicConstraints, keyUsage)");
    if (status != RATLS_OK)
        goto out;
    *ret_certificate = certificate;
    certificate = NULL;
out:
    X509_free(certificate);
    BIO_free(bio);
    ERR_pop_to_mark();
    return status;
}

/* NULL if memory is short. */
static char *write_subject(const X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *subject = NULL, *text;
    long len;

    if (bio != NULL &&
        X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        len = BIO_get_mem_data(bio, &text);
        subject = strndup(text, len > SUBJECT_MAX ? SUBJECT_MAX : (size_t)len);
    }
    BIO_free(bio);
    return subject;
}

static enum ratls_status read_certificate(const char *label, const uint8_t *der, long len,
                                          struct ratls_pem_certificate *ret,
                                          struct ratls_error *err)
{
    const uint8_t *p = der;

    if (strcmp(label, PEM_STRING_X509) != 0)
        return ratls_fail(err, RATLS_USAGE, "something else than certificates in PEM");
    ret->certificate = d2i_X509(NULL, &p, len);
    if (ret->certificate == NULL || p != der + len)
        return ratls_fail(err, RATLS_USAGE, "a certificate that cannot be read");
    ret->subject = write_subject(ret->certificate);
    ret->der = malloc((size_t)len);
    if (ret->subject == NULL || ret->der == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(ret->der, der, (size_t)len);
    ret->len = (size_t)len;
    return RATLS_OK;
}

/* *ret_end: there is no further block. */
static enum ratls_status read_block(BIO *bio, struct ratls_pem_certificate *ret, bool *ret_end,
                                    struct ratls_error *err)
{
    char *label = NULL, *header = NULL;
    uint8_t *der = NULL;
    enum ratls_status status;
    long len = 0;

    if (PEM_read_bio(bio, &label, &header, &der, &len) == 1) {
        status = read_certificate(label, der, len, ret, err);
        *ret_end = false;
    } else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
        status = RATLS_OK;
        *ret_end = true;
    } else {
        status = ratls_fail(err, RATLS_USAGE, "not PEM to its end");
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return status;
}

static enum ratls_status read_blocks(BIO *bio, struct ratls_pem_certificate **list, size_t *count,
                                     struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    bool end = false;

    while (status == RATLS_OK && !end) {
        struct ratls_pem_certificate *longer = realloc(*list, (*count + 1) * sizeof **list);

        if (longer == NULL)
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
        *list = longer;
        longer[*count] = (struct ratls_pem_certificate){0};
        status = read_block(bio, &longer[*count], &end, err);
        *count += end ? 0 : 1;
    }
    if (status == RATLS_OK && *count == 0)
        return ratls_fail(err, RATLS_USAGE, "no certificate in PEM");
    return status;
}

enum ratls_status ratls_pem_certificates(struct ratls_slice pem,
                                         struct ratls_pem_certificate **ret_list, size_t *ret_count,
                                         struct ratls_error *err)
{
    struct ratls_pem_certificate *list = NULL;
    enum ratls_status status;
    size_t count = 0;
    BIO *bio;

    if (pem.len > INT32_MAX)
        return ratls_fail(err, RATLS_USAGE, "too long for certificates");
    ERR_set_mark();
    bio = BIO_new_mem_buf(pem.p, (int)pem.len);
    status = bio == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                         : read_blocks(bio, &list, &count, err);
    BIO_free(bio);
    ERR_pop_to_mark();
    if (status != RATLS_OK) {
        ratls_pem_certificates_free(list, count);
        return status;
    }
    *ret_list = list;
    *ret_count = count;
    return RATLS_OK;
}

void ratls_pem_certificates_free(struct ratls_pem_certificate *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        X509_free(list[i].certificate);
        free(list[i].subject);
        free(list[i].der);
    }
    free(list);
}

bool ratls_certificate_equal(const X509 *a, const X509 *b)
{
    return X509_cmp(a, b) == 0;
}

void ratls_certificate_free(X509 *certificate)
{
    X509_free(certificate);
}
