#include "epochs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epoch_source.h"
#include "fail.h"
#include "thread.h"
#include "token_source.h"

#define MS_PER_S 1000
#define POLL_MS 1000  /* how often a file is looked at */
#define RETRY_MS 5000 /* after a failure */
#define ASK_TIMEOUT_S 5
#define STOP_MS 1000 /* longest wait for a thread that is to end */
#define RENEWED_MAX 8
#define IDLE_EPOCHS 2 /* without anybody who asks */

enum state {
    RESTING,
    FETCHING, /* waits for the network: is left behind if it must be */
    CALLING,  /* calls the attester: is waited for */
    EXITED,
};

struct ratls_epochs {
    pid_t process;
    char source[RATLS_EPOCH_SOURCE_MAX];
    uint64_t length_ms;
    struct ratls_epochs_options options; /* source is not valid any more */

    pthread_mutex_t lock; /* of what follows, up to the blank line */
    pthread_cond_t wake;
    pthread_cond_t changed; /* state */
    pthread_t thread;
    bool is_running;
    bool lacks_thread; /* none could be started, and that was told */
    bool is_stopping;
    bool is_orphaned;
    enum state state;
    struct ratls_epoch *now; /* NULL: there is none */
    uint64_t began;          /* when its time stamp was made */
    uint64_t last_use;
    uint64_t next_try;

    bool has_failed; /* from here on only the thread's */
    struct stat file;
};

static uint64_t clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * MS_PER_S + (uint64_t)t.tv_nsec / 1000000;
}

static void destroy(struct ratls_epochs *epochs)
{
    ratls_epoch_free(epochs->now);
    pthread_cond_destroy(&epochs->changed);
    pthread_cond_destroy(&epochs->wake);
    pthread_mutex_destroy(&epochs->lock);
    free(epochs);
}

/* ---- the thread's side ---- */

static void set_state(struct ratls_epochs *epochs, enum state state)
{
    epochs->state = state;
    pthread_cond_signal(&epochs->changed);
}

/* With the lock held; released meanwhile. The first failure of several, and the end of them. */
static void tell(struct ratls_epochs *epochs, const struct ratls_error *error)
{
    const bool has_failed = error->status != RATLS_OK;
    const bool is_news = has_failed != epochs->has_failed;
    char text[RATLS_ERROR_TEXT + 128];

    epochs->has_failed = has_failed;
    if (!is_news || epochs->options.notice == NULL || epochs->is_stopping)
        return;
    if (has_failed)
        snprintf(text, sizeof text,
                 "no time stamp: each connection waits for a quote of its own: %s", error->text);
    else
        snprintf(text, sizeof text, "time stamps come again: connections share quotes");
    set_state(epochs, CALLING);
    pthread_mutex_unlock(&epochs->lock);
    epochs->options.notice(epochs->options.notice_arg, text);
    pthread_mutex_lock(&epochs->lock);
    set_state(epochs, RESTING);
}

/* Without the lock. A file that did not change has nothing new, and is no failure. */
static enum ratls_status fetch(struct ratls_epochs *epochs, struct ratls_stamped *stamped,
                               struct ratls_error *err)
{
    enum ratls_status status;

    if (!ratls_epoch_source_is_file(epochs->source))
        return ratls_token_ask(epochs->source, ASK_TIMEOUT_S, stamped, err);
    (void)ratls_token_file_changed(epochs->source, &epochs->file);
    status = ratls_token_load(epochs->source, stamped, err);
    if (status == RATLS_OK && stamped->age_ms >= epochs->length_ms)
        return ratls_fail(err, RATLS_IO, "%.200s: the time stamp is %llu s old", epochs->source,
                          (unsigned long long)(stamped->age_ms / MS_PER_S));
    return status;
}

/* Without the lock: a new epoch, or NULL and why. */
static struct ratls_epoch *make_next(struct ratls_epochs *epochs, uint64_t *ret_began,
                                     struct ratls_error *err)
{
    struct ratls_stamped *stamped = malloc(sizeof *stamped);
    struct ratls_epoch *next = NULL;
    enum ratls_status status = stamped == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                               : fetch(epochs, stamped, err);

