/* A new CA: its key, its certificate, or a request for one that another CA gives. */
#ifndef RATLS_CA_ISSUER_MAKE_H
#define RATLS_CA_ISSUER_MAKE_H

#include <openssl/x509.h>

#include <ratls/error.h>

struct ratls_issuer_wish {
    OSSL_LIB_CTX *context;
    EVP_PKEY *key;
    const char *subject; /* "O=Bank,CN=CA of machines": in this order, without commas in a value */
    int64_t now;         /* seconds since 1970-01-01 UTC */
    unsigned days;
};

/* P-256. The caller frees it. */
RATLS_MUST_CHECK enum ratls_status ratls_issuer_key_make(EVP_PKEY **ret_key,
                                                         struct ratls_error *err);

/*
 * Self-signed, of a CA that certifies keys but no other CAs. RATLS_USAGE for a subject that is
 * none. The caller frees it.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_issuer_certificate_make(const struct ratls_issuer_wish *wish, X509 **ret_certificate,
                              struct ratls_error *err);
/* The same as a request (PKCS #10) for another CA. */
RATLS_MUST_CHECK enum ratls_status ratls_issuer_request_make(const struct ratls_issuer_wish *wish,
                                                             X509_REQ **ret_request,
                                                             struct ratls_error *err);

#endif
