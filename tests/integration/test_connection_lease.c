/* The lease: renewed in the background, and ended by whatever is not new evidence in time. */
#include <string.h>

#include "connection_assert.h"
#include "staged_attester.h"

#define MAX_AGE_S 60
#define RENEW_S 10
#define MS 1000

/* A pair that is open, and renews every RENEW_S. */
static struct connection_pair *open_pair(struct tls_world *world)
{
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

    assert_open(pair);
    return pair;
}

static void assert_renewed(struct connection_pair *pair, unsigned times)
{
    cr_assert_eq(pair->client.last, RATLS_DONE, "%s", connection_words(pair->client.connection));
    cr_assert_eq(pair->server.last, RATLS_DONE, "%s", connection_words(pair->server.connection));
    cr_assert_eq(pair->client.renewed, times, "%u times", pair->client.renewed);
    cr_assert_eq(ratls_connection_verdicts(pair->client.connection), 1 + times);
}

Test(connection_lease, is_renewed_with_a_nonce_and_a_counter)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct connection_pair *pair = open_pair(world);
    uint8_t nonce[RATLS_NONCE_LEN];

    memcpy(nonce, world->asked.nonce, sizeof nonce);
    for (unsigned i = 1; i <= 12; i++) {
        cr_assert_leq(ratls_connection_timeout_ms(pair->client.connection), RENEW_S * MS);
        clock_move(RENEW_S * MS - 500);
        pair_settle(pair);
        assert_renewed(pair, i - 1);
        clock_move(500);
        pair_settle(pair);
        assert_renewed(pair, i);
        cr_assert_eq(world->asked.mode, RATLS_MODE_RENEWAL);
        cr_assert_eq(world->asked.context_len, 12);
        cr_assert_eq(world->asked.context[7], i, "the counter");
        cr_assert_neq(memcmp(nonce, world->asked.nonce, sizeof nonce), 0, "the nonce is the same");
        memcpy(nonce, world->asked.nonce, sizeof nonce);
        cr_assert_gt(ratls_connection_lease_ms(pair->client.connection), (MAX_AGE_S - 1) * MS);
        assert_data_goes(pair);
    }
    pair_free(pair);
    tls_world_free(world);
}

/* The statement names the key that it has already: no certificates, no words, few bytes. */
Test(connection_lease, renewal_is_small)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct connection_pair *pair = open_pair(world);
    size_t client = pair->client.sent.len, server = pair->server.sent.len;

    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_renewed(pair, 1);
    cr_assert_lt(pair->client.sent.len - client, 200);
    cr_assert_lt(pair->server.sent.len - server, 1200);
    pair_free(pair);
    tls_world_free(world);
}

/* In mode 2 the handshake's evidence is where renewals go on from. */
Test(connection_lease, goes_on_from_a_verdict_in_the_handshake)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct connection_pair *pair;

    cr_assert(SSL_CTX_use_certificate(world->client, world->certificate));
    cr_assert(SSL_CTX_use_PrivateKey(world->client, world->key));
    pair = open_pair(world);
    cr_assert_eq(world->asked.mode, RATLS_MODE_HANDSHAKE);
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_renewed(pair, 1);
    cr_assert_eq(world->asked.context[7], 1);
    world->tpm->reset_count++;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_REFUSED, "quote.boot");
    pair_free(pair);
    tls_world_free(world);
}

static void change_pcr(struct tls_world *world)
{
    fake_tpm_pcr(world->tpm, 0x000b, 4)[0] ^= 1;
}

static void restart(struct tls_world *world)
{
    world->tpm->reset_count++;
}

static void sign_badly(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->signature.p[draft->signature.len - 1] ^= 1;
}

static void break_signature(struct tls_world *world)
{
    world->tamper = sign_badly;
}

static void cut_evidence(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_WIRE)
        draft->wire_len /= 2;
}

static void break_evidence(struct tls_world *world)
{
    world->tamper = cut_evidence;
}