    if (status == RATLS_OK)
        status = ratls_epoch_new(ratls_slice(stamped->token, stamped->len), &next, err);
    if (status == RATLS_OK) {
        const uint64_t now = clock_ms();

        *ret_began = now > stamped->age_ms ? now - stamped->age_ms : 0;
    }
    free(stamped);
    return next;
}

/* With the lock held; released meanwhile. What many use now is there before the epoch begins. */
static void quote_ahead(struct ratls_epochs *epochs, struct ratls_epoch *next)
{
    struct ratls_epoch_use uses[RENEWED_MAX];
    size_t count = 0;

    if (epochs->now != NULL)
        count = ratls_epoch_popular(epochs->now, uses, RENEWED_MAX);
    set_state(epochs, CALLING);
    for (size_t i = 0; i < count && !epochs->is_stopping; i++) {
        pthread_mutex_unlock(&epochs->lock);
        epochs->options.quote(epochs->options.self, next, &uses[i]);
        pthread_mutex_lock(&epochs->lock);
    }
    set_state(epochs, RESTING);
}

/* With the lock held; released meanwhile. */
static void begin_next(struct ratls_epochs *epochs)
{
    struct ratls_error error = {0};
    struct ratls_epoch *next;
    uint64_t began = 0;

    set_state(epochs, FETCHING);
    pthread_mutex_unlock(&epochs->lock);
    next = make_next(epochs, &began, &error);
    pthread_mutex_lock(&epochs->lock);
    set_state(epochs, RESTING);
    tell(epochs, &error);
    if (next == NULL) {
        epochs->next_try = clock_ms() + RETRY_MS;
        return;
    }
    if (!epochs->is_stopping)
        quote_ahead(epochs, next);
    ratls_epoch_free(epochs->now);
    epochs->now = next;
    epochs->began = began;
    epochs->next_try = began + epochs->length_ms / 2;
}

/* With the lock held: when there is something to do next; UINT64_MAX: only when somebody asks. */
static uint64_t find_next(struct ratls_epochs *epochs, uint64_t now, bool *ret_begins)
{
    const uint64_t end = epochs->now == NULL ? UINT64_MAX : epochs->began + epochs->length_ms;
    const uint64_t idle = epochs->last_use + IDLE_EPOCHS * epochs->length_ms;
    const bool is_file = ratls_epoch_source_is_file(epochs->source);
    uint64_t next = epochs->next_try;

    if (now >= idle)
        return end;
    *ret_begins = now >= next && (!is_file || epochs->now == NULL);
    if (is_file) {
        *ret_begins = *ret_begins || ratls_token_file_changed(epochs->source, &epochs->file);
        next = now + POLL_MS;
    }
    next = next < idle ? next : idle;
    return next < end ? next : end;
}

/* With the lock held. */
static void wait_until(struct ratls_epochs *epochs, uint64_t time)
{
    const struct timespec limit = {(time_t)(time / MS_PER_S), (long)(time % MS_PER_S) * 1000000};

    if (time == UINT64_MAX)
        pthread_cond_wait(&epochs->wake, &epochs->lock);
    else
        (void)pthread_cond_timedwait(&epochs->wake, &epochs->lock, &limit);
}

static void *run(void *arg)
{
    struct ratls_epochs *epochs = arg;
    bool is_orphaned;

    pthread_mutex_lock(&epochs->lock);
    while (!epochs->is_stopping) {
        const uint64_t now = clock_ms();
        bool begins = false;
        uint64_t next;

        if (epochs->now != NULL && now >= epochs->began + epochs->length_ms) {
            ratls_epoch_free(epochs->now);
            epochs->now = NULL;
        }
        next = find_next(epochs, now, &begins);
        if (begins)
            begin_next(epochs);
        else
            wait_until(epochs, next);
    }
    set_state(epochs, EXITED);
    is_orphaned = epochs->is_orphaned;
    pthread_mutex_unlock(&epochs->lock);
    if (is_orphaned)
        destroy(epochs);
    return NULL;
}

