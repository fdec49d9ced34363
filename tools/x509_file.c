#include "x509_file.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

X509 *ratls_certificate_read(struct ratls_slice bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.len);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    const uint8_t *end = bytes.p;

    BIO_free(bio);
    if (certificate != NULL)
        return certificate;
    certificate = d2i_X509(NULL, &end, (long)bytes.len);
    if (certificate != NULL && end != bytes.p + bytes.len) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
}

X509_REQ *ratls_csr_read(struct ratls_slice bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes.p, (int)bytes.len);
    X509_REQ *csr = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    const uint8_t *end = bytes.p;

    BIO_free(bio);
    if (csr != NULL)
        return csr;
    csr = d2i_X509_REQ(NULL, &end, (long)bytes.len);
    if (csr != NULL && end != bytes.p + bytes.len) {
        X509_REQ_free(csr);
        csr = NULL;
    }
    return csr;
}
