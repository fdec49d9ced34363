/* What the files attester*.c share: an attester from inside, and evidence that is being made. */
#ifndef RATLS_ATTESTER_PARTS_H
#define RATLS_ATTESTER_PARTS_H

#include <stdatomic.h>

#include <ratls/attester_tpm.h>

#include "epochs.h"
#include "logs.h"
#include "token_source.h"
#include "statement.h"
#include "worker.h"

struct ratls_tpm_attester {
    struct ratls_attester base;
    /* Itself; or for one more service a reference to the first, whose worker and logs it uses. */
    struct ratls_tpm_attester *first;
    atomic_uint references;
    _Atomic(struct ratls_worker *) worker; /* of this process or, after a fork, of its parent */
    _Atomic(struct ratls_epochs *) epochs; /* likewise; NULL: not needed yet */

    /* From here on nothing changes after ratls_tpm_attester_new(). What is allocated is the
     * first's. */
    struct ratls_ak_state state;
    uint8_t key_id[RATLS_KEY_ID_LEN];
    bool has_tcti;
    char tcti[RATLS_TCTI_MAX];
    char service[RATLS_SERVICE_MAX + 1];
    unsigned deadline_ms;
    char epoch_source[RATLS_TOKEN_SOURCE_MAX]; /* "": no epochs */
    unsigned epoch_s;
    void (*notice)(void *notice_arg, const char *text);
    void *notice_arg;
    struct ratls_logs logs; /* but for its cache, which guards itself */
    char *result;           /* path; NULL: none is sent */
    struct ratls_error result_missing;
};

/* What evidence borrows from until it is written; together it is too much for a stack. */
struct ratls_draft {
    struct ratls_attest_request request;
    struct ratls_evidence evidence;
    uint8_t statement[RATLS_STATEMENT_MAX];
    uint8_t leaf[RATLS_QUALIFYING_LEN];
    struct ratls_quoted quoted; /* filled in by who has the leaf quoted, if it needs a quote */
    uint8_t ima[RATLS_EVIDENCE_MAX + 1];
    uint8_t result[RATLS_RESULT_MAX + 1];

    struct ratls_epoch *epoch;            /* a reference; NULL: the quote is for the session */
    bool is_quoted;                       /* the epoch has the quote already */
    uint64_t ima_len;                     /* of the list, before the quote is made */
    uint8_t session[RATLS_STATEMENT_MAX]; /* its statement; then `statement` is that of the epoch */
    uint8_t signature[RATLS_EPOCH_SIGNATURE_MAX];
};

/* attester.c: all that comes before the quote, and behind it. */
RATLS_MUST_CHECK enum ratls_status ratls_draft_new(struct ratls_tpm_attester *self,
                                                   const struct ratls_attest_request *request,
                                                   struct ratls_draft **ret_draft,
                                                   struct ratls_error *err);
void ratls_draft_free(struct ratls_draft *draft); /* accepts NULL */
bool ratls_draft_needs_quote(const struct ratls_draft *draft);
/* The statement of a request, with the manifest of what the evidence has (WIRE.md, 5). */
RATLS_MUST_CHECK enum ratls_status ratls_draft_statement(const struct ratls_tpm_attester *self,
                                                         const struct ratls_attest_request *request,
                                                         const struct ratls_evidence *evidence,
                                                         struct ratls_writer *w,
                                                         struct ratls_error *err);
/* Reads the logs: behind the quote, so that they have all that is in the quoted PCRs. */
RATLS_MUST_CHECK enum ratls_status ratls_draft_finish(struct ratls_tpm_attester *self,
                                                      struct ratls_draft *draft,
                                                      uint8_t **ret_evidence, size_t *ret_len,
                                                      struct ratls_error *err);

/*
 * attester_epoch.c: evidence of an epoch. join returns true if the draft is of an epoch now, for
 * the request takes one and there is one; begin then writes its statement. keep and sign are for
 * drafts of an epoch, behind the quote.
 */
bool ratls_draft_join_epoch(struct ratls_tpm_attester *self, struct ratls_draft *draft);
RATLS_MUST_CHECK enum ratls_status ratls_draft_begin_epoch(struct ratls_tpm_attester *self,
                                                           struct ratls_draft *draft,
                                                           struct ratls_error *err);
void ratls_draft_keep_epoch(struct ratls_draft *draft);
RATLS_MUST_CHECK enum ratls_status ratls_draft_sign_session(struct ratls_tpm_attester *self,
                                                            struct ratls_draft *draft,
                                                            struct ratls_error *err);
/* The end of the attester's epochs. Nobody else may be using it. */
void ratls_attester_end_epochs(struct ratls_tpm_attester *self);

/* attester_job.c: the optional members of the interface. */
enum ratls_status ratls_attester_begin(struct ratls_attester *interface,
                                       const struct ratls_attest_request *request,
                                       void (*done)(void *arg), void *arg,
                                       struct ratls_attest_job **ret_job, struct ratls_error *err);
enum ratls_status ratls_attester_take(struct ratls_attester *interface,
                                      struct ratls_attest_job *job, uint8_t **ret_evidence,
                                      size_t *ret_len, struct ratls_error *err);
void ratls_attester_cancel(struct ratls_attester *interface, struct ratls_attest_job *job);
/* attester_tpm.c: waits for the draft's quote. */
RATLS_MUST_CHECK enum ratls_status ratls_attester_quote(struct ratls_tpm_attester *self,
                                                        struct ratls_draft *draft,
                                                        struct ratls_error *err);
/* attester_tpm.c: of this process. */
RATLS_MUST_CHECK enum ratls_status ratls_attester_worker(struct ratls_tpm_attester *self,
                                                         struct ratls_worker **ret_worker,
                                                         struct ratls_error *err);

#endif
