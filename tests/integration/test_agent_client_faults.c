/* Agents that go away, hang, lie, or talk nonsense. */
#include "agent_scene.h"
#include "own_process.h"

TestSuite(agent_client_faults, .timeout = 120);

#define MANY 64
#define DEADLINE_MS 400
#define RETRY_MS 100 /* one who went away is not asked again before */

static void expect_between(uint64_t since, unsigned least, unsigned most)
{
    const uint64_t passed = now_ms() - since;

    cr_expect_geq(passed, least);
    cr_expect_lt(passed, most + SLACK_MS);
}

/* An answer that is none ends the connection; whoever asks next gets a new one. */
Test(agent_client_faults, nonsense)
{
    static const struct {
        enum fake_agent_mood mood;
        const char *text;
    } cases[] = {
        {FAKE_AGENT_BABBLES, "sent something that is no answer"},
        {FAKE_AGENT_TOO_LONG, "sent something that is no answer"},
        {FAKE_AGENT_EMPTY, "ended the connection"}, /* nobody can tell that from an end */
        {FAKE_AGENT_LEAVES, "ended the connection"},
    };
    struct agent_scene *s = agent_scene_new(10000);

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned before = s->agent.connections;
        const uint64_t start = now_ms();

        atomic_store(&s->agent.mood, cases[i].mood);
        assert_no_evidence(s->attester, RATLS_IO, cases[i].text);
        assert_no_evidence(s->attester, RATLS_IO, cases[i].text);
        /* The first one is too young to be made anew at once. */
        cr_expect_leq(s->agent.connections, before + 1 + (now_ms() - start) / RETRY_MS);
        atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
        sleep_ms(AGENT_RETRY_MS);
        assert_attests(s->attester, 1);
        sleep_ms(AGENT_RETRY_MS);
    }
    agent_scene_free(s);
}

Test(agent_client_faults, a_state_has_32_bytes)
{
    struct agent_scene *s = agent_scene_new(0);
    const struct ratls_pcr_selection selection = {1, {{0x000b, 0x83}}};
    struct ratls_error err = {0};
    uint8_t digest[32];

    atomic_store(&s->agent.mood, FAKE_AGENT_CURT);
    cr_expect_eq(s->attester->state(s->attester, &selection, digest, &err), RATLS_IO);
    cr_expect_not_null(strstr(err.text, "no answer"), "%s", err.text);
    agent_scene_free(s);
}

/* What nobody asked, or asks any more, is passed over. */
Test(agent_client_faults, answers_to_nobody)
{
    struct agent_scene *s = agent_scene_new(0);

    atomic_store(&s->agent.mood, FAKE_AGENT_ASTRAY);
    for (uint8_t i = 0; i < 20; i++)
        assert_attests(s->attester, i);
    cr_expect_eq(s->agent.connections, 1);
    agent_scene_free(s);
}

/* A client refuses it; here it only goes through: see test_agent_tls.c. */
Test(agent_client_faults, evidence_of_another_session_goes_through)
{
    struct agent_scene *s = agent_scene_new(0);
    const struct ratls_attest_request other = agent_request(9);
    uint8_t *evidence = NULL;
    size_t len = 0;

    assert_attests(s->attester, 1);
    atomic_store(&s->agent.mood, FAKE_AGENT_REPLAYS);
    cr_assert_eq(s->attester->attest(s->attester, &other, &evidence, &len, NULL), RATLS_OK);
    cr_expect_not(agent_is_for(evidence, len, &other));
    free(evidence);
    agent_scene_free(s);
}

/* ---- it goes away ---- */

