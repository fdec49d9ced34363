/* The facts of a firmware's log. */
#ifndef RATLS_TOOL_FACTS_BOOT_H
#define RATLS_TOOL_FACTS_BOOT_H

#include "boot.h"
#include "facts.h"

/* The bank of a log in which it is judged: SHA-256 if it has that; 0 if it has none that we know.
 */
uint16_t ratls_boot_choose_bank(struct ratls_slice log);

/* The list of a policy for the events of a PCR. */
enum ratls_topic ratls_boot_topic(unsigned pcr);

/*
 * Reads the whole log in a bank, and adds a fact for each event that a policy has to know. Fixed
 * texts and separators are none. *ret_boot->why says what is wrong with the log; then there are no
 * facts. RATLS_OK whatever the log says. Of a peer's log no names are taken that no digest covers:
 * an honest compact log has none, and people decide by them what may be added to a policy.
 */
RATLS_MUST_CHECK enum ratls_status ratls_facts_of_boot(struct ratls_slice log, uint16_t bank,
                                                       enum ratls_eventlog_rigor rigor,
                                                       bool is_of_peer, struct ratls_facts *facts,
                                                       struct ratls_boot *ret_boot,
                                                       struct ratls_error *err);

#endif
