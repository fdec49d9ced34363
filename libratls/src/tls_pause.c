/*
 * A handshake that pauses stands with all its frames on the stack of an ASYNC job, 32 KiB that
 * OpenSSL gives back only when the job has run to its end. A program frees the SSL of a client that
 * is gone whether it has or not, and OpenSSL forgets the job: each such client would cost the stack
 * and what its frames hold. So when the SSL is freed, the job is resumed once more, and finds that
 * it has failed. By then the program's own data may be gone, so nothing of the program is called:
 * no alert is written, and the info callback, the only one that OpenSSL calls behind a failure, is
 * ours and keeps silent (tls_client.c).
 *
 * A job can only be ended by the thread that it belongs to, outside of any other job, and where the
 * info callback is known to be ours. Elsewhere it is lost, as every paused job is without us; after
 * LOST_MAX of them nothing pauses in this process any more, so that its memory stays bounded.
 */
#include "tls_pause.h"

#include <errno.h>
#include <openssl/async.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "doorbell.h"
#include "fail.h"
#include "tls_contexts.h"
#include "tls_internal.h"

#define LOST_MAX 64 /* of about 40 KiB each */

/*
 * Programs expect a descriptor that they were told of to stay what it is until the SSL is freed,
 * and to be told of each that the SSL then has: HAProxy keeps them in a table, and aborts when it
 * does not find one there. So it is shown when the job is about to pause, and from then on belongs
 * to the wait context of the job, which is the SSL's own as a rule; before, to the channel.
 */
struct ratls_pause {
    struct ratls_doorbell bell;
    ASYNC_WAIT_CTX *waiting;
    struct ratls_channel *channel; /* NULL: it is gone */
    pid_t process;
    bool is_shown;

    /* As long as evidence is being made: */
    SSL *ssl;
    const SSL_CTX *ctx; /* only compared */
    ASYNC_JOB *job;
    unsigned long thread;
    OSSL_HANDSHAKE_STATE state;
    struct ratls_attester *attester; /* a reference */
    struct ratls_attest_job *making; /* NULL: nobody wants it any more */
    bool is_announced;               /* shown, for this evidence */
    bool is_own_job;                 /* of the SSL; else the program goes on with it by itself */
    bool is_paused;
    bool is_ending;
};

static atomic_uint lost;

/* Never that of a thread that has ended, which pthread_self() may be. */
static unsigned long this_thread(void)
{
    static atomic_ulong last;
    static _Thread_local unsigned long number;

    if (number == 0)
        number = atomic_fetch_add(&last, 1) + 1;
    return number;
}

/* ---- the end of a handshake that pauses ---- */

static bool can_end(const struct ratls_pause *pause)
{
    return pause->thread == this_thread() && ASYNC_get_current_job() == NULL &&
           ratls_progress_is_watched(pause->ssl, pause->channel);
}

static void end_job(struct ratls_pause *pause)
{
    const int cause = errno;
    int result;

    pause->is_ending = true;
    ERR_set_mark();
    if (ASYNC_start_job(&pause->job, pause->waiting, &result, NULL, NULL, 0) != ASYNC_FINISH)
        atomic_fetch_add(&lost, 1);
    ERR_pop_to_mark();
    pause->is_ending = false;
    errno = cause;
}

static void give_up(struct ratls_pause *pause)
{
    pause->attester->cancel(pause->attester, pause->making);
    pause->making = NULL;
}

static void abandon(struct ratls_pause *pause)
{
    if (!pause->is_paused)
        return;
    pause->is_paused = false;
    give_up(pause);
    if (!pause->is_own_job)
        return;
    if (can_end(pause)) {
        end_job(pause);
        return;
    }
    pause->attester->free(pause->attester);
    atomic_fetch_add(&lost, 1);
}

static void free_pause(struct ratls_pause *pause)
{
    if (pause->channel != NULL)
        pause->channel->pause = NULL;
    ratls_doorbell_close(&pause->bell);
    free(pause);
}

/* The wait context is freed, as one of the last things of its SSL. */
static void drop(ASYNC_WAIT_CTX *waiting, const void *key, OSSL_ASYNC_FD fd, void *arg)
{
    (void)waiting, (void)key, (void)fd;
    abandon(arg);
    free_pause(arg);
}

/* The channel has no use for it any more. */
static void leave(struct ratls_pause *pause)
{
    if (!pause->is_shown) {
        free_pause(pause);
        return;
    }
    pause->channel->pause = NULL;
    pause->channel = NULL;
}

/* OpenSSL 3.0 frees the channel before the wait context, 3.2 after it. */
void ratls_pause_leave(struct ratls_channel *channel)
{
    if (channel->pause == NULL)
        return;
    abandon(channel->pause);
    leave(channel->pause);
}

int ratls_pause_fd(const struct ratls_channel *channel)
{
    const struct ratls_pause *pause = channel == NULL ? NULL : channel->pause;

    return pause == NULL || !pause->is_paused ? -1 : pause->bell.fd;
}

bool ratls_pause_is_ending(const struct ratls_channel *channel)
{
    return channel->pause != NULL && channel->pause->is_ending;
}

/* ---- the pause ---- */

static void hide(struct ratls_pause *pause)
{
    if (pause->is_shown)
        ASYNC_WAIT_CTX_clear_fd(pause->waiting, pause);
    pause->is_shown = false;
}

static size_t count_fds(SSL *ssl)
{
    size_t count = 0;

    return SSL_get_all_async_fds(ssl, NULL, &count) ? count : 0;
}

