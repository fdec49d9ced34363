/* What the files check_boot_*.c hand on to each other. */
#ifndef RATLS_CHECK_BOOT_H
#define RATLS_CHECK_BOOT_H

#include "appraise.h"
#include "boot.h"

#define RATLS_SHOWN_DIGEST_MAX (2 * 32 + sizeof "...")

/* Heap: some 8 KB. */
struct ratls_boot_judge {
    struct ratls_appraisal *a;
    const struct ratls_boot_rules *rules;
    struct ratls_boot boot; /* all of it holds: its PCRs are the quoted ones */
    struct ratls_hasher hasher;
    size_t separators[RATLS_BOOT_PHASES]; /* seen so far by the walk */
    size_t authority;                     /* the next one of boot */
    size_t kernels;                       /* events that are one of the policy's kernels */
};

/* A digest for words: of longer ones than SHA-256 the begin. */
void ratls_boot_show_digest(struct ratls_slice digest, char out[static RATLS_SHOWN_DIGEST_MAX]);

/* Whether a PCR is one that the log must explain. */
bool ratls_boot_covers(const struct ratls_boot_rules *rules, uint32_t pcr);

/* What the log as a whole says: labels, separators, exit, state of Secure Boot, debugging. */
void ratls_check_boot_claims(struct ratls_boot_judge *judge);

/* Every event of the PCRs of the policy, once more from the begin of the log. */
RATLS_MUST_CHECK enum ratls_status ratls_check_boot_events(struct ratls_boot_judge *judge,
                                                           struct ratls_eventlog *log);

/* Whether a text that a boot loader measured is allowed (PCR 8 and 12). */
RATLS_MUST_CHECK enum ratls_status ratls_boot_text_allowed(struct ratls_boot_judge *judge,
                                                           const struct ratls_event *event,
                                                           struct ratls_slice digest,
                                                           bool *ret_allowed);
#endif
