/*
 * The N-th allocation of a handshake that resumes, or may be resumed, fails, for every N: it ends
 * refused or full, and is never resumed without the record of its evidence (WIRE.md, 5.2).
 */
#include <stdlib.h>

#include "fail.h"
#include "failmalloc.h"
#include "keys.h"
#include "session_record.h"
#include "tls_failure.h"
#include "tls_session.h"

#define ALLOCATIONS_MAX 20000

static struct tls_world *world;
static struct ratls_rules *rules;

static void set_up(void)
{
    world = tls_world_new();
    rules = fake_policy_rules(world->policy);
    rules->max_age_s = 600;
}

static void tear_down(void)
{
    tls_world_free(world);
}

TestSuite(tls_resumption_memory, .init = set_up, .fini = tear_down, .timeout = 250);

static bool has_begun;

static void see_beginning(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)result;
    has_begun = has_begun || (where & SSL_CB_HANDSHAKE_START) != 0;
}

/* OpenSSL takes a session out of use when its handshake fails: so each handshake has a copy. */
static struct tls_pair *offer_copy(SSL_CTX *server, SSL_SESSION *session)
{
    SSL_SESSION *copy = session == NULL ? NULL : SSL_SESSION_dup(session);
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);

    if (session != NULL)
        cr_assert(copy != NULL && SSL_set_session(pair->client.ssl, copy));
    SSL_SESSION_free(copy);
    return pair;
}

/*
 * A handshake that resumed a session is judged when it is complete (WIRE.md, 5.2): one that is
 * refused then is done for OpenSSL, but closed for the program.
 */
