/* ratlsd: what its callers get, and what ends their connections. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_fixture.h"

TestSuite(agent, .init = set_up, .fini = agent_tear_down, .timeout = 120);

static uint8_t buffer[RATLS_AGENT_ANSWER_MAX];
static struct agent agent;

static void begin(void)
{
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start_simply(&agent, NULL);
}

/* The first service of the rule is the default; the caller's word counts only among them. */
Test(agent, evidence)
{
    struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    int fd;

    begin();
    fd = agent_connect(&agent);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    cr_expect_eq(answer.id, 1);
    assert_evidence(&answer, 10, "shop");
    question = evidence_question(UINT64_MAX, 20);
    name_service(&question, "bank");
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    cr_expect_eq(answer.id, UINT64_MAX);
    assert_evidence(&answer, 20, "bank");
    question = evidence_question(2, 30);
    name_service(&question, "mint");
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 2, RATLS_USAGE, "may not ask for the service \"mint\"");
    cr_expect_eq(agent_figure(&agent, "ratls_evidence_total{service=\"shop\"}"), 1);
    cr_expect_eq(agent_figure(&agent, "ratls_evidence_total{service=\"bank\"}"), 1);
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"user\"}"), 1);
    cr_expect_eq(agent_figure(&agent, "ratls_connections"), 2);
    close(fd);
    agent_await_figure(&agent, "ratls_connections", 1);
    agent_stop(&agent);
}

#define SAME_CHAIN 5 /* questions whose numbers differ by what a table of them may have as size */
#define STEP 1024

/* Numbers are the caller's choice: each question has its own answer, and its own cancel. */
Test(agent, numbers_that_are_alike)
{
    struct ratls_agent_question questions[SAME_CHAIN], cancel = {.kind = RATLS_AGENT_CANCEL};
    const char *const options[] = {"--delay-ms", "300", NULL};
    struct ratls_agent_answer answer;
    bool is_answered[SAME_CHAIN] = {false};
    struct tpm_mux mux;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    for (uint8_t i = 0; i < SAME_CHAIN; i++) {
        questions[i] = evidence_question(7 + (uint64_t)STEP * i, (uint8_t)(10 * i));
        agent_send(fd, &questions[i]);
    }
    cancel.id = questions[1].id;
    agent_send(fd, &cancel);
    for (unsigned k = 0; k < SAME_CHAIN - 1; k++) {
        size_t i;

        agent_receive(fd, &answer, buffer);
        i = (size_t)((answer.id - 7) / STEP);
        cr_assert(i < SAME_CHAIN && i != 1 && !is_answered[i]);
        assert_evidence(&answer, (uint8_t)(10 * i), "shop");
        is_answered[i] = true;
    }
    agent_await_figure(&agent, "ratls_waiting", 0);
    close(fd);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* As the attester itself says it. */
Test(agent, state)
{
    struct ratls_agent_question question = {
        .id = 5,
        .kind = RATLS_AGENT_STATE,
        .deadline_ms = 5000,
        .request.selection = {1, {{RATLS_ALG_SHA256, 0x81}}},
    };
    struct ratls_attester *attester;
    struct ratls_agent_answer answer;
    struct ratls_error err = {0};
    uint8_t expected[32], before[32], now[32];
    unsigned age_ms = 1;
    int fd;

    begin();
    fd = agent_connect(&agent);
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    cr_assert_eq(answer.status, RATLS_OK);
    cr_assert(ratls_agent_state_read(answer.payload, before, &age_ms));
    cr_expect_eq(age_ms, 0, "it was read for the question");
    sleep_ms(1300); /* it is at most a second old; and the agent lets go of the TPM */
    cr_assert(swtpm_extend(f.tpm.tcti, 7, 1));
    agent_send(fd, &question);
    agent_receive(fd, &answer, buffer);
    cr_assert_eq(answer.status, RATLS_OK);
    cr_assert(ratls_agent_state_read(answer.payload, now, &age_ms));
    cr_expect_arr_neq(now, before, sizeof before);
    agent_stop(&agent);
    attester = new_attester(NULL, 0);
    assert_ok(attester->state(attester, &question.request.selection, expected, &err), &err);
    cr_expect_arr_eq(now, expected, sizeof expected);
    attester->free(attester);
    close(fd);
}

struct bad_message {
    const char *name;
    size_t len;
    const uint8_t *bytes;
};

static const uint8_t zeros[RATLS_AGENT_QUESTION_MAX + 1];

static const struct bad_message bad_messages[] = {
    {"no byte", 0, zeros},
    {"one byte", 1, (const uint8_t *)"\x84"},
    {"zeros", 64, zeros},
    {"the longest", RATLS_AGENT_QUESTION_MAX, zeros},
    {"too long", RATLS_AGENT_QUESTION_MAX + 1, zeros},
    {"version 2", 5, (const uint8_t *)"\x84\x02\x01\x03\x80"},
    {"kind 5", 5, (const uint8_t *)"\x84\x01\x01\x05\x80"},
    {"trailing", 6, (const uint8_t *)"\x84\x01\x01\x03\x80\x00"},
    {"text", 5, (const uint8_t *)"HELLO"},
};

/* Each ends its connection, and no other. */
Test(agent, malformed_messages)
{
    const size_t count = sizeof bad_messages / sizeof *bad_messages;
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    int good;

    begin();
    good = agent_connect(&agent);
    for (size_t i = 0; i < count; i++) {
        const struct bad_message *bad = &bad_messages[i];
        int fd = agent_connect(&agent);

        cr_assert_eq(send(fd, bad->bytes, bad->len, 0), (ssize_t)bad->len);
        cr_expect_not(agent_try_receive(fd, &answer, buffer, SLACK_MS), "%s", bad->name);
        close(fd);
    }
    agent_send(good, &question);
    agent_receive(good, &answer, buffer);
    assert_evidence(&answer, 10, "shop");
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"malformed\"}"),
                 (double)count - 1, "one without a byte cannot be told from the end");
    close(good);
    agent_stop(&agent);
}

