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
 * Belongs to the wait context of the job, which is the SSL's own as a rule: programs expect its
 * descriptor to stay what it is until the SSL is freed (HAProxy keeps it in its table so long).
 */
struct ratls_pause {
    struct ratls_doorbell bell;
    ASYNC_WAIT_CTX *waiting;
    struct ratls_channel *channel; /* NULL: it is gone */
    pid_t process;

    /* As long as evidence is being made: */
    SSL *ssl;
    ASYNC_JOB *job;
    unsigned long thread;
    OSSL_HANDSHAKE_STATE state;
    struct ratls_attester *attester; /* a reference */
    struct ratls_attest_job *making; /* NULL: nobody wants it any more */
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

/* Of the SSL's own job: one that the program has made it goes on with by itself. */
static bool is_own_job(const struct ratls_pause *pause)
{
    OSSL_ASYNC_FD *fds;
    size_t count = 0;
    bool is_own = false;

    if (!SSL_waiting_for_async(pause->ssl) || !SSL_get_all_async_fds(pause->ssl, NULL, &count) ||
        count == 0)
        return false;
    fds = calloc(count, sizeof *fds);
    if (fds != NULL && SSL_get_all_async_fds(pause->ssl, fds, &count))
        for (size_t i = 0; i < count; i++)
            is_own = is_own || fds[i] == pause->bell.fd;
    free(fds);
    return is_own;
}

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
    if (!is_own_job(pause))
        return;
    if (can_end(pause)) {
        end_job(pause);
        return;
    }
    pause->attester->free(pause->attester);
    atomic_fetch_add(&lost, 1);
}

/* The wait context is freed, as the last thing of its SSL. */
static void drop(ASYNC_WAIT_CTX *waiting, const void *key, OSSL_ASYNC_FD fd, void *arg)
{
    struct ratls_pause *pause = arg;

    (void)waiting, (void)key, (void)fd;
    abandon(pause);
    if (pause->channel != NULL)
        pause->channel->pause = NULL;
    ratls_doorbell_close(&pause->bell);
    free(pause);
}

/* OpenSSL 3.0 frees the channel before the wait context, 3.2 after it. */
void ratls_pause_leave(struct ratls_channel *channel)
{
    struct ratls_pause *pause = channel->pause;

    if (pause == NULL)
        return;
    abandon(pause);
    pause->channel = NULL;
    channel->pause = NULL;
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

static void discard(struct ratls_pause *pause)
{
    pause->channel->pause = NULL;
    ratls_doorbell_close(&pause->bell);
    free(pause);
}

/* That of an earlier handshake of the SSL, if it is of this job's wait context and process. */
static struct ratls_pause *find_pause(struct ratls_channel *channel, ASYNC_WAIT_CTX *waiting)
{
    struct ratls_pause *pause = channel->pause;

    if (pause != NULL && pause->waiting == waiting) {
        ASYNC_WAIT_CTX_clear_fd(waiting, pause);
        if (pause->process == getpid())
            return pause;
        discard(pause); /* its descriptor is shared with the parent */
    } else if (pause != NULL) {
        pause->channel = NULL;
    }
    pause = calloc(1, sizeof *pause);
    channel->pause = pause;
    if (pause != NULL)
        *pause = (struct ratls_pause){
            .bell.fd = -1, .waiting = waiting, .channel = channel, .process = getpid()};
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
    if (pause == NULL)
        return NULL;
    if (!ratls_doorbell_prepare(&pause->bell) ||
        !ASYNC_WAIT_CTX_set_wait_fd(waiting, pause, pause->bell.fd, pause, drop)) {
        discard(pause);
        return NULL;
    }
    pause->ssl = ssl;
    pause->job = job;
    pause->thread = this_thread();
    pause->state = SSL_get_state(ssl);
    return pause;
}

/* The program has not been told of the descriptor: a pause that was one forgets what was added. */
static bool is_untold(const struct ratls_pause *pause)
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

/*
 * Programs resume as often as they like. False: the evidence is of no use any more. SSL_clear()
 * takes the handshake away under a job that pauses: the message that its frames write is freed.
 * It pauses also if the evidence is there already: only by a pause a program gets to know the
 * descriptor, and HAProxy aborts when it is to forget one that it has not known.
 */
static bool await(struct ratls_pause *pause)
{
    do {
        pause->is_paused = true;
        if (!ASYNC_pause_job())
            wait_here(pause);
        pause->is_paused = false;
        if (pause->making == NULL || SSL_get_state(pause->ssl) != pause->state)
            return false;
        if (is_untold(pause)) /* ASYNC_block_pause(3) makes of a pause nothing */
            wait_here(pause);
    } while (pause->process == getpid() && !ratls_doorbell_has_rung(&pause->bell));
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
    attester = attester->up_ref(attester); /* the SSL may get another SSL_CTX meanwhile */
    pause->attester = attester;
    pause->making = NULL;
    status =
        attester->begin(attester, request, ratls_doorbell_ring, &pause->bell, &pause->making, err);
    if (status == RATLS_OK && !await(pause))
        status = fail_abandoned(pause, err);
    else if (status == RATLS_OK)
        status = attester->take(attester, pause->making, ret_evidence, ret_len, err);
    else if (is_untold(pause) && ASYNC_WAIT_CTX_clear_fd(pause->waiting, pause))
        discard(pause);
    attester->free(attester);
    return status;
}
