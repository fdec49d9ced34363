/* Certificates in files that a person names. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto.h"
#include "fail.h"

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

bool ratls_certificate_equal(const X509 *a, const X509 *b)
{
    return X509_cmp(a, b) == 0;
}

void ratls_certificate_free(X509 *certificate)
{
    X509_free(certificate);
}
