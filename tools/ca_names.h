/* Names on a command line of `ratls ca`, in the order in which requests and the store have them. */
#ifndef RATLS_TOOL_CA_NAMES_H
#define RATLS_TOOL_CA_NAMES_H

#include "policy_names.h"
#include "store.h"

/* Not moved: the slices are of its texts. */
struct ratls_ca_names {
    char texts[RATLS_STORE_NAMES_MAX][RATLS_NAME_SIZE];
    struct ratls_slice slices[RATLS_STORE_NAMES_MAX];
    struct ratls_store_names all;
    char joined[RATLS_STORE_NAMES_MAX * RATLS_NAME_SIZE]; /* separated by one space each */
};

/* RATLS_USAGE for a text that is no name, for none, and for too many. The caller frees *ret. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_names_read(const char *const *texts, size_t count,
                                                       struct ratls_ca_names **ret,
                                                       struct ratls_error *err);

#endif
