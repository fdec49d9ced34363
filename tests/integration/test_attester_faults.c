/* A TPM that is absent, another one, slow, locked, or does not answer. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attester_fixture.h"

TestSuite(attester_faults, .init = set_up, .fini = tear_down, .timeout = 120);

Test(attester_faults, absent_tpm)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_pcr_selection selection;
    struct ratls_error err = {0};
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester("device:/nonexistent/tpm", 60000);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM,
                        "/nonexistent/tpm: No such file or directory: is a TPM 2.0 present");
    cr_assert_lt(now_ms() - start, SLACK_MS);
    attester->free(attester);
    assert_fails(ratls_tpm_pcr_selection("swtpm:path=/nonexistent/tpm", &selection, &err),
                 RATLS_TPM, &err, "No such file or directory: is swtpm running");
}

Test(attester_faults, tpm_comes_back)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    free(attest(attester, &request));
    cr_assert(swtpm_restart(&f.tpm));
    free(attest(attester, &request));
    attester->free(attester);
}

/* A transient key dies with the power: the first request learns it, the next makes it again. */
Test(attester_faults, tpm_comes_back_transient)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, true);
    attester = new_attester(NULL, 0);
    free(attest(attester, &request));
    cr_assert(swtpm_restart(&f.tpm));
    assert_attest_fails(attester, &request, RATLS_TPM, "quoting");
    free(attest(attester, &request));
    attester->free(attester);
}

Test(attester_faults, other_tpm)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct swtpm other;
    struct ratls_tpm_init_options options = {0};
    struct ratls_error err = {0};
    char state[PATH_LEN];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(swtpm_start(&other));
    attester = new_attester(other.tcti, 0);
    assert_attest_fails(attester, &request, RATLS_TPM, "no key at handle 0x81018000");
    snprintf(state, sizeof state, "%s/state", other.folder);
    options.state_dir = state;
    options.tcti = other.tcti;
    assert_ok(ratls_tpm_init(&options, &err), &err);
    assert_attest_fails(attester, &request, RATLS_TPM, "is not that of the state folder");
    attester->free(attester);
    swtpm_stop(&other);
}

/* The error comes at once and in words; the next request finds the TPM as it is then. */
static void answer_error(const char *code, const char *text)
{
    const char *const options[] = {"--error", code, "--disarmed", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    free(attest(attester, &request));
    tpm_mux_arm(&mux, true);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, text);
    cr_assert_lt(now_ms() - start, SLACK_MS);
    tpm_mux_arm(&mux, false);
    free(attest(attester, &request));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester_faults, lockout)
{
    answer_error("921", "tpm2_dictionarylockout --clear-lockout");
}

Test(attester_faults, failure_mode)
{
    answer_error("101", "power-cycle");
}

Test(attester_faults, handle_lost)
{
    answer_error("18b", "0x18b");
}

/* TPM_RC_RETRY is not an error before the deadline is over. */
Test(attester_faults, retry_until_the_deadline)
{
    const char *const options[] = {"--error", "922", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;
    uint64_t taken;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 600);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "");
    taken = now_ms() - start;
    cr_assert_geq(taken, 590);
    cr_assert_lt(taken, 600 + SLACK_MS);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

static void *disarm_later(void *arg)
{
    sleep_ms(300);
    tpm_mux_arm(arg, false);
    return NULL;
}

Test(attester_faults, retry_succeeds)
{
    const char *const options[] = {"--error", "922", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    pthread_t thread;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 5000);
    cr_assert_eq(pthread_create(&thread, NULL, disarm_later, &mux), 0);
    free(attest(attester, &request));
    pthread_join(thread, NULL);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

static void hang_and_recover(const char *scope)
{
    const char *const options[] = {"--hang", "--disarmed", scope, NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 400);
    tpm_mux_arm(&mux, true);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer within 400 ms");
    cr_assert_geq(now_ms() - start, 390);
    cr_assert_lt(now_ms() - start, 400 + SLACK_MS);
    await_failure(attester, &request, "has not answered for more than 400 ms");
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "has not answered for more than 400 ms");
    cr_assert_lt(now_ms() - start, 400, "who comes later does not wait");
    tpm_mux_arm(&mux, false);
    await_evidence(attester, &request);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester_faults, quote_hangs)
{
    hang_and_recover(NULL);
}

