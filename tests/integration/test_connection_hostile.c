/* Peers that agree on frames and send other things. */
#include <string.h>

#include "challenge.h"
#include "connection_assert.h"
#include "connection_state.h"
#include "plain_peer.h"
#include "staged_attester.h"

#define FRAMES ((unsigned)RATLS_OFFER_FRAMES)
#define BEHIND ((unsigned)(RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER))

static void send_plain(struct pair_side *plain, const void *bytes, size_t len)
{
    cr_assert_eq(SSL_write(plain->ssl, bytes, (int)len), (int)len);
}

struct row {
    const char *name;
    const char *bytes;
    size_t len;
    bool closes; /* and then TLS ends in order */
    enum ratls_outcome outcome;
    const char *words;
};

#define BYTES(text) text, sizeof text - 1

static void send_rows(unsigned speaks, const struct row *rows, size_t count)
{
    struct tls_world *world = world_with(60, 10);

    if (speaks == FRAMES) { /* a client that has a certificate gets its evidence in the handshake */
        cr_assert(SSL_CTX_use_certificate(world->client, world->certificate));
        cr_assert(SSL_CTX_use_PrivateKey(world->client, world->key));
    }
    for (size_t i = 0; i < count; i++) {
        struct connection_pair *pair = pair_with_plain(world->client, world->server, true, speaks);
        char bytes[16];
        size_t len = 0;

        settle_with_plain(pair);
        cr_assert_eq(pair->client.last, speaks == FRAMES ? RATLS_DONE : RATLS_WANT_READ, "%s",
                     connection_words(pair->client.connection));
        if (rows[i].len != 0)
            send_plain(&pair->server, rows[i].bytes, rows[i].len);
        if (rows[i].closes)
            SSL_shutdown(pair->server.ssl);
        pair_carry(pair);
        pair->client.last =
            ratls_connection_read(pair->client.connection, bytes, sizeof bytes, &len);
        cr_assert_eq(pair->client.last, rows[i].outcome, "%s: %s, %s", rows[i].name,
                     ratls_outcome_name(pair->client.last),
                     connection_words(pair->client.connection));
        assert_ended(pair, &pair->client, rows[i].outcome, rows[i].words);
        cr_assert_eq(len, 0);
        free_with_plain(pair);
    }
    tls_world_free(world);
}

Test(connection_hostile, server_that_owes_its_evidence)
{
    static const struct row rows[] = {
        {"data first", BYTES("\0\0\0\2hi"), false, RATLS_FAILED, "data before its evidence"},
        {"a challenge first", BYTES("\1\0\0\2hi"), false, RATLS_FAILED, "before it has shown"},
        {"it refuses", BYTES("\3\0\0\1\1"), false, RATLS_FAILED, "refused the evidence"},
        {"it cannot", BYTES("\3\0\0\1\2"), false, RATLS_FAILED, "cannot attest"},
        {"a lease that nobody has", BYTES("\3\0\0\1\3"), false, RATLS_FAILED, "in time"},
        {"a protocol error", BYTES("\3\0\0\1\4"), false, RATLS_FAILED, "broke the protocol"},
        {"an end for no reason", BYTES("\3\0\0\1\x63"), false, RATLS_FAILED, "broke the protocol"},
        {"no frame", BYTES("GET / HTTP/1.1\r\n\r\n"), false, RATLS_FAILED, "no frame"},
        {"evidence of nothing", BYTES("\2\0\0\0"), false, RATLS_FAILED, "no frame"},
        {"no evidence", BYTES("\2\0\0\3abc"), false, RATLS_REFUSED, "evidence.format"},
        {"evidence of another turn", BYTES("\2\0\0\x06\x84\x07\x00\x01\x41\x00"), false,
         RATLS_REFUSED, "evidence.place"},
        {"it only closes", "", 0, true, RATLS_FAILED, "without evidence"},
        {"half a head", BYTES("\2\0"), true, RATLS_FAILED, "within a frame"},
        {"half a frame", BYTES("\2\0\1\0abc"), true, RATLS_FAILED, "within a frame"},
    };

    send_rows(BEHIND, rows, sizeof rows / sizeof *rows);
}

