/* Evidence without waiting: the rest of struct ratls_attester. */
#include <stdlib.h>

#include "attester_parts.h"
#include "fail.h"

struct ratls_attest_job {
    struct ratls_tpm_attester *attester; /* a reference */
    struct ratls_draft *draft;
    struct ratls_worker *worker; /* of the process that began the job */
    bool needs_quote;            /* for logs alone none is needed */
    struct ratls_job quote;
};

static void free_job(struct ratls_attest_job *job)
{
    struct ratls_attester *interface = &job->attester->base;

    ratls_draft_free(job->draft);
    free(job);
    interface->free(interface);
}

static enum ratls_status new_job(struct ratls_tpm_attester *self,
                                 const struct ratls_attest_request *request,
                                 struct ratls_attest_job **ret_job, struct ratls_error *err)
{
    struct ratls_attest_job *job = calloc(1, sizeof *job);
    enum ratls_status status;

    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    job->attester = self;
    self->base.up_ref(&self->base);
    status = ratls_draft_new(self, request, &job->draft, err);
    if (status == RATLS_OK && ratls_draft_needs_quote(job->draft)) {
        status = ratls_attester_worker(self, &job->worker, err);
        if (status == RATLS_OK)
            status = ratls_worker_prepare(job->worker, &request->selection, job->draft->leaf,
                                          self->deadline_ms, &job->quote, err);
        job->needs_quote = true;
    }
    if (status == RATLS_OK)
        *ret_job = job;
    else
        free_job(job);
    return status;
}

/* *ret_job is set before anybody is called: done() may take the job. */
enum ratls_status ratls_attester_begin(struct ratls_attester *interface,
                                       const struct ratls_attest_request *request,
                                       void (*done)(void *arg), void *arg,
                                       struct ratls_attest_job **ret_job, struct ratls_error *err)
{
    struct ratls_attest_job *job = NULL;
    enum ratls_status status = new_job((struct ratls_tpm_attester *)interface, request, &job, err);

    if (status != RATLS_OK)
        return status;
    *ret_job = job;
    if (job->needs_quote)
        ratls_worker_post(job->worker, &job->quote, done, arg);
    else
        done(arg);
    return RATLS_OK;
}

/* In a child of the process that began the job its worker must not be touched; what is left of the
 * quote stays the parent's. */
static bool is_ours(const struct ratls_attest_job *job)
{
    return !job->needs_quote || ratls_worker_is_ours(job->worker);
}

enum ratls_status ratls_attester_take(struct ratls_attester *interface,
                                      struct ratls_attest_job *job, uint8_t **ret_evidence,
                                      size_t *ret_len, struct ratls_error *err)
{
    struct ratls_tpm_attester *self = (struct ratls_tpm_attester *)interface;
    struct ratls_quoted quoted = {.quote = NULL};
    enum ratls_status status = RATLS_OK;

    if (!is_ours(job))
        status = ratls_fail(err, RATLS_TPM, "the evidence was begun before fork()");
    else if (job->needs_quote)
        status = ratls_worker_take(job->worker, &job->quote, &quoted, err);
    if (status == RATLS_OK)
        status = ratls_draft_finish(self, job->draft, &quoted, ret_evidence, ret_len, err);
    ratls_quoted_clear(&quoted);
    free_job(job);
    return status;
}

void ratls_attester_cancel(struct ratls_attester *interface, struct ratls_attest_job *job)
{
    (void)interface;
    if (is_ours(job) && job->needs_quote)
        ratls_worker_cancel(job->worker, &job->quote);
    free_job(job);
}
