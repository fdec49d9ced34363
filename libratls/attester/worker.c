/* The life of a worker and its threads. */
#include "worker.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "seals.h"
#include "thread.h"
#include "worker_parts.h"

#define STOP_MS 1000 /* longest wait for a thread that is to end */

#define CONDS 5

static void list_conds(struct ratls_worker *worker, pthread_cond_t *ret_conds[static CONDS])
{
    ret_conds[0] = &worker->tpm_thread.wake;
    ret_conds[1] = &worker->tpm_thread.exited;
    ret_conds[2] = &worker->caller.wake;
    ret_conds[3] = &worker->caller.exited;
    ret_conds[4] = &worker->returned;
}

static bool init_locks(struct ratls_worker *worker)
{
    pthread_cond_t *conds[CONDS];
    size_t i = 0;

    list_conds(worker, conds);
    if (pthread_mutex_init(&worker->lock, NULL) != 0)
        return false;
    while (i < CONDS && ratls_cond_init(conds[i]))
        i++;
    if (i == CONDS)
        return true;
    while (i-- > 0)
        pthread_cond_destroy(conds[i]);
    pthread_mutex_destroy(&worker->lock);
    return false;
}

static void destroy_worker(struct ratls_worker *worker)
{
    pthread_cond_t *conds[CONDS];

    list_conds(worker, conds);
    for (size_t i = 0; i < CONDS; i++)
        pthread_cond_destroy(conds[i]);
    pthread_mutex_destroy(&worker->lock);
    ratls_ak_state_clear(&worker->state);
    free(worker);
}

enum ratls_status ratls_worker_new(const struct ratls_ak_state *state, const char *tcti,
                                   size_t queue_max, struct ratls_worker **ret_worker,
                                   struct ratls_error *err)
{
    struct ratls_worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    worker->process = getpid();
    worker->users = 1;
    worker->queue_max = queue_max;
    ratls_batches_init(&worker->batches);
    ratls_ring_init(&worker->by_age);
    ratls_ring_init(&worker->over);
    worker->ak.key = ESYS_TR_NONE;
    worker->state = *state;
    worker->state.certificate_count = 0;
    worker->state.seals = NULL;
    worker->has_tcti = tcti != NULL;
    if (tcti != NULL)
        memccpy(worker->tcti, tcti, '\0', sizeof worker->tcti - 1);
    if (state->seals != NULL) {
        enum ratls_status status = ratls_seals_copy(state->seals, &worker->state.seals, err);

        if (status != RATLS_OK) {
            free(worker);
            return status;
        }
    }
    if (!init_locks(worker)) {
        ratls_seals_free(worker->state.seals);
        free(worker);
        return ratls_fail(err, RATLS_MEMORY, "no memory for a lock");
    }
    *ret_worker = worker;
    return RATLS_OK;
}

bool ratls_worker_is_ours(const struct ratls_worker *worker)
{
    return worker->process == getpid();
}

void ratls_worker_leave(struct ratls_worker *worker)
{
    bool is_last;

    pthread_mutex_lock(&worker->lock);
    is_last = --worker->users == 0;
    pthread_mutex_unlock(&worker->lock);
    if (is_last)
        destroy_worker(worker);
}

enum ratls_status ratls_worker_start(struct ratls_worker *worker, struct ratls_helper *helper,
                                     void *(*run)(void *arg), struct ratls_error *err)
{
    int result;

    if (helper->is_running)
        return RATLS_OK;
    result = ratls_thread_start(&helper->thread, run, worker);
    if (result != 0)
        return ratls_fail(err, RATLS_TPM, "starting the thread of the TPM: %s", strerror(result));
    helper->is_running = true;
    worker->users++;
    return RATLS_OK;
}

/* With the lock held; released meanwhile. A thread that does not end is left behind. */
static void end_helper(struct ratls_worker *worker, struct ratls_helper *helper,
                       const struct timespec *limit)
{
    if (!helper->is_running)
        return;
    pthread_cond_signal(&helper->wake);
    ratls_thread_end(helper->thread, &worker->lock, &helper->exited, &helper->has_exited, limit);
}

void ratls_worker_free(struct ratls_worker *worker)
{
    struct timespec limit = ratls_time_from_now(STOP_MS);

    pthread_mutex_lock(&worker->lock);
    worker->is_stopping = true;
    end_helper(worker, &worker->tpm_thread, &limit);
    end_helper(worker, &worker->caller, &limit);
    pthread_mutex_unlock(&worker->lock);
    ratls_worker_leave(worker);
}

/* Each is a user from when it runs, and until after it was asked for to end. */
unsigned ratls_worker_threads(struct ratls_worker *worker)
{
    unsigned count;

    pthread_mutex_lock(&worker->lock);
    count = worker->users - 1;
    pthread_mutex_unlock(&worker->lock);
    return count;
}
