/* A policy as text, from what was learned about one machine. */
#ifndef RATLS_POLICY_WRITE_H
#define RATLS_POLICY_WRITE_H

#include <ratls/attester.h>

#include "bytes.h"

/* Everything is borrowed. */
struct ratls_policy_draft {
    const char *source;         /* where it was learned, for a comment; NULL: no comment */
    const char *const *servers; /* none: every server */
    size_t server_count;
    struct ratls_slice ak_name;
    const struct ratls_pcr_bank *banks;
    size_t bank_count;
    struct ratls_slice values; /* of all PCRs of the banks, in this order, ascending by index */
    const char *service;       /* NULL: "default" */
    uint64_t max_age_s;        /* freshness: certificate with this age; 0: session */
};

/*
 * YAML that loads to exactly these rules; what would not load, such as PCR 16, is RATLS_USAGE. The
 * caller frees *ret_text.
 */
RATLS_MUST_CHECK enum ratls_status ratls_policy_write(const struct ratls_policy_draft *draft,
                                                      char **ret_text, struct ratls_error *err);

/* What is measured into a PCR, in a few words: "Secure Boot: its state, its keys". Never NULL. */
const char *ratls_pcr_meaning(unsigned index);

#endif
