#include "pem.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "fail.h"
#include "file.h"

#define MODE_PRIVATE 0600
#define MODE_PUBLIC 0644

static enum ratls_status open_file(const char *path, BIO **ret_bio, struct ratls_error *err)
{
    BIO *bio = BIO_new_file(path, "r");

    if (bio == NULL) {
        (void)ratls_fail_openssl(err, path);
        return RATLS_IO;
    }
    *ret_bio = bio;
    return RATLS_OK;
}

enum ratls_status ratls_pem_read_key(const char *path, EVP_PKEY **ret_key, struct ratls_error *err)
{
    BIO *bio = NULL;
    enum ratls_status status = open_file(path, &bio, err);

    if (status != RATLS_OK)
        return status;
    *ret_key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (*ret_key == NULL)
        return ratls_fail(err, RATLS_MALFORMED, "%s: no private key (PEM) there", path);
    return RATLS_OK;
}

enum ratls_status ratls_pem_read_certificate(const char *path, X509 **ret_certificate,
                                             struct ratls_error *err)
{
    BIO *bio = NULL;
    enum ratls_status status = open_file(path, &bio, err);

    if (status != RATLS_OK)
        return status;
    *ret_certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (*ret_certificate == NULL)
        return ratls_fail(err, RATLS_MALFORMED, "%s: no certificate (PEM) there", path);
    return RATLS_OK;
}

enum ratls_status ratls_pem_read_csr(const char *path, X509_REQ **ret_csr, struct ratls_error *err)
{
    BIO *bio = NULL;
    enum ratls_status status = open_file(path, &bio, err);

    if (status != RATLS_OK)
        return status;
    *ret_csr = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (*ret_csr == NULL)
        return ratls_fail(err, RATLS_MALFORMED, "%s: no certificate request (PEM) there", path);
    return RATLS_OK;
}

/* The text of a memory BIO goes into the file. */
static enum ratls_status write_bio(const char *path, BIO *bio, mode_t mode, bool replace,
                                   struct ratls_error *err)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    return ratls_file_write(path, ratls_slice(text, (size_t)len), mode, replace, err);
}

enum ratls_status ratls_pem_write_key(const char *path, const EVP_PKEY *key, bool replace,
                                      struct ratls_error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when it is freed */
    enum ratls_status status;

    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        status = ratls_fail_openssl(err, "cannot write the private key");
    else
        status = write_bio(path, bio, MODE_PRIVATE, replace, err);
    BIO_free(bio);
    return status;
}

enum ratls_status ratls_pem_write_certificate(const char *path, X509 *certificate, bool replace,
                                              struct ratls_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum ratls_status status;

    if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
        status = ratls_fail_openssl(err, "cannot write the certificate");
    else
        status = write_bio(path, bio, MODE_PUBLIC, replace, err);
    BIO_free(bio);
    return status;
}

enum ratls_status ratls_pem_write_csr(const char *path, X509_REQ *csr, bool replace,
                                      struct ratls_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum ratls_status status;

    if (bio == NULL || PEM_write_bio_X509_REQ(bio, csr) != 1)
        status = ratls_fail_openssl(err, "cannot write the request");
    else
        status = write_bio(path, bio, MODE_PUBLIC, replace, err);
    BIO_free(bio);
    return status;
}
