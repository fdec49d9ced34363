/* The kinds of files that reference values come from: one reader each. */
#ifndef RATLS_REFVALS_IMPORT_H
#define RATLS_REFVALS_IMPORT_H

#include "refvals_build.h"

#define RATLS_UNUSED_MAX 200
#define RATLS_KEYLIME_BYTES_MAX (64u << 20) /* its tree takes about 8 times as much */
#define RATLS_KEYLIME_DEPTH_MAX 16          /* it has 3; a dm_policy, which is not used, more */
#define RATLS_CORIM_BYTES_MAX (16u << 20)   /* PCR values of very many machines */

struct ratls_refvals_input {
    const char *path; /* for messages */
    struct ratls_slice text;
    struct ratls_refvals_builder builder;
    char unused[RATLS_UNUSED_MAX]; /* ratls_refvals_unused() */
};

RATLS_MUST_CHECK enum ratls_status ratls_refvals_read_text(struct ratls_refvals_input *input,
                                                           struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_refvals_read_keylime(struct ratls_refvals_input *input,
                                                              struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_refvals_read_corim(struct ratls_refvals_input *input,
                                                            struct ratls_error *err);

/* Adds "WHAT (COUNT)" to input->unused; nothing if count is 0. */
void ratls_refvals_add_unused(struct ratls_refvals_input *input, const char *what, size_t count);

#endif
