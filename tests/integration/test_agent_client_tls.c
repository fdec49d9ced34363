/* Handshakes whose evidence an agent makes: accepted, refused, and what is left of the server. */
#include "agent_scene.h"
#include "exchange.h"
#include "tls_session.h"

TestSuite(agent_client_tls, .timeout = 120);

/* The world's server asks an agent, which asks the world's attester. */
struct setting {
    struct tls_world *world;
    struct ratls_attester *local;
    struct agent_scene s; /* its tpm and attester are the world's */
    SSL_CTX *server;
};

static struct setting *set_up(unsigned deadline_ms)
{
    struct setting *setting = calloc(1, sizeof *setting);
    struct agent_scene *s = &setting->s;

    cr_assert_not_null(setting);
    setting->world = tls_world_new();
    memcpy(s->folder, "/tmp/ratls-agent-XXXXXX", sizeof "/tmp/ratls-agent-XXXXXX");
    cr_assert_not_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/agent.sock", s->folder);
    setting->local = setting->world->attester;
    fake_agent_start(&s->agent, s->path, setting->local);
    s->attester = agent_scene_attester(s, deadline_ms);
    setting->world->attester = s->attester;
    setting->server = tls_server(setting->world);
    return setting;
}

static void tear_down(struct setting *setting)
{
    struct agent_scene *s = &setting->s;

    SSL_CTX_free(setting->server);
    fake_agent_stop(&s->agent);
    s->attester->free(s->attester);
    setting->world->attester = setting->local;
    tls_world_free(setting->world);
    cr_assert_eq(rmdir(s->folder), 0);
    free(setting);
}

static struct tls_pair *new_pair(struct setting *setting)
{
    return tls_pair_new(setting->world->client, setting->server, TLS_NAME);
}

Test(agent_client_tls, evidence_of_an_agent_is_accepted)
{
    struct setting *setting = set_up(0);

    for (int i = 0; i < 5; i++) {
        struct tls_pair *pair = new_pair(setting);

        assert_accepted(pair);
        tls_pair_free(pair);
    }
    cr_expect_eq(setting->s.agent.connections, 1);
    /* Evidence, and the state for the tickets. */
    cr_expect_geq(setting->s.agent.questions, 5);
    cr_expect_eq(setting->s.agent.malformed, 0);
    tear_down(setting);
}

/* Evidence of another session, by a good key of a good machine. */
Test(agent_client_tls, a_lying_agent_is_refused)
{
    struct setting *setting = set_up(0);
    struct tls_pair *pair = new_pair(setting);

    assert_accepted(pair);
    tls_pair_free(pair);
    atomic_store(&setting->s.agent.mood, FAKE_AGENT_REPLAYS);
    pair = new_pair(setting);
    assert_refused(pair, "statement.nonce");
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    tear_down(setting);
}

/* Bytes that are no evidence, but came as an answer. */
Test(agent_client_tls, garbage_is_refused)
{
    struct setting *setting = set_up(0);
    struct tls_pair *pair = new_pair(setting);

    atomic_store(&setting->s.agent.mood, FAKE_AGENT_CURT);
    assert_refused(pair, "evidence.format");
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    tear_down(setting);
}

static void assert_cannot_attest(struct setting *setting, const char *text)
{
    struct tls_pair *pair = new_pair(setting);

    cr_assert_not(tls_pair_handshake(pair));
    cr_expect_eq(pair->server.alert_sent, SSL_AD_INTERNAL_ERROR);
    cr_expect_not_null(strstr(pair->server.data, text), "%s", pair->server.data);
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
}

static void assert_serves_plain_clients(struct setting *setting)
{
    SSL_CTX *client = tls_plain_client(setting->world);
    struct tls_pair *pair = tls_pair_new(client, setting->server, TLS_NAME);

    assert_connected(pair);
    tls_pair_free(pair);
    SSL_CTX_free(client);
}

/* By an agent that is no longer taken to hang. */
static bool is_refused(struct setting *setting)
{
    struct ratls_error err = {0};

    return agent_attest(setting->s.attester, 1, &err) == RATLS_LIMIT;
}

/* Who asks for evidence is told that there is none; who does not is served as ever. */
Test(agent_client_tls, without_an_agent)
{
    struct setting *setting = set_up(300);

    fake_agent_stop(&setting->s.agent);
    assert_cannot_attest(setting, "no agent listens at");
    assert_serves_plain_clients(setting);
    fake_agent_start(&setting->s.agent, setting->s.path, setting->local);
    atomic_store(&setting->s.agent.mood, FAKE_AGENT_SILENT);
    assert_cannot_attest(setting, "did not answer within 300 ms");
    assert_cannot_attest(setting, "hangs: no answer for ");
    atomic_store(&setting->s.agent.mood, FAKE_AGENT_REFUSES);
    assert_soon(is_refused(setting));
    assert_cannot_attest(setting, FAKE_AGENT_REASON);
    assert_serves_plain_clients(setting);
    atomic_store(&setting->s.agent.mood, FAKE_AGENT_GOOD);
    for (int i = 0; i < 2; i++) {
        struct tls_pair *pair = new_pair(setting);

        assert_accepted(pair);
        tls_pair_free(pair);
    }
    tear_down(setting);
}

static struct ratls_attester *the_worlds;

static enum ratls_status attest_by_the_world(struct ratls_attester *self,
                                             const struct ratls_attest_request *request,
                                             uint8_t **ret_evidence, size_t *ret_len,
                                             struct ratls_error *ret_error)
{
    (void)self;
    return the_worlds->attest(the_worlds, request, ret_evidence, ret_len, ret_error);
}

/* Accepted, in either way. */
static bool is_resumed(struct setting *setting, SSL_SESSION *session)
{
    struct tls_pair *pair =
        offer_session(setting->world->client, setting->server, TLS_NAME, session);
    bool resumed;

    assert_connected(pair);
    cr_assert(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    resumed = SSL_session_reused(pair->client.ssl);
    tls_pair_free(pair);
    return resumed;
}

/*
 * An agent that hears nothing: the thread is not held up by a client that resumes, and the session
 * is resumed again once the agent hears. Evidence comes of the world itself, so that it is the
 * state alone that is waited for, or not.
 */
Test(agent_client_tls, resumption_does_not_wait_for_an_agent)
{
    struct setting *setting = set_up(10000);
    struct ratls_attester *asking = setting->s.attester;
    const struct ratls_attester own = *asking;
    SSL_SESSION *session;
    uint64_t start;
    bool resumed = false;

    fake_policy_rules(setting->world->policy)->max_age_s = 600;
    session = first_session(setting->world->client, setting->server);
    atomic_store(&setting->s.agent.mood, FAKE_AGENT_DEAF);
    sleep_ms(1100); /* what is known is too old then */
    asking->attest = attest_by_the_world;
    the_worlds = setting->local;
    start = now_ms();
    for (unsigned i = 0; i < 20; i++)
        cr_assert_not(is_resumed(setting, session));
    cr_expect_lt(now_ms() - start, 5000, "half of what a question waits");
    atomic_store(&setting->s.agent.mood, FAKE_AGENT_GOOD);
    start = now_ms();
    while (!resumed && now_ms() < start + 60000)
        resumed = is_resumed(setting, session);
    cr_expect(resumed);
    asking->attest = own.attest;
    SSL_SESSION_free(session);
    tear_down(setting);
}
