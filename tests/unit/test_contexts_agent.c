/*
 * The provider of a build without a TPM stack (attester_none.c): with `agent` a server attests, and
 * goes on doing so after a fork, as the workers of nginx do; without it, it says what is missing.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "../../provider/contexts.h"
#include "../../provider/faults.h"
#include "../../provider/params.h"
#include "agent_scene.h"
#include "own_process.h"
#include "tls_assert.h"

TestSuite(contexts_agent, .timeout = 60);

/* OpenSSL calls the hook for each SSL_CTX from now on; each test has a process of its own. */
static void hook(const char *agent)
{
    struct ratls_config config = {.server = true, .extension = TLS_EXTENSION};
    struct ratls_error err = {0};

    config.agent = agent == NULL ? NULL : strdup(agent);
    config.state = agent == NULL ? strdup("/nowhere") : NULL;
    cr_assert_eq(ratls_contexts_hook(&config, &err), RATLS_OK, "%s", err.text);
}

static int handshakes_in_child(struct tls_world *world, SSL_CTX *server)
{
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);
    bool done;

    alarm(30);
    done = tls_pair_handshake(pair) && ratls_report_accepted(ratls_tls_report(pair->client.ssl));
    tls_pair_free(pair);
    return done ? 0 : 1;
}

Test(contexts_agent, a_server_attests_through_an_agent)
{
    struct tls_world *world = tls_world_new();
    char folder[] = "/tmp/ratls-agent-XXXXXX";
    struct fake_agent agent;
    struct tls_pair *pair;
    char path[96];
    SSL_CTX *server, *other;
    pid_t child;
    int status;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/agent.sock", folder);
    fake_agent_start(&agent, path, world->attester);
    hook(path);
    server = tls_plain_server(world); /* nothing of ratls but the hook */
    other = tls_plain_server(world);
    cr_expect_eq(agent.connections, 0, "not before a client asks");
    child = fork();
    if (child == 0)
        _exit(handshakes_in_child(world, server));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(agent.connections, 1);
    for (int i = 0; i < 2; i++) {
        pair = tls_pair_new(world->client, i == 0 ? server : other, TLS_NAME);
        assert_accepted(pair);
        tls_pair_free(pair);
    }
    cr_expect_eq(agent.connections, 2, "one for each process, whichever SSL_CTX");
    SSL_CTX_free(server);
    SSL_CTX_free(other);
    fake_agent_stop(&agent);
    tls_world_free(world);
    rmdir(folder);
}

Test(contexts_agent, no_agent_and_no_tpm_stack)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;
    SSL_CTX *server;

    hook(NULL);
    server = tls_plain_server(world);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    cr_expect_not(tls_pair_handshake(pair));
    cr_expect_not_null(strstr(pair->server.data, "no attester: role = client only, or agent ="),
                       "%s", pair->server.data);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

struct told {
    char role[16], policy[RATLS_ERROR_TEXT], clients[RATLS_ERROR_TEXT], attester[RATLS_ERROR_TEXT];
};

/* As `ratls check` asks; what is not answered stays "?". */
static struct told ask_provider(void)
{
    struct told told = {"?", "?", "?", "?"};
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_ROLE, told.role, sizeof told.role),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_POLICY_FAULT, told.policy, sizeof told.policy),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_CLIENTS_FAULT, told.clients,
                               sizeof told.clients),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_ATTESTER_FAULT, told.attester,
                               sizeof told.attester),
        OSSL_PARAM_END,
    };

    cr_assert(ratls_faults_get_params(params));
    cr_expect_str_eq(told.role, "server");
    cr_expect_str_eq(told.policy, "?", "a server has none");
    cr_expect_str_eq(told.clients, "?", "it demands nothing");
    return told;
}

Test(contexts_agent, check_asks_the_agent_each_time)
{
    struct tls_world *world = tls_world_new();
    char folder[] = "/tmp/ratls-agent-XXXXXX";
    struct fake_agent agent;
    struct told told;
    char path[96];

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/agent.sock", folder);
    fake_agent_start(&agent, path, world->attester);
    hook(path);
    told = ask_provider();
    cr_expect_str_eq(told.attester, "");
    cr_expect_eq(agent.connections, 1);
    fake_agent_stop(&agent);
    wait_for_rest(); /* the end of the connection is seen */
    told = ask_provider();
    cr_expect_not_null(strstr(told.attester, "no agent listens at"), "%s", told.attester);
    tls_world_free(world);
    rmdir(folder);
}

Test(contexts_agent, check_is_told_what_cannot_be_loaded)
{
    struct told told;
    OSSL_PARAM nothing[] = {OSSL_PARAM_END};

    hook(NULL);
    cr_expect(ratls_faults_get_params(nothing));
    told = ask_provider();
    cr_expect_not_null(strstr(told.attester, "no attester: role = client only, or agent ="), "%s",
                       told.attester);
}
