/* Handshakes in ASYNC jobs: they pause while evidence is made, and go on. */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutual_assert.h"
#include "mutual_world.h"
#include "pause_scene.h"

Test(tls_pause, pauses_and_goes_on)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);

    assert_pauses(pair, &pair->server);
    cr_assert_eq(scene.world->attested, 0);
    staged_finish(scene.staged);
    cr_assert(can_be_read(wait_fd(&pair->server)));
    assert_accepted(pair);
    cr_assert_eq(scene.world->attested, 1);
    cr_assert_not(SSL_waiting_for_async(pair->server.ssl));
    /* It stays until the SSL is freed: programs may know it until then. */
    cr_assert_not(can_be_read(wait_fd(&pair->server)));
    tls_pair_free(pair);
    pause_scene_free(&scene);
}

/* As a program that was woken for something else. */
Test(tls_pause, is_resumed_too_early)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);
    const uint64_t one = 1;

    assert_pauses(pair, &pair->server);
    for (unsigned i = 0; i < 5; i++)
        assert_pauses(pair, &pair->server);
    cr_assert_eq(write(wait_fd(&pair->server), &one, sizeof one), (ssize_t)sizeof one);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->server.done, 0);
    staged_finish(scene.staged);
    assert_accepted(pair);
    cr_assert_eq(scene.world->attested, 1);
    tls_pair_free(pair);
    pause_scene_free(&scene);
}

/* One thread, and evidence that comes in another order than it was asked for. */
Test(tls_pause, several_at_once)
{
    struct pause_scene scenes[3];
    struct tls_pair *pairs[3];

    for (size_t i = 0; i < 3; i++) {
        scenes[i] = pause_scene_new();
        pairs[i] = pause_pair(scenes[i].world->client, scenes[i].server);
        assert_pauses(pairs[i], &pairs[i]->server);
    }
    for (size_t i = 3; i-- > 0;) {
        staged_finish(scenes[i].staged);
        for (size_t k = 0; k < i; k++)
            assert_pauses(pairs[k], &pairs[k]->server);
        assert_accepted(pairs[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        tls_pair_free(pairs[i]);
        pause_scene_free(&scenes[i]);
    }
}

Test(tls_pause, attester_fails_meanwhile)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);

    assert_pauses(pair, &pair->server);
    scene.staged->fails = true;
    staged_finish(scene.staged);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->server.done, -1);
    cr_assert_str_eq(pair->server.data, "the TPM has left");
    cr_assert_eq(pair->client.done, -1);
    cr_assert_eq(pair->client.reason, ERR_PACK(ERR_LIB_SSL, 0, SSL_R_TLSV1_ALERT_INTERNAL_ERROR));
    tls_pair_free(pair);
    pause_scene_free(&scene);
}

/* Where there is nothing to wait on, the thread waits, as without a job. */
Test(tls_pause, no_descriptor_is_left)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);
    struct rlimit before;
    struct rlimit none;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_accepted(pair);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(scene.world->attested, 1);
    cr_assert_null(scene.staged->job);
    tls_pair_free(pair);
    pause_scene_free(&scene);
}

/* A client whose evidence takes its time. */
Test(tls_pause, client_that_attests)
{
    struct mutual_world *world = mutual_world_new();
    struct staged_attester *staged = staged_attester_new(world->attester, true);
    SSL_CTX *client = mutual_plain_client(world);
    struct ratls_error error = {0};
    struct tls_pair *pair;

    cr_assert_eq(ratls_tls_attest(client, &staged->base, &error), RATLS_OK, "%s", error.text);
    SSL_CTX_set_mode(client, SSL_MODE_ASYNC);
    for (unsigned i = 0; i < 2; i++) {
        pair = mutual_pair(client, world->server);
        SSL_set_info_callback(pair->client.ssl, NULL);
        assert_pauses(pair, &pair->client);
        if (i == 0) {
            staged_finish(staged);
            assert_mutual(pair);
        }
        tls_pair_free(pair);
        cr_assert_eq(staged->cancelled, i);
    }
    SSL_CTX_free(client);
    staged_attester_free(staged);
    mutual_world_free(world);
}

/* ---- attesters of which this file knows when they are done ---- */

struct swapped_job {
    struct ratls_attest_request request;
    void (*done)(void *arg);
    void *arg;
};

/* Of two that wait each gets what the other asked for. */
struct swapping_attester {
    struct ratls_attester base;
    struct ratls_attester *behind;
    struct swapped_job jobs[2];
    size_t count;
};