Test(attester_faults, everything_hangs)
{
    hang_and_recover("--all-commands");
}

/* The process behind the socket: also a connection or a locality is not answered then. */
Test(attester_faults, tpm_process_stopped)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 300);
    kill(f.tpm.pid, SIGSTOP);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer within 300 ms");
    cr_assert_lt(now_ms() - start, 300 + SLACK_MS);
    kill(f.tpm.pid, SIGCONT);
    await_evidence(attester, &request);
    attester->free(attester);
}

struct waiter {
    struct ratls_attester *attester;
    enum ratls_status status;
    uint64_t taken_ms;
    struct ratls_error err;
};

static atomic_int returned;

static void *attest_once(void *arg)
{
    struct waiter *waiter = arg;
    const struct ratls_attest_request request = new_request(1);
    uint64_t start = now_ms();
    uint8_t *out = NULL;
    size_t len;

    waiter->status =
        waiter->attester->attest(waiter->attester, &request, &out, &len, &waiter->err);
    free(out);
    waiter->taken_ms = now_ms() - start;
    atomic_fetch_add(&returned, 1);
    return NULL;
}

static void start_waiters(struct waiter *waiters, pthread_t *threads, size_t count,
                          struct ratls_attester *attester)
{
    pthread_attr_t small;
    size_t i;

    cr_assert_eq(pthread_attr_init(&small), 0);
    cr_assert_eq(pthread_attr_setstacksize(&small, 256 * 1024), 0);
    for (i = 0; i < count; i++) {
        waiters[i].attester = attester;
        cr_assert_eq(pthread_create(&threads[i], &small, attest_once, &waiters[i]), 0);
    }
    pthread_attr_destroy(&small);
}

/* A TPM that is slower than its callers: one quote serves all who wait while it makes another. */
Test(attester_faults, slow_tpm)
{
    const char *const options[] = {"--delay-ms", "500", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;
    struct waiter waiters[16] = {0};
    pthread_t threads[16];
    int i;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    start_waiters(waiters, threads, 16, attester);
    for (i = 0; i < 16; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(waiters[i].status, RATLS_OK, "%s", waiters[i].err.text);
    }
    cr_expect_leq(counts_of(attester).quotes, 8);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

#define QUEUE 64
#define LATE 8
#define CROWD (QUEUE + LATE) /* some find no place */

/* While the TPM hangs the queue fills; who finds it full is told at once, all others are served. */
Test(attester_faults, queue_is_bounded)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_tpm_options small = {
        .state_dir = f.state, .deadline_ms = 60000, .queue = QUEUE};
    const struct ratls_attest_request after = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct tpm_mux mux;
    struct waiter waiters[CROWD] = {0};
    pthread_t threads[CROWD];
    int refused = 0;
    int i;

    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    init_key(mux.tcti, RATLS_AK_ECDSA_P256, false);
    assert_ok(ratls_tpm_attester_new(&small, &attester, &err), &err);
    start_waiters(waiters, threads, CROWD, attester);
    assert_soon(atomic_load(&returned) >= LATE);
    tpm_mux_arm(&mux, false);
    for (i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        if (waiters[i].status == RATLS_OK)
            continue;
        assert_fails(waiters[i].status, RATLS_TPM, &waiters[i].err, "64 requests wait for it");
        cr_expect_lt(waiters[i].taken_ms, SLACK_MS);
        refused++;
    }
    cr_assert_eq(refused, LATE);
    free(attest(attester, &after));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester_faults, queue_has_a_limit)
{
    struct ratls_tpm_options options = {.state_dir = f.state, .queue = RATLS_TPM_QUEUE_MAX + 1};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "queue: at most 65536");
    options.queue = RATLS_TPM_QUEUE_MAX;
    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    attester->free(attester);
}

/* The thread cannot be ended; whoever frees the attester goes on all the same. */
Test(attester_faults, free_while_stuck)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    unsigned threads;
    uint64_t start;

    begin_over_mux(&mux, options);
    threads = count_threads();
    attester = new_attester(mux.tcti, 200);
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer");
    start = now_ms();
    attester->free(attester);
    cr_assert_lt(now_ms() - start, 1000 + SLACK_MS);
    tpm_mux_arm(&mux, false); /* the thread gets its answer, and frees what it left behind */
    wait_for_threads(threads);
    tpm_mux_stop(&mux);
}