/* All that wait are told at once, in either way of waiting. */
Test(agent_client_faults, killed)
{
    static struct asker askers[MANY];
    struct agent_scene *s = agent_scene_new(10000);
    const uint64_t start = now_ms();

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    for (int i = 0; i < MANY; i++) {
        askers[i].takes_at_once = i % 2 == 0;
        agent_begin(&askers[i], s->attester, (uint8_t)i);
    }
    assert_soon(atomic_load(&s->agent.questions) == MANY);
    fake_agent_stop(&s->agent);
    for (int i = 0; i < MANY; i++) {
        asker_wait(&askers[i]);
        if (!askers[i].takes_at_once)
            asker_take(&askers[i]);
        cr_assert_eq(askers[i].status, RATLS_IO);
        cr_assert_not_null(strstr(askers[i].err.text, "ended the connection"), "%s",
                           askers[i].err.text);
    }
    expect_between(start, 0, 0);
    fake_agent_start(&s->agent, s->path, s->local);
    sleep_ms(AGENT_RETRY_MS);
    assert_attests(s->attester, 1);
    agent_scene_free(s);
}

/*
 * While nobody asks: the next question does not even notice, however often. Who has answered is
 * connected to again at once.
 */
Test(agent_client_faults, restarted_meanwhile)
{
    struct agent_scene *s = agent_scene_new(0);

    for (uint8_t i = 0; i < 5; i++) {
        assert_attests(s->attester, i);
        fake_agent_stop(&s->agent);
        fake_agent_start(&s->agent, s->path, s->local);
        wait_for_rest(); /* the end of the connection is seen */
    }
    assert_attests(s->attester, 9);
    agent_scene_free(s);
}

/* An agent that takes connections and ends them is not asked by each handshake. */
Test(agent_client_faults, no_storm)
{
    struct agent_scene *s = agent_scene_new(0);
    const uint64_t start = now_ms();
    struct ratls_error err;
    unsigned asked = 0;

    atomic_store(&s->agent.mood, FAKE_AGENT_LEAVES);
    while (asked <= 100 || s->agent.connections <= 3) {
        err = (struct ratls_error){0};
        cr_assert_eq(agent_attest(s->attester, 1, &err), RATLS_IO);
        cr_assert_not_null(strstr(err.text, "ended the connection"), "%s", err.text);
        asked++;
    }
    cr_expect_leq(s->agent.connections, (now_ms() - start) / RETRY_MS + 1);
    agent_scene_free(s);
}

/* ---- it hangs ---- */

Test(agent_client_faults, silent)
{
    static struct asker askers[MANY];
    struct agent_scene *s = agent_scene_new(DEADLINE_MS);
    const uint64_t start = now_ms();

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    for (int i = 0; i < MANY; i++)
        agent_begin(&askers[i], s->attester, (uint8_t)i);
    for (int i = 0; i < MANY; i++) {
        asker_wait(&askers[i]);
        asker_take(&askers[i]);
        cr_assert_eq(askers[i].status, RATLS_IO);
        cr_assert_not_null(strstr(askers[i].err.text, "did not answer within 400 ms"));
    }
    expect_between(start, DEADLINE_MS - 5, DEADLINE_MS);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    assert_attests_soon(s->attester, 3);
    cr_expect_eq(s->agent.connections, 1);
    agent_scene_free(s);
}

/* The first who does not wait, long after one who did: the reader's timer is set again. */
Test(agent_client_faults, silent_after_a_rest)
{
    struct agent_scene *s = agent_scene_new(500);
    struct asker asker = {0};
    uint64_t start;

    assert_attests(s->attester, 1);
    sleep_ms(1000);
    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    start = now_ms();
    agent_begin(&asker, s->attester, 2);
    asker_wait(&asker);
    expect_between(start, 495, 500);
    asker_take(&asker);
    cr_expect_eq(asker.status, RATLS_IO);
    agent_scene_free(s);
}

#define FLOOD 1000 /* more than a socket takes */

static void flood(struct agent_scene *s, struct asker *askers)
{
    const uint64_t start = now_ms();

    atomic_store(&s->agent.mood, FAKE_AGENT_DEAF);
    for (int i = 0; i < FLOOD; i++)
        agent_begin(&askers[i], s->attester, (uint8_t)i);
    expect_between(start, 0, 0);
}

