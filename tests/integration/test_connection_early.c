/* A server's evidence behind its own Finished, and a client that does not read it. */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection_assert.h"
#include "connection_state.h"
#include "exchange_scene.h"

#define LONG_ENTRIES 2000
#define PIECE_LEN 10000
#define ATTESTER_MS 10000

/* A server that has more to send than the transport takes. */
static struct connection_pair *block_server(struct scene *s, size_t entries)
{
    const int little = 1;
    struct connection_pair *pair;
    struct pollfd polled = {.events = POLLIN};

    *s = (struct scene){.world = tls_world_new()};
    s->log = log_list_new(s->world->tpm);
    log_measure_many(s->log, entries);
    s->log->piece_max = PIECE_LEN;
    s->world->tamper = log_tamper;
    s->world->tamper_arg = s->log;
    ask_for_list(s);
    pair = pair_new(s->world->client, s->world->server, PAIR_NONBLOCKING, NULL, NULL);
    cr_assert_eq(
        setsockopt(SSL_get_fd(pair->server.ssl), SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
    cr_assert_eq(ratls_connection_handshake(pair->client.connection), RATLS_WANT_READ);
    cr_assert(pair_carry(pair));
    while ((pair->server.last = ratls_connection_handshake(pair->server.connection)) ==
           RATLS_WANT_ATTESTER) {
        polled.fd = ratls_connection_attester_fd(pair->server.connection);
        cr_assert_eq(poll(&polled, 1, ATTESTER_MS), 1);
    }
    cr_assert_eq(pair->server.last, RATLS_WANT_WRITE, "%s",
                 connection_words(pair->server.connection));
    cr_assert_eq(pair->server.connection->phase, RATLS_PHASE_EARLY);
    return pair;
}

static void free_blocked(struct scene *s, struct connection_pair *pair)
{
    fake_policy_rules(s->world->policy)->ima.deny = (struct ratls_references){.count = 0};
    pair_free(pair);
    ratls_refvals_free(s->denied);
    log_list_free(s->log);
    tls_world_free(s->world);
}

/* However often the program is woken: by bytes of the client, for example. */
Test(connection_early, client_that_does_not_read_fills_no_memory)
{
    struct scene s;
    struct connection_pair *pair = block_server(&s, LONG_ENTRIES);
    const size_t kept = pair->server.connection->gate.kept_len;

    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(ratls_connection_handshake(pair->server.connection), RATLS_WANT_WRITE);
    cr_assert_leq(pair->server.connection->gate.kept_len, kept);
    pair_settle(pair);
    assert_open(pair);
    assert_data_goes(pair);
    free_blocked(&s, pair);
}

Test(connection_early, client_that_leaves)
{
    struct scene s;
    struct connection_pair *pair = block_server(&s, ENTRIES);

    signal(SIGPIPE, SIG_IGN);
    close(pair->server.far);
    pair->server.far = -1;
    cr_assert_eq(ratls_connection_handshake(pair->server.connection), RATLS_FAILED);
    cr_assert_not_null(strstr(connection_words(pair->server.connection), "gone"), "%s",
                       connection_words(pair->server.connection));
    cr_assert_eq(pair->server.ended, 1);
    free_blocked(&s, pair);
}
