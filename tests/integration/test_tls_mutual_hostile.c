/*
 * Clients and programs that try to get past a server's demand: evidence of others, of another time
 * or of the server itself, older versions, sessions, early data, callbacks that are taken away.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "mutual_assert.h"
#include "mutual_raw.h"
#include "request.h"
#include "tls_internal.h"

/* What a client sends that asks for evidence itself. */
static void ask(struct mutual_raw *raw)
{
    struct ratls_request request = {.nonce = {1}};
    uint8_t bytes[RATLS_REQUEST_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    request.selection.count = 1;
    request.selection.banks[0] =
        (struct ratls_pcr_bank){.hash_alg = RATLS_ALG_SHA256, .pcrs = 0xff};
    ratls_request_write(&request, &w);
    cr_assert_not(w.failed);
    tls_bytes_add(&raw->request, bytes, w.len);
}

/* A7, T4: the server's own evidence, also where its key may attest as a client. */
Test(tls_mutual_hostile, t4_reflection)
{
    struct mutual_world *world = mutual_world_new();
    struct mutual_raw raw = {.reflects = true};
    SSL_CTX *client = mutual_raw_client(world, &raw);
    struct tls_pair *pair;

    ask(&raw);
    fake_policy_pin(world->policy, world->base->tpm, MUTUAL_NAME);
    pair = mutual_pair(client, world->server);
    assert_client_refused(pair, "statement.role");
    cr_assert_gt(raw.reflected.len, 0);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    mutual_raw_clear(&raw);
    mutual_world_free(world);
}

static void attest_as_client(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.role = RATLS_ROLE_CLIENT;
}

/* The other way round: what a client would say, from a server. */
Test(tls_mutual_hostile, t4_reflection_by_the_server)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair;

    world->base->tamper = attest_as_client;
    pair = mutual_pair(world->client, world->server);
    assert_refused(pair, "statement.role");
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* T1, T2: good evidence of the same client, of another connection. */
Test(tls_mutual_hostile, t1_replay)
{
    struct mutual_world *world = mutual_world_new();
    struct mutual_raw raw = {.chain_index = 0};
    SSL_CTX *client = mutual_raw_client(world, &raw);
    struct tls_pair *pair = mutual_pair(world->client, world->server);
    const uint8_t *evidence;
    size_t len;

    assert_mutual(pair);
    evidence = ratls_tls_evidence(pair->server.ssl, &len);
    tls_bytes_add(&raw.evidence, evidence, len);
    tls_pair_free(pair);
    pair = mutual_pair(client, world->server);
    assert_client_refused(pair, "statement.nonce");
    tls_pair_free(pair);
    /* Without a demand it is not looked at. */
    SSL_CTX_free(world->server);
    world->server = mutual_plain_server(world);
    pair = mutual_pair(client, world->server);
    assert_connected(pair);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    mutual_raw_clear(&raw);
    mutual_world_free(world);
}

Test(tls_mutual_hostile, t10_other_entry)
{
    static const size_t rows[] = {1, SIZE_MAX};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < 2; i++) {
        struct mutual_raw raw = {.chain_index = rows[i]};
        SSL_CTX *client = mutual_raw_client(world, &raw);
        struct tls_pair *pair;

        cr_assert(SSL_CTX_add1_chain_cert(client, world->base->ca));
        tls_bytes_add(&raw.evidence, "x", 1);
        pair = mutual_pair(client, world->server);
        assert_client_refused(pair, "evidence.place");
        tls_pair_free(pair);
        SSL_CTX_free(client);
        mutual_raw_clear(&raw);
    }
    mutual_world_free(world);
}

Test(tls_mutual_hostile, t20_not_evidence)
{
    static const char *const rows[] = {"\xa0", "\xff\xff", "nonsense"};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mutual_raw raw = {.chain_index = 0};
        SSL_CTX *client = mutual_raw_client(world, &raw);
        struct tls_pair *pair;

        tls_bytes_add(&raw.evidence, rows[i], strlen(rows[i]));
        pair = mutual_pair(client, world->server);
        assert_client_refused(pair, "evidence.format");
        tls_pair_free(pair);
        SSL_CTX_free(client);
        mutual_raw_clear(&raw);
    }
    mutual_world_free(world);
}

