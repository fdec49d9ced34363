/* How a TPM makes keys of secrets: TPM 2.0 Part 1, 11.4.10. */
#ifndef RATLS_CA_TPM_KDF_H
#define RATLS_CA_TPM_KDF_H

#include <ratls/error.h>

#include "bytes.h"

/* The labels are used with their final NUL (11.4.10.2 and 11.4.10.3). */

/*
 * KDFa (11.4.10.2): len bytes from a key, by HMAC of this hash (SHA-256, SHA-384 or SHA-512), at
 * most as many as a digest has.
 */
RATLS_MUST_CHECK enum ratls_status ratls_kdfa(uint16_t hash_alg, struct ratls_slice key,
                                              const char *label, struct ratls_slice context,
                                              size_t len, uint8_t *out, struct ratls_error *err);

/* KDFe (11.4.10.3): a digest from a shared point's x coordinate and those of both parties. */
RATLS_MUST_CHECK enum ratls_status ratls_kdfe(uint16_t hash_alg, struct ratls_slice shared,
                                              const char *label, struct ratls_slice party_u,
                                              struct ratls_slice party_v, uint8_t *out,
                                              struct ratls_error *err);

/* HMAC of the parts, one behind the other; writes as many bytes as a digest has. */
RATLS_MUST_CHECK enum ratls_status ratls_hmac(uint16_t hash_alg, struct ratls_slice key,
                                              const struct ratls_slice *parts, size_t count,
                                              uint8_t *out, struct ratls_error *err);

#endif
