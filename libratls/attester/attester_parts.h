/* What the files attester*.c share: an attester from inside, and evidence that is being made. */
#ifndef RATLS_ATTESTER_PARTS_H
#define RATLS_ATTESTER_PARTS_H

#include <stdatomic.h>

#include <ratls/attester_tpm.h>

#include "logs.h"
#include "statement.h"
#include "worker.h"

struct ratls_tpm_attester {
    struct ratls_attester base;
    atomic_uint references;
    _Atomic(struct ratls_worker *) worker; /* of this process or, after a fork, of its parent */

    /* From here on nothing changes after ratls_tpm_attester_new(). */
    struct ratls_ak_state state;
    uint8_t key_id[RATLS_KEY_ID_LEN];
    bool has_tcti;
    char tcti[RATLS_TCTI_MAX];
    char service[RATLS_SERVICE_MAX + 1];
    unsigned deadline_ms;
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
};

/* attester.c: all that comes before the quote, and behind it. The caller frees with free(). */
RATLS_MUST_CHECK enum ratls_status ratls_draft_new(const struct ratls_tpm_attester *self,
                                                   const struct ratls_attest_request *request,
                                                   struct ratls_draft **ret_draft,
                                                   struct ratls_error *err);
bool ratls_draft_needs_quote(const struct ratls_draft *draft);
/* Reads the logs: behind the quote, so that they have all that is in the quoted PCRs. */
RATLS_MUST_CHECK enum ratls_status ratls_draft_finish(struct ratls_tpm_attester *self,
                                                      struct ratls_draft *draft,
                                                      uint8_t **ret_evidence, size_t *ret_len,
                                                      struct ratls_error *err);

/* attester_job.c: the optional members of the interface. */
enum ratls_status ratls_attester_begin(struct ratls_attester *interface,
                                       const struct ratls_attest_request *request,
                                       void (*done)(void *arg), void *arg,
                                       struct ratls_attest_job **ret_job, struct ratls_error *err);
enum ratls_status ratls_attester_take(struct ratls_attester *interface,
                                      struct ratls_attest_job *job, uint8_t **ret_evidence,
                                      size_t *ret_len, struct ratls_error *err);
void ratls_attester_cancel(struct ratls_attester *interface, struct ratls_attest_job *job);
/* attester_tpm.c: of this process. */
RATLS_MUST_CHECK enum ratls_status ratls_attester_worker(struct ratls_tpm_attester *self,
                                                         struct ratls_worker **ret_worker,
                                                         struct ratls_error *err);

#endif
