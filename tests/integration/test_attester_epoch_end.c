/* What becomes of epochs: without time stamps, in threads, and in a child process. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epoch_assert.h"

#define EPOCH_S 3
#define SESSIONS 20
#define THREADS 8

TestSuite(attester_epoch_end, .init = begin, .fini = end, .timeout = 180);

/* A time stamp that is used up is not used: the quote is for the nonce again, and somebody hears.
 */
Test(attester_epoch_end, the_end_of_time_stamps)
{
    struct ratls_attest_request request = new_offer(1);
    const uint64_t limit = now_ms() + 60000;
    struct ratls_attester *attester;
    struct sample *s;

    write_token(0);
    attester = new_epochs(token_path, EPOCH_S);
    free(wait_for_epoch(attester, &request));
    for (s = attest(attester, &request); is_of_epoch(s); s = attest(attester, &request)) {
        free(s);
        cr_assert_lt(now_ms(), limit, "an epoch without end");
        sleep_ms(50);
    }
    free(s);
    while (atomic_load(&notices) == 0 && now_ms() < limit)
        free(attest(attester, &request));
    cr_expect_not_null(strstr(last_notice, "no time stamp: each connection waits for a quote"));
    sleep_ms(1000);
    cr_expect_eq(atomic_load(&notices), 1);
    write_token(0);
    free(wait_for_epoch(attester, &request));
    cr_expect_eq(atomic_load(&notices), 2);
    cr_expect_str_eq(last_notice, "time stamps come again: connections share quotes");
    attester->free(attester);
}

Test(attester_epoch_end, bad_sources)
{
    static const char *const bad[] = {"token", "https://tsa.example/", "ftp://tsa.example/", ""};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct ratls_tpm_options options = {.state_dir = f.state, .epoch = bad[i]};
        struct ratls_attester *attester = NULL;
        struct ratls_error err = {0};

        assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                     "http://");
    }
}

/* No token at all: everything goes on as without epochs. */
Test(attester_epoch_end, files_that_are_none)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester = new_epochs(token_path, 60);
    const uint64_t limit = now_ms() + 30000;

    while (atomic_load(&notices) == 0 && now_ms() < limit) {
        struct sample *s = attest(attester, &request);

        cr_expect_not(is_of_epoch(s));
        free(s);
        sleep_ms(20);
    }
    cr_expect_not_null(strstr(last_notice, "No such file or directory"));
    attester->free(attester);
}

static void *attest_often(void *arg)
{
    struct ratls_attester *attester = arg;

    for (uint8_t i = 0; i < SESSIONS; i++) {
        struct ratls_attest_request request = new_offer(i);
        struct sample *s = attest(attester, &request);

        if (is_of_epoch(s))
            assert_session(s, &request);
        free(s);
    }
    return NULL;
}

Test(attester_epoch_end, threads)
{
    pthread_t threads[THREADS];
    struct ratls_attester *attester;

    write_token(0);
    attester = new_epochs(token_path, EPOCH_S);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, attest_often, attester), 0);
    for (size_t i = 0; i < THREADS; i++) {
        if (i % 2 == 0)
            write_token(0);
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    attester->free(attester);
}

/* Each process has a key of its own. */
Test(attester_epoch_end, fork)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester;
    struct sample *parents;
    int status = -1;
    pid_t child;

    write_token(0);
    attester = new_epochs(token_path, 60);
    parents = wait_for_epoch(attester, &request);
    wait_for_rest();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct sample *s = wait_for_epoch(attester, &request);
        bool is_other =
            !ratls_slice_equal(s->evidence.session.key, parents->evidence.session.key) &&
            ratls_slice_equal(s->evidence.token, parents->evidence.token);

        attester->free(attester);
        _exit(is_other ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    free(parents);
    attester->free(attester);
}

/* The private part of a key is not in a child: what a child was given cannot sign there. */
Test(attester_epoch_end, a_key_is_wiped_in_a_child)
{
    struct ratls_epoch_key *key = NULL;
    struct ratls_error err = {0};
    uint8_t signature[RATLS_EPOCH_SIGNATURE_MAX];
    size_t len = 0;
    int status = -1;
    pid_t child;

    assert_ok(ratls_epoch_key_new(&key, &err), &err);
    assert_ok(ratls_epoch_key_sign(key, ratls_slice("x", 1), signature, &len, &err), &err);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(ratls_epoch_key_sign(key, ratls_slice("x", 1), signature, &len, &err) == RATLS_CRYPTO
                  ? 0
                  : 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    ratls_epoch_key_free(key);
}
