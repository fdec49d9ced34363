/* Evidence without waiting for it: begin, take, cancel (attester.h). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attester_fixture.h"

TestSuite(attester_async, .init = set_up, .fini = tear_down, .timeout = 120);

#define MANY 64

Test(attester_async, evidence)
{
    struct asker asker = {0};
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    attester_ask(&asker, attester, 1);
    free(sample_of(&asker));
    attester->free(attester);
}

/* The job is all that holds the attester: its last reference goes within the call. */
Test(attester_async, taken_within_the_call)
{
    struct asker asker = {.takes_at_once = true};
    struct ratls_attester *attester;
    unsigned threads;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    threads = count_threads();
    attester = new_attester(NULL, 20000);
    attester_ask(&asker, attester, 1);
    attester->free(attester);
    free(sample_of(&asker));
    wait_for_threads(threads);
}

Test(attester_async, malformed_request)
{
    struct asker asker = {.request = new_request(1)};
    struct ratls_attester *attester;

    asker.request.selection.banks[0].pcrs = 0;
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    assert_fails(asker_try(&asker, attester), RATLS_USAGE, &asker.err, "malformed PCR selection");
    cr_expect_null(asker.job);
    attester->free(attester);
    cr_expect_eq(asker.calls, 0);
}

/* No quote, no waiting: it is done before begin returns. */
Test(attester_async, logs_alone)
{
    struct asker asker = {.takes_at_once = true, .request = new_request(1)};
    struct ratls_attester *attester;

    asker.request.selection.count = 0;
    asker.request.logs.ima_bank = RATLS_ALG_SHA256;
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    attester_ask(&asker, attester, 1);
    cr_assert_eq(asker.calls, 1);
    assert_fails(asker.status, RATLS_IO, &asker.err, "there are none to send");
    attester->free(attester);
}

/* Whoever begins while the TPM is busy shares its next quote, with those who wait. */
Test(attester_async, many_share_a_quote)
{
    const char *const options[] = {"--hang", NULL};
    static struct asker askers[MANY];
    struct sample *samples[MANY];
    const struct ratls_attest_request waited = new_request(200);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint32_t largest = 0;
    int distinct = 0;
    int i, k;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    for (i = 0; i < MANY; i++) {
        askers[i].takes_at_once = i % 2 == 0;
        attester_ask(&askers[i], attester, (uint8_t)(3 * i));
    }
    tpm_mux_arm(&mux, false);
    free(attest(attester, &waited));
    for (i = 0; i < MANY; i++)
        samples[i] = sample_of(&askers[i]);
    for (i = 0; i < MANY; i++) {
        for (k = 0; k < i && !ratls_slice_equal(samples[k]->evidence.signature,
                                                samples[i]->evidence.signature);)
            k++;
        distinct += k == i;
        if (samples[i]->evidence.path.tree_size > largest)
            largest = samples[i]->evidence.path.tree_size;
    }
    cr_expect_lt(distinct, 3, "%d quotes", distinct);
    cr_expect_gt(largest, MANY / 2, "no batch is larger than %u", largest);
    for (i = 0; i < MANY; i++)
        free(samples[i]);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* Until the TPM, which may have been asked later than it was waited for, has hung for too long. */
static enum ratls_status begin_until_refused(struct asker *late, struct ratls_attester *attester,
                                             uint64_t *ret_took_ms)
{
    const uint64_t limit = now_ms() + WAIT_MS;
    enum ratls_status status;

    late->request = new_request(1);
    for (;;) {
        const uint64_t start = now_ms();

        status = asker_try(late, attester);
        *ret_took_ms = now_ms() - start;
        if (status != RATLS_OK || now_ms() > limit)
            return status;
        attester->cancel(attester, late->job);
        sleep_ms(20);
    }
}

/* A TPM that never answers: everybody is called in time, and nothing is left. */
Test(attester_async, hanging_tpm)
{
    const char *const options[] = {"--hang", NULL};
    static struct asker askers[MANY];
    struct asker late = {0};
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start, took_ms;
    unsigned threads;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    threads = count_threads();
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 400);
    start = now_ms();
    for (int i = 0; i < MANY; i++)
        attester_ask(&askers[i], attester, (uint8_t)i);
    for (int i = 0; i < MANY; i++)
        asker_wait(&askers[i]);
    cr_expect_geq(now_ms() - start, 390);
    cr_expect_lt(now_ms() - start, 400 + SLACK_MS);
    for (int i = 0; i < MANY; i++) {
        asker_take(&askers[i]);
        assert_fails(askers[i].status, RATLS_TPM, &askers[i].err, "did not answer within 400 ms");
    }
    assert_fails(begin_until_refused(&late, attester, &took_ms), RATLS_TPM, &late.err,
                 "has not answered for more than 400 ms");
    cr_expect_lt(took_ms, 400, "who comes later is told at once");
    start = now_ms();
    attester->free(attester);
    cr_expect_lt(now_ms() - start, 1000 + SLACK_MS);
    tpm_mux_stop(&mux); /* the connection ends, and with it the thread that was left behind */
    wait_for_threads(threads);
}

