/* Many threads, and processes that fork, with one attester. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attester_fixture.h"

TestSuite(attester_threads, .init = set_up, .fini = tear_down, .timeout = 120);

#define THREADS 16
#define QUOTES 8

struct caller {
    struct ratls_attester *attester;
    uint8_t seed;
    unsigned sound;
};

static void *attest_often(void *arg)
{
    struct caller *caller = arg;
    struct sample *s = malloc(sizeof *s);
    int i;

    for (i = 0; i < QUOTES && s != NULL; i++) {
        const struct ratls_attest_request request = new_request((uint8_t)(caller->seed + 3 * i));
        struct ratls_error err = {0};

        if (try_attest(caller->attester, &request, s, &err) == RATLS_OK && is_sound(s, &request))
            caller->sound++;
        else
            fprintf(stderr, "%s\n", err.text);
    }
    free(s);
    return NULL;
}

static void attest_in_threads(struct ratls_attester *attester)
{
    struct caller callers[THREADS];
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){attester, (uint8_t)(7 * i), 0};
        cr_assert_eq(pthread_create(&threads[i], NULL, attest_often, &callers[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(callers[i].sound, QUOTES);
    }
}

Test(attester_threads, threads)
{
    struct ratls_attester *attester;
    struct ratls_attester *other;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 60000);
    other = attester->up_ref(attester);
    attest_in_threads(attester);
    attester->free(attester);
    free(attest(other, &(struct ratls_attest_request){.mode = RATLS_MODE_HANDSHAKE,
                                                      .role = RATLS_ROLE_SERVER,
                                                      .selection = {1, {{RATLS_ALG_SHA256, 1}}}}));
    other->free(other);
}

/* The next function that waits and lets itself be cancelled ends the thread. */
static void *attest_cancelled(void *arg)
{
    pthread_cancel(pthread_self());
    attest_often(arg);
    pthread_testcancel();
    return NULL;
}

/* A server that cancels a thread which waits for the TPM goes on with the others. */
Test(attester_threads, cancelled_thread)
{
    struct caller caller = {.seed = 1};
    pthread_t thread;
    void *result;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    caller.attester = new_attester(NULL, 60000);
    cr_assert_eq(pthread_create(&thread, NULL, attest_cancelled, &caller), 0);
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_assert(result == PTHREAD_CANCELED);
    cr_assert_eq(caller.sound, QUOTES, "it was not cancelled in between");
    attest_in_threads(caller.attester);
    caller.attester->free(caller.attester);
}

/*
 * AddressSanitizer's allocator, unlike the C library's, is left locked in a child if another thread
 * was allocating at the fork: there the parent's threads rest meanwhile. In the release build they
 * are at work.
 */
#if defined(__SANITIZE_ADDRESS__)
#define RESTS_AT_FORK true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RESTS_AT_FORK true
#endif
#endif
#ifndef RESTS_AT_FORK
#define RESTS_AT_FORK false
#endif

/* A child uses its own thread and connection; the parent's goes on, also if it is at work. */
static void fork_and_attest(bool transient)
{
    struct ratls_attester *attester;
    struct caller background;
    struct tpm_mux mux;
    pthread_t thread;
    pid_t children[4];
    int status;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, transient);
    cr_assert(tpm_mux_start(&mux, &f.tpm, NULL));
    attester = new_attester(mux.tcti, 60000);
    background = (struct caller){attester, 1, 0};
    attest_often(&background);
    if (!RESTS_AT_FORK)
        cr_assert_eq(pthread_create(&thread, NULL, attest_often, &background), 0);
    else
        wait_for_rest();
    for (i = 0; i < 2; i++) {
        children[i] = fork();
        cr_assert_geq(children[i], 0);
        if (children[i] == 0) {
            struct caller caller = {attester, (uint8_t)(50 * i), 0};

            alarm(60); /* who waits for a lock of the parent must fail, not hang */
            attest_often(&caller);
            attester->free(attester);
            _exit(caller.sound == QUOTES ? 0 : 1);
        }
    }
    if (RESTS_AT_FORK)
        cr_assert_eq(pthread_create(&thread, NULL, attest_often, &background), 0);
    for (i = 0; i < 2; i++) {
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    pthread_join(thread, NULL);
    cr_assert_eq(background.sound, 2 * QUOTES);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester_threads, fork_persistent)
{
    fork_and_attest(false);
}

/* Parent and two children have a slot each of the three that swtpm has. */
Test(attester_threads, fork_transient)
{
    fork_and_attest(true);
}

#define BATCH 24

struct batch_caller {
    struct ratls_attester *attester;
    struct ratls_attest_request request;
    struct sample *s;
    bool sound;
};

static void *attest_in_batch(void *arg)
{
    struct batch_caller *caller = arg;
    struct ratls_error err = {0};

    caller->s = malloc(sizeof *caller->s);
    caller->sound = caller->s != NULL &&
                    try_attest(caller->attester, &caller->request, caller->s, &err) == RATLS_OK &&
                    is_sound(caller->s, &caller->request);
    return NULL;
}

/*
 * Callers that wait while the TPM is busy share a quote (WIRE.md, 5): each has its own statement
 * and its own path, and who wants other PCRs has another quote.
 */
Test(attester_threads, one_quote_for_all_who_wait)
{
    const char *const options[] = {"--hang", NULL};
    struct ratls_attester *attester;
    struct batch_caller callers[BATCH] = {0};
    pthread_t threads[BATCH];
    struct tpm_mux mux;
    uint32_t largest = 0;
    int distinct = 0;
    int i, k;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    for (i = 0; i < BATCH; i++) {
        callers[i].attester = attester;
        callers[i].request = new_request((uint8_t)(5 * i));
        if (i % 3 == 0)
            callers[i].request.selection.banks[0].pcrs = 0x00000081;
        cr_assert_eq(pthread_create(&threads[i], NULL, attest_in_batch, &callers[i]), 0);
    }
    assert_soon(counts_of(attester).waiting == BATCH);
    tpm_mux_arm(&mux, false);
    for (i = 0; i < BATCH; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < BATCH; i++) {
        cr_assert(callers[i].sound);
        for (k = 0; k < i && !ratls_slice_equal(callers[k].s->evidence.signature,
                                                callers[i].s->evidence.signature);)
            k++;
        if (k == i)
            distinct++;
        else
            cr_assert_eq(callers[k].request.selection.banks[0].pcrs,
                         callers[i].request.selection.banks[0].pcrs, "shared by two selections");
        if (callers[i].s->evidence.path.tree_size > largest)
            largest = callers[i].s->evidence.path.tree_size;
    }
    cr_expect_lt(distinct, BATCH / 2, "%d quotes for %d callers", distinct, BATCH);
    cr_expect_gt(largest, 2, "no batch is larger than %u", largest);
    for (i = 0; i < BATCH; i++)
        free(callers[i].s);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* A process that stopped using the TPM leaves it to others: swtpm serves one connection. */
Test(attester_threads, two_attesters_take_turns)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *one;
    struct ratls_attester *two;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    one = new_attester(NULL, 5000);
    two = new_attester(NULL, 5000);
    for (i = 0; i < 5; i++) {
        free(attest(one, &request));
        free(attest(two, &request));
    }
    one->free(one);
    two->free(two);
}
