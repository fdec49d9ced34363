/* Certificates, requests and keys in PEM files. */
#ifndef RATLS_TOOL_PEM_H
#define RATLS_TOOL_PEM_H

#include <openssl/x509.h>
#include <stdbool.h>

#include <ratls/error.h>

/* The caller frees what comes back. A key with a passphrase asks for it on the terminal. */
RATLS_MUST_CHECK enum ratls_status ratls_pem_read_key(const char *path, EVP_PKEY **ret_key,
                                                      struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_pem_read_certificate(const char *path, X509 **ret_certificate, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_pem_read_csr(const char *path, X509_REQ **ret_csr,
                                                      struct ratls_error *err);

/* As ratls_file_write(); a private key gets mode 0600. */
RATLS_MUST_CHECK enum ratls_status ratls_pem_write_key(const char *path, const EVP_PKEY *key,
                                                       bool replace, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_pem_write_certificate(const char *path, X509 *certificate,
                                                               bool replace,
                                                               struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_pem_write_csr(const char *path, X509_REQ *csr,
                                                       bool replace, struct ratls_error *err);

#endif
