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
    unsigned age_ms;
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
    /* Who does not wait for it has time for a younger one than the oldest that may be taken. */
    job->is_known = ratls_worker_knows_state(job->worker, selection, RATLS_STATE_YOUNG_MS,
                                             job->digest, &job->age_ms);
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

/* As with evidence: a child of the process that began the job must not touch its worker. */
static bool is_ours(const struct ratls_state_job *job)
{
    return job->is_known || ratls_worker_is_ours(job->worker);
}

enum ratls_status ratls_state_take(struct ratls_state_job *job, uint8_t ret_digest[32],
                                   unsigned *ret_age_ms, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (job->is_known)
        memcpy(ret_digest, job->digest, sizeof job->digest);
    else if (!is_ours(job))
        status = ratls_fail(err, RATLS_TPM, "the measured state was begun before fork()");
    else
        status = ratls_worker_take_state(job->worker, &job->reading, ret_digest, err);
    if (status == RATLS_OK)
        *ret_age_ms = job->age_ms;
    free_job(job);
    return status;
}

void ratls_state_cancel(struct ratls_state_job *job)
{
    if (!job->is_known && is_ours(job))
        ratls_worker_cancel(job->worker, &job->reading);
    free_job(job);
}

/* ---- the members of the interface ---- */

static enum ratls_status take_state(struct ratls_attester *interface, struct ratls_state_job *job,
                                    uint8_t ret_digest[32], struct ratls_error *err)
{
    unsigned age_ms;

    (void)interface;
    return ratls_state_take(job, ret_digest, &age_ms, err);
}

static void cancel_state(struct ratls_attester *interface, struct ratls_state_job *job)
{
    (void)interface;
    ratls_state_cancel(job);
}

static enum ratls_status find_worker(struct ratls_attester *interface,
                                     const struct ratls_pcr_selection *selection,
                                     struct ratls_worker **ret_worker, struct ratls_error *err)
{
    if (!ratls_selection_valid(selection))
        return ratls_fail(err, RATLS_USAGE, "measured state: malformed PCR selection");
    return ratls_attester_worker((struct ratls_tpm_attester *)interface, ret_worker, err);
}

static enum ratls_status known_state(struct ratls_attester *interface,
                                     const struct ratls_pcr_selection *selection,
                                     uint8_t ret_digest[32], struct ratls_error *err)
{
    const unsigned deadline_ms = ((struct ratls_tpm_attester *)interface)->deadline_ms;
    struct ratls_worker *worker = NULL;
    enum ratls_status status = find_worker(interface, selection, &worker, err);

    if (status == RATLS_OK && !ratls_worker_want_state(worker, selection, deadline_ms, ret_digest))
        status = ratls_fail(err, RATLS_TPM, "the measured state is not at hand");
    return status;
}

static enum ratls_status read_state(struct ratls_attester *interface,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[32], struct ratls_error *err)
{
    const unsigned deadline_ms = ((struct ratls_tpm_attester *)interface)->deadline_ms;
    struct ratls_worker *worker = NULL;
    enum ratls_status status = find_worker(interface, selection, &worker, err);

    return status == RATLS_OK ? ratls_worker_state(worker, selection, deadline_ms, ret_digest, err)
                              : status;
}

void ratls_attester_add_state(struct ratls_attester *interface)
{
    interface->state = read_state;
    interface->begin_state = ratls_state_begin;
    interface->take_state = take_state;
    interface->cancel_state = cancel_state;
    interface->known_state = known_state;
}
