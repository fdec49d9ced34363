/* What a verifier asks for: the PCRs that its policy compares, and the logs that it reads. */
#ifndef RATLS_REQUEST_RULES_H
#define RATLS_REQUEST_RULES_H

#include "request.h"
#include "rules.h"

/* What the IMA offset of a request rests on. */
struct ratls_known {
    bool is_known;
    struct ratls_ledger_row row;
};

/*
 * By the rules for this peer ("": none is named), all but its nonce. begins_anew: as if no key and
 * nothing of its logs were known: the answer stands for itself. Initialise the outputs with {0}.
 */
RATLS_MUST_CHECK enum ratls_status ratls_request_by_rules(const struct ratls_rules *rules,
                                                          const char *peer_name, bool begins_anew,
                                                          struct ratls_request *ret_request,
                                                          struct ratls_known *ret_known,
                                                          struct ratls_error *err);

#endif