/* What a server may put there in place of a request; the client goes by its own rules. */
Test(tls_mutual_hostile, demands_that_are_none)
{
    static const struct {
        const char *bytes;
        size_t len;
        int alert; /* of the client; -1: it takes no notice */
    } rows[] = {{"", 0, SSL_AD_DECODE_ERROR},
                {"\x86\x01", 2, SSL_AD_DECODE_ERROR},
                {"\x82\x02\x00", 3, -1},
                {"\xff", 1, SSL_AD_DECODE_ERROR}};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_bytes evidence = record_evidence(world->base);
        struct tls_raw raw = {.context = SSL_EXT_TLS1_3_CERTIFICATE_REQUEST,
                              .p = (const uint8_t *)rows[i].bytes,
                              .len = rows[i].len};
        SSL_CTX *server = tls_plain_server(world->base);
        struct tls_pair *pair;

        SSL_CTX_set_verify(server, SSL_VERIFY_PEER, NULL);
        tls_raw_add(server, &raw);
        pair = mutual_pair(world->client, server);
        cr_assert_not(tls_pair_handshake(pair));
        /* That server does not attest: this is as far as it gets with a client that notices. */
        cr_assert_eq(pair->client.alert_sent,
                     rows[i].alert < 0 ? SSL_AD_HANDSHAKE_FAILURE : rows[i].alert, "row %zu: %d", i,
                     pair->client.alert_sent);
        cr_assert_eq(world->attested, 0);
        tls_pair_free(pair);
        SSL_CTX_free(server);
        free(evidence.p);
    }
    mutual_world_free(world);
}

/* Whichever of our callbacks a program takes away. */
enum taken { NOTHING, INFO_OF_CONTEXT, INFO_OF_SSL, KEYLOG, BOTH_OF_CONTEXT, BOTH, TAKEN };

static void no_info(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)where, (void)result;
}

static void no_keylog(const SSL *ssl, const char *line)
{
    (void)ssl, (void)line;
}

static struct tls_pair *pair_without(SSL_CTX *client, struct mutual_world *world, enum taken taken)
{
    SSL_CTX *server;
    struct tls_pair *pair;

    SSL_CTX_free(world->server);
    server = world->server = mutual_server(world);
    SSL_CTX_set_verify(server, SSL_VERIFY_NONE, NULL);
    if (taken == INFO_OF_CONTEXT || taken == BOTH_OF_CONTEXT)
        SSL_CTX_set_info_callback(server, no_info);
    if (taken == KEYLOG || taken == BOTH_OF_CONTEXT || taken == BOTH)
        SSL_CTX_set_keylog_callback(server, no_keylog);
    pair = mutual_pair(client, server);
    if (taken != INFO_OF_SSL && taken != BOTH) /* the pair's own */
        SSL_set_info_callback(pair->server.ssl, NULL);
    return pair;
}

Test(tls_mutual_hostile, callbacks_that_are_taken_away)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *stranger = tls_plain_client(world->base);

    for (int taken = NOTHING; taken < TAKEN; taken++) {
        struct tls_pair *pair = pair_without(stranger, world, (enum taken)taken);

        cr_assert_not(tls_pair_handshake(pair), "taken away: %d", taken);
        cr_assert_eq(pair->server.done, -1);
        assert_server_closed(pair);
        tls_pair_free(pair);
        pair = pair_without(world->client, world, (enum taken)taken);
        assert_mutual(pair);
        tls_pair_free(pair);
    }
    SSL_CTX_free(stranger);
    mutual_world_free(world);
}

static int change_context(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    cr_assert_not_null(SSL_set_SSL_CTX(ssl, arg));
    return SSL_TLSEXT_ERR_OK;
}

static void take_both(SSL_CTX *server)
{
    SSL_CTX_set_verify(server, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_info_callback(server, no_info);
    SSL_CTX_set_keylog_callback(server, no_keylog);
}

/* A server with a context for each name, all of which have callbacks of the program. */
Test(tls_mutual_hostile, callbacks_of_a_context_chosen_by_name)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *stranger = tls_plain_client(world->base);
    SSL_CTX *chosen = mutual_server(world);
    struct tls_pair *pair;

    take_both(world->server);
    take_both(chosen);
    SSL_CTX_set_tlsext_servername_callback(world->server, change_context);
    SSL_CTX_set_tlsext_servername_arg(world->server, chosen);
    pair = mutual_pair(stranger, world->server);
    SSL_set_info_callback(pair->server.ssl, NULL); /* the pair's own */
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(SSL_get_SSL_CTX(pair->server.ssl), chosen);
    assert_server_closed(pair);
    tls_pair_free(pair);
    pair = mutual_pair(world->client, world->server);
    SSL_set_info_callback(pair->server.ssl, NULL);
    assert_mutual(pair);
    tls_pair_free(pair);
    SSL_CTX_free(chosen);
    SSL_CTX_free(stranger);
    mutual_world_free(world);
}

/* It has a certificate, and no TLS 1.3. */
static SSL_CTX *old_client(const struct mutual_world *world)
{
    SSL_CTX *client = tls_plain_client(world->base);

    cr_assert(SSL_CTX_use_certificate(client, world->certificate) &&
              SSL_CTX_use_PrivateKey(client, world->key));
    cr_assert(SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION));
    return client;
}

