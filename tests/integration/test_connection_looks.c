/* A side that attests looks at its state without waiting for it: begin_state of attester.h. */
#include <poll.h>

#include "connection_assert.h"
#include "staged_attester.h"

#define MAX_AGE_S 60
#define RENEW_S 20
#define MS 1000

struct looking {
    struct tls_world *world;
    struct staged_attester *staged;
    SSL_CTX *ctx;
    struct connection_pair *pair;
};

/* The server looks at its state before its first evidence, and answers when it knows it. */
static struct looking looking_begin(uint64_t renew_s, const struct ratls_connection_options *client,
                                    const struct ratls_connection_options *server)
{
    struct looking l = {.world = world_with(MAX_AGE_S, renew_s)};
    struct ratls_error error = {0};

    l.staged = staged_attester_new(l.world->attester, false);
    staged_tell_states_late(l.staged);
    l.ctx = tls_plain_server(l.world);
    cr_assert_eq(ratls_tls_attest(l.ctx, &l.staged->base, &error), RATLS_OK, "%s", error.text);
    l.pair = pair_new(l.world->client, l.ctx, PAIR_MEMORY, client, server);
    l.pair->patience_ms = 0;
    return l;
}

/* It sends what changes to a client that takes it. */
static struct looking looking_open(void)
{
    const struct ratls_connection_options client = {.period_ms = 3600 * MS};
    const struct ratls_connection_options server = {.pushes = true};
    struct looking l = looking_begin(0, &client, &server);

    cr_assert_not(pair_open(l.pair));
    cr_assert_eq(l.pair->server.last, RATLS_WANT_ATTESTER);
    cr_assert_eq(l.staged->looks, 1);
    staged_tell_state(l.staged);
    assert_open(l.pair);
    return l;
}

static void looking_end(struct looking *l)
{
    pair_free(l->pair);
    SSL_CTX_free(l->ctx);
    staged_attester_free(l->staged);
    tls_world_free(l->world);
}

/* The next look begins, and does not end. */
static void begin_look(struct looking *l)
{
    const unsigned looks = l->staged->looks;

    clock_move(MS);
    l->world->tpm->clock_ms += MS;
    pair_settle(l->pair);
    cr_assert_eq(l->staged->looks, looks + 1);
    cr_assert_not_null(l->staged->looking);
}

/* Time goes on, data goes through, and its program has something to wait for. */
Test(connection_looks, nothing_waits_for_the_state)
{
    struct looking l = looking_open();
    struct ratls_connection *server = l.pair->server.connection;
    struct pollfd polled;

    cr_assert_eq(ratls_connection_attester_fd(server), -1);
    cr_assert_leq(ratls_connection_timeout_ms(server), MS);
    begin_look(&l);
    cr_assert_eq(l.pair->server.last, RATLS_DONE);
    assert_data_goes(l.pair);
    polled = (struct pollfd){.fd = ratls_connection_attester_fd(server), .events = POLLIN};
    cr_assert_geq(polled.fd, 0);
    cr_assert_eq(poll(&polled, 1, 0), 0);
    clock_move(10 * MS);
    pair_settle(l.pair);
    cr_assert_eq(l.staged->looks, 2, "one at a time");
    staged_tell_state(l.staged);
    cr_assert_eq(poll(&polled, 1, 0), 1);
    pair_settle(l.pair);
    cr_assert_eq(ratls_connection_attester_fd(server), l.staged->looking == NULL ? -1 : polled.fd);
    cr_assert_eq(ratls_connection_verdicts(l.pair->client.connection), 1, "nothing has changed");
    looking_end(&l);
}

/* What was seen is what the next look is compared with: no look more is needed for the evidence. */
Test(connection_looks, change_is_sent)
{
    struct looking l = looking_open();

    for (unsigned i = 1; i <= 3; i++) {
        begin_look(&l);
        atomic_fetch_add(&l.staged->state, 1);
        staged_tell_state(l.staged);
        pair_settle(l.pair);
        cr_assert_eq(ratls_connection_verdicts(l.pair->client.connection), 1 + i, "%s",
                     connection_words(l.pair->client.connection));
        cr_assert_eq(l.world->asked.context[11], i, "the sequence");
        begin_look(&l);
        staged_tell_state(l.staged);
        pair_settle(l.pair);
        cr_assert_eq(ratls_connection_verdicts(l.pair->client.connection), 1 + i, "sent twice");
    }
    looking_end(&l);
}

Test(connection_looks, state_that_cannot_be_had)
{
    struct looking l = looking_open();

    begin_look(&l);
    l.staged->fails = true;
    staged_tell_state(l.staged);
    pair_settle(l.pair);
    assert_ended(l.pair, &l.pair->server, RATLS_FAILED, "the TPM has left");
    assert_ended(l.pair, &l.pair->client, RATLS_FAILED, "cannot attest");
    looking_end(&l);
}

Test(connection_looks, nobody_waits_any_more)
{
    struct looking l = looking_open();

    begin_look(&l);
    pair_free(l.pair);
    l.pair = NULL;
    cr_assert_null(l.staged->looking);
    cr_assert_eq(l.staged->cancelled_looks, 1);
    looking_end(&l);
}

/* A side that says no more sends no evidence either, whatever it sees. */
Test(connection_looks, shutdown_meanwhile)
{
    struct looking l = looking_open();
    unsigned asked;

    begin_look(&l);
    asked = atomic_load(&l.staged->asked);
    cr_assert_eq(ratls_connection_shutdown(l.pair->server.connection), RATLS_DONE);
    atomic_fetch_add(&l.staged->state, 1);
    staged_tell_state(l.staged);
    pair_settle(l.pair);
    cr_assert_eq(atomic_load(&l.staged->asked), asked);
    cr_assert_eq(l.pair->server.ended, 0, "%s", connection_words(l.pair->server.connection));
    looking_end(&l);
}

/* A challenge does not wait for a look that began before: its answer begins with one of its own. */
Test(connection_looks, challenge_meanwhile)
{
    const struct ratls_connection_options client = {.period_ms = 3600 * MS};
    struct looking l = looking_begin(RENEW_S, &client, NULL);

    assert_open(l.pair);
    cr_assert_eq(l.staged->looks, 0, "nobody subscribed");
    clock_move(RENEW_S * MS);
    pair_settle(l.pair);
    cr_assert_eq(l.staged->looks, 1);
    cr_assert_eq(l.pair->client.renewed, 0);
    staged_tell_state(l.staged);
    pair_settle(l.pair);
    cr_assert_eq(l.pair->client.renewed, 1);
    begin_look(&l);
    clock_move(RENEW_S * MS);
    pair_settle(l.pair);
    cr_assert_eq(l.staged->cancelled_looks, 1);
    cr_assert_eq(l.staged->looks, 3);
    staged_tell_state(l.staged);
    pair_settle(l.pair);
    cr_assert_eq(l.pair->client.renewed, 2, "%s", connection_words(l.pair->client.connection));
    cr_assert_eq(l.world->asked.context[7], 2, "the counter");
    cr_assert_eq(l.world->asked.context[11], 0, "the sequence");
    looking_end(&l);
}
