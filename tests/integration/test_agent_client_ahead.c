/* The measured state of an agent for who must not wait: known_state, begin_state (attester.h). */
#include "agent_scene.h"
#include "measured.h"
#include "state_keeper.h"

TestSuite(agent_client_ahead, .timeout = 120);

#define DEAF_MS 5000 /* the deadline of questions */
#define ASKED 1000

static const struct ratls_pcr_selection some = {1, {{0x000b, 0x83}}};

static bool knows(struct ratls_attester *attester, uint8_t out[RATLS_MEASURED_LEN])
{
    struct ratls_error err = {0};
    enum ratls_status status = attester->known_state(attester, &some, out, &err);

    cr_assert(status == RATLS_OK || status == RATLS_TPM, "%s", err.text);
    return status == RATLS_OK;
}

static void await_known(struct ratls_attester *attester, uint8_t out[RATLS_MEASURED_LEN])
{
    assert_soon(knows(attester, out));
}

static void assert_never_waits(struct ratls_attester *attester)
{
    const uint64_t start = now_ms();
    uint8_t now[RATLS_MEASURED_LEN];

    for (unsigned i = 0; i < ASKED; i++)
        (void)knows(attester, now);
    cr_assert_lt(now_ms() - start, DEAF_MS / 5, "it waits for the agent");
}

Test(agent_client_ahead, is_at_hand_and_stays)
{
    struct agent_scene *s = agent_scene_new(0);
    uint8_t known[RATLS_MEASURED_LEN], there[RATLS_MEASURED_LEN];
    struct ratls_error err = {0};

    cr_assert_eq(s->local->state(s->local, &some, there, &err), RATLS_OK);
    cr_assert_not(knows(s->attester, known), "nobody has asked");
    await_known(s->attester, known);
    cr_expect_arr_eq(known, there, sizeof there);
    cr_expect_eq(s->agent.last_asked.kind, RATLS_AGENT_STATE);
    cr_expect_str_eq(s->agent.last_asked.service, "web");
    sleep_ms(3 * RATLS_STATE_FRESH_MS);
    cr_expect(knows(s->attester, known), "it was asked for meanwhile");
    cr_expect_leq(atomic_load(&s->agent.questions), 10, "twice in a second is enough");
    fake_tpm_pcr(s->tpm, 0x000b, 7)[0] ^= 1;
    sleep_ms(RATLS_STATE_FRESH_MS);
    await_known(s->attester, known);
    cr_expect_arr_neq(known, there, sizeof there);
    agent_scene_free(s);
}

/* How old it was for the agent counts here, too. */
Test(agent_client_ahead, is_as_old_as_the_agent_says)
{
    struct agent_scene *s = agent_scene_new(0);
    uint8_t known[RATLS_MEASURED_LEN];
    uint64_t start;

    atomic_store(&s->agent.state_age_ms, RATLS_STATE_FRESH_MS);
    start = now_ms();
    while (now_ms() < start + 3 * RATLS_STATE_FRESH_MS) {
        cr_assert_not(knows(s->attester, known), "it is too old");
        sleep_ms(10);
    }
    cr_expect_geq(atomic_load(&s->agent.questions), 2);
    atomic_store(&s->agent.state_age_ms, 0);
    await_known(s->attester, known);
    agent_scene_free(s);
}

/* Behind evidence it is at hand without a question. */
Test(agent_client_ahead, evidence_brings_it)
{
    struct agent_scene *s = agent_scene_new(0);
    uint8_t known[RATLS_MEASURED_LEN], there[RATLS_MEASURED_LEN];
    struct ratls_error err = {0};

    assert_attests(s->attester, 1);
    cr_assert(knows(s->attester, known));
    cr_assert_eq(s->local->state(s->local, &some, there, &err), RATLS_OK);
    cr_expect_arr_eq(known, there, sizeof there);
    agent_scene_free(s);
}

/* An agent that hears nothing, that is gone, and that is there again. */
Test(agent_client_ahead, nobody_waits_for_an_agent)
{
    struct agent_scene *s = agent_scene_new(DEAF_MS);
    uint8_t known[RATLS_MEASURED_LEN];

    await_known(s->attester, known);
    atomic_store(&s->agent.mood, FAKE_AGENT_DEAF);
    assert_never_waits(s->attester);
    sleep_ms(2 * RATLS_STATE_FRESH_MS);
    cr_assert_not(knows(s->attester, known), "it is too old");
    assert_never_waits(s->attester);
    atomic_store(&s->agent.mood, FAKE_AGENT_LEAVES);
    sleep_ms(RATLS_STATE_FRESH_MS);
    assert_never_waits(s->attester);
    cr_assert_not(knows(s->attester, known));
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    await_known(s->attester, known);
    agent_scene_free(s);
}

/* Its question is open when the attester goes: nothing of it is left. */
Test(agent_client_ahead, ends_with_an_open_question)
{
    struct agent_scene *s = agent_scene_new(0);
    uint8_t known[RATLS_MEASURED_LEN];

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    cr_assert_not(knows(s->attester, known));
    assert_soon(atomic_load(&s->agent.questions) == 1);
    agent_scene_free(s);
}

static void count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

Test(agent_client_ahead, begun)
{
    struct agent_scene *s = agent_scene_new(0);
    struct ratls_state_job *job = NULL, *gone = NULL;
    uint8_t taken[RATLS_MEASURED_LEN], there[RATLS_MEASURED_LEN];
    atomic_uint calls = 0, gone_calls = 0;
    struct ratls_error err = {0};

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    cr_assert_eq(s->attester->begin_state(s->attester, &some, count, &gone_calls, &gone, &err),
                 RATLS_OK);
    s->attester->cancel_state(s->attester, gone);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    cr_assert_eq(s->attester->begin_state(s->attester, &some, count, &calls, &job, &err), RATLS_OK,
                 "%s", err.text);
    assert_soon(atomic_load(&calls) == 1);
    cr_assert_eq(s->attester->take_state(s->attester, job, taken, &err), RATLS_OK, "%s", err.text);
    cr_assert_eq(s->local->state(s->local, &some, there, &err), RATLS_OK);
    cr_expect_arr_eq(taken, there, sizeof there);
    cr_expect_eq(atomic_load(&gone_calls), 0);
    agent_scene_free(s);
}

/* WIRE.md, 13: 32 bytes, and two of age. */
Test(agent_client_ahead, payload)
{
    uint8_t digest[RATLS_MEASURED_LEN] = {7}, read[RATLS_MEASURED_LEN] = {0};
    uint8_t payload[RATLS_AGENT_STATE_LEN + 1] = {0};
    unsigned age_ms = 0;

    ratls_agent_state_write(digest, 0x1ff, payload);
    cr_expect(payload[32] == 0x01 && payload[33] == 0xff);
    cr_assert(ratls_agent_state_read(ratls_slice(payload, RATLS_AGENT_STATE_LEN), read, &age_ms));
    cr_expect_arr_eq(read, digest, sizeof digest);
    cr_expect_eq(age_ms, 0x1ff);
    ratls_agent_state_write(digest, 70000, payload);
    cr_expect(payload[32] == 0xff && payload[33] == 0xff, "as old as can be said");
    cr_expect_not(ratls_agent_state_read(ratls_slice(payload, sizeof payload), read, &age_ms));
    cr_expect_not(
        ratls_agent_state_read(ratls_slice(payload, RATLS_AGENT_STATE_LEN - 1), read, &age_ms));
}
