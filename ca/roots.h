/*
 * Roots: certificates of the makers of TPMs. An administrator pins the roots, each by its very
 * bytes; intermediate CAs only help to get from an endorsement key to one of them. The certificates
 * of the system are never looked at, and nothing is fetched from anywhere.
 */
#ifndef RATLS_CA_ROOTS_H
#define RATLS_CA_ROOTS_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_ROOTS_MAX 20000            /* the makers together have about 2000 */
#define RATLS_ROOT_CERTIFICATE_MAX 16384 /* theirs have less than 4096 bytes */

struct ratls_roots;

enum ratls_root_kind {
    RATLS_ROOT_PINNED,       /* ends a chain */
    RATLS_ROOT_INTERMEDIATE, /* trusted for nothing */
    RATLS_ROOT_NONE,         /* not the certificate of a CA: was not taken */
};

struct ratls_root {
    X509 *certificate;
    uint8_t sha256[32]; /* of its DER */
    enum ratls_root_kind kind;
};

/* NULL if memory is short. */
struct ratls_roots *ratls_roots_new(void);
void ratls_roots_free(struct ratls_roots *roots); /* accepts NULL */

/*
 * Takes a certificate (DER): pinned if it is signed by its own key and may_pin, else as an
 * intermediate CA; a second time it changes nothing. *ret_new: it was not there. RATLS_MALFORMED if
 * it cannot be read. A certificate that was taken is valid as long as roots is.
 */
RATLS_MUST_CHECK enum ratls_status ratls_roots_add(struct ratls_roots *roots,
                                                   struct ratls_slice der, bool may_pin,
                                                   enum ratls_root_kind *ret_kind, bool *ret_new,
                                                   struct ratls_error *err);

size_t ratls_roots_count(const struct ratls_roots *roots);
const struct ratls_root *ratls_roots_at(const struct ratls_roots *roots, size_t index);

/*
 * All certificates of one kind, for OpenSSL to search; NULL if memory is short. The caller frees
 * the stack, but not the certificates.
 */
STACK_OF(X509) *ratls_roots_stack(const struct ratls_roots *roots, enum ratls_root_kind kind);

#endif