/* What the writer of questions does not write: other modes, and a statement's own bytes. */
Test(agent, only_statements_of_sessions)
{
    static const uint8_t modes[] = {RATLS_MODE_CERTIFICATE, RATLS_MODE_EPOCH, 0, 6};
    const struct ratls_agent_question question = evidence_question(1, 10);
    uint8_t message[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(message, sizeof message);
    const size_t mode_at = 9; /* 84 01 01 01, 8a, 60, 19 27 10, mode */
    struct ratls_agent_answer answer;

    begin();
    ratls_agent_question_write(&question, &w);
    cr_assert_eq(message[mode_at], RATLS_MODE_HANDSHAKE);
    for (size_t i = 0; i < sizeof modes; i++) {
        int fd = agent_connect(&agent);

        message[mode_at] = modes[i];
        cr_assert_eq(send(fd, message, w.len, 0), (ssize_t)w.len);
        cr_expect_not(agent_try_receive(fd, &answer, buffer, SLACK_MS), "mode %u", modes[i]);
        close(fd);
    }
    cr_expect_eq(agent_figure(&agent, "ratls_quotes_total"), 0);
    agent_stop(&agent);
}

/* An id that is in use ends the connection; one that is free again does not. */
Test(agent, ids)
{
    const char *const options[] = {"--hang", "--disarmed", NULL};
    const struct ratls_agent_question question = evidence_question(1, 10);
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    for (int i = 0; i < 2; i++) {
        agent_send(fd, &question);
        agent_receive(fd, &answer, buffer);
        assert_evidence(&answer, 10, "shop");
    }
    tpm_mux_arm(&mux, true);
    agent_send(fd, &question);
    agent_send(fd, &question);
    cr_expect_not(agent_try_receive(fd, &answer, buffer, SLACK_MS));
    close(fd);
    agent_await_figure(&agent, "ratls_waiting", 0);
    tpm_mux_arm(&mux, false);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* Not answered, and no longer counted; the id may be used again. */
Test(agent, cancelled)
{
    const char *const options[] = {"--hang", NULL};
    struct ratls_agent_question question = evidence_question(1, 10);
    const struct ratls_agent_question cancel = {.id = 1, .kind = RATLS_AGENT_CANCEL};
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    agent_send(fd, &cancel); /* of nothing: passed over */
    agent_send(fd, &question);
    agent_await_figure(&agent, "ratls_waiting", 1);
    agent_send(fd, &cancel);
    agent_await_figure(&agent, "ratls_waiting", 0);
    question.request = new_request(20);
    agent_send(fd, &question);
    tpm_mux_arm(&mux, false);
    agent_receive(fd, &answer, buffer);
    assert_evidence(&answer, 20, "shop"); /* and not 10 */
    cr_expect_eq(agent_figure(&agent, "ratls_evidence_total{service=\"shop\"}"), 1);
    close(fd);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* A caller that goes takes its questions along. */
Test(agent, vanishing_caller)
{
    const char *const options[] = {"--hang", NULL};
    struct tpm_mux mux;
    int fd;

    agent_start_over(&agent, &mux, options);
    fd = agent_connect(&agent);
    for (unsigned i = 0; i < 100; i++) {
        const struct ratls_agent_question question = evidence_question(i, (uint8_t)i);

        agent_send(fd, &question);
    }
    agent_await_figure(&agent, "ratls_waiting", 100);
    close(fd);
    agent_await_figure(&agent, "ratls_waiting", 0);
    tpm_mux_arm(&mux, false);
    agent_must_serve(&agent, 10, "shop");
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* Many wait for one quote, on several connections and for several services; the oldest goes first.
 */
Test(agent, one_quote_for_many)
{
    const char *const options[] = {"--hang", NULL};
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    double quotes;
    int fds[4];

    agent_start_over(&agent, &mux, options);
    for (unsigned i = 0; i < 4; i++)
        fds[i] = agent_connect(&agent);
    for (unsigned i = 0; i < 80; i++) {
        struct ratls_agent_question question = evidence_question(i, (uint8_t)(3 * i));

        name_service(&question, i % 8 < 4 ? "shop" : "bank");
        agent_send(fds[i % 4], &question);
    }
    agent_await_figure(&agent, "ratls_waiting", 80);
    tpm_mux_arm(&mux, false);
    for (unsigned i = 0; i < 80; i++) {
        agent_receive(fds[i % 4], &answer, buffer);
        cr_expect_eq(answer.id, i);
        assert_evidence(&answer, (uint8_t)(3 * answer.id), answer.id % 8 < 4 ? "shop" : "bank");
    }
    quotes = agent_figure(&agent, "ratls_quotes_total");
    cr_expect_leq(quotes, 4, "%f quotes", quotes);
    cr_expect_eq(agent_figure(&agent, "ratls_quote_batch_size_sum"), 80);
    cr_expect_eq(agent_figure(&agent, "ratls_evidence_seconds_count"), 80);
    for (unsigned i = 0; i < 4; i++)
        close(fds[i]);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}