/* The server's machine is another than it was: within one renewal nothing goes any more. */
Test(connection_lease, ends_when_new_evidence_is_refused)
{
    static const struct {
        void (*change)(struct tls_world *world);
        const char *check;
    } rows[] = {
        {change_pcr, "pcr.value"},
        {restart, "quote.boot"},
        {break_signature, "quote.signature"},
        {break_evidence, "evidence.format"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
        struct connection_pair *pair = open_pair(world);
        size_t len;

        clock_move(RENEW_S * MS);
        pair_settle(pair);
        assert_renewed(pair, 1);
        rows[i].change(world);
        assert_data_goes(pair);
        clock_move(RENEW_S * MS);
        cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE); /* asks */
        pair_carry(pair);
        do { /* answers */
            cr_assert_eq(ratls_connection_tick(pair->server.connection), RATLS_DONE);
        } while (ratls_connection_attester_fd(pair->server.connection) >= 0);
        cr_assert_eq(ratls_connection_write(pair->server.connection, "too late", 8, &len),
                     RATLS_DONE);
        pair_settle(pair);
        assert_ended(pair, &pair->client, RATLS_REFUSED, rows[i].check);
        cr_assert_not(ratls_report_accepted(ratls_connection_report(pair->client.connection)));
        assert_ended(pair, &pair->server, RATLS_FAILED, "refused");
        pair_free(pair);
        tls_world_free(world);
    }
}

/* It counts from when the challenge was sent, not from when the answer came. */
Test(connection_lease, counts_from_the_challenge)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct connection_pair *pair = open_pair(world);
    int64_t left_ms;

    pair->server.is_cut = true;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    clock_move(5 * MS);
    pair->server.is_cut = false;
    pair_settle(pair);
    assert_renewed(pair, 1);
    left_ms = ratls_connection_lease_ms(pair->client.connection);
    cr_assert_leq(left_ms, (MAX_AGE_S - 5) * MS, "%lld ms", (long long)left_ms);
    pair_free(pair);
    tls_world_free(world);
}

/* Half-open, reset, stalled: whatever the reason, silence is no evidence. */
Test(connection_lease, ends_in_silence)
{
    for (unsigned held = 0; held < 3; held++) {
        struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
        struct connection_pair *pair = open_pair(world);

        /* Nothing comes, or a part of a record, or of a frame. */
        clock_move(RENEW_S * MS);
        pair->server.is_cut = true;
        pair_settle(pair);
        if (held != 0) {
            cr_assert_gt(pair->server.held.len, 40);
            BIO_write(pair->client.in, pair->server.held.p, held == 1 ? 3 : 40);
        }
        cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE);
        clock_move((MAX_AGE_S - RENEW_S) * MS - 500);
        pair_settle(pair);
        cr_assert_eq(pair->client.last, RATLS_DONE);
        clock_move(500);
        cr_assert_eq(ratls_connection_timeout_ms(pair->client.connection), 0);
        pair_settle(pair);
        assert_ended(pair, &pair->client, RATLS_LAPSED, "in time");
        pair_free(pair);
        tls_world_free(world);
    }
}

/* Data that came before the lease ended is not delivered behind it. */
Test(connection_lease, delivers_nothing_behind_its_end)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct connection_pair *pair = open_pair(world);
    char bytes[64];
    size_t len = 0;

    cr_assert_eq(ratls_connection_write(pair->server.connection, "late", 4, &len), RATLS_DONE);
    pair_carry(pair);
    clock_move(MAX_AGE_S * MS);
    cr_assert_eq(ratls_connection_read(pair->client.connection, bytes, sizeof bytes, &len),
                 RATLS_LAPSED);
    pair->client.last = RATLS_LAPSED;
    assert_ended(pair, &pair->client, RATLS_LAPSED, "max-age");
    pair_free(pair);
    tls_world_free(world);
}

/* What the program wrote and the transport has not taken is dropped. */
Test(connection_lease, drops_what_is_queued)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct connection_pair *pair =
        pair_new(world->client, world->server, PAIR_NONBLOCKING, NULL, NULL);
    static char many[1 << 20];
    enum ratls_outcome outcome;
    size_t len = 0, sent;

    assert_open(pair);
    memset(many, 'x', sizeof many);
    do
        outcome = ratls_connection_write(pair->client.connection, many, sizeof many, &len);
    while (outcome == RATLS_DONE);
    cr_assert_eq(outcome, RATLS_WANT_WRITE);
    clock_move(MAX_AGE_S * MS);
    pair->client.last = ratls_connection_tick(pair->client.connection);
    cr_assert_eq(pair->client.last, RATLS_LAPSED);
    while (pair_carry(pair))
        continue;
    sent = pair->client.sent.len;
    cr_assert_eq(ratls_connection_write(pair->client.connection, many, sizeof many, &len),
                 RATLS_LAPSED);
    while (pair_carry(pair))
        continue;
    cr_assert_eq(pair->client.sent.len, sent);
    pair_free(pair);
    tls_world_free(world);
}