/* Anew each time, so that it is the first: OpenSSL 3.2 looks at it when those before are freed. */
static bool show(struct ratls_pause *pause)
{
    size_t count;

    hide(pause);
    count = count_fds(pause->ssl);
    pause->is_shown =
        ASYNC_WAIT_CTX_set_wait_fd(pause->waiting, pause, pause->bell.fd, pause, drop);
    pause->is_own_job = count_fds(pause->ssl) > count;
    return pause->is_shown;
}

/* That of an earlier handshake of the SSL, if it is of this job's wait context and process. */
static struct ratls_pause *find_pause(struct ratls_channel *channel, ASYNC_WAIT_CTX *waiting)
{
    struct ratls_pause *pause = channel->pause;

    if (pause != NULL && pause->waiting == waiting && pause->process == getpid())
        return pause;
    if (pause != NULL && pause->waiting == waiting)
        hide(pause); /* its descriptor is shared with the parent */
    if (pause != NULL)
        leave(pause);
    pause = calloc(1, sizeof *pause);
    if (pause == NULL)
        return NULL;
    *pause = (struct ratls_pause){
        .bell.fd = -1, .waiting = waiting, .channel = channel, .process = getpid()};
    channel->pause = pause;
    return pause;
}

void ratls_pause_expect(const struct ratls_channel *channel)
{
    if (ASYNC_get_current_job() != NULL && !channel->is_watched)
        ratls_tls_contexts_watch();
}

/* NULL: the thread has to wait. */
static struct ratls_pause *prepare(SSL *ssl, struct ratls_channel *channel,
                                   const struct ratls_attester *attester)
{
    ASYNC_JOB *job = ASYNC_get_current_job();
    ASYNC_WAIT_CTX *waiting = job == NULL ? NULL : ASYNC_get_wait_ctx(job);
    struct ratls_pause *pause;

    if (waiting == NULL || attester->begin == NULL || atomic_load(&lost) >= LOST_MAX)
        return NULL;
    pause = find_pause(channel, waiting);
    if (pause == NULL || !ratls_doorbell_prepare(&pause->bell))
        return NULL;
    pause->ssl = ssl;
    pause->ctx = SSL_get_SSL_CTX(ssl);
    pause->job = job;
    pause->thread = this_thread();
    pause->state = SSL_get_state(ssl);
    pause->is_announced = false;
    return pause;
}

/* ASYNC_block_pause(3) makes of a pause nothing; a pause that was one forgets what was added. */
static bool is_blocked(const struct ratls_pause *pause)
{
    size_t added = 0, deleted = 0;

    return ASYNC_WAIT_CTX_get_changed_fds(pause->waiting, NULL, &added, NULL, &deleted) &&
           added != 0;
}

static void wait_here(const struct ratls_pause *pause)
{
    struct pollfd polled = {.fd = pause->bell.fd, .events = POLLIN};

    (void)poll(&polled, 1, -1);
}

/* False: it cannot. When it returns true, the program has resumed the job. */
static bool try_pause(struct ratls_pause *pause)
{
    bool has_paused;

    if (!pause->is_announced && !show(pause))
        return false;
    pause->is_announced = pause->is_paused = true;
    has_paused = ASYNC_pause_job() && !is_blocked(pause);
    pause->is_paused = false;
    if (!has_paused)
        hide(pause);
    pause->is_announced = has_paused;
    return has_paused;
}

/*
 * SSL_clear() takes the handshake away under a job that pauses: the message that its frames write
 * is freed. So are the certificates and extensions in use, by SSL_set_SSL_CTX() with another.
 */
static bool is_same_handshake(const struct ratls_pause *pause)
{
    return SSL_get_state(pause->ssl) == pause->state && SSL_get_SSL_CTX(pause->ssl) == pause->ctx;
}

/* Programs resume as often as they like. False: the evidence is of no use any more. */
static bool await(struct ratls_pause *pause)
{
    while (pause->process == getpid() && !ratls_doorbell_has_rung(&pause->bell)) {
        if (!try_pause(pause))
            wait_here(pause);
        if (pause->making == NULL || !is_same_handshake(pause))
            return false;
    }
    return true;
}

/* What was told to be shut down sends no alert. */
static enum ratls_status fail_abandoned(struct ratls_pause *pause, struct ratls_error *err)
{
    if (pause->making != NULL)
        give_up(pause);
    SSL_set_shutdown(pause->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    return ratls_fail(err, RATLS_USAGE, "the handshake was given up while it waited for evidence");
}

enum ratls_status ratls_pause_attest(SSL *ssl, struct ratls_channel *channel,
                                     struct ratls_attester *attester,
                                     const struct ratls_attest_request *request,
                                     uint8_t **ret_evidence, size_t *ret_len,
                                     struct ratls_error *err)
{
    struct ratls_pause *pause = prepare(ssl, channel, attester);
    enum ratls_status status;

    if (pause == NULL)
        return attester->attest(attester, request, ret_evidence, ret_len, err);
    attester = attester->up_ref(attester); /* its SSL_CTX may be freed meanwhile */
    pause->attester = attester;
    pause->making = NULL;
    status =
        attester->begin(attester, request, ratls_doorbell_ring, &pause->bell, &pause->making, err);
    if (status == RATLS_OK && !await(pause))
        status = fail_abandoned(pause, err);
    else if (status == RATLS_OK)
        status = attester->take(attester, pause->making, ret_evidence, ret_len, err);
    attester->free(attester);
    return status;
}