/* ---- the callers' side ---- */

enum ratls_status ratls_epochs_new(const struct ratls_epochs_options *options,
                                   struct ratls_epochs **ret_epochs, struct ratls_error *err)
{
    struct ratls_epochs *epochs = calloc(1, sizeof *epochs);

    if (epochs == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    epochs->process = getpid();
    epochs->options = *options;
    epochs->options.source = NULL;
    epochs->length_ms = (uint64_t)options->length_s * MS_PER_S;
    snprintf(epochs->source, sizeof epochs->source, "%s", options->source);
    if (pthread_mutex_init(&epochs->lock, NULL) != 0)
        goto no_lock;
    if (!ratls_cond_init(&epochs->wake))
        goto no_wake;
    if (!ratls_cond_init(&epochs->changed))
        goto no_changed;
    *ret_epochs = epochs;
    return RATLS_OK;
no_changed:
    pthread_cond_destroy(&epochs->wake);
no_wake:
    pthread_mutex_destroy(&epochs->lock);
no_lock:
    free(epochs);
    return ratls_fail(err, RATLS_MEMORY, "no memory for a lock");
}

bool ratls_epochs_is_ours(const struct ratls_epochs *epochs)
{
    return epochs->process == getpid();
}

/*
 * With the lock held. Without a thread there are no epochs, and quotes for nonces as ever. False:
 * it cannot be started, for the first time of several.
 */
static bool start_thread(struct ratls_epochs *epochs)
{
    const bool lacked_thread = epochs->lacks_thread;

    epochs->is_running = ratls_thread_start(&epochs->thread, run, epochs) == 0;
    epochs->lacks_thread = !epochs->is_running;
    return epochs->is_running || lacked_thread;
}

struct ratls_epoch *ratls_epochs_now(struct ratls_epochs *epochs)
{
    const uint64_t now = clock_ms();
    struct ratls_epoch *epoch = NULL;
    bool is_known = true;

    pthread_mutex_lock(&epochs->lock);
    /* A thread that rested, or is at its end, has something to do again. */
    if (epochs->now == NULL || now >= epochs->last_use + epochs->length_ms)
        pthread_cond_signal(&epochs->wake);
    epochs->last_use = now;
    if (!epochs->is_running)
        is_known = start_thread(epochs);
    if (epochs->now != NULL && now < epochs->began + epochs->length_ms)
        epoch = ratls_epoch_up_ref(epochs->now);
    pthread_mutex_unlock(&epochs->lock);
    if (!is_known && epochs->options.notice != NULL)
        epochs->options.notice(epochs->options.notice_arg,
                               "no thread for time stamps can be started: each connection waits "
                               "for a quote of its own");
    return epoch;
}

void ratls_epochs_free(struct ratls_epochs *epochs)
{
    struct timespec limit = ratls_time_from_now(STOP_MS);
    int result = 0;

    pthread_mutex_lock(&epochs->lock);
    epochs->is_stopping = true;
    pthread_cond_signal(&epochs->wake);
    if (!epochs->is_running) {
        pthread_mutex_unlock(&epochs->lock);
        destroy(epochs);
        return;
    }
    /* A quote ends by the deadline of the TPM; the network may take longer. */
    while (epochs->state != EXITED && (result != ETIMEDOUT || epochs->state == CALLING)) {
        if (result == ETIMEDOUT)
            pthread_cond_wait(&epochs->changed, &epochs->lock);
        else
            result = pthread_cond_timedwait(&epochs->changed, &epochs->lock, &limit);
    }
    if (epochs->state != EXITED) {
        epochs->is_orphaned = true;
        pthread_detach(epochs->thread);
        pthread_mutex_unlock(&epochs->lock);
        return;
    }
    pthread_mutex_unlock(&epochs->lock);
    pthread_join(epochs->thread, NULL);
    destroy(epochs);
}
