/* For check_ima*.c: a list of IMA, on its way from bytes to entries that are judged. */
#ifndef RATLS_CHECK_IMA_H
#define RATLS_CHECK_IMA_H

#include "appraise.h"

/* Whole entries, one behind the other. */
struct ratls_ima_piece {
    struct ratls_ima_piece *next;
    struct ratls_slice bytes; /* of the evidence, or those behind */
    uint8_t copy[];
};

struct ratls_ima_list {
    struct ratls_ledger_row base; /* what is acknowledged, and the list goes on behind it */
    struct ratls_ima_piece *first;
    struct ratls_ima_piece *last;
    uint64_t end;                 /* offset in the list, behind the last piece */
    uint64_t total;               /* how long it is, as the server says */
    struct ratls_slice pcr;       /* PCR 10, quoted */
    struct ratls_ima_state state; /* IMA_REPLAY passed: after the entries that led there */
};

/*
 * ima.format, ima.entry, ima.replay: pieces are replayed until PCR 10 is the quoted one; more are
 * fetched if the policy says so. Only entries up to there are authenticated.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_list_replay(struct ratls_appraisal *a,
                                                         struct ratls_ima_list *list);
/* One more piece; copied, unless it is of the evidence. */
RATLS_MUST_CHECK enum ratls_status ratls_ima_list_add(struct ratls_ima_list *list,
                                                      struct ratls_slice bytes, bool is_copied,
                                                      struct ratls_error *err);
void ratls_ima_list_done(struct ratls_ima_list *list); /* also one of zeros */

/* ima.boot-aggregate and all behind it: the entries up to list->state, each by itself. */
RATLS_MUST_CHECK enum ratls_status ratls_ima_list_judge(struct ratls_appraisal *a,
                                                        struct ratls_ima_list *list);

/* "ima-list[17]". */
void ratls_ima_place(uint64_t entry, char out[static RATLS_AT_MAX]);

#endif