Test(connection_hostile, server_that_was_accepted)
{
    static const struct row rows[] = {
        {"no frame", BYTES("\4\0\0\1x"), false, RATLS_FAILED, "no frame"},
        {"empty data", BYTES("\0\0\0\0"), false, RATLS_FAILED, "no frame"},
        {"data longer than a record", BYTES("\0\0\x3f\xfd"), false, RATLS_FAILED, "no frame"},
        {"a long challenge", BYTES("\1\0\4\x4d"), false, RATLS_FAILED, "no frame"},
        {"long evidence", BYTES("\2\1\0\x41"), false, RATLS_FAILED, "no frame"},
        {"a long end", BYTES("\3\0\0\2\1\1"), false, RATLS_FAILED, "no frame"},
        {"evidence that nobody asked for", BYTES("\2\0\0\6\x84\1\0\1\x41\0"), false, RATLS_FAILED,
         "nobody wants"},
        {"a challenge that is none", BYTES("\1\0\0\3abc"), false, RATLS_FAILED, "that is none"},
        {"its end", BYTES("\3\0\0\1\1"), false, RATLS_FAILED, "refused the evidence"},
        {"half a frame", BYTES("\1\0\0\7ab"), true, RATLS_FAILED, "within a frame"},
    };

    send_rows(FRAMES, rows, sizeof rows / sizeof *rows);
}

/* An acknowledgement without what it promises: evidence in the handshake counts for nothing. */
static int promise(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                   size_t *ret_len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    const struct ratls_slice *items = arg;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    *out = items[context == SSL_EXT_TLS1_3_CERTIFICATE].p;
    *ret_len = items[context == SSL_EXT_TLS1_3_CERTIFICATE].len;
    return *ret_len != 0;
}

static int ignore(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t len,
                  X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    (void)ssl, (void)type, (void)context, (void)in, (void)len, (void)certificate;
    (void)chain_index, (void)alert, (void)arg;
    return 1;
}

Test(connection_hostile, acknowledgement_is_of_what_was_offered)
{
    static const struct {
        struct ratls_slice items[2]; /* in EncryptedExtensions, in Certificate */
        const char *words;
    } rows[] = {
        {{{(const uint8_t *)"\x82\x01\x07", 3}, {NULL, 0}}, "did not offer"},
        {{{(const uint8_t *)"\x82\x01\x02", 3}, {NULL, 0}}, "did not offer"},
        {{{(const uint8_t *)"\x82\x02\x01", 3}, {NULL, 0}}, "did not offer"},
        {{{(const uint8_t *)"\x82\x01\x03", 3}, {(const uint8_t *)"\xa0", 1}}, "in the handshake"},
    };
    struct tls_world *world = world_with(60, 10);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        SSL_CTX *ctx = tls_plain_server(world);
        struct connection_pair *pair;
        struct ratls_slice items[2] = {rows[i].items[0], rows[i].items[1]};

        cr_assert(SSL_CTX_add_custom_ext(
            ctx, TLS_EXTENSION,
            SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS | SSL_EXT_TLS1_3_CERTIFICATE,
            promise, NULL, items, ignore, NULL));
        pair = pair_with_plain(world->client, ctx, true, 0);
        settle_with_plain(pair);
        assert_ended(pair, &pair->client, RATLS_FAILED, rows[i].words);
        free_with_plain(pair);
        SSL_CTX_free(ctx);
    }
    tls_world_free(world);
}

/* A challenge as a frame. */
static void challenge(struct pair_side *plain, uint64_t counter, uint64_t period_ms)
{
    struct ratls_challenge challenge = {.counter = counter, .period_ms = period_ms};
    uint8_t bytes[RATLS_FRAME_HEAD + RATLS_CHALLENGE_MAX];
    struct ratls_writer w = ratls_writer(bytes + RATLS_FRAME_HEAD, RATLS_CHALLENGE_MAX);
    struct ratls_writer head = ratls_writer(bytes, RATLS_FRAME_HEAD);

    challenge.request.selection =
        (struct ratls_pcr_selection){.count = 1, .banks = {{.hash_alg = 0x000b, .pcrs = 0xff}}};
    challenge.request.nonce[0] = (uint8_t)(1 + counter);
    ratls_challenge_write(&challenge, &w);
    ratls_frame_write(&(struct ratls_frame_head){.type = RATLS_FRAME_CHALLENGE, .len = w.len},
                      &head);
    cr_assert_not(w.failed || head.failed);
    send_plain(plain, bytes, RATLS_FRAME_HEAD + w.len);
}

