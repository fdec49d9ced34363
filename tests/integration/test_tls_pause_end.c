/*
 * Handshakes that pause, and whose SSL is freed meanwhile: the job ends, and nothing of the program
 * is called. A job that is lost would be a leak, which the sanitizer reports.
 */
#include <pthread.h>

#include "pause_scene.h"

#define LOST_MAX 64

static unsigned seen; /* calls of the program's callbacks, and writes */

static void see_progress(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)where, (void)result;
    seen++;
}

static long see_bio(BIO *bio, int operation, const char *bytes, size_t len, int argi, long argl,
                    int result, size_t *processed)
{
    (void)bio, (void)bytes, (void)len, (void)argi, (void)argl, (void)processed;
    if (operation == BIO_CB_WRITE || operation == BIO_CB_READ)
        seen++;
    return result;
}

static void see_message(int write_p, int version, int type, const void *bytes, size_t len, SSL *ssl,
                        void *arg)
{
    (void)write_p, (void)version, (void)type, (void)bytes, (void)len, (void)ssl, (void)arg;
    seen++;
}

static struct tls_pair *begin(const struct pause_scene *scene)
{
    struct tls_pair *pair = pause_pair(scene->world->client, scene->server);

    assert_pauses(pair, &pair->server);
    BIO_set_callback_ex(SSL_get_wbio(pair->server.ssl), see_bio);
    SSL_set_msg_callback(pair->server.ssl, see_message);
    seen = 0;
    return pair;
}

Test(tls_pause_end, nothing_of_the_program_is_called)
{
    struct pause_scene scene = pause_scene_new();

    for (unsigned i = 1; i <= 3; i++) {
        struct tls_pair *pair = begin(&scene);

        ERR_clear_error();
        ERR_raise(ERR_LIB_SSL, SSL_R_LENGTH_MISMATCH);
        tls_pair_free(pair);
        cr_assert_eq(seen, 0);
        cr_assert_eq(scene.staged->cancelled, i);
        cr_assert_eq(ERR_GET_REASON(ERR_get_error()), SSL_R_LENGTH_MISMATCH);
        cr_assert_eq(ERR_get_error(), 0, "the program's error stack has more than its own");
    }
    pause_scene_free(&scene);
}

/* When the attester was done, and nobody has looked yet. */
Test(tls_pause_end, evidence_is_there)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = begin(&scene);

    staged_finish(scene.staged);
    tls_pair_free(pair);
    cr_assert_eq(seen, 0);
    cr_assert_eq(scene.staged->cancelled, 1);
    cr_assert_eq(scene.world->attested, 0);
    pause_scene_free(&scene);
}

/* The info callback of a context that a program sets behind us is not called either. */
Test(tls_pause_end, info_callback_of_the_context)
{
    struct pause_scene scene = pause_scene_new();
    SSL_CTX *named = tls_plain_server(scene.world);
    struct tls_pair *pair;

    cr_assert_eq(ratls_tls_attest(named, &scene.staged->base, NULL), RATLS_OK);
    SSL_CTX_set_info_callback(named, see_progress);
    pair = pause_pair(scene.world->client, scene.server);
    assert_pauses(pair, &pair->server);
    seen = 0;
    cr_assert_not_null(SSL_set_SSL_CTX(pair->server.ssl, named));
    tls_pair_free(pair);
    cr_assert_eq(seen, 0);
    SSL_CTX_set_info_callback(scene.server, see_progress);
    pair = tls_pair_new(scene.world->client, scene.server, TLS_NAME);
    SSL_set_info_callback(pair->server.ssl, NULL);
    assert_pauses(pair, &pair->server); /* the first: it is not known to be ours */
    cr_assert_gt(seen, 0);
    staged_finish(scene.staged);
    assert_accepted(pair);
    tls_pair_free(pair);
    pair = begin(&scene);
    tls_pair_free(pair);
    cr_assert_eq(seen, 0);
    SSL_CTX_free(named);
    pause_scene_free(&scene);
}

