/*
 * What `show` says about logs: of firmware, and of Linux IMA. Of a file alone nothing is proven:
 * the words say so. Each returns RATLS_EXIT_OK, RATLS_EXIT_REFUSED if the PCRs differ from the
 * expected ones (NULL: none are), or RATLS_EXIT_FAILED if the log cannot be read to its end; then
 * what could be read is described.
 */
#ifndef RATLS_TOOL_DESCRIBE_LOGS_H
#define RATLS_TOOL_DESCRIBE_LOGS_H

#include "pcr_values.h"
#include "view.h"

/* What a log of firmware is recognised by. Strict readers know more than this. */
bool ratls_is_eventlog(struct ratls_slice bytes);
/* The members of the object; each event, its PCRs, what it says of the boot. */
int ratls_describe_eventlog(struct ratls_view *v, struct ratls_slice bytes,
                            const struct ratls_pcr_values *expected);
/* What the log claims of the boot: Secure Boot, who signed, what was loaded, command lines. */
void ratls_describe_boot(struct ratls_view *v, struct ratls_slice bytes, uint16_t bank);

bool ratls_is_ima_list(struct ratls_slice bytes);
int ratls_describe_ima(struct ratls_view *v, struct ratls_slice bytes,
                       const struct ratls_pcr_values *expected);

#endif
