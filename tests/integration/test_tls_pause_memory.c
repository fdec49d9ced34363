/* The N-th allocation fails of a handshake that pauses: in it, behind it, and when it is ended. */
#include <pthread.h>
#include <stdlib.h>

#include "fail.h"
#include "failmalloc.h"
#include "pause_scene.h"
#include "tls_failure.h"

#define ALLOCATIONS_MAX 20000
#define EVIDENCE_LEN 3000

/* What it says does not matter to the server. */
struct slow_attester {
    struct ratls_attester base;
    pthread_mutex_t lock;
    void (*done)(void *arg); /* of the job that goes on; NULL: none */
    void *arg;
    bool is_over;
};

static enum ratls_status attest(struct ratls_attester *self,
                                const struct ratls_attest_request *request, uint8_t **ret_evidence,
                                size_t *ret_len, struct ratls_error *ret_error)
{
    uint8_t *out = malloc(EVIDENCE_LEN);

    (void)self, (void)request;
    if (out == NULL)
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    memset(out, 0x42, EVIDENCE_LEN);
    *ret_evidence = out;
    *ret_len = EVIDENCE_LEN;
    return RATLS_OK;
}

static enum ratls_status begin(struct ratls_attester *self,
                               const struct ratls_attest_request *request, void (*done)(void *arg),
                               void *arg, struct ratls_attest_job **ret_job,
                               struct ratls_error *ret_error)
{
    struct slow_attester *slow = (struct slow_attester *)self;

    (void)request, (void)ret_error;
    pthread_mutex_lock(&slow->lock);
    slow->done = done;
    slow->arg = arg;
    pthread_mutex_unlock(&slow->lock);
    *ret_job = (struct ratls_attest_job *)slow;
    return RATLS_OK;
}

static enum ratls_status take(struct ratls_attester *self, struct ratls_attest_job *job,
                              uint8_t **ret_evidence, size_t *ret_len,
                              struct ratls_error *ret_error)
{
    (void)job;
    return attest(self, NULL, ret_evidence, ret_len, ret_error);
}

static void cancel(struct ratls_attester *self, struct ratls_attest_job *job)
{
    struct slow_attester *slow = (struct slow_attester *)self;

    (void)job;
    pthread_mutex_lock(&slow->lock);
    slow->done = NULL;
    pthread_mutex_unlock(&slow->lock);
}

static struct ratls_attester *keep(struct ratls_attester *self)
{
    return self;
}

static void leave(struct ratls_attester *self)
{
    (void)self;
}

static struct slow_attester slow = {.base = {.attest = attest,
                                             .begin = begin,
                                             .take = take,
                                             .cancel = cancel,
                                             .up_ref = keep,
                                             .free = leave},
                                    .lock = PTHREAD_MUTEX_INITIALIZER};

/* The attester's thread: is done with each job as soon as it can. */
static void *work(void *arg)
{
    bool is_over = false;

    (void)arg;
    while (!is_over) {
        pthread_mutex_lock(&slow.lock);
        if (slow.done != NULL)
            slow.done(slow.arg);
        slow.done = NULL;
        is_over = slow.is_over;
        pthread_mutex_unlock(&slow.lock);
        poll(NULL, 0, 1);
    }
    return NULL;
}

/* A client that asks as one of ours does, and a server with SSL_MODE_ASYNC. */
struct memory_scene {
    struct tls_world *world;
    SSL_CTX *client, *server;
    struct tls_raw recorded, asks;
};

static void open_scene(struct memory_scene *s)
{
    struct ratls_error error = {0};

    *s = (struct memory_scene){.world = tls_world_new()};
    /* Done once: if memory is short just then, OpenSSL 3.5 has no jobs for the life of the process.
     */
    cr_assert(OPENSSL_init_crypto(OPENSSL_INIT_ASYNC, NULL));
    s->client = tls_plain_client(s->world);
    s->server = tls_plain_server(s->world);
    tls_raw_record(s->world, &s->recorded);
    s->asks = (struct tls_raw){.context = SSL_EXT_TLS1_3_CERTIFICATE,
                               .p = s->recorded.request,
                               .len = s->recorded.request_len};
    tls_raw_ask(s->client, &s->asks);
    cr_assert_eq(ratls_tls_attest(s->server, &slow.base, &error), RATLS_OK);
    SSL_CTX_set_mode(s->server, SSL_MODE_ASYNC);
}

static void close_scene(struct memory_scene *s)
{
    SSL_CTX_free(s->client);
    SSL_CTX_free(s->server);
    tls_world_free(s->world);
}

/* Who asked gets evidence, or no handshake; and where none can be paused, the thread waits. */
static bool try_handshake(struct memory_scene *s, struct tls_failure *failure)
{
    struct tls_pair *pair = pause_pair(s->client, s->server);

    s->asks.request_len = 0;
    tls_failure_arm(failure, pair, &pair->server);
    pause_handshake(pair);
    if (pair->client.done == 1 && pair->server.done == 1)
        cr_assert_gt(s->asks.request_len, 0, "call %u, allocation %zu: went on without evidence",
                     failure->call, failure->n);
    else
        cr_assert(failure->failed, "call %u: nothing failed", failure->call);
    if (pair->server.done < 0 && !SSL_in_before(pair->server.ssl)) /* there was no job */
        cr_assert_neq(pair->server.reason, 0, "call %u, allocation %zu: no reason", failure->call,
                      failure->n);
    tls_pair_free(pair);
    return failure->failed;
}

/* The first call pauses, the second or third goes on. */
Test(tls_pause_memory, handshake, .timeout = 250)
{
    struct memory_scene s;
    pthread_t thread;
    size_t total = 0;

    open_scene(&s);
    cr_assert_eq(pthread_create(&thread, NULL, work, NULL), 0);
    for (unsigned call = 1; call <= 3; call++) {
        struct tls_failure failure = {.call = call, .n = 1};

        while (try_handshake(&s, &failure))
            cr_assert_lt(++failure.n, ALLOCATIONS_MAX);
        total += failure.n;
    }
    cr_assert_gt(total, 20, "%zu allocations: are they wrapped?", total);
    pthread_mutex_lock(&slow.lock);
    slow.is_over = true;
    pthread_mutex_unlock(&slow.lock);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    close_scene(&s);
}

/* The job ends whatever fails: else the sanitizer finds it. */
Test(tls_pause_memory, end, .timeout = 250)
{
    struct memory_scene s;
    bool failed = true;
    size_t n = 0;

    open_scene(&s);
    while (failed) {
        struct tls_pair *pair = pause_pair(s.client, s.server);

        assert_pauses(pair, &pair->server);
        cr_assert_lt(++n, ALLOCATIONS_MAX);
        failmalloc_arm(n);
        SSL_free(pair->server.ssl);
        failed = failmalloc_disarm();
        cr_assert_null(slow.done, "allocation %zu: the attester still works for it", n);
        pair->server.ssl = NULL;
        tls_pair_free(pair);
    }
    close_scene(&s);
}