static bool is_accepted(const struct tls_pair *pair)
{
    const SSL *ssl = pair->client.ssl;

    if (pair->client.done != 1)
        return false;
    if (ratls_report_accepted(ratls_tls_report(ssl)))
        return true;
    cr_assert(SSL_session_reused(ssl));
    cr_assert_eq(SSL_get_shutdown(ssl), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    cr_assert(ratls_tls_error(ssl) != NULL || tls_failure(pair).check[0] != '\0', "no reason");
    return false;
}

/* A client that accepted was shown evidence, or has the record of some. */
static void judge_verdict(const struct tls_pair *pair, unsigned attested_before)
{
    SSL *ssl = pair->client.ssl;
    const bool is_resumed = SSL_session_reused(ssl);

    cr_assert(is_accepted(pair), "%s", tls_failure(pair).check);
    cr_assert_eq(world->attested, attested_before + (is_resumed ? 0 : 1));
    if (is_resumed) {
        cr_assert_not_null(ratls_session_record_of(SSL_get_session(ssl)));
        cr_assert_eq(tls_verdict(pair, "tls.resumption"), RATLS_PASS);
    }
}

/* What the client keeps is worth its record; without one there is a full handshake. */
static void judge_session(SSL_CTX *server, SSL_SESSION *session)
{
    const bool has_record = ratls_session_record_of(session) != NULL;
    const unsigned before = world->attested;
    struct tls_pair *pair = offer_copy(server, session);

    assert_connected(pair);
    judge_verdict(pair, before);
    cr_assert(has_record || !SSL_session_reused(pair->client.ssl));
    tls_pair_free(pair);
}

/* Nothing goes out but after an acceptance; why a client may not have begun: tls_memory. */
static void judge_data(struct tls_pair *pair)
{
    if (!has_begun) {
        cr_assert_eq(pair->client.done, -1);
        return;
    }
    tls_pair_write(pair, TLS_SECRET);
    tls_pair_write(pair, TLS_SECRET);
    cr_assert_not(tls_bytes_contain(&pair->client.sent, TLS_SECRET));
    if (pair->server.received.len != 0)
        cr_assert(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
}

/* The memory of this side was short: that is what is said, and nothing of the server. */
static void judge_reason(const struct tls_pair *pair)
{
    const struct ratls_error *error = ratls_tls_error(pair->client.ssl);

    cr_assert_not_null(error, "the server is refused: %s", tls_failure(pair).check);
    cr_assert(error->status == RATLS_MEMORY || error->status == RATLS_CRYPTO, "%s", error->text);
    cr_assert_null(strstr(error->text, "went past"), "%s", error->text);
    cr_assert_null(ratls_tls_report(pair->client.ssl));
}

struct outcome {
    unsigned resumed, full, refused;
    unsigned unjudged; /* sessions that were resumed, and closed for want of memory */
    unsigned lost; /* sessions without a record */
};

/* A session that may be resumed; NULL if the handshake left none. The caller frees it. */
static SSL_SESSION *take_session(const struct tls_pair *pair)
{
    SSL_SESSION *session = SSL_get1_session(pair->client.ssl);

    if (session != NULL && is_accepted(pair) && SSL_SESSION_is_resumable(session))
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

static void count(const struct tls_pair *pair, const SSL_SESSION *kept, struct outcome *outcome)
{
    if (!is_accepted(pair))
        outcome->refused++;
    else if (SSL_session_reused(pair->client.ssl))
        outcome->resumed++;
    else
        outcome->full++;
    if (kept != NULL && ratls_session_record_of(kept) == NULL)
        outcome->lost++;
}

static bool try_client(SSL_SESSION *offered, struct tls_failure *failure, struct outcome *outcome)
{
    struct tls_pair *pair = offer_copy(world->server, offered);
    const unsigned before = world->attested;
    SSL_SESSION *kept;

    tls_failure_arm(failure, pair, &pair->client);
    has_begun = false;
    SSL_set_info_callback(pair->client.ssl, see_beginning);
    atomic_store(&rules->refused_ms, 0);
    tls_pair_handshake(pair);
    cr_assert_neq(pair->client.done, 0, "call %u, allocation %zu: hangs", failure->call,
                  failure->n);
    if (is_accepted(pair))
        judge_verdict(pair, before);
    else
        cr_assert(failure->failed, "call %u: nothing failed", failure->call);
    if (pair->client.done == 1 && !is_accepted(pair)) {
        outcome->unjudged++;
        judge_reason(pair);
    }
    if (pair->client.done < 0)
        cr_assert_neq(pair->client.reason, 0, "call %u, allocation %zu: no reason", failure->call,
                      failure->n);
    kept = take_session(pair);
    count(pair, kept, outcome);
    judge_data(pair);
    SSL_set_shutdown(pair->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_free(pair);
    ERR_clear_error();
    if (kept != NULL)
        judge_session(world->server, kept);
    SSL_SESSION_free(kept);
    return failure->failed;
}

static void fail_client(SSL_SESSION *offered, unsigned call, struct outcome *outcome)
{
    struct tls_failure failure = {.call = call, .n = 1};

    while (try_client(offered, &failure, outcome))
        cr_assert_lt(++failure.n, ALLOCATIONS_MAX);
    cr_assert_gt(failure.n, 1, "call %u allocates nothing: are they wrapped?", call);
}

/* ClientHello; the server's answer, which holds the verdict; the tickets behind it. */
Test(tls_resumption_memory, client_that_resumes)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct outcome outcome = {0};

    for (unsigned call = 1; call <= 3; call++)
        fail_client(session, call, &outcome);
    cr_assert_gt(outcome.resumed, 0);
    cr_assert_gt(outcome.refused, 0);
    cr_assert_gt(outcome.unjudged, 0, "memory was never short for the verdict");
    SSL_SESSION_free(session);
}

/* The record is made in the second call, and the tickets' sessions take it over in the third. */
Test(tls_resumption_memory, client_that_makes_the_record)
{
    struct outcome outcome = {0};

    for (unsigned call = 2; call <= 3; call++)
        fail_client(NULL, call, &outcome);
    cr_assert_gt(outcome.full, 0);
    cr_assert_gt(outcome.refused, 0);
    cr_assert_gt(outcome.lost, 0, "no record was lost: this tests nothing");
}

/* ---- a server ---- */

/* The world's attester, whose TPM needs its memory; what it gives out needs some of its own. */
static bool has_room(void)
{
    void *room = malloc(1);

    free(room);
    return room != NULL;
}

static enum ratls_status attest(struct ratls_attester *self,
                                const struct ratls_attest_request *request, uint8_t **ret_evidence,
                                size_t *ret_len, struct ratls_error *ret_error)
{
    enum ratls_status status;

    (void)self;
    if (!has_room())
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    failmalloc_spare(true);
    status = world->attester->attest(world->attester, request, ret_evidence, ret_len, ret_error);
    failmalloc_spare(false);
    return status;
}

static enum ratls_status read_state(struct ratls_attester *self,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    enum ratls_status status;

    (void)self;
    if (!has_room())
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    failmalloc_spare(true);
    status = world->attester->state(world->attester, selection, ret_digest, ret_error);
    failmalloc_spare(false);
    return status;
}

static struct ratls_attester *keep(struct ratls_attester *self)
{
    return self;
}

static void leave(struct ratls_attester *self)
{
    (void)self;
}

/* What was given out in spite of the failure lapses when the state changes, as every ticket. */
static void judge_ticket(SSL_CTX *server, SSL_SESSION *session)
{
    struct tls_pair *pair;

    judge_session(server, session);
    world->tpm->restart_count++;
    pair = offer_copy(server, session);
    assert_connected(pair);
    cr_assert_not(SSL_session_reused(pair->client.ssl), "a ticket outlives its state");
    tls_pair_free(pair);
    world->tpm->restart_count--;
}

/* The client knows no later boot of the TPM than the one that the session is of. */
static void forget_boots(void)
{
    ratls_key_cache_free(rules->keys);
    rules->keys = ratls_key_cache_new();
    cr_assert_not_null(rules->keys);
    atomic_store(&rules->refused_ms, 0);
}

static bool try_server(SSL_CTX *server, SSL_SESSION *offered, struct tls_failure *failure,
                       struct outcome *outcome)
{
    struct tls_pair *pair = offer_copy(server, offered);
    const unsigned before = world->attested;
    SSL_SESSION *kept = NULL;

    forget_boots();
    tls_failure_arm(failure, pair, &pair->server);
    if (tls_pair_handshake(pair)) {
        judge_verdict(pair, before);
        kept = take_session(pair);
    } else {
        cr_assert(failure->failed, "call %u: nothing failed", failure->call);
    }
    count(pair, kept, outcome);
    SSL_set_shutdown(pair->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_free(pair);
    ERR_clear_error();
    if (kept != NULL)
        judge_ticket(server, kept);
    SSL_SESSION_free(kept);
    return failure->failed;
}

static void fail_server(SSL_CTX *server, SSL_SESSION *offered, struct outcome *outcome)
{
    for (unsigned call = 1; call <= 2; call++) {
        struct tls_failure failure = {.call = call, .n = 1};

        while (try_server(server, offered, &failure, outcome))
            cr_assert_lt(++failure.n, ALLOCATIONS_MAX);
        cr_assert_gt(failure.n, 1, "call %u allocates nothing: are they wrapped?", call);
    }
}

static SSL_CTX *new_server(void)
{
    static struct ratls_attester attester = {
        .attest = attest, .up_ref = keep, .free = leave, .state = read_state};
    SSL_CTX *server = tls_plain_server(world);
    struct ratls_error error = {0};

    cr_assert_eq(ratls_tls_attest(server, &attester, &error), RATLS_OK, "%s", error.text);
    return server;
}

/* A state that cannot be read for want of memory is no reason to take a ticket. */
Test(tls_resumption_memory, server_that_resumes)
{
    SSL_CTX *server = new_server();
    SSL_SESSION *session = first_session(world->client, server);
    struct outcome outcome = {0};

    fail_server(server, session, &outcome);
    cr_assert_gt(outcome.resumed, 0);
    cr_assert_gt(outcome.full, 0, "the state was always read: this tests nothing");
    cr_assert_gt(outcome.refused, 0);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

/* Tickets are made in its second call. */
Test(tls_resumption_memory, server_that_makes_tickets)
{
    SSL_CTX *server = new_server();
    struct outcome outcome = {0};

    fail_server(server, NULL, &outcome);
    cr_assert_gt(outcome.full, 0);
    cr_assert_eq(outcome.resumed, 0);
    SSL_CTX_free(server);
}
