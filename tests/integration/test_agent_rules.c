/* ratlsd: who may ask for what, and how much of it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_fixture.h"
#include "needs_root.h"

TestSuite(agent_rules, .init = set_up, .fini = agent_tear_down, .timeout = 120);

#define SHOP_USER 20001u
#define BANK_USER 20002u
#define STRANGER 20003u
#define GROUP 20004u
#define NO_GROUP 20005u

static const char rules[] = "clients:\n"
                            "  - {user: 20001, services: [shop]}\n"
                            "  - {user: 20002, services: [bank, vault]}\n"
                            "  - {group: 20004, services: [common]}\n";

static uint8_t buffer[RATLS_AGENT_ANSWER_MAX];
static struct agent agent;

static void begin(const char *rest)
{
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    agent_start(&agent, NULL, rest);
}

static int connect_user(uid_t uid)
{
    return agent_connect_as(&agent, uid, NO_GROUP, 0, NULL);
}

static void ask(int fd, uint64_t id, const char *service, struct ratls_agent_answer *ret)
{
    struct ratls_agent_question question = evidence_question(id, (uint8_t)id);

    name_service(&question, service);
    agent_send(fd, &question);
    agent_receive(fd, ret, buffer);
}

/* Each user has its own services, and the kernel says who it is. */
Test(agent_rules, services_of_users)
{
    struct ratls_agent_answer answer;
    int shop, bank;

    begin(rules);
    shop = connect_user(SHOP_USER);
    bank = connect_user(BANK_USER);
    ask(shop, 1, "", &answer);
    assert_evidence(&answer, 1, "shop");
    ask(bank, 2, "", &answer);
    assert_evidence(&answer, 2, "bank");
    ask(bank, 3, "vault", &answer);
    assert_evidence(&answer, 3, "vault");
    ask(shop, 4, "bank", &answer);
    assert_refused(&answer, 4, RATLS_USAGE,
                   "user 20001 may not ask for the service \"bank\": it is not in the rule");
    ask(bank, 5, "shop", &answer);
    assert_refused(&answer, 5, RATLS_USAGE, "user 20002 may not ask for the service \"shop\"");
    ask(shop, 6, "", &answer); /* it may go on */
    assert_evidence(&answer, 6, "shop");
    close(shop);
    close(bank);
    agent_stop(&agent);
}

/* Its own group, or one of the others; a rule for the user that comes first counts. */
Test(agent_rules, groups)
{
    const gid_t others[] = {NO_GROUP, 17, GROUP, 18};
    struct ratls_agent_answer answer;
    int fds[3];

    begin(rules);
    fds[0] = agent_connect_as(&agent, STRANGER, GROUP, 0, NULL);
    fds[1] = agent_connect_as(&agent, STRANGER, NO_GROUP, 4, others);
    fds[2] = agent_connect_as(&agent, SHOP_USER, GROUP, 4, others);
    for (uint64_t i = 0; i < 3; i++) {
        ask(fds[i], i, "", &answer);
        assert_evidence(&answer, (uint8_t)i, i == 2 ? "shop" : "common");
        close(fds[i]);
    }
    agent_stop(&agent);
}

/* Nothing but words, not even how busy the agent is. */
Test(agent_rules, strangers)
{
    const struct ratls_agent_question status = {.id = 3, .kind = RATLS_AGENT_STATUS};
    const struct ratls_agent_question state = {
        .id = 2,
        .kind = RATLS_AGENT_STATE,
        .deadline_ms = 100,
        .request.selection = {1, {{RATLS_ALG_SHA256, 0x81}}},
    };
    struct ratls_agent_answer answer;
    int fd;

    begin(rules);
    fd = connect_user(STRANGER);
    ask(fd, 1, "", &answer);
    assert_refused(&answer, 1, RATLS_USAGE,
                   "user 20003 may ask the agent for nothing: add a rule for this user");
    agent_send(fd, &state);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 2, RATLS_USAGE, "add a rule");
    agent_send(fd, &status);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 3, RATLS_USAGE, "add a rule");
    close(fd);
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"user\"}"), 3);
    cr_expect_eq(agent_figure(&agent, "ratls_quotes_total"), 0);
    agent_stop(&agent);
}

/* Who may attest may not see what others do. */
Test(agent_rules, only_root_may_look)
{
    const struct ratls_agent_question status = {.id = 3, .kind = RATLS_AGENT_STATUS};
    struct ratls_agent_answer answer;
    int fd;

    begin(rules);
    fd = connect_user(SHOP_USER);
    agent_send(fd, &status);
    agent_receive(fd, &answer, buffer);
    assert_refused(&answer, 3, RATLS_USAGE, "for root and for its own user");
    ask(fd, 4, "", &answer);
    assert_evidence(&answer, 4, "shop");
    close(fd);
    agent_stop(&agent);
}

/* Root has no rule either: it may look, and that is all. */
Test(agent_rules, root_may_look)
{
    struct ratls_agent_answer answer;
    int fd;

    begin(rules);
    cr_expect_eq(agent_figure(&agent, "ratls_connections"), 1);
    fd = agent_connect(&agent);
    ask(fd, 1, "", &answer);
    assert_refused(&answer, 1, RATLS_USAGE, "user 0 may ask the agent for nothing");
    close(fd);
    agent_stop(&agent);
}

