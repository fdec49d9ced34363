/* The interface of <ratls/attester.h> over a TPM that is none. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "fake_tpm.h"
#include "measured.h"
#include "must.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000L

struct fake_attester {
    struct ratls_attester base;
    atomic_uint references;
    pthread_mutex_t lock; /* a TPM does one thing at a time */
    struct fake_tpm *tpm;
    fake_tamper *tamper;
    void *arg;
    struct fake_attester_knobs *knobs;
    /* Kept, not made for each quote: to free so much makes malloc tidy up, on somebody's time. */
    struct fake_draft draft;
};

struct ratls_attest_job {
    struct ratls_attester *attester;
    struct ratls_attest_request request;
    void (*done)(void *arg);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    bool is_cancelled;
    enum ratls_status status;
    struct ratls_error error;
    uint8_t *evidence;
    size_t len;
};

static void be_slow(const struct fake_attester *attester)
{
    const unsigned ms = attester->knobs == NULL ? 0 : atomic_load(&attester->knobs->delay_ms);
    const struct timespec pause = {ms / MS_PER_S, (long)(ms % MS_PER_S) * NS_PER_MS};

    if (ms != 0)
        nanosleep(&pause, NULL);
}

static bool is_failing(const struct fake_attester *attester)
{
    return attester->knobs != NULL && atomic_load(&attester->knobs->fails);
}

static enum ratls_status attest(struct ratls_attester *self,
                                const struct ratls_attest_request *request,
                                uint8_t **ret_evidence, size_t *ret_len,
                                struct ratls_error *ret_error)
{
    struct fake_attester *attester = (struct fake_attester *)self;
    enum ratls_status status = RATLS_OK;
    const struct fake_draft *draft = &attester->draft;
    uint8_t *out;

    be_slow(attester);
    if (is_failing(attester))
        return ratls_fail(ret_error, RATLS_TPM, "the fake TPM fails");
    pthread_mutex_lock(&attester->lock);
    fake_tpm_attest_into(attester->tpm, request, attester->tamper, attester->arg, &attester->draft);
    out = malloc(draft->wire_len + 1);
    if (out == NULL) {
        status = ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    } else {
        memcpy(out, draft->wire, draft->wire_len);
        *ret_evidence = out;
        *ret_len = draft->wire_len;
    }
    pthread_mutex_unlock(&attester->lock);
    return status;
}

/* After done() the job may be gone. */
static void *run_job(void *arg)
{
    struct ratls_attest_job *job = arg;
    bool is_cancelled;

    job->status = attest(job->attester, &job->request, &job->evidence, &job->len, &job->error);
    pthread_mutex_lock(&job->lock);
    is_cancelled = job->is_cancelled;
    pthread_mutex_unlock(&job->lock);
    if (!is_cancelled)
        job->done(job->arg);
    return NULL;
}

static enum ratls_status begin(struct ratls_attester *self,
                               const struct ratls_attest_request *request, void (*done)(void *arg),
                               void *arg, struct ratls_attest_job **ret_job,
                               struct ratls_error *ret_error)
{
    struct ratls_attest_job *job = calloc(1, sizeof *job);

    if (job == NULL)
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    job->attester = self->up_ref(self);
    job->request = *request;
    job->done = done;
    job->arg = arg;
    must(pthread_mutex_init(&job->lock, NULL) == 0);
    *ret_job = job;
    must(pthread_create(&job->thread, NULL, run_job, job) == 0);
    return RATLS_OK;
}

static void end_job(struct ratls_attest_job *job)
{
    if (pthread_equal(job->thread, pthread_self()))
        pthread_detach(job->thread);
    else
        pthread_join(job->thread, NULL);
    pthread_mutex_destroy(&job->lock);
    job->attester->free(job->attester);
    free(job);
}

static enum ratls_status take(struct ratls_attester *self, struct ratls_attest_job *job,
                              uint8_t **ret_evidence, size_t *ret_len,
                              struct ratls_error *ret_error)
{
    const enum ratls_status status = job->status;

    (void)self;
    if (status == RATLS_OK) {
        *ret_evidence = job->evidence;
        *ret_len = job->len;
    } else {
        ratls_fail(ret_error, status, "%s", job->error.text);
    }
    end_job(job);
    return status;
}

static void cancel(struct ratls_attester *self, struct ratls_attest_job *job)
{
    (void)self;
    pthread_mutex_lock(&job->lock);
    job->is_cancelled = true;
    pthread_mutex_unlock(&job->lock);
    if (!pthread_equal(job->thread, pthread_self()))
        pthread_join(job->thread, NULL);
    free(job->evidence);
    job->attester->free(job->attester);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

/* What a quote of now would show: made from one, which nobody changes or counts. */
static enum ratls_status read_state(struct ratls_attester *self,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    struct fake_attester *attester = (struct fake_attester *)self;
    const struct ratls_attest_request request = {
        .mode = RATLS_MODE_HANDSHAKE, .role = RATLS_ROLE_SERVER, .selection = *selection};
    const struct fake_draft *draft = &attester->draft;
    enum ratls_status status;

    be_slow(attester);
    if (attester->knobs != NULL)
        atomic_fetch_add(&attester->knobs->states, 1);
    if (is_failing(attester))
        return ratls_fail(ret_error, RATLS_TPM, "the fake TPM fails");
    pthread_mutex_lock(&attester->lock);
    fake_tpm_attest_into(attester->tpm, &request, NULL, NULL, &attester->draft);
    status =
        ratls_measured_evidence(ratls_slice(draft->wire, draft->wire_len), ret_digest, ret_error);
    pthread_mutex_unlock(&attester->lock);
    return status;
}

static struct ratls_attester *add_reference(struct ratls_attester *self)
{
    atomic_fetch_add(&((struct fake_attester *)self)->references, 1);
    return self;
}

static void drop_reference(struct ratls_attester *self)
{
    struct fake_attester *attester = (struct fake_attester *)self;

    if (attester == NULL || atomic_fetch_sub(&attester->references, 1) > 1)
        return;
    pthread_mutex_destroy(&attester->lock);
    free(attester);
}

struct ratls_attester *fake_attester_new(struct fake_tpm *tpm, fake_tamper *tamper, void *arg)
{
    struct fake_attester *attester = calloc(1, sizeof *attester);

    must(attester != NULL);
    attester->base = (struct ratls_attester){.attest = attest,
                                             .up_ref = add_reference,
                                             .free = drop_reference,
                                             .begin = begin,
                                             .take = take,
                                             .cancel = cancel,
                                             .state = read_state};
    attester->references = 1;
    must(pthread_mutex_init(&attester->lock, NULL) == 0);
    attester->tpm = tpm;
    attester->tamper = tamper;
    attester->arg = arg;
    return &attester->base;
}

void fake_attester_set_knobs(struct ratls_attester *interface, struct fake_attester_knobs *knobs)
{
    ((struct fake_attester *)interface)->knobs = knobs;
}
