/* Certificate revocation lists, as a CA makes them (RFC 5280, 5). */
#ifndef RATLS_CA_CRL_MAKE_H
#define RATLS_CA_CRL_MAKE_H

#include "issuer.h"
#include "store.h"

struct ratls_crl_entry {
    uint8_t serial[20]; /* big-endian */
    size_t serial_len;
    int64_t at;      /* when it was revoked */
    unsigned reason; /* CRLReason, RFC 5280, 5.3.1; 0: none is said */
};

struct ratls_crl_wish {
    const struct ratls_crl_entry *entries;
    size_t count;
    int64_t number;
    int64_t this_update, next_update;
};

/* A list by issuer i. The caller frees *ret_der. */
RATLS_MUST_CHECK enum ratls_status ratls_crl_make(struct ratls_issuers *issuers, size_t i,
                                                  const struct ratls_crl_wish *wish,
                                                  uint8_t **ret_der, size_t *ret_len,
                                                  struct ratls_error *err);

/*
 * Reads what of issuer i is revoked, signs a list with the next number, and puts it into the store;
 * again if another instance was faster. A certificate that has ended is still in the first list
 * after that (RFC 5280, 3.3). The caller ends *ret_crl with ratls_store_crl_done().
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ca_publish(struct ratls_issuers *issuers, struct ratls_store *store, size_t i, int64_t now,
                 unsigned lifetime_s, struct ratls_store_crl *ret_crl, struct ratls_error *err);

#endif
