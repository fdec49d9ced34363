/* The N-th allocation of a call fails, for every N: the connection goes on, or ends with a reason.
 */
#include <poll.h>
#include <string.h>

#include "connection_assert.h"
#include "failmalloc.h"

#define ALLOCATIONS_MAX 5000
#define RENEW_S 10
#define MS 1000
#define ATTESTER_MS 10000 /* its allocations are in a thread of its own: they do not fail */

enum step { ASKS, ANSWERS, SENDS, JUDGES, WRITES, STEPS };

/* The attester's thread may wake this one an instant before the evidence can be taken. */
static enum ratls_outcome send_answer(struct ratls_connection *connection)
{
    struct pollfd polled = {.events = POLLIN};
    enum ratls_outcome outcome;

    do {
        polled.fd = ratls_connection_attester_fd(connection);
        if (polled.fd >= 0)
            cr_assert_eq(poll(&polled, 1, ATTESTER_MS), 1);
        outcome = ratls_connection_tick(connection);
    } while (outcome == RATLS_DONE && ratls_connection_attester_fd(connection) >= 0);
    return outcome;
}

static void move(struct connection_pair *pair, enum step step)
{
    struct pair_side *side = step == ANSWERS || step == SENDS ? &pair->server : &pair->client;
    size_t len;

    if (step == SENDS)
        side->last = send_answer(side->connection);
    else
        side->last = step == WRITES ? ratls_connection_write(side->connection, "hello", 5, &len)
                                    : ratls_connection_tick(side->connection);
}

static bool fail_at(struct connection_pair *pair, enum step failing, size_t n)
{
    bool failed = false;

    clock_move(RENEW_S * MS);
    for (enum step step = ASKS; step < STEPS; step++) {
        if (step == failing)
            failmalloc_arm(n);
        move(pair, step);
        if (step == failing)
            failed = failmalloc_disarm();
        ERR_clear_error();
        pair_carry(pair);
    }
    return failed;
}

static void judge(struct connection_pair *pair, enum step step, size_t n)
{
    struct pair_side *sides[] = {&pair->client, &pair->server};
    bool is_whole = true;

    for (size_t i = 0; i < 2; i++) {
        enum ratls_outcome last = ratls_connection_tick(sides[i]->connection);

        if (last == RATLS_DONE)
            continue;
        is_whole = false;
        /* OpenSSL cannot always tell a signature that is wrong from one it had no memory for. */
        cr_assert(last == RATLS_FAILED || (last == RATLS_REFUSED && step == JUDGES),
                  "step %u, allocation %zu: %s, %s", step, n, ratls_outcome_name(last),
                  connection_words(sides[i]->connection));
        cr_assert_str_neq(connection_words(sides[i]->connection), "");
        cr_assert_eq(sides[i]->ended, 1);
        cr_assert_eq(ratls_connection_lease_ms(sides[i]->connection), 0);
    }
    if (is_whole)
        cr_assert_eq(pair->client.renewed, 1, "step %u, allocation %zu", step, n);
    pair_carry(pair);
}

Test(connection_memory, renewal, .timeout = 280)
{
    struct tls_world *world = world_with(60, RENEW_S);
    for (enum step step = ASKS; step < STEPS; step++) {
        bool failed = true;

        for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n += 1 + n / 16) {
            struct connection_pair *pair =
                pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

            assert_open(pair);
            failed = fail_at(pair, step, n);
            judge(pair, step, n);
            pair_free(pair);
        }
        cr_assert_not(failed, "step %u has more allocations", step);
    }
    tls_world_free(world);
}

Test(connection_memory, beginning)
{
    struct tls_world *world = world_with(60, RENEW_S);
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        struct ratls_connection *connection = NULL;
        struct ratls_error error = {0};
        SSL *ssl = SSL_new(world->client);
        enum ratls_status status;

        cr_assert_lt(n, 100);
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl);
        failmalloc_arm(n);
        status = ratls_connection_new(ssl, NULL, &connection, &error);
        failed = failmalloc_disarm();
        ERR_clear_error();
        if (status == RATLS_OK) {
            ratls_connection_free(connection);
            continue;
        }
        cr_assert(failed);
        cr_assert_eq(status, RATLS_MEMORY, "%s", error.text);
        cr_assert_null(connection);
        /* Nobody would appraise what comes behind the handshake of this SSL. */
        cr_assert(ratls_channel_of(ssl) == NULL || ratls_channel_of(ssl)->speaks == 0);
        SSL_free(ssl);
    }
    tls_world_free(world);
}
