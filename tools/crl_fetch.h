/* A new revocation list in the place of an old one, if its issuer signed it and it is newer. */
#ifndef RATLS_TOOL_CRL_FETCH_H
#define RATLS_TOOL_CRL_FETCH_H

#include "crl_places.h"
#include "crypto_crl.h"

struct ratls_crl_fetch {
    const struct ratls_crl_place *place;
    const char *url;
    const char *tls_ca; /* NULL: the system's */
    int64_t now;        /* seconds since 1970-01-01 UTC */
};

struct ratls_crl_fetched {
    bool is_new; /* else it is the one that was there, and nothing was written */
    char number[RATLS_CRL_NUMBER_MAX];
    int64_t from, until;
    size_t count;
};

/*
 * Fetches the list and puts it in its place, as a whole. RATLS_REJECTED if what came is no list of
 * the issuer, not valid now, or goes back behind the one that is there; then, and whenever this
 * fails, that one stays. A file that is no list of the issuer is replaced by any.
 */
RATLS_MUST_CHECK enum ratls_status ratls_crl_fetch(const struct ratls_crl_fetch *fetch,
                                                   struct ratls_crl_fetched *ret_fetched,
                                                   struct ratls_error *err);

#endif
