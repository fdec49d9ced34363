/* An agent that hangs: the first who asks waits in vain, and nobody else does until it answers. */
#include <pthread.h>
#include <sys/wait.h>

#include "agent_scene.h"
#include "own_process.h"

TestSuite(agent_client_silent, .timeout = 120);

#define DEADLINE_MS 1000
#define AT_ONCE_MS 500 /* half of the deadline: with sanitizers, on a machine with other work */
#define HANGS "hangs: no answer for"

/* Returns how long it took to be told so. */
static uint64_t expect_failure(struct ratls_attester *attester, const char *text)
{
    const uint64_t start = now_ms();

    assert_no_evidence(attester, RATLS_IO, text);
    return now_ms() - start;
}

static void expect_fast_failures(struct ratls_attester *attester)
{
    for (int i = 0; i < 20; i++)
        cr_expect_lt(expect_failure(attester, HANGS), AT_ONCE_MS);
}

static void fall_silent(struct agent_scene *s)
{
    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    cr_expect_geq(expect_failure(s->attester, "did not answer within 1000 ms"), DEADLINE_MS - 5);
}

static void wait_until_it_attests(struct agent_scene *s)
{
    const uint64_t limit = now_ms() + WAIT_MS;
    struct ratls_error err = {0};

    while (agent_attest(s->attester, 1, &err) != RATLS_OK && now_ms() < limit) {
        cr_assert_not_null(strstr(err.text, HANGS), "%s", err.text);
        err = (struct ratls_error){0};
        sleep_ms(10);
    }
    assert_attests(s->attester, 2);
}

Test(agent_client_silent, only_the_first_waits)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);
    struct asker asker = {.request = agent_request(1)};
    const struct ratls_pcr_selection selection = {1, {{0x000b, 0x83}}};
    struct ratls_error err = {0};
    uint8_t digest[32];

    assert_attests(s->attester, 1);
    fall_silent(s);
    expect_fast_failures(s->attester);
    cr_expect_eq(asker_try(&asker, s->attester), RATLS_IO);
    cr_expect_not_null(strstr(asker.err.text, HANGS), "%s", asker.err.text);
    cr_expect_eq(s->attester->state(s->attester, &selection, digest, &err), RATLS_IO);
    cr_expect_not_null(strstr(err.text, HANGS), "%s", err.text);
    cr_expect_eq(s->agent.questions, 2);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    wait_until_it_attests(s);
    cr_expect_eq(s->agent.connections, 1);
    cr_expect_eq(s->agent.malformed, 0);
    agent_scene_free(s);
}

/* It says for how long already; and it is asked now and then, not more. */
Test(agent_client_silent, probes)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);
    const uint64_t start = now_ms();
    struct ratls_error err = {0};
    unsigned passed_s = 0;
    unsigned probes;

    fall_silent(s);
    sleep_ms(3000);
    cr_assert_eq(agent_attest(s->attester, 1, &err), RATLS_IO);
    cr_assert_not_null(strstr(err.text, HANGS), "%s", err.text);
    cr_assert_eq(sscanf(strstr(err.text, HANGS), HANGS " %u s; nobody waits for it", &passed_s), 1);
    cr_expect(passed_s >= 3 && passed_s <= (now_ms() - start) / 1000, "%s", err.text);
    probes = atomic_load(&s->agent.probes); /* at 0, 250, 750 and 1750 ms, then every 2 s */
    cr_expect(probes >= 3 && probes <= 5 + (now_ms() - start) / 2000, "%u probes", probes);
    cr_expect_eq(s->agent.questions, 1);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    wait_until_it_attests(s);
    probes = atomic_load(&s->agent.probes);
    sleep_ms(1000);
    cr_expect_eq(atomic_load(&s->agent.probes), probes, "one that answers is not probed");
    agent_scene_free(s);
}

/* An answer that comes too late for who asked tells the others that it answers. */
Test(agent_client_silent, a_late_answer_ends_it)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);

    atomic_store(&s->knobs.delay_ms, 2 * DEADLINE_MS);
    expect_failure(s->attester, "did not answer within 1000 ms");
    cr_expect_lt(expect_failure(s->attester, HANGS), AT_ONCE_MS);
    atomic_store(&s->knobs.delay_ms, 0);
    wait_until_it_attests(s);
    agent_scene_free(s);
}