Test(attester_async, cancelled_while_the_tpm_is_at_it)
{
    const char *const options[] = {"--hang", NULL};
    struct asker gone = {0}, stays = {0};
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 20000);
    attester_ask(&gone, attester, 1);
    attester_ask(&stays, attester, 2);
    tpm_mux_await_held(&mux);
    attester->cancel(attester, gone.job); /* and does not wait for the TPM */
    tpm_mux_arm(&mux, false);
    free(sample_of(&stays));
    cr_expect_eq(gone.calls, 0);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

#define RACERS 8
#define ROUNDS 60

/* What a cancelled job must not be told of any more. */
struct racer {
    struct ratls_attester *attester;
    unsigned seed;
    unsigned wrong;
};

struct round {
    atomic_uint calls;
    atomic_bool is_over;
    atomic_uint calls_after;
};

static void count_call(void *arg)
{
    struct round *round = arg;

    if (atomic_load(&round->is_over))
        atomic_fetch_add(&round->calls_after, 1);
    atomic_fetch_add(&round->calls, 1);
}

/* Cancels at any moment: before the quote, while it is made, while it is called, behind it. */
static void race_once(struct racer *racer)
{
    const struct ratls_attest_request request = new_request((uint8_t)racer->seed);
    struct round *round = calloc(1, sizeof *round);
    struct ratls_attest_job *job = NULL;
    struct ratls_error err = {0};
    uint8_t *evidence = NULL;
    size_t len = 0;

    if (racer->attester->begin(racer->attester, &request, count_call, round, &job, &err) !=
        RATLS_OK) {
        racer->wrong++;
        free(round);
        return;
    }
    usleep((useconds_t)(rand_r(&racer->seed) % 3000));
    if (atomic_load(&round->calls) == 1 && rand_r(&racer->seed) % 2 == 0)
        racer->wrong +=
            racer->attester->take(racer->attester, job, &evidence, &len, &err) != RATLS_OK;
    else
        racer->attester->cancel(racer->attester, job);
    atomic_store(&round->is_over, true);
    free(evidence);
    usleep((useconds_t)(rand_r(&racer->seed) % 500));
    racer->wrong += atomic_load(&round->calls) > 1 || atomic_load(&round->calls_after) > 0;
    free(round); /* a call that comes yet is seen by AddressSanitizer */
}

static void *race(void *arg)
{
    struct racer *racer = arg;

    for (int i = 0; i < ROUNDS; i++)
        race_once(racer);
    return NULL;
}

Test(attester_async, cancel_races)
{
    struct ratls_attester *attester;
    struct racer racers[RACERS];
    pthread_t threads[RACERS];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.attester = attester, .seed = i};
        cr_assert_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(racers[i].wrong, 0);
    }
    attester->free(attester);
}

/* A job is of the process that began it; its child begins its own. */
static int use_in_child(struct asker *one, struct asker *other)
{
    struct asker own = {0};

    alarm(60); /* who waits for a lock of the parent must fail, not hang */
    asker_take(one);
    if (one->status != RATLS_TPM || strstr(one->err.text, "before fork()") == NULL)
        return 1;
    other->attester->cancel(other->attester, other->job);
    attester_ask(&own, one->attester, 9);
    asker_wait(&own);
    asker_take(&own);
    if (own.status != RATLS_OK)
        return 2;
    asker_forget(&own);
    return atomic_load(&one->calls) + atomic_load(&other->calls) == 0 ? 0 : 3;
}

Test(attester_async, fork)
{
    const char *const options[] = {"--hang", NULL};
    struct asker one = {0}, other = {0};
    struct ratls_attester *attester;
    struct tpm_mux mux;
    pid_t child;
    int status;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 20000);
    attester_ask(&one, attester, 1);
    attester_ask(&other, attester, 2);
    tpm_mux_await_held(&mux);
    wait_for_rest(); /* while it forks: see test_attester_threads.c */
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        status = use_in_child(&one, &other);
        attester->free(attester);
        _exit(status);
    }
    tpm_mux_arm(&mux, false);
    free(sample_of(&one));
    free(sample_of(&other));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %x", (unsigned)status);
    attester->free(attester);
    tpm_mux_stop(&mux);
}