static enum ratls_status begin_swapped(struct ratls_attester *self,
                                       const struct ratls_attest_request *request,
                                       void (*done)(void *arg), void *arg,
                                       struct ratls_attest_job **ret_job,
                                       struct ratls_error *ret_error)
{
    struct swapping_attester *swapping = (struct swapping_attester *)self;
    struct swapped_job *job = &swapping->jobs[swapping->count++];

    (void)ret_error;
    *job = (struct swapped_job){.request = *request, .done = done, .arg = arg};
    *ret_job = (struct ratls_attest_job *)job;
    return RATLS_OK;
}

static enum ratls_status take_swapped(struct ratls_attester *self, struct ratls_attest_job *job,
                                      uint8_t **ret_evidence, size_t *ret_len,
                                      struct ratls_error *ret_error)
{
    struct swapping_attester *swapping = (struct swapping_attester *)self;
    size_t other = job == (struct ratls_attest_job *)&swapping->jobs[0] ? 1 : 0;

    return swapping->behind->attest(swapping->behind, &swapping->jobs[other].request, ret_evidence,
                                    ret_len, ret_error);
}

static struct ratls_attester *keep(struct ratls_attester *self)
{
    return self;
}

static void leave(struct ratls_attester *self)
{
    (void)self;
}

Test(tls_pause, evidence_of_another_handshake_is_refused)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct swapping_attester swapping = {
        .base = {.begin = begin_swapped, .take = take_swapped, .up_ref = keep, .free = leave},
        .behind = world->attester};
    struct tls_pair *pairs[2];

    cr_assert_eq(ratls_tls_attest(server, &swapping.base, NULL), RATLS_OK);
    SSL_CTX_set_mode(server, SSL_MODE_ASYNC);
    for (size_t i = 0; i < 2; i++) {
        pairs[i] = tls_pair_new(world->client, server, TLS_NAME);
        assert_pauses(pairs[i], &pairs[i]->server);
    }
    for (size_t i = 0; i < 2; i++)
        swapping.jobs[i].done(swapping.jobs[i].arg);
    for (size_t i = 0; i < 2; i++) {
        assert_refused(pairs[i], "statement.nonce");
        tls_pair_free(pairs[i]);
    }
    SSL_CTX_free(server);
    tls_world_free(world);
}

static enum ratls_status begin_at_once(struct ratls_attester *self,
                                       const struct ratls_attest_request *request,
                                       void (*done)(void *arg), void *arg,
                                       struct ratls_attest_job **ret_job,
                                       struct ratls_error *ret_error)
{
    struct swapping_attester *swapping = (struct swapping_attester *)self;

    swapping->jobs[1].request = *request; /* what it will be asked for */
    swapping->count = 0;
    (void)begin_swapped(self, request, done, arg, ret_job, ret_error);
    done(arg);
    return RATLS_OK;
}

/* A program that was not told of a descriptor must not find one: HAProxy would abort. */
Test(tls_pause, nothing_is_waited_for)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct swapping_attester swapping = {
        .base = {.begin = begin_at_once, .take = take_swapped, .up_ref = keep, .free = leave},
        .behind = world->attester};
    struct tls_pair *pair;
    size_t count = 1;

    cr_assert_eq(ratls_tls_attest(server, &swapping.base, NULL), RATLS_OK);
    SSL_CTX_set_mode(server, SSL_MODE_ASYNC);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    assert_accepted(pair);
    cr_assert_eq(SSL_get_all_async_fds(pair->server.ssl, NULL, &count), 1);
    cr_assert_eq(count, 0);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* ---- fork ---- */

/* The child's copy ends, and its descriptor wakes nobody but the parent. */
static int go_on_in_child(struct tls_pair *pair)
{
    tls_pair_handshake(pair);
    if (SSL_waiting_for_async(pair->server.ssl))
        return 1;
    tls_pair_free(pair);
    return 0;
}

static int free_in_child(struct tls_pair *pair)
{
    tls_pair_free(pair);
    return 0;
}

static void run_child(struct tls_pair *pair, int (*child)(struct tls_pair *pair))
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0)
        _exit(child(pair));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(tls_pause, fork_meanwhile, .timeout = 60)
{
    struct pause_scene scene = pause_scene_new();
    struct tls_pair *pair = pause_pair(scene.world->client, scene.server);

    assert_pauses(pair, &pair->server);
    run_child(pair, go_on_in_child);
    run_child(pair, free_in_child);
    assert_pauses(pair, &pair->server);
    staged_finish(scene.staged);
    assert_accepted(pair);
    tls_pair_free(pair);
    pause_scene_free(&scene);
}
