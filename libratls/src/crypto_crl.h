/* Certificate revocation lists (RFC 5280, 5) of the issuers that a policy names. */
#ifndef RATLS_CRYPTO_CRL_H
#define RATLS_CRYPTO_CRL_H

#include <openssl/types.h>

#include "crypto.h"

struct ratls_crl;

/*
 * The one list in a file, PEM or DER: version 2, complete, signed by the issuer itself with SHA-2,
 * with a nextUpdate and without critical extensions. RATLS_USAGE for anything else. The caller
 * frees it with ratls_crl_free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_crl_read(struct ratls_slice file, X509 *issuer,
                                                  struct ratls_crl **ret_crl,
                                                  struct ratls_error *err);
void ratls_crl_free(struct ratls_crl *crl); /* accepts NULL */

/* When the list is no longer valid: its nextUpdate, in seconds since 1970-01-01 UTC. */
int64_t ratls_crl_until(const struct ratls_crl *crl);

/*
 * Whether the list is valid now and a certificate (DER) of its issuer is not in it. Else why, in
 * words. A certificate that cannot be read counts as revoked. Several threads may ask.
 */
bool ratls_crl_clears(const struct ratls_crl *crl, struct ratls_slice certificate, int64_t now,
                      char ret_why[static RATLS_WHY_MAX]);

#endif