/* SSL_clear() takes the handshake away under the job; then it fails, and the SSL is as new. */
Test(tls_pause_end, cleared)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = begin(&scene);

    cr_assert(SSL_clear(pair->server.ssl));
    staged_finish(scene.staged);
    cr_assert_eq(SSL_do_handshake(pair->server.ssl), -1);
    cr_assert_eq(SSL_get_error(pair->server.ssl, -1), SSL_ERROR_SSL);
    cr_assert_eq(scene.staged->cancelled, 1);
    cr_assert(SSL_clear(pair->server.ssl) && SSL_clear(pair->client.ssl));
    tls_pair_connect(pair);
    SSL_set_info_callback(pair->server.ssl, NULL);
    assert_pauses(pair, &pair->server);
    staged_finish(scene.staged);
    assert_accepted(pair);
    tls_pair_free(pair);
    pause_scene_free(&scene);
}

/*
 * Nor can a handshake that pauses go on with another context: the frames of OpenSSL hold what
 * SSL_set_SSL_CTX(3) frees.
 */
Test(tls_pause_end, given_another_context)
{
    struct pause_scene scene = pause_scene_new();
    SSL_CTX *other = tls_plain_server(scene.world);
    struct tls_pair *pair = begin(&scene);

    cr_assert_not_null(SSL_set_SSL_CTX(pair->server.ssl, other));
    staged_finish(scene.staged);
    cr_assert_eq(SSL_do_handshake(pair->server.ssl), -1);
    cr_assert_eq(SSL_get_error(pair->server.ssl, -1), SSL_ERROR_SSL);
    cr_assert_eq(scene.staged->cancelled, 1);
    tls_pair_free(pair);
    pair = begin(&scene); /* the same one is none other */
    cr_assert_not_null(SSL_set_SSL_CTX(pair->server.ssl, scene.server));
    staged_finish(scene.staged);
    assert_accepted(pair);
    tls_pair_free(pair);
    SSL_CTX_free(other);
    pause_scene_free(&scene);
}

/* ---- jobs that cannot be ended ---- */

static ASYNC_JOB *jobs[LOST_MAX]; /* so that they are not taken for leaks */
static size_t job_count;
static struct ratls_attester *behind;

static enum ratls_status begin_noted(struct ratls_attester *self,
                                     const struct ratls_attest_request *request,
                                     void (*done)(void *arg), void *arg,
                                     struct ratls_attest_job **ret_job,
                                     struct ratls_error *ret_error)
{
    (void)self, (void)request, (void)done, (void)arg, (void)ret_error;
    cr_assert_lt(job_count, LOST_MAX, "it pauses again");
    jobs[job_count++] = ASYNC_get_current_job();
    *ret_job = (struct ratls_attest_job *)&jobs[0];
    return RATLS_OK;
}

static void cancel_noted(struct ratls_attester *self, struct ratls_attest_job *job)
{
    (void)self, (void)job;
    seen++;
}

static enum ratls_status attest_at_once(struct ratls_attester *self,
                                        const struct ratls_attest_request *request,
                                        uint8_t **ret_evidence, size_t *ret_len,
                                        struct ratls_error *ret_error)
{
    (void)self;
    return behind->attest(behind, request, ret_evidence, ret_len, ret_error);
}

static struct ratls_attester *keep(struct ratls_attester *self)
{
    return self;
}

static void leave(struct ratls_attester *self)
{
    (void)self;
}

static void *free_ssl(void *arg)
{
    SSL_free(arg);
    return NULL;
}

static void free_in_thread(SSL *ssl)
{
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, free_ssl, ssl), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

static int free_in_job(void *arg)
{
    SSL_free(*(SSL **)arg);
    return 7;
}

/* The program's own job goes on as if nothing had been. */
static void free_within_job(SSL *ssl)
{
    ASYNC_WAIT_CTX *waiting = ASYNC_WAIT_CTX_new();
    ASYNC_JOB *job = NULL;
    int result = 0;

    cr_assert_eq(ASYNC_start_job(&job, waiting, &result, free_in_job, &ssl, sizeof ssl),
                 ASYNC_FINISH);
    cr_assert_eq(result, 7);
    ASYNC_WAIT_CTX_free(waiting);
}

