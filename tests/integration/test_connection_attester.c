/* A connection and the thread of an attester that works beside it. */
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include "connection_assert.h"
#include "plain_peer.h"
#include "staged_attester.h"

static struct connection_pair *disturbed; /* while the attester's thread wakes it */
static struct staged_attester *waking;
static unsigned taken_too_early;

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);

/* The program's thread has its turn just when the attester's is about to wake it. */
ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    struct connection_pair *pair = disturbed;
    unsigned asked;

    disturbed = NULL;
    if (pair == NULL)
        return __real_write(fd, bytes, len);
    asked = atomic_load(&waking->asked);
    (void)!ratls_connection_handshake(pair->server.connection);
    taken_too_early += atomic_load(&waking->asked) - asked;
    return __real_write(fd, bytes, len);
}

/* A server that waits for its attester. */
static struct connection_pair *begin(struct tls_world *world, struct staged_attester *staged,
                                     SSL_CTX **ret_ctx)
{
    SSL_CTX *ctx = tls_plain_server(world);
    struct ratls_error error = {0};
    struct connection_pair *pair;

    cr_assert_eq(ratls_tls_attest(ctx, &staged->base, &error), RATLS_OK, "%s", error.text);
    pair = pair_new(world->client, ctx, PAIR_MEMORY, NULL, NULL);
    pair->patience_ms = 0;
    cr_assert_not(pair_open(pair));
    cr_assert_eq(pair->server.last, RATLS_WANT_ATTESTER);
    *ret_ctx = ctx;
    return pair;
}

/* Evidence that was taken may be the end of the connection, and of its descriptors. */
Test(connection_attester, is_done_with_the_connection_before_evidence_is_taken)
{
    struct tls_world *world = world_with(60, 10);
    struct staged_attester *staged = staged_attester_new(world->attester, true);
    SSL_CTX *ctx;
    struct connection_pair *pair = begin(world, staged, &ctx);

    waking = staged;
    disturbed = pair;
    staged_finish(staged);
    cr_assert_null(disturbed, "nobody was woken");
    cr_assert_eq(taken_too_early, 0);
    assert_open(pair);
    pair_free(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}

/* As in a child of fork(), whose parent's attester is done: it is woken, and there is nothing. */
Test(connection_attester, wakes_who_has_no_evidence, .timeout = 20)
{
    struct tls_world *world = world_with(60, 10);
    struct staged_attester *staged = staged_attester_new(world->attester, true);
    SSL_CTX *ctx;
    struct connection_pair *pair = begin(world, staged, &ctx);
    struct pollfd polled = {.fd = ratls_connection_attester_fd(pair->server.connection),
                            .events = POLLIN};
    const uint64_t one = 1;

    cr_assert_eq(write(polled.fd, &one, sizeof one), (ssize_t)sizeof one);
    cr_assert_eq(ratls_connection_handshake(pair->server.connection), RATLS_WANT_ATTESTER);
    cr_assert_eq(poll(&polled, 1, 0), 1, "the parent would not be woken");
    staged_finish(staged);
    assert_open(pair);
    pair_free(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}

static int change_context(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    cr_assert_not_null(SSL_set_SSL_CTX(ssl, arg));
    return SSL_TLSEXT_ERR_OK;
}

/* By SNI: from the one that attests for others to the one of the name that is meant. */
Test(connection_attester, is_that_of_the_context_in_the_end)
{
    struct tls_world *world = world_with(60, 10), *others = tls_world_new();
    SSL_CTX *first = tls_server(others);
    struct connection_pair *pair;

    SSL_CTX_set_tlsext_servername_callback(first, change_context);
    SSL_CTX_set_tlsext_servername_arg(first, world->server);
    pair = pair_new(world->client, first, PAIR_MEMORY, NULL, NULL);
    assert_open(pair);
    clock_move(10000);
    pair_settle(pair);
    cr_assert_eq(pair->client.renewed, 1, "%s", connection_words(pair->client.connection));
    cr_assert_eq(others->attested, 0);
    pair_free(pair);
    SSL_CTX_free(first);
    tls_world_free(world);
    tls_world_free(others);
}

static enum ratls_outcome settle_server(struct connection_pair *pair)
{
    do {
        pair->server.last = ratls_connection_handshake(pair->server.connection);
        move_plain(&pair->client);
    } while (pair_carry(pair));
    return pair->server.last;
}

/* A program that sets SSL_MODE_ASYNC: evidence in the handshake is waited for as that behind it. */
Test(connection_attester, pauses_in_a_job)
{
    struct tls_world *world = world_with(60, 10);
    struct staged_attester *staged = staged_attester_new(world->attester, true);
    SSL_CTX *ctx = tls_plain_server(world);
    struct ratls_error error = {0};
    struct connection_pair *pair;

    cr_assert_eq(ratls_tls_attest(ctx, &staged->base, &error), RATLS_OK, "%s", error.text);
    SSL_CTX_set_mode(ctx, SSL_MODE_ASYNC);
    for (unsigned i = 0; i < 2; i++) {
        struct pollfd polled = {.events = POLLIN};

        /* Its client knows no frames, and so the evidence comes in the handshake. */
        pair = pair_with_plain(world->client, ctx, false, 0);
        cr_assert_eq(settle_server(pair), RATLS_WANT_ATTESTER);
        polled.fd = ratls_connection_attester_fd(pair->server.connection);
        cr_assert_eq(poll(&polled, 1, 0), 0);
        if (i == 0) {
            staged_finish(staged);
            cr_assert_eq(poll(&polled, 1, 0), 1);
            cr_assert_eq(settle_server(pair), RATLS_DONE, "%s",
                         connection_words(pair->server.connection));
            cr_assert(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
            cr_assert_eq(ratls_connection_attester_fd(pair->server.connection), -1);
        }
        free_with_plain(pair);
        cr_assert_eq(staged->cancelled, i);
    }
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}
