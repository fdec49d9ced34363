/* The N-th allocation of a handshake fails, for every N, in our code and in OpenSSL's. */
#include <criterion/criterion.h>
#include <string.h>

#include "fail.h"
#include "failmalloc.h"
#include "keys.h"
#include "tls_assert.h"
#include "tls_failure.h"

#define ALLOCATIONS_MAX 20000

/* So that the key is made, and the certificates are read, each time anew. */
static void forget_keys(struct tls_world *world)
{
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    ratls_key_cache_free(rules->keys);
    rules->keys = ratls_key_cache_new();
    cr_assert_not_null(rules->keys);
}

static bool has_begun;

static void see_beginning(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)result;
    has_begun = has_begun || (where & SSL_CB_HANDSHAKE_START) != 0;
}

/*
 * Whatever failed, there is a reason, and data goes out only after an acceptance. Some failures of
 * OpenSSL leave the handshake where it was: then the SSL_write() of the program goes on with it.
 * OpenSSL 3.5 can also fail before it begins, and so before it calls us: in SSL_clear(), which
 * allocates the record layer there. It then takes itself to be within a handshake, and a program
 * that writes in spite of the error sends plain text, with this library and without.
 */
static void judge_client(struct tls_pair *pair, const struct tls_failure *failure)
{
    const struct tls_side *client = &pair->client;

    cr_assert_neq(client->done, 0, "call %u, allocation %zu: hangs", failure->call, failure->n);
    if (client->done < 0)
        cr_assert_neq(client->reason, 0, "call %u, allocation %zu: no reason", failure->call,
                      failure->n);
    if (!has_begun) {
        cr_assert_eq(client->done, -1);
        return;
    }
    tls_pair_write(pair, TLS_SECRET);
    tls_pair_write(pair, TLS_SECRET);
    cr_assert_not(tls_bytes_contain(&client->sent, TLS_SECRET));
    if (pair->server.received.len != 0 || client->done == 1)
        cr_assert(ratls_report_accepted(ratls_tls_report(client->ssl)),
                  "call %u, allocation %zu: not accepted", failure->call, failure->n);
}

static bool try_client(struct tls_world *world, SSL_CTX *server, struct tls_failure *failure)
{
    struct tls_pair *pair;

    forget_keys(world);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    tls_failure_arm(failure, pair, &pair->client);
    has_begun = false;
    SSL_set_info_callback(pair->client.ssl, see_beginning);
    tls_pair_handshake(pair);
    judge_client(pair, failure);
    if (!failure->failed)
        cr_assert_eq(pair->client.done, server == world->server ? 1 : -1,
                     "call %u, allocation %zu: nothing failed, but: %s: %s", failure->call,
                     failure->n, pair->client.reason_text, pair->client.data);
    if (server != world->server)
        cr_assert_eq(pair->server.received.len, 0);
    tls_pair_free(pair);
    return failure->failed;
}

static size_t fail_client(struct tls_world *world, SSL_CTX *server)
{
    size_t total = 0;

    for (unsigned call = 1; call <= 2; call++) {
        struct tls_failure failure = {.call = call, .n = 1};

        while (try_client(world, server, &failure))
            cr_assert_lt(++failure.n, ALLOCATIONS_MAX);
        total += failure.n;
    }
    return total;
}

Test(tls_memory, client, .timeout = 250)
{
    struct tls_world *world = tls_world_new();
    size_t total = fail_client(world, world->server);

    cr_assert_gt(total, 20, "%zu allocations: are they wrapped?", total);
    tls_world_free(world);
}

Test(tls_memory, client_of_a_server_without_evidence, .timeout = 250)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);

    fail_client(world, server);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* An attester that allocates only its answer. What it says does not matter to the server. */
static enum ratls_status attest_anything(struct ratls_attester *self,
                                         const struct ratls_attest_request *request,
                                         uint8_t **ret_evidence, size_t *ret_len,
                                         struct ratls_error *ret_error)
{
    uint8_t *out = malloc(3000);

    (void)self, (void)request;
    if (out == NULL)
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    memset(out, 0x42, 3000);
    *ret_evidence = out;
    *ret_len = 3000;
    return RATLS_OK;
}

static struct ratls_attester *keep_attester(struct ratls_attester *self)
{
    return self;
}

static void leave_attester(struct ratls_attester *self)
{
    (void)self;
}

/* Who asked gets evidence, or no handshake: a server that is short of memory is not a plain one. */
static bool try_server(SSL_CTX *client, SSL_CTX *server, struct tls_raw *raw,
                       struct tls_failure *failure)
{
    struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);

    raw->request_len = 0;
    tls_failure_arm(failure, pair, &pair->server);
    if (tls_pair_handshake(pair))
        cr_assert_gt(raw->request_len, 0, "call %u, allocation %zu: went on without evidence",
                     failure->call, failure->n);
    else
        cr_assert(failure->failed, "nothing failed");
    if (pair->server.done < 0)
        cr_assert_neq(pair->server.reason, 0, "call %u, allocation %zu: no reason", failure->call,
                      failure->n);
    tls_pair_free(pair);
    return failure->failed;
}

Test(tls_memory, server, .timeout = 250)
{
    static struct ratls_attester attester = {
        .attest = attest_anything, .up_ref = keep_attester, .free = leave_attester};
    struct tls_world *world = tls_world_new();
    SSL_CTX *client = tls_plain_client(world);
    SSL_CTX *server = tls_plain_server(world);
    struct tls_raw recorded = {0};
    struct tls_raw asks = {.context = SSL_EXT_TLS1_3_CERTIFICATE};
    struct ratls_error error = {0};

    tls_raw_record(world, &recorded);
    asks.p = recorded.request;
    asks.len = recorded.request_len;
    tls_raw_ask(client, &asks);
    cr_assert_eq(ratls_tls_attest(server, &attester, &error), RATLS_OK);
    for (unsigned call = 1; call <= 2; call++) {
        struct tls_failure failure = {.call = call, .n = 1};

        while (try_server(client, server, &asks, &failure))
            cr_assert_lt(++failure.n, ALLOCATIONS_MAX);
        cr_assert_gt(failure.n, 2, "%zu allocations: are they wrapped?", failure.n);
    }
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* Contexts: what could not be hooked is not half hooked. */
Test(tls_memory, contexts)
{
    struct tls_world *world = tls_world_new();
    bool failed = true;

    for (size_t n = 1; failed; n++) {
        SSL_CTX *ctx = tls_plain_client(world);
        struct ratls_error error = {0};
        enum ratls_status status;

        failmalloc_arm(n);
        status = ratls_tls_verify(ctx, world->policy, &error);
        failed = failmalloc_disarm();
        if (status != RATLS_OK) {
            cr_assert(failed);
            cr_assert_neq(error.text[0], '\0', "allocation %zu", n);
            error = (struct ratls_error){0};
            cr_assert_eq(ratls_tls_verify(ctx, world->policy, &error), RATLS_OK, "%s", error.text);
        }
        SSL_CTX_free(ctx);
        ERR_clear_error();
    }
    tls_world_free(world);
}