/* A pair whose server has an attester that is slow, or fails. */
static struct connection_pair *pair_with_staged(struct tls_world *world,
                                                struct staged_attester *staged, SSL_CTX **ret_ctx,
                                                const struct ratls_connection_options *client,
                                                const struct ratls_connection_options *server)
{
    struct connection_pair *pair;
    struct ratls_error error = {0};

    *ret_ctx = tls_plain_server(world);
    cr_assert_eq(ratls_tls_attest(*ret_ctx, &staged->base, &error), RATLS_OK, "%s", error.text);
    pair = pair_new(world->client, *ret_ctx, PAIR_MEMORY, client, server);
    pair->patience_ms = 0;
    return pair;
}

Test(connection_lease, waits_for_an_attester_that_takes_its_time)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct staged_attester *staged = staged_attester_new(world->attester, true);
    SSL_CTX *ctx;
    struct connection_pair *pair = pair_with_staged(world, staged, &ctx, NULL, NULL);

    cr_assert_not(pair_open(pair));
    cr_assert_eq(pair->server.last, RATLS_WANT_ATTESTER);
    cr_assert_geq(ratls_connection_attester_fd(pair->server.connection), 0);
    staged_finish(staged);
    assert_open(pair);
    cr_assert_eq(ratls_connection_attester_fd(pair->server.connection), -1);

    clock_move(RENEW_S * MS);
    pair_settle(pair);
    cr_assert_eq(pair->client.renewed, 0);
    assert_data_goes(pair);
    staged_finish(staged);
    pair_settle(pair);
    assert_renewed(pair, 1);

    /* One that never ends: the client does not wait for ever. */
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    clock_move(MAX_AGE_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_LAPSED, "in time");
    cr_assert_eq(staged->cancelled, 1, "the server has heard of it");
    pair_free(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}

Test(connection_lease, ends_when_the_attester_fails)
{
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct staged_attester *staged = staged_attester_new(world->attester, false);
    SSL_CTX *ctx;
    struct connection_pair *pair = pair_with_staged(world, staged, &ctx, NULL, NULL);

    assert_open(pair);
    staged->fails = true;
    clock_move(RENEW_S * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->server, RATLS_FAILED, "the TPM has left");
    assert_ended(pair, &pair->client, RATLS_FAILED, "cannot attest");
    pair_free(pair);

    /* And if it fails in the handshake, the client gets none of the server's reasons. */
    pair = pair_new(world->client, ctx, PAIR_MEMORY, NULL, NULL);
    pair_settle(pair);
    assert_ended(pair, &pair->server, RATLS_FAILED, "the TPM has left");
    cr_assert_neq(pair->client.last, RATLS_DONE);
    cr_assert_eq(pair->client.accepted, 0);
    pair_free(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}

/* Streaming: evidence comes when the state changes, and each period, without being asked for. */
Test(connection_lease, streams_what_changes)
{
    const struct ratls_connection_options options = {.period_ms = 30 * MS};
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct staged_attester *staged = staged_attester_new(world->attester, false);
    SSL_CTX *ctx;
    struct connection_pair *pair = pair_with_staged(world, staged, &ctx, &options, NULL);

    assert_open(pair);
    clock_move(RENEW_S * MS);
    pair_settle(pair); /* the challenge that subscribes */
    assert_renewed(pair, 1);
    for (unsigned i = 0; i < 3; i++) {
        clock_move(MS);
        pair_settle(pair);
        assert_renewed(pair, 1 + i);
        atomic_fetch_add(&staged->state, 1);
        pair_settle(pair); /* looked at once a second */
        assert_renewed(pair, 1 + i);
        clock_move(MS);
        pair_settle(pair);
        assert_renewed(pair, 2 + i);
        cr_assert_eq(world->asked.context[7], 1, "the counter");
        cr_assert_eq(world->asked.context[11], i + 1, "the sequence");
    }
    change_pcr(world);
    atomic_fetch_add(&staged->state, 1);
    clock_move(MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_REFUSED, "pcr.value");
    pair_free(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}

/* Not asked for, and no policy that takes it: the client ends the connection. */
Test(connection_lease, takes_no_evidence_that_nobody_asked_for)
{
    const struct ratls_connection_options options = {.pushes = true};
    struct tls_world *world = world_with(MAX_AGE_S, RENEW_S);
    struct staged_attester *staged = staged_attester_new(world->attester, false);
    SSL_CTX *ctx;
    struct connection_pair *pair = pair_with_staged(world, staged, &ctx, NULL, &options);

    assert_open(pair);
    atomic_fetch_add(&staged->state, 1);
    clock_move(2 * MS);
    pair_settle(pair);
    assert_ended(pair, &pair->client, RATLS_FAILED, "nobody wants");
    pair_free(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}
