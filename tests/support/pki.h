/*
 * Keys and certificates for tests, made on the spot. Nothing here returns an error: what fails
 * prints why and aborts the test. Whoever gets an object frees it.
 */
#ifndef RATLS_TEST_PKI_H
#define RATLS_TEST_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

enum pki_algorithm {
    PKI_P256,
    PKI_P384,
    PKI_P521,
    PKI_RSA2048,
    PKI_RSA3072,
};

EVP_PKEY *pki_key(enum pki_algorithm algorithm);

#define PKI_EKU_AK "2.23.133.8.3" /* tcg-kp-AIKCertificate */
#define PKI_EXTENSIONS_MAX 4

/* What a certificate says. Everything but subject and key may stay 0. */
struct pki_spec {
    const char *subject; /* common name */
    EVP_PKEY *key;       /* of the subject */
    X509 *issuer;        /* NULL: signed by itself */
    EVP_PKEY *issuer_key;
    const char *ca;        /* basicConstraints as in x509v3_config(5); NULL: "CA:FALSE" */
    const char *key_usage; /* NULL: keyCertSign for a CA, digitalSignature for another */
    const char *names;     /* subjectAltName, for example "DNS:a.example,IP:192.0.2.1" */
    const char *eku;       /* extendedKeyUsage, for example "serverAuth" or PKI_EKU_AK */
    int64_t not_before_s;  /* from now, may be negative; 0: an hour ago */
    int64_t not_after_s;   /* from now, may be negative; 0: in a day */
    X509_EXTENSION *extensions[PKI_EXTENSIONS_MAX]; /* more of them, as they are; borrowed */
};

X509 *pki_certificate(const struct pki_spec *spec);

/* The usual three; for others fill a struct pki_spec. */
X509 *pki_ca(const char *subject, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key);
X509 *pki_ak_certificate(EVP_PKEY *ak, const char *names, X509 *issuer, EVP_PKEY *issuer_key);
X509 *pki_server_certificate(EVP_PKEY *key, const char *names, X509 *issuer, EVP_PKEY *issuer_key);

/* DER; the length in *ret_len. Freed with OPENSSL_free(). */
uint8_t *pki_der(const X509 *certificate, size_t *ret_len);
void pki_write_certificate(const char *path, const X509 *certificate); /* PEM */

#endif