/* T8 */
Test(tls_mutual_hostile, t8_older_versions)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *client = old_client(world);

    for (int taken = NOTHING; taken < TAKEN; taken++) {
        struct tls_pair *pair = pair_without(client, world, (enum taken)taken);

        tls_pair_handshake(pair);
        cr_assert_not(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
        assert_server_closed(pair);
        tls_pair_free(pair);
    }
    SSL_CTX_free(client);
    mutual_world_free(world);
}

/* A server whose first call is SSL_write(), with the handshake inside of it. */
Test(tls_mutual_hostile, t13_write_at_once)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *client = old_client(world);

    for (int taken = NOTHING; taken < TAKEN; taken++) {
        struct tls_pair *pair = pair_without(client, world, (enum taken)taken);
        char bytes[100];

        for (int i = 0; i < 10; i++) {
            SSL_do_handshake(pair->client.ssl);
            tls_pair_carry(pair);
            SSL_write(pair->server.ssl, TLS_SECRET, (int)strlen(TLS_SECRET));
            tls_pair_carry(pair);
        }
        cr_assert_leq(SSL_read(pair->client.ssl, bytes, sizeof bytes), 0, "taken: %d", taken);
        ERR_clear_error();
        tls_pair_free(pair);
    }
    SSL_CTX_free(client);
    mutual_world_free(world);
}

static const unsigned char ticket_keys[80] = {1, 2, 3};

/* T6: a session from before the demand; a server that may see it makes a full handshake of it. */
Test(tls_mutual_hostile, t6_sessions)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *before = mutual_plain_server(world);
    SSL_CTX *client = tls_plain_client(world->base);
    struct tls_pair *pair;
    SSL_SESSION *session;

    cr_assert(SSL_CTX_use_certificate(client, world->certificate) &&
              SSL_CTX_use_PrivateKey(client, world->key));
    cr_assert(SSL_CTX_set_session_id_context(before, (const uint8_t *)"x", 1));
    cr_assert(
        SSL_CTX_set_tlsext_ticket_keys(before, (void *)(uintptr_t)ticket_keys, sizeof ticket_keys));
    pair = mutual_pair(client, before);
    assert_connected(pair);
    session = SSL_get1_session(pair->client.ssl);
    cr_assert(SSL_SESSION_is_resumable(session));
    tls_pair_free(pair);
    for (int taken = NOTHING; taken < TAKEN; taken++) {
        pair = pair_without(client, world, (enum taken)taken);
        cr_assert(SSL_CTX_set_tlsext_ticket_keys(world->server, (void *)(uintptr_t)ticket_keys,
                                                 sizeof ticket_keys));
        cr_assert(SSL_set_session_id_context(pair->server.ssl, (const uint8_t *)"x", 1));
        cr_assert(SSL_set_session(pair->client.ssl, session));
        tls_pair_handshake(pair);
        cr_assert_not(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
        if (taken == NOTHING)
            cr_assert_str_eq(client_failure(pair), "evidence.present");
        assert_server_closed(pair);
        tls_pair_free(pair);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(client);
    SSL_CTX_free(before);
    mutual_world_free(world);
}

/* T13: 0.5-RTT data would leave before the client has said who it is. */
Test(tls_mutual_hostile, t13_half_rtt)
{
    struct mutual_world *world = mutual_world_new();

    for (int demands = 0; demands <= 1; demands++) {
        SSL_CTX *server = demands ? mutual_server(world) : mutual_plain_server(world);
        struct tls_pair *pair = mutual_pair(world->client, server);
        uint8_t none[16];
        size_t len = 0;
        int result;

        SSL_do_handshake(pair->client.ssl);
        tls_pair_carry(pair);
        cr_assert_eq(SSL_read_early_data(pair->server.ssl, none, sizeof none, &len),
                     SSL_READ_EARLY_DATA_FINISH);
        result = SSL_write_early_data(pair->server.ssl, TLS_SECRET, strlen(TLS_SECRET), &len);
        cr_assert_eq(result, demands ? 0 : 1, "this tests nothing");
        ERR_clear_error();
        if (demands) {
            cr_assert_leq(SSL_write(pair->server.ssl, TLS_SECRET, 4), 0);
            ERR_clear_error();
            assert_mutual(pair);
            cr_assert_eq(pair->client.received.len, 0);
            cr_assert_eq(SSL_get_shutdown(pair->server.ssl), 0);
        }
        tls_pair_free(pair);
        SSL_CTX_free(server);
    }
    mutual_world_free(world);
}