/* They do not take the places of others. */
Test(agent_rules, many_strangers)
{
    struct ratls_agent_answer answer;
    unsigned open = 0;
    int fds[40], shop;

    begin(rules);
    for (unsigned i = 0; i < 40; i++)
        fds[i] = connect_user(STRANGER + i);
    shop = connect_user(SHOP_USER);
    ask(shop, 1, "", &answer);
    assert_evidence(&answer, 1, "shop");
    for (unsigned i = 0; i < 40; i++) {
        open += recv(fds[i], buffer, 1, MSG_DONTWAIT) < 0;
        close(fds[i]);
    }
    cr_expect_eq(open, 16);
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"queue\"}"), 24);
    close(shop);
    agent_stop(&agent);
}

/* Two users wait for one quote. */
Test(agent_rules, one_quote_for_two_users)
{
    const char *const options[] = {"--hang", NULL};
    const uid_t users[] = {SHOP_USER, BANK_USER};
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    int fds[2];

    begin_over_mux(&mux, options);
    agent_start(&agent, mux.tcti, rules);
    for (unsigned i = 0; i < 2; i++)
        fds[i] = connect_user(users[i]);
    for (unsigned i = 0; i < 20; i++) {
        const struct ratls_agent_question question = evidence_question(i, (uint8_t)i);

        agent_send(fds[i % 2], &question);
    }
    agent_await_figure(&agent, "ratls_waiting", 20);
    tpm_mux_arm(&mux, false);
    for (unsigned i = 0; i < 20; i++) {
        agent_receive(fds[i % 2], &answer, buffer);
        assert_evidence(&answer, (uint8_t)answer.id, i % 2 == 0 ? "shop" : "bank");
    }
    cr_expect_leq(agent_figure(&agent, "ratls_quotes_total"), 3);
    close(fds[0]);
    close(fds[1]);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

static void send_many(int fd, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct ratls_agent_question question = evidence_question(i, (uint8_t)i);

        agent_send(fd, &question);
    }
}

/* How many of so many that were sent are refused, each with this text. */
static unsigned receive_refused(int fd, unsigned count, const char *text)
{
    struct ratls_agent_answer answer;
    unsigned refused = 0;

    for (unsigned i = 0; i < count; i++) {
        agent_receive(fd, &answer, buffer);
        if (answer.status == RATLS_OK) {
            assert_evidence(&answer, (uint8_t)answer.id, "shop");
            continue;
        }
        assert_refused(&answer, answer.id, RATLS_LIMIT, text);
        refused++;
    }
    return refused;
}

static unsigned count_refused(int fd, unsigned count, const char *text)
{
    send_many(fd, count);
    return receive_refused(fd, count, text);
}

/* Of a user, over all its connections, also those that come and go. */
Test(agent_rules, rate)
{
    uint64_t start;
    unsigned refused;
    int fd;

    begin("clients: [{user: 20001, services: [shop], rate: 5}, {user: 20002, services: [bank]}]\n");
    fd = connect_user(SHOP_USER);
    start = now_ms();
    cr_expect_eq(count_refused(fd, 5, ""), 0);
    close(fd);
    fd = connect_user(SHOP_USER);
    refused = count_refused(fd, 20, "this user asks too often in a second: 5 are allowed (rate");
    cr_expect_geq(refused + 1 + 5 * (now_ms() - start) / 1000, 20);
    cr_expect_gt(refused, 0);
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"rate\"}"), refused);
    sleep_ms(1100);
    cr_expect_eq(count_refused(fd, 5, ""), 0);
    close(fd);
    agent_stop(&agent);
}

/* Of a user at a time; others are not affected. */
Test(agent_rules, waiting)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_agent_question question = evidence_question(1, 1);
    struct ratls_agent_answer answer;
    struct tpm_mux mux;
    int shop, bank;

    begin_over_mux(&mux, options);
    agent_start(&agent, mux.tcti,
                "clients: [{user: 20001, services: [shop], waiting: 4},"
                " {user: 20002, services: [bank]}]\n");
    shop = connect_user(SHOP_USER);
    bank = connect_user(BANK_USER);
    send_many(shop, 10);
    agent_await_figure(&agent, "ratls_refused_total{reason=\"queue\"}", 6);
    agent_send(bank, &question);
    agent_await_figure(&agent, "ratls_waiting", 5);
    tpm_mux_arm(&mux, false);
    cr_expect_eq(receive_refused(shop, 10,
                                 "questions of this user wait for the TPM: 4 are allowed (waiting"),
                 6);
    agent_receive(bank, &answer, buffer);
    assert_evidence(&answer, 1, "bank");
    cr_expect_eq(agent_figure(&agent, "ratls_refused_total{reason=\"queue\"}"), 6);
    cr_expect_eq(count_refused(shop, 4, ""), 0);
    close(shop);
    close(bank);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}

/* Of all at a time. */
Test(agent_rules, queue)
{
    const char *const options[] = {"--hang", NULL};
    struct tpm_mux mux;
    char rest[256];
    int fd;

    begin_over_mux(&mux, options);
    snprintf(rest, sizeof rest, "queue: 7\n%s", rules);
    agent_start(&agent, mux.tcti, rest);
    fd = connect_user(SHOP_USER);
    send_many(fd, 10);
    agent_await_figure(&agent, "ratls_refused_total{reason=\"queue\"}", 3);
    tpm_mux_arm(&mux, false);
    cr_expect_eq(
        receive_refused(fd, 10, "too many questions wait for the TPM: 7 are allowed (queue"), 3);
    cr_expect_eq(count_refused(fd, 7, ""), 0);
    close(fd);
    agent_stop(&agent);
    tpm_mux_stop(&mux);
}
