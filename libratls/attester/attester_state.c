#include "attester_state.h"

#include <stdlib.h>
#include <string.h>

#include "attester_parts.h"
#include "fail.h"
#include "request.h"

struct ratls_state_job {
    struct ratls_tpm_attester *attester; /* a reference */
    struct ratls_worker *worker;
    bool is_known;
    struct ratls_job reading; /* if it is not known */
    uint8_t digest[RATLS_MEASURED_LEN];
};

static void free_job(struct ratls_state_job *job)
{
    struct ratls_attester *interface = &job->attester->base;

    free(job);
    interface->free(interface);
}

static enum ratls_status prepare(struct ratls_state_job *job,
                                 const struct ratls_pcr_selection *selection,
                                 struct ratls_error *err)
{
    enum ratls_status status = ratls_attester_worker(job->attester, &job->worker, err);

    if (status != RATLS_OK)
        return status;
    job->is_known = ratls_worker_knows_state(job->worker, selection, job->digest);
    return job->is_known ? RATLS_OK
                         : ratls_worker_prepare(job->worker, selection, NULL,
                                                job->attester->deadline_ms, &job->reading, err);
}

enum ratls_status ratls_state_begin(struct ratls_attester *attester,
                                    const struct ratls_pcr_selection *selection,
                                    void (*done)(void *arg), void *arg,
                                    struct ratls_state_job **ret_job, struct ratls_error *err)
{
    struct ratls_state_job *job;
    enum ratls_status status;

    if (!ratls_selection_valid(selection))
        return ratls_fail(err, RATLS_USAGE, "measured state: malformed PCR selection");
    job = calloc(1, sizeof *job);
    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    job->attester = (struct ratls_tpm_attester *)attester->up_ref(attester);
    status = prepare(job, selection, err);
    if (status != RATLS_OK) {
        free_job(job);
        return status;
    }
    *ret_job = job; /* before anybody is called: done() may take it */
    if (job->is_known)
        done(arg);
    else
        ratls_worker_post(job->worker, &job->reading, done, arg);
    return RATLS_OK;
}

enum ratls_status ratls_state_take(struct ratls_state_job *job, uint8_t ret_digest[32],
                                   struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (job->is_known)
        memcpy(ret_digest, job->digest, sizeof job->digest);
    else
        status = ratls_worker_take_state(job->worker, &job->reading, ret_digest, err);
    free_job(job);
    return status;
}

void ratls_state_cancel(struct ratls_state_job *job)
{
    if (!job->is_known)
        ratls_worker_cancel(job->worker, &job->reading);
    free_job(job);
}
