/* Changes: in what two lists of facts differ. */
#ifndef RATLS_TOOL_CHANGES_H
#define RATLS_TOOL_CHANGES_H

#include "facts.h"

enum ratls_change_kind {
    RATLS_CHANGE_OTHER,   /* what it is stayed, its value did not */
    RATLS_CHANGE_REMOVED, /* only in the first */
    RATLS_CHANGE_ADDED,   /* only in the second */
    RATLS_CHANGE_MOVED,   /* the same events of a PCR, in another order; a is the first of them */
};

struct ratls_change {
    enum ratls_change_kind kind;
    const struct ratls_fact *a; /* NULL if it was added */
    const struct ratls_fact *b; /* NULL if it was removed */
};

struct ratls_changes {
    struct ratls_change *items; /* borrow from both lists */
    size_t count;
};

/*
 * Values of PCRs are only there where no other change explains them. The time is that of sorting
 * both lists. The caller frees with ratls_changes_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_changes_find(const struct ratls_facts *a,
                                                      const struct ratls_facts *b,
                                                      struct ratls_changes *ret_changes,
                                                      struct ratls_error *err);
void ratls_changes_done(struct ratls_changes *changes);

#endif
