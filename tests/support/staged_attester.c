#include "staged_attester.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

struct ratls_attest_job {
    struct ratls_attest_request request;
    void (*done)(void *arg);
    void *arg;
};

static enum ratls_status fail(struct ratls_error *error)
{
    if (error != NULL && error->text[0] == '\0')
        *error = (struct ratls_error){.status = RATLS_TPM, .text = "the TPM has left"};
    return RATLS_TPM;
}

static enum ratls_status attest(struct ratls_attester *self,
                                const struct ratls_attest_request *request, uint8_t **ret_evidence,
                                size_t *ret_len, struct ratls_error *ret_error)
{
    struct staged_attester *staged = (struct staged_attester *)self;

    atomic_fetch_add(&staged->asked, 1);
    if (staged->fails)
        return fail(ret_error);
    return staged->behind->attest(staged->behind, request, ret_evidence, ret_len, ret_error);
}

static enum ratls_status begin(struct ratls_attester *self,
                               const struct ratls_attest_request *request, void (*done)(void *arg),
                               void *arg, struct ratls_attest_job **ret_job,
                               struct ratls_error *ret_error)
{
    struct staged_attester *staged = (struct staged_attester *)self;
    struct ratls_attest_job *job = calloc(1, sizeof *job);

    (void)ret_error;
    must(job != NULL && staged->job == NULL);
    *job = (struct ratls_attest_job){.request = *request, .done = done, .arg = arg};
    staged->job = *ret_job = job;
    atomic_fetch_add(&staged->begun, 1);
    return RATLS_OK;
}

static enum ratls_status take(struct ratls_attester *self, struct ratls_attest_job *job,
                              uint8_t **ret_evidence, size_t *ret_len,
                              struct ratls_error *ret_error)
{
    enum ratls_status status = attest(self, &job->request, ret_evidence, ret_len, ret_error);

    free(job);
    return status;
}

static void cancel(struct ratls_attester *self, struct ratls_attest_job *job)
{
    struct staged_attester *staged = (struct staged_attester *)self;

    staged->cancelled++;
    if (staged->job == job)
        staged->job = NULL;
    free(job);
}

static enum ratls_status get_state(struct ratls_attester *self,
                                   const struct ratls_pcr_selection *selection,
                                   uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    const struct staged_attester *staged = (const struct staged_attester *)self;
    unsigned state = atomic_load(&staged->state);

    (void)selection;
    if (staged->fails)
        return fail(ret_error);
    memset(ret_digest, 0, 32);
    memcpy(ret_digest, &state, sizeof state);
    return RATLS_OK;
}

static struct ratls_attester *add_reference(struct ratls_attester *self)
{
    return self;
}

static void drop_reference(struct ratls_attester *self)
{
    (void)self;
}

struct staged_attester *staged_attester_new(struct ratls_attester *behind, bool is_slow)
{
    struct staged_attester *staged = calloc(1, sizeof *staged);

    must(staged != NULL);
    staged->base = (struct ratls_attester){
        .attest = attest, .up_ref = add_reference, .free = drop_reference, .state = get_state};
    if (is_slow) {
        staged->base.begin = begin;
        staged->base.take = take;
        staged->base.cancel = cancel;
    }
    staged->behind = behind;
    return staged;
}

void staged_attester_free(struct staged_attester *staged)
{
    free(staged);
}

void staged_finish(struct staged_attester *staged)
{
    struct ratls_attest_job *job = staged->job;

    must(job != NULL);
    staged->job = NULL;
    job->done(job->arg);
}

/* ---- the state without waiting ---- */

struct ratls_state_job {
    void (*done)(void *arg);
    void *arg;
    unsigned state;
};

static enum ratls_status begin_state(struct ratls_attester *self,
                                     const struct ratls_pcr_selection *selection,
                                     void (*done)(void *arg), void *arg,
                                     struct ratls_state_job **ret_job,
                                     struct ratls_error *ret_error)
{
    struct staged_attester *staged = (struct staged_attester *)self;
    struct ratls_state_job *job = calloc(1, sizeof *job);

    (void)selection, (void)ret_error;
    must(job != NULL && staged->looking == NULL);
    *job = (struct ratls_state_job){.done = done, .arg = arg};
    staged->looking = *ret_job = job;
    staged->looks++;
    return RATLS_OK;
}

static enum ratls_status take_state(struct ratls_attester *self, struct ratls_state_job *job,
                                    uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    const struct staged_attester *staged = (const struct staged_attester *)self;
    const unsigned state = job->state;

    free(job);
    if (staged->fails)
        return fail(ret_error);
    memset(ret_digest, 0, 32);
    memcpy(ret_digest, &state, sizeof state);
    return RATLS_OK;
}

static void cancel_state(struct ratls_attester *self, struct ratls_state_job *job)
{
    struct staged_attester *staged = (struct staged_attester *)self;

    staged->cancelled_looks++;
    if (staged->looking == job)
        staged->looking = NULL;
    free(job);
}

void staged_tell_states_late(struct staged_attester *staged)
{
    staged->base.begin_state = begin_state;
    staged->base.take_state = take_state;
    staged->base.cancel_state = cancel_state;
    staged->base.state = NULL;
}

void staged_tell_state(struct staged_attester *staged)
{
    struct ratls_state_job *job = staged->looking;

    must(job != NULL);
    staged->looking = NULL;
    job->state = atomic_load(&staged->state);
    job->done(job->arg);
}
