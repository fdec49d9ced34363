/* ratlsd as a process that was stopped, and processes that ask it meanwhile. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ratls/attester_agent.h>

#include "agent_fixture.h"

TestSuite(agent_stopped, .init = set_up, .fini = agent_tear_down, .timeout = 120);

#define DEADLINE_MS 1000
#define AT_ONCE_MS 500 /* of DEADLINE_MS; a machine with other work */
#define HANGS "hangs: no answer for"

static struct agent agent;
static struct ratls_attester *attester;

static void begin(void)
{
    const struct ratls_agent_options options = {.socket = agent.socket, .deadline_ms = DEADLINE_MS};
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
    cr_assert_eq(ratls_agent_attester_new(&options, &attester, &err), RATLS_OK, "%s", err.text);
}

static void end(void)
{
    attester->free(attester);
    agent_stop(&agent);
}

static enum ratls_status ask(struct ratls_error *err)
{
    const struct ratls_attest_request request = new_request(1);
    uint8_t *evidence = NULL;
    size_t len = 0;
    enum ratls_status status;

    *err = (struct ratls_error){0};
    status = attester->attest(attester, &request, &evidence, &len, err);
    free(evidence);
    return status;
}

static bool fails_at_once(void)
{
    struct ratls_error err;
    const uint64_t start = now_ms();

    return ask(&err) == RATLS_IO && strstr(err.text, HANGS) != NULL &&
           now_ms() - start < AT_ONCE_MS;
}

static bool fails_late(void)
{
    struct ratls_error err;
    const uint64_t start = now_ms();

    return ask(&err) == RATLS_IO && strstr(err.text, "did not answer within 1000 ms") != NULL &&
           now_ms() - start >= DEADLINE_MS - 5;
}

static void must_attest(void)
{
    struct ratls_error err;

    cr_assert_eq(ask(&err), RATLS_OK, "%s", err.text);
}

/* By itself: nobody has to wait for it again. */
static bool attests_again(void)
{
    const uint64_t limit = now_ms() + WAIT_MS;
    struct ratls_error err;

    while (now_ms() < limit) {
        if (ask(&err) == RATLS_OK)
            return true;
        sleep_ms(10);
    }
    fprintf(stderr, "%s\n", err.text);
    return false;
}

Test(agent_stopped, the_first_waits_and_no_other)
{
    begin();
    must_attest();
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(kill(agent.pid, SIGSTOP), 0);
        cr_expect(fails_late());
        for (int k = 0; k < 20; k++)
            cr_expect(fails_at_once());
        sleep_ms(1000); /* some probes */
        cr_expect(fails_at_once());
        cr_assert_eq(kill(agent.pid, SIGCONT), 0);
        cr_assert(attests_again());
        must_attest();
    }
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"user\"}"), 0);
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"malformed\"}"), 0);
    end();
}

/* The one who asks for the first time finds a socket that takes connections. */
Test(agent_stopped, before_anybody_asked)
{
    begin();
    cr_assert_eq(kill(agent.pid, SIGSTOP), 0);
    cr_expect(fails_late());
    cr_expect(fails_at_once());
    cr_assert_eq(kill(agent.pid, SIGCONT), 0);
    cr_assert(attests_again());
    end();
}

/* What a watchdog does: the next process is found without another wait. */
Test(agent_stopped, killed_and_started_again)
{
    begin();
    must_attest();
    cr_assert_eq(kill(agent.pid, SIGSTOP), 0);
    cr_expect(fails_late());
    cr_expect(fails_at_once());
    cr_expect_eq(agent_end(&agent, SIGKILL), -1);
    agent_run(&agent);
    cr_assert(attests_again());
    end();
}

#define THREADS 8

static void *ask_as_a_thread(void *arg)
{
    atomic_uint *late = arg;
    struct ratls_error err;

    for (int i = 0; i < 30; i++) {
        const uint64_t start = now_ms();

        if (ask(&err) != RATLS_OK && now_ms() - start >= DEADLINE_MS - 5)
            atomic_fetch_add(late, 1);
        sleep_ms(100);
    }
    return attests_again() ? NULL : arg;
}

Test(agent_stopped, threads)
{
    pthread_t threads[THREADS];
    atomic_uint late = 0;
    void *failed;

    begin();
    must_attest();
    cr_assert_eq(kill(agent.pid, SIGSTOP), 0);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_as_a_thread, &late), 0);
    sleep_ms(2500); /* behind the deadline of all, before their last turn */
    cr_assert_eq(kill(agent.pid, SIGCONT), 0);
    for (int i = 0; i < THREADS; i++) {
        cr_assert_eq(pthread_join(threads[i], &failed), 0);
        cr_expect_null(failed, "a thread got nothing in the end");
    }
    cr_expect(late >= 1 && late <= THREADS, "%u waited", late);
    end();
}

static int ask_as_a_child(int go)
{
    char byte;

    alarm(60);
    if (!fails_late() || !fails_at_once())
        return 1;
    if (read(go, &byte, 1) != 1 || !attests_again())
        return 2;
    attester->free(attester);
    return 0;
}

/* Each process learns it for itself, and each that it is over. */
Test(agent_stopped, fork)
{
    int go[2];
    int status;
    pid_t child;

    begin();
    must_attest();
    cr_assert_eq(kill(agent.pid, SIGSTOP), 0);
    cr_expect(fails_late());
    cr_assert_eq(pipe(go), 0);
    wait_for_rest();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        status = ask_as_a_child(go[0]);
        _exit(status);
    }
    cr_expect(fails_at_once());
    sleep_ms(2 * DEADLINE_MS);
    cr_expect(fails_at_once());
    cr_assert_eq(kill(agent.pid, SIGCONT), 0);
    cr_assert(attests_again());
    cr_assert_eq(write(go[1], "g", 1), 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0, "%x", (unsigned)status);
    end();
}