/* One answer that is missing says nothing where others come. */
Test(agent_client_silent, not_if_it_answers_others)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);
    struct asker lost = {0};

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    agent_begin(&lost, s->attester, 1);
    assert_soon(atomic_load(&s->agent.questions) != 0);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    assert_attests(s->attester, 2);
    asker_wait(&lost);
    asker_take(&lost);
    cr_expect_not_null(strstr(lost.err.text, "did not answer within 1000 ms"), "%s", lost.err.text);
    assert_attests(s->attester, 3);
    cr_expect_eq(s->agent.probes, 0);
    agent_scene_free(s);
}

/* Who asks when it answers again has his own deadline, and not the time of the next probe. */
Test(agent_client_silent, a_deadline_before_the_next_probe)
{
    const unsigned deadline_ms = 300;
    struct agent_scene *s = agent_scene_new(deadline_ms);
    struct asker asker = {0};
    uint64_t start;

    atomic_store(&s->agent.mood, FAKE_AGENT_DEAF);
    expect_failure(s->attester, "did not answer within 300 ms");
    sleep_ms(2000); /* the last probe was at 1750 ms, the next one is at 3750 ms */
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    wait_until_it_attests(s);
    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    start = now_ms();
    agent_begin(&asker, s->attester, 1);
    asker_wait(&asker);
    cr_expect_lt(now_ms() - start, 1000);
    asker_take(&asker);
    cr_expect_not_null(strstr(asker.err.text, "did not answer within"), "%s", asker.err.text);
    agent_scene_free(s);
}

/* One that was ended and begins anew owes nothing. */
Test(agent_client_silent, a_restart_ends_it)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);

    fall_silent(s);
    expect_fast_failures(s->attester);
    fake_agent_stop(&s->agent);
    fake_agent_start(&s->agent, s->path, s->local);
    sleep_ms(AGENT_RETRY_MS);
    assert_attests(s->attester, 1);
    agent_scene_free(s);
}

#define THREADS 8
#define ROUNDS 50

struct crowd {
    struct ratls_attester *attester;
    atomic_uint slow;
    atomic_uint fast;
};

static void *ask_often(void *arg)
{
    struct crowd *crowd = arg;

    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t start = now_ms();
        struct ratls_error err = {0};

        if (agent_attest(crowd->attester, 1, &err) == RATLS_OK)
            continue;
        atomic_fetch_add(now_ms() - start < AT_ONCE_MS ? &crowd->fast : &crowd->slow, 1);
        sleep_ms(20);
    }
    return NULL;
}

/* Each thread waits once at most: who asked before it was known waits his time. */
Test(agent_client_silent, threads)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);
    struct crowd crowd = {.attester = s->attester};
    pthread_t threads[THREADS];

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_leq(crowd.slow, THREADS);
    cr_expect_geq(crowd.slow, 1);
    cr_expect_eq(crowd.slow + crowd.fast, THREADS * ROUNDS);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    wait_until_it_attests(s);
    agent_scene_free(s);
}

/* A child knows nothing of it: it waits once, and is then told as well. */
static int ask_in_child(struct agent_scene *s)
{
    struct ratls_error err = {0};
    uint64_t start = now_ms();

    alarm(60);
    if (agent_attest(s->attester, 1, &err) != RATLS_IO ||
        now_ms() - start < DEADLINE_MS - 5 || strstr(err.text, "did not answer") == NULL)
        return 1;
    start = now_ms();
    err = (struct ratls_error){0};
    if (agent_attest(s->attester, 1, &err) != RATLS_IO || now_ms() - start > AT_ONCE_MS ||
        strstr(err.text, HANGS) == NULL)
        return 2;
    s->attester->free(s->attester);
    return 0;
}

Test(agent_client_silent, fork)
{
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);
    pid_t child;
    int status;

    fall_silent(s);
    wait_for_rest(); /* while it forks */
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        status = ask_in_child(s);
        _exit(status);
    }
    expect_fast_failures(s->attester);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0, "%x", (unsigned)status);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    wait_until_it_attests(s);
    cr_expect_eq(s->agent.connections, 2);
    agent_scene_free(s);
}
