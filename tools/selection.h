/* PCR selections as people write them. */
#ifndef RATLS_TOOL_SELECTION_H
#define RATLS_TOOL_SELECTION_H

#include <stdbool.h>

#include <ratls/attester.h>

#define RATLS_SELECTION_DEFAULT                                                                    \
    "sha256:0-7" /* firmware, its settings, boot loader, Secure Boot                               \
                  */

/*
 * "sha256:0-7", "sha256:0,1,7+sha384:0": banks with '+', PCRs with ',' and '-'. A bank, or a PCR,
 * that is named twice is refused.
 */
RATLS_MUST_CHECK enum ratls_status ratls_selection_parse(const char *text,
                                                         struct ratls_pcr_selection *ret_selection,
                                                         struct ratls_error *err);

/* Adds another; false, and then it is as it was, if there are too many banks. */
bool ratls_selection_add(struct ratls_pcr_selection *selection,
                         const struct ratls_pcr_selection *other);

/* Takes away what is not in `allocated`. */
void ratls_selection_intersect(struct ratls_pcr_selection *selection,
                               const struct ratls_pcr_selection *allocated);

#endif