static void see_alert(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)where, (void)result;
}

/* As many as are lost, and then none pauses any more: the memory of the process is bounded. */
Test(tls_pause_end, lost_jobs_are_few)
{
    static struct ratls_attester noting = {.attest = attest_at_once,
                                           .begin = begin_noted,
                                           .cancel = cancel_noted,
                                           .up_ref = keep,
                                           .free = leave};
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair;

    behind = world->attester;
    cr_assert_eq(ratls_tls_attest(server, &noting, NULL), RATLS_OK);
    SSL_CTX_set_mode(server, SSL_MODE_ASYNC);
    seen = 0;
    for (unsigned i = 1; i <= LOST_MAX; i++) {
        pair = pause_pair(world->client, server);
        if (i % 3 == 2) /* one that is called behind a failure, with what may be gone */
            SSL_set_info_callback(pair->server.ssl, see_alert);
        assert_pauses(pair, &pair->server);
        if (i % 3 == 0)
            free_in_thread(pair->server.ssl);
        else if (i % 3 == 1)
            free_within_job(pair->server.ssl);
        else
            SSL_free(pair->server.ssl);
        pair->server.ssl = NULL;
        tls_pair_free(pair);
        cr_assert_eq(seen, i, "the attester still works for it");
    }
    pair = pause_pair(world->client, server);
    assert_accepted(pair);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* ---- jobs of the program ---- */

static int accept_in_job(void *arg)
{
    return SSL_do_handshake(*(SSL **)arg);
}

static int accept_without_pause(void *arg)
{
    int result;

    ASYNC_block_pause();
    result = accept_in_job(arg);
    ASYNC_unblock_pause();
    return result;
}

static void *finish(void *arg)
{
    struct staged_attester *staged = arg;

    while (atomic_load(&staged->begun) == 0)
        poll(NULL, 0, 1);
    poll(NULL, 0, 50);
    staged_finish(staged);
    return NULL;
}

Test(tls_pause_end, job_of_the_program)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);
    ASYNC_WAIT_CTX *waiting = ASYNC_WAIT_CTX_new();
    SSL *ssl = pair->server.ssl;
    OSSL_ASYNC_FD fds[2];
    ASYNC_JOB *job = NULL;
    size_t count = 0;
    int result = 0;

    pair->server.done = -1; /* the program's turn */
    tls_pair_step(pair);
    cr_assert_eq(ASYNC_start_job(&job, waiting, &result, accept_in_job, &ssl, sizeof ssl),
                 ASYNC_PAUSE);
    cr_assert(ASYNC_WAIT_CTX_get_all_fds(waiting, fds, &count) && count == 1);
    staged_finish(scene.staged);
    cr_assert(can_be_read(fds[0]));
    cr_assert_eq(ASYNC_start_job(&job, waiting, &result, accept_in_job, &ssl, sizeof ssl),
                 ASYNC_FINISH);
    pair->server.done = 0;
    assert_accepted(pair);
    ASYNC_WAIT_CTX_free(waiting);
    tls_pair_free(pair);
    pause_scene_free(&scene);
}

/* ASYNC_block_pause(3): then the thread waits, and does not turn round and round. */
Test(tls_pause_end, pauses_are_forbidden)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);
    ASYNC_WAIT_CTX *waiting = ASYNC_WAIT_CTX_new();
    SSL *ssl = pair->server.ssl;
    ASYNC_JOB *job = NULL;
    pthread_t thread;
    int result = 0;

    pair->server.done = -1;
    tls_pair_step(pair);
    cr_assert_eq(pthread_create(&thread, NULL, finish, scene.staged), 0);
    cr_assert_eq(ASYNC_start_job(&job, waiting, &result, accept_without_pause, &ssl, sizeof ssl),
                 ASYNC_FINISH);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    pair->server.done = 0;
    assert_accepted(pair);
    tls_pair_free(pair);
    ASYNC_WAIT_CTX_free(waiting);
    pause_scene_free(&scene);
}