/* It does not even read: the socket is full, nobody is kept waiting longer than the deadline. */
Test(agent_client_faults, deaf)
{
    struct asker *askers = calloc(FLOOD, sizeof *askers);
    struct agent_scene *s = agent_scene_new(3000);
    uint64_t start = now_ms();

    cr_assert_not_null(askers);
    flood(s, askers);
    for (int i = 0; i < FLOOD; i++) {
        asker_wait(&askers[i]);
        asker_take(&askers[i]);
        cr_assert_eq(askers[i].status, RATLS_IO, "%s", askers[i].err.text);
        cr_assert_not_null(strstr(askers[i].err.text, "did not answer within 3000 ms"), "%s",
                           askers[i].err.text);
    }
    expect_between(start, 2990, 3000);
    cr_expect_eq(s->agent.questions, 0);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    assert_attests_soon(s->attester, 1);
    cr_expect_leq(s->agent.questions, FLOOD, "what was not sent in time is not sent");
    agent_scene_free(s);
    free(askers);
}

/* It was only busy: what did not fit into the socket is sent when there is room. */
Test(agent_client_faults, deaf_for_a_while)
{
    struct asker *askers = calloc(FLOOD, sizeof *askers);
    struct agent_scene *s = agent_scene_new(10000);

    cr_assert_not_null(askers);
    flood(s, askers);
    sleep_ms(100);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    for (int i = 0; i < FLOOD; i++) {
        asker_wait(&askers[i]);
        asker_take(&askers[i]);
        assert_asker_has_evidence(&askers[i]);
    }
    cr_expect_eq(s->agent.connections, 1);
    cr_expect_eq(s->agent.questions, FLOOD);
    agent_scene_free(s);
    free(askers);
}

/* A socket that is full is no reason to keep one who waits any longer than his deadline. */
Test(agent_client_faults, waiting_for_the_deaf)
{
    struct asker *askers = calloc(FLOOD, sizeof *askers);
    struct agent_scene *s = agent_scene_new(1500);
    uint64_t start;

    cr_assert_not_null(askers);
    flood(s, askers);
    start = now_ms();
    assert_no_evidence(s->attester, RATLS_IO, "did not answer within 1500 ms");
    expect_between(start, 1490, 1500);
    for (int i = 0; i < FLOOD; i++)
        s->attester->cancel(s->attester, askers[i].job);
    agent_scene_free(s);
    free(askers);
}

/* 16 384 questions at once, and no more; the rest is told so at once. */
Test(agent_client_faults, too_many)
{
    const int limit = 16384;
    struct asker *askers = calloc((size_t)limit, sizeof *askers);
    struct agent_scene *s = agent_scene_new(10000);
    struct asker late = {.request = agent_request(1)};

    cr_assert_not_null(askers);
    atomic_store(&s->agent.mood, FAKE_AGENT_DEAF);
    for (int i = 0; i < limit; i++)
        agent_begin(&askers[i], s->attester, (uint8_t)i);
    assert_no_evidence(s->attester, RATLS_LIMIT, "16384 questions of this process wait already");
    cr_expect_eq(asker_try(&late, s->attester), RATLS_LIMIT);
    cr_expect_null(late.job);
    for (int i = 0; i < limit; i++)
        s->attester->cancel(s->attester, askers[i].job);
    agent_scene_free(s);
    free(askers);
}

/* ---- nothing is left behind ---- */

Test(agent_client_faults, descriptors_come_and_go)
{
    struct agent_scene *s = agent_scene_new(0);
    unsigned before;

    assert_attests(s->attester, 1);
    before = count_descriptors();
    for (uint8_t i = 0; i < 5; i++) {
        struct ratls_attester *other = agent_scene_attester(s, 0);

        atomic_store(&s->agent.mood, FAKE_AGENT_LEAVES);
        assert_no_evidence(other, RATLS_IO, "ended the connection");
        atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
        sleep_ms(AGENT_RETRY_MS);
        assert_attests(other, i);
        other->free(other);
    }
    /* The agent of this test closes its own ends when it stops: two for each turn. */
    cr_expect_eq(count_descriptors(), before + 10);
    agent_scene_free(s);
}