/* A client that asks: what the server makes of it, and how often its TPM had to sign. */
static void ask(const uint64_t *counters, size_t count, bool is_slow, const char *words,
                unsigned quotes)
{
    struct tls_world *world = world_with(60, 10);
    struct staged_attester *staged = staged_attester_new(world->attester, is_slow);
    SSL_CTX *ctx = tls_plain_server(world);
    struct ratls_error error = {0};
    struct connection_pair *pair;
    unsigned before;

    cr_assert_eq(ratls_tls_attest(ctx, &staged->base, &error), RATLS_OK);
    pair = pair_with_plain(world->client, ctx, false, FRAMES);
    do {
        pair->server.last = ratls_connection_handshake(pair->server.connection);
        move_plain(&pair->client);
    } while (pair_carry(pair));
    cr_assert_eq(pair->server.last, RATLS_DONE);
    before = atomic_load(&staged->asked);
    for (size_t i = 0; i < count; i++) {
        challenge(&pair->client, counters[i], 0);
        pair_carry(pair);
        pair->server.last = ratls_connection_tick(pair->server.connection);
    }
    cr_assert_eq(atomic_load(&staged->asked) - before, quotes);
    if (words == NULL)
        cr_assert_eq(pair->server.last, RATLS_DONE);
    else
        assert_ended(pair, &pair->server, RATLS_FAILED, words);
    free_with_plain(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}

Test(connection_hostile, client_that_asks_too_much)
{
    static const uint64_t many[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const uint64_t same[] = {1, 1};
    static const uint64_t lower[] = {9, 8};
    static const uint64_t zero[] = {0};

    ask(many, 10, false, NULL, 10);
    ask(many, 11, false, "too often", 10);
    ask(same, 2, false, "not newer", 1);
    ask(lower, 2, false, "not newer", 1);
    ask(zero, 1, false, "that is none", 0);
    ask(many, 2, true, "before it has the answer", 0);
}

/* Pieces that crossed a challenge, which there may be, but not without end. */
static void send_crossing(struct pair_side *side, unsigned count)
{
    static const uint8_t frame[] = {RATLS_FRAME_EVIDENCE, 0, 0, 6, 0x84, 0, 1, 1, 0x41, 'x'};
    struct ratls_gate *gate = &side->connection->gate;

    ratls_gate_enter(gate);
    for (unsigned i = 0; i < count; i++)
        send_plain(side, frame, sizeof frame);
    ratls_gate_leave(gate);
}

/* A program that serves many is not kept in one call by who sends and sends. */
Test(connection_hostile, server_that_does_not_stop)
{
    struct tls_world *world = world_with(60, 10);
    struct connection_pair *pair = pair_new(world->client, world->server, PAIR_MEMORY, NULL, NULL);

    assert_open(pair);
    clock_move(10000);
    cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE); /* asks */
    send_crossing(&pair->server, 3000);
    pair_carry(pair);
    cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE);
    cr_assert_gt(BIO_pending(pair->client.in), 0, "all of it in one call");
    cr_assert_eq(ratls_connection_timeout_ms(pair->client.connection), 0);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(ratls_connection_tick(pair->client.connection), RATLS_DONE);
    cr_assert_eq(BIO_pending(pair->client.in), 0);
    cr_assert_gt(ratls_connection_timeout_ms(pair->client.connection), 0);
    pair_settle(pair);
    cr_assert_eq(pair->client.renewed, 1);
    assert_data_goes(pair);
    pair_free(pair);
    tls_world_free(world);
}

/* One challenge, and a TPM that would do nothing else any more. */
Test(connection_hostile, client_that_wants_evidence_all_the_time)
{
    struct tls_world *world = world_with(60, 10);
    struct staged_attester *staged = staged_attester_new(world->attester, false);
    SSL_CTX *ctx = tls_plain_server(world);
    struct connection_pair *pair;
    int64_t begin_ms, passed_ms;
    unsigned asked;

    cr_assert_eq(ratls_tls_attest(ctx, &staged->base, NULL), RATLS_OK);
    pair = pair_with_plain(world->client, ctx, false, FRAMES);
    settle_with_plain(pair);
    cr_assert_eq(pair->server.last, RATLS_DONE);
    asked = atomic_load(&staged->asked);
    begin_ms = ratls_clock_ms();
    challenge(&pair->client, 1, 1);
    for (unsigned i = 0; i < 500; i++) {
        pair_carry(pair);
        clock_move(1);
        cr_assert_eq(ratls_connection_tick(pair->server.connection), RATLS_DONE);
    }
    passed_ms = ratls_clock_ms() - begin_ms;
    asked = atomic_load(&staged->asked) - asked;
    cr_assert_gt(asked, 2);
    cr_assert_leq(asked, 2 + passed_ms / 100, "%u times in %lld ms", asked, (long long)passed_ms);
    free_with_plain(pair);
    SSL_CTX_free(ctx);
    staged_attester_free(staged);
    tls_world_free(world);
}
