/* Revocation lists for tests, made on the spot; what fails aborts the test, as in pki.h. */
#ifndef RATLS_TEST_PKI_CRL_H
#define RATLS_TEST_PKI_CRL_H

#include <stdbool.h>

#include "pki.h"

struct pki_crl_spec {
    X509 *issuer; /* its name */
    EVP_PKEY *issuer_key;
    X509 *revoked;           /* NULL: none */
    int64_t from_s, until_s; /* since 1970-01-01 UTC; until_s 0: it does not say */
    const char *digest;      /* NULL: SHA256 */
    long number;             /* 0: 1; negative: it has none */
    size_t number_octets;    /* not 0: the number is of so many octets of 0x11 */
    bool has_two_numbers;
    bool is_old;             /* version 1 */
    bool is_delta;           /* deltaCRLIndicator */
    bool has_critical;       /* a critical extension that nobody knows */
    bool has_critical_entry; /* the same, of the entry */
};

/* DER; the length in *ret_len. Freed with OPENSSL_free(). */
uint8_t *pki_crl(const struct pki_crl_spec *spec, size_t *ret_len);

#endif
