/*
 * A machine of which there is nothing but the log of its boot, whole and in compact form, and a
 * policy made of the log that allows its events and nothing else.
 *
 * Nothing here returns an error: what fails prints why and aborts the test.
 */
#ifndef RATLS_TEST_LOG_MACHINE_H
#define RATLS_TEST_LOG_MACHINE_H

#include "boot.h"
#include "rules.h"

#define MACHINE_BANK RATLS_ALG_SHA256
#define MACHINE_FILES (1u << 9 | 1u << 11 | 1u << 13)
#define MACHINE_TEXTS (1u << 8 | 1u << 12)

/* A log, and the rules that were made of it. */
struct machine {
    struct ratls_slice log; /* borrowed */
    uint8_t *compact;
    size_t compact_len;
    struct ratls_boot boot;
    struct ratls_rules rules;
    struct ratls_hasher hasher;
    char *text; /* of the rules: lists and command lines */
    size_t text_len;
};

/* False if the strict walk does not take it, or it has not the bank. */
bool machine_open(struct ratls_slice log, struct machine *ret_machine);
void machine_close(struct machine *machine);

/* From the begin of a log that the strict walk takes. */
void machine_walk(struct ratls_slice log, struct ratls_eventlog *ret_log);

/* The values that a log gives the PCRs of the rules, one behind the other, as a quote has them. */
#define MACHINE_QUOTED_MAX (RATLS_PCR_COUNT * RATLS_DIGEST_MAX)
struct ratls_slice machine_quote(const struct machine *machine, struct ratls_slice log,
                                 uint8_t out[static MACHINE_QUOTED_MAX]);

/*
 * Verdicts of all checks of boot.* on a log, by any rules, beside an authentic quote of these PCRs.
 * The caller frees the report.
 */
struct ratls_report *machine_appraise(struct ratls_rules *rules, struct ratls_slice log,
                                      struct ratls_slice quoted, bool is_brief);

#endif
