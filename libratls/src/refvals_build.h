/* Collects reference values in any order, and makes the image of them. */
#ifndef RATLS_REFVALS_BUILD_H
#define RATLS_REFVALS_BUILD_H

#include <ratls/error.h>

#include "bytes.h"

struct ratls_refvals_entry;

/* Begin with {0}; end with ratls_refvals_builder_end(), whatever happened. */
struct ratls_refvals_builder {
    struct ratls_refvals_entry *entries;
    size_t count;
    size_t capacity;
    uint8_t *bytes; /* digest and name of each entry */
    size_t len;
    size_t bytes_capacity;
};

/* A digest of 32, 48 or 64 bytes, and a name of 1 to RATLS_REFVALS_NAME_MAX bytes; both copied. */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_add(struct ratls_refvals_builder *builder,
                                                     struct ratls_slice digest,
                                                     struct ratls_slice name,
                                                     struct ratls_error *err);
/* The caller frees the image. What was added is used up. */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_build(struct ratls_refvals_builder *builder,
                                                       uint8_t **ret_bytes, size_t *ret_len,
                                                       struct ratls_error *err);
void ratls_refvals_builder_end(struct ratls_refvals_builder *builder);

#endif
