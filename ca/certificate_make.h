/* Certificates of attestation keys, as a CA makes them (RFC 5280, 4). */
#ifndef RATLS_CA_CERTIFICATE_MAKE_H
#define RATLS_CA_CERTIFICATE_MAKE_H

#include "crypto_serial.h"
#include "ek_certificate.h"
#include "issuer.h"

struct ratls_ak_wish {
    EVP_PKEY *key;
    const struct ratls_slice *names; /* DNS names and IP addresses as text */
    size_t name_count;
    int64_t now; /* seconds since 1970-01-01 UTC */
    unsigned validity_s;
    const char *crl_url;                         /* NULL: none */
    const struct ratls_ek_certificate *software; /* of a software TPM; NULL: of a real one */
};

struct ratls_ak_made {
    uint8_t serial[20]; /* big-endian */
    size_t serial_len;
    int64_t not_before, not_after;
    uint8_t *der; /* the caller frees it */
    size_t len;
};

/*
 * A certificate by the first issuer, never valid for longer than the issuer is. RATLS_USAGE if the
 * issuer is not valid now.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_certificate_make(struct ratls_issuers *issuers,
                                                             const struct ratls_ak_wish *wish,
                                                             struct ratls_ak_made *ret,
                                                             struct ratls_error *err);

#endif
