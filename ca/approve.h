/*
 * Whether an endorsement key may have the names that it asks for. No TPM proves that: an
 * administrator says it, by a rule, by a token, by hand, or by what he let be enrolled before. What
 * belongs to another key is refused whatever speaks for it.
 */
#ifndef RATLS_CA_APPROVE_H
#define RATLS_CA_APPROVE_H

#include "enroll_check.h"
#include "rules_file.h"
#include "store.h"

#define RATLS_DECIDED_BY_MAX 64

struct ratls_approver {
    const struct ratls_ca_config *config;
    struct ratls_store *store;
    struct ratls_rules_file *rules; /* NULL: the configuration has none */
    int64_t now;
};

struct ratls_approval {
    bool is_given;                         /* false, and not refused: it has to wait */
    char decided_by[RATLS_DECIDED_BY_MAX]; /* "token", "rule", "renewal", "replacement" */
};

/* Deny lists of keys and models, and the tuple: what holds for approval by hand, too. */
RATLS_MUST_CHECK enum ratls_status ratls_approve_standing(const struct ratls_approver *approver,
                                                          const struct ratls_enrollee *enrollee,
                                                          struct ratls_ca_answer *answer,
                                                          struct ratls_error *err);

/*
 * The same when the answer comes, and what spoke for it by itself then, a rule, a promise or
 * renewal, must still do so. decided_by: of the store; a token or a hand decides once.
 */
RATLS_MUST_CHECK enum ratls_status ratls_approve_again(const struct ratls_approver *approver,
                                                       const struct ratls_enrollee *enrollee,
                                                       const char *decided_by,
                                                       struct ratls_ca_answer *answer,
                                                       struct ratls_error *err);

/*
 * All of it, in this order: standing; token, if there is one, without anything to fall back on; for
 * each name a rule, a promise (ratls ca replace --by), or renewal; approval by hand. A refusal is
 * said in `answer`.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_approve(const struct ratls_approver *approver, struct ratls_slice body,
              const struct ratls_enrollee *enrollee, struct ratls_ca_answer *answer,
              struct ratls_approval *ret_approval, struct ratls_error *err);

#endif
