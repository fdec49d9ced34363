/* The N-th allocation of a server that demands evidence fails, for every N. */
#include <criterion/criterion.h>

#include "mutual_assert.h"
#include "tls_failure.h"

#define ALLOCATIONS_MAX 20000

/* Nothing of the client is delivered without an acceptance, however little memory there is. */
static bool try_server(SSL_CTX *client, SSL_CTX *server, bool is_good, struct tls_failure *failure)
{
    struct tls_pair *pair = mutual_pair(client, server);

    tls_failure_arm(failure, pair, &pair->server);
    tls_pair_handshake(pair);
    tls_pair_write(pair, TLS_SECRET);
    if (pair->server.received.len != 0)
        cr_assert(is_good && ratls_report_accepted(ratls_tls_report(pair->server.ssl)),
                  "call %u, allocation %zu", failure->call, failure->n);
    if (!failure->failed)
        cr_assert_eq(pair->server.done, is_good ? 1 : -1, "call %u, allocation %zu: %s",
                     failure->call, failure->n, pair->server.reason_text);
    tls_pair_free(pair);
    return failure->failed;
}

/*
 * In its first call a server also attests to a client that asks: the TPM of the tests needs its
 * memory. So that call is made to fail with a client that does not ask. Tickets, to make which
 * OpenSSL reads the client's certificate once more, fail in tls_resumption_memory.
 */
static void fail_server(SSL_CTX *client, SSL_CTX *server, bool is_good, unsigned call)
{
    struct tls_failure failure = {.call = call, .n = 1};

    SSL_CTX_set_verify(server, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_num_tickets(server, 0);
    while (try_server(client, server, is_good, &failure))
        cr_assert_lt(++failure.n, ALLOCATIONS_MAX);
    cr_assert_gt(failure.n, 20, "%zu allocations: are they wrapped?", failure.n);
}

Test(tls_mutual_memory, client_that_attests, .timeout = 250)
{
    struct mutual_world *world = mutual_world_new();

    fail_server(world->client, world->server, true, 2);
    mutual_world_free(world);
}

Test(tls_mutual_memory, client_that_does_not, .timeout = 250)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *client = tls_plain_client(world->base);

    fail_server(client, world->server, false, 1);
    SSL_CTX_free(client);
    mutual_world_free(world);
}
