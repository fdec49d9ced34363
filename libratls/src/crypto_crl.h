/* Certificate revocation lists (RFC 5280, 5) of the issuers that a policy names. */
#ifndef RATLS_CRYPTO_CRL_H
#define RATLS_CRYPTO_CRL_H

#include <openssl/types.h>

#include "crypto.h"

#define RATLS_CRL_FILE_MAX (16 * 1024 * 1024) /* 400 000 revoked certificates */

struct ratls_crl;

/*
 * The one list in a file, PEM or DER: version 2, complete, signed by the issuer itself with SHA-2,
 * with a nextUpdate, without critical extensions, and with a number of up to 20 octets, or none.
 * RATLS_USAGE for anything else. The caller frees it with ratls_crl_free().
 */
RATLS_MUST_CHECK enum ratls_status ratls_crl_read(struct ratls_slice file, X509 *issuer,
                                                  struct ratls_crl **ret_crl,
                                                  struct ratls_error *err);
void ratls_crl_free(struct ratls_crl *crl); /* accepts NULL */

/* When the list is no longer valid: its nextUpdate, in seconds since 1970-01-01 UTC. */
int64_t ratls_crl_until(const struct ratls_crl *crl);
int64_t ratls_crl_from(const struct ratls_crl *crl); /* its thisUpdate */

/* How many certificates it revokes. */
size_t ratls_crl_count(const struct ratls_crl *crl);

/* Its number (RFC 5280, 5.2.3) in decimal; "" if it has none. */
#define RATLS_CRL_NUMBER_MAX 64 /* 20 octets have 49 digits */
void ratls_crl_number(const struct ratls_crl *crl, char out[static RATLS_CRL_NUMBER_MAX]);

bool ratls_crl_same(const struct ratls_crl *a, const struct ratls_crl *b);

/*
 * Whether a list may take the place of one of the same issuer: its number is higher and it is not
 * of an earlier time. Else why not, in words. A list without a number can only follow another one
 * without, and is then of a later time. Of the same list ratls_crl_same() tells.
 */
bool ratls_crl_follows(const struct ratls_crl *list, const struct ratls_crl *old,
                       char ret_why[static RATLS_WHY_MAX]);

/*
 * Whether the list is valid now and a certificate (DER) of its issuer is not in it. Else why, in
 * words. A certificate that cannot be read counts as revoked. Several threads may ask.
 */
bool ratls_crl_clears(const struct ratls_crl *crl, struct ratls_slice certificate, int64_t now,
                      char ret_why[static RATLS_WHY_MAX]);

#endif
