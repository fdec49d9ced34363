/* What the files attester*.c share: an attester from inside, and evidence that is being made. */
#ifndef RATLS_ATTESTER_PARTS_H
#define RATLS_ATTESTER_PARTS_H

#include <stdatomic.h>

#include <ratls/attester_tpm.h>

#include "epoch_source.h"
#include "epochs.h"
#include "logs.h"
#include "tls_keys.h"
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
    size_t queue_max;
    char epoch_source[RATLS_EPOCH_SOURCE_MAX]; /* "": no epochs */
    unsigned epoch_s;
    void (*notice)(void *notice_arg, const char *text);
    void *notice_arg;
    struct ratls_logs logs; /* but for its cache, which guards itself */
    char *result;           /* path; NULL: none is sent */
    struct ratls_error result_missing;
    struct ratls_tls_keys tls_keys;
};

/* Evidence while its quote is made: small, for there may be 65 536 at a time. */
struct ratls_draft {
    struct ratls_attest_request request;
    struct ratls_epoch *epoch;     /* a reference; NULL: the quote is for the session */
    struct ratls_quoted *of_epoch; /* a quote that the epoch has already; NULL: it needs one */
    uint64_t ima_len;              /* of the list, before the quote of an epoch is made */
    uint8_t leaf[RATLS_QUALIFYING_LEN];
    size_t statement_len;
    uint8_t statement[]; /* that is quoted: of the session, or of the epoch */
};

/* What evidence borrows from while it is written. */
struct ratls_packing {
    struct ratls_evidence evidence;
    uint8_t *ima; /* NULL: there is none; owned, as is */
    uint8_t *result;
    uint8_t session[RATLS_STATEMENT_MAX]; /* of evidence of an epoch: the session's statement */
    uint8_t signature[RATLS_EPOCH_SIGNATURE_MAX];
};

/* attester.c: all that comes before the quote, and behind it. The caller frees *ret_draft. */
RATLS_MUST_CHECK enum ratls_status ratls_draft_new(struct ratls_tpm_attester *self,
                                                   const struct ratls_attest_request *request,
                                                   struct ratls_draft **ret_draft,
                                                   struct ratls_error *err);
/* Of this epoch (NULL: of none). Takes the reference, also if it fails. */
RATLS_MUST_CHECK enum ratls_status ratls_draft_make(struct ratls_tpm_attester *self,
                                                    const struct ratls_attest_request *request,
                                                    struct ratls_epoch *epoch,
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
/*
 * quoted: of the draft's leaf; not looked at if it needs none. Reads the logs: behind the quote, so
 * that they have all that is in the quoted PCRs.
 */
RATLS_MUST_CHECK enum ratls_status ratls_draft_finish(struct ratls_tpm_attester *self,
                                                      const struct ratls_draft *draft,
                                                      const struct ratls_quoted *quoted,
                                                      uint8_t **ret_evidence, size_t *ret_len,
                                                      struct ratls_error *err);

/*
 * attester_epoch.c: evidence of an epoch. join returns a reference if the request takes evidence of
 * an epoch and there is one, else NULL. find looks for a quote that is there already.
 */
struct ratls_epoch *ratls_draft_join_epoch(struct ratls_tpm_attester *self,
                                           const struct ratls_attest_request *request);
/* The statement in mode 5, with the manifest of what the evidence has. */
RATLS_MUST_CHECK enum ratls_status
ratls_draft_epoch_statement(const struct ratls_tpm_attester *self, const struct ratls_epoch *epoch,
                            const struct ratls_attest_request *request,
                            const struct ratls_evidence *evidence, struct ratls_writer *w,
                            struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_draft_find_epoch(struct ratls_tpm_attester *self,
                                                          struct ratls_draft *draft,
                                                          struct ratls_error *err);
/* Behind the quote: keeps it for other sessions, and signs for this one. */
void ratls_draft_keep_epoch(const struct ratls_draft *draft, const struct ratls_quoted *quoted);
RATLS_MUST_CHECK enum ratls_status ratls_draft_sign_session(struct ratls_tpm_attester *self,
                                                            const struct ratls_draft *draft,
                                                            struct ratls_packing *packing,
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
/* attester_state.c: all members that are about the state. */
void ratls_attester_add_state(struct ratls_attester *interface);
/* attester_tpm.c: waits for the draft's quote. The caller clears *ret_quoted. */
RATLS_MUST_CHECK enum ratls_status ratls_attester_quote(struct ratls_tpm_attester *self,
                                                        const struct ratls_draft *draft,
                                                        struct ratls_quoted *ret_quoted,
                                                        struct ratls_error *err);
/* attester_tpm.c: of this process. */
RATLS_MUST_CHECK enum ratls_status ratls_attester_worker(struct ratls_tpm_attester *self,
                                                         struct ratls_worker **ret_worker,
                                                         struct ratls_error *err);

#endif
