/* Challenge and answer on a session that the program has: what is accepted, and when it works. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>

#include "challenge.h"
#include "exchange.h"
#include "exchange_pair.h"
#include "exporter.h"
#include "exporter_by_hand.h"
#include "fake_policy.h"
#include "pki.h"

static const enum ratls_role both[] = {RATLS_ROLE_SERVER, RATLS_ROLE_CLIENT};

static void assert_attested(struct exchange_pair *pair)
{
    enum ratls_status status = exchange_pair_attest(pair);

    cr_assert_eq(status, RATLS_OK, "%s: %s %s", ratls_status_name(status), pair->error.text,
                 exchange_pair_failure(pair));
    cr_assert(ratls_report_accepted(pair->report));
    cr_assert_eq(ERR_peek_error(), 0);
}

static enum ratls_verdict verdict_of(const struct exchange_pair *pair, enum ratls_check check)
{
    struct ratls_finding finding;

    cr_assert(ratls_report_finding(pair->report, check, &finding));
    return finding.verdict;
}

/* First in mode 3, then in mode 4 with a counter, as often as one likes. */
Test(exchange, in_both_roles_and_again)
{
    for (size_t i = 0; i < 2; i++) {
        struct tls_world *world = tls_world_new();
        struct exchange_pair *pair = exchange_pair_new(world, both[i]);
        static const uint8_t third[] = {0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0};

        assert_attested(pair);
        cr_assert_eq(world->asked.mode, RATLS_MODE_EXPORTER);
        cr_assert_eq(world->asked.role, both[i]);
        cr_assert_eq(world->asked.context_len, 0);
        cr_assert_eq(verdict_of(pair, RATLS_CHECK_QUOTE_BOOT), RATLS_NOT_ASKED);
        cr_assert_eq(world->asked.key_id_count, 0);
        assert_attested(pair);
        cr_assert_eq(world->asked.mode, RATLS_MODE_RENEWAL);
        cr_assert_eq(world->asked.key_id_count, 1, "the key comes by its place in the request");
        cr_assert_eq(verdict_of(pair, RATLS_CHECK_QUOTE_BOOT), RATLS_PASS);
        assert_attested(pair);
        cr_assert_eq(world->asked.context_len, sizeof third);
        cr_assert_arr_eq(world->asked.context, third, sizeof third);
        exchange_pair_free(pair);
        tls_world_free(world);
    }
}

/* A policy that wants nothing but the exporter is content. */
Test(exchange, where_the_exporter_is_required)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);

    fake_policy_rules(world->policy)->needs_exporter = true;
    assert_attested(pair);
    cr_assert_eq(verdict_of(pair, RATLS_CHECK_EVIDENCE_BINDING), RATLS_PASS);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* The exporter is new with every session, and so is the evidence. */
Test(exchange, on_resumed_sessions)
{
    for (size_t i = 0; i < 2; i++) {
        struct tls_world *world = tls_world_new();
        struct exchange_pair *pair = exchange_pair_new(world, both[i]);
        SSL_SESSION *session = SSL_get1_session(pair->tls->client.ssl);
        uint8_t binder[RATLS_BINDER_LEN];

        assert_attested(pair);
        memcpy(binder, world->asked.binder, sizeof binder);
        exchange_pair_connect(pair, session);
        cr_assert(SSL_session_reused(pair->asks), "not resumed: this tests nothing");
        assert_attested(pair);
        cr_assert_arr_neq(world->asked.binder, binder, sizeof binder);
        SSL_SESSION_free(session);
        exchange_pair_free(pair);
        tls_world_free(world);
    }
}

/* Without a certificate, or with one that nobody asked for, the key of the TPM is who it is. */
Test(exchange, clients_that_showed_no_certificate)
{
    for (size_t has_one = 0; has_one < 2; has_one++) {
        struct tls_world *world = tls_world_new();
        struct exchange_pair *pair = exchange_pair_prepare(world, RATLS_ROLE_SERVER);
        uint8_t nothing[32];

        pair->attester = RATLS_ROLE_CLIENT;
        fake_policy_rules(world->policy)->for_clients = true;
        if (has_one == 1)
            cr_assert(SSL_CTX_use_certificate(pair->client, world->certificate) &&
                      SSL_CTX_use_PrivateKey(pair->client, world->key));
        exchange_pair_connect(pair, NULL);
        assert_attested(pair);
        fake_digest(RATLS_ALG_SHA256, ratls_slice(NULL, 0), nothing);
        cr_assert_arr_eq(world->asked.spki_sha256, nothing, sizeof nothing);
        exchange_pair_free(pair);
        tls_world_free(world);
    }
}

/* What a program may write is its own business: nothing of it is on the session. */
Test(exchange, nothing_is_written_to_the_session)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);
    size_t before = pair->tls->client.sent.len + pair->tls->server.sent.len;

    assert_attested(pair);
    while (tls_pair_step(pair->tls))
        continue;
    cr_assert_eq(pair->tls->client.sent.len + pair->tls->server.sent.len, before);
    exchange_pair_free(pair);
    tls_world_free(world);
}

Test(exchange, another_handshake_on_the_same_ssl_counts_anew)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);

    assert_attested(pair);
    ratls_exchange_free(pair->exchange);
    cr_assert(SSL_clear(pair->tls->client.ssl) && SSL_clear(pair->tls->server.ssl));
    tls_pair_connect(pair->tls);
    cr_assert(tls_pair_handshake(pair->tls));
    cr_assert_eq(ratls_exchange_new(pair->asks, world->policy, TLS_NAME, RATLS_ROLE_SERVER,
                                    &pair->exchange, NULL),
                 RATLS_OK);
    assert_attested(pair);
    cr_assert_eq(world->asked.mode, RATLS_MODE_EXPORTER);
    exchange_pair_free(pair);
    tls_world_free(world);
}

Test(exchange, tls_1_2_is_refused)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_prepare(world, RATLS_ROLE_SERVER);
    struct exchange_message challenge = {0};
    uint8_t binder[RATLS_BINDER_LEN];
    const uint8_t nonce[RATLS_NONCE_LEN] = {1};
    struct ratls_error error = {0};

    cr_assert(SSL_CTX_set_max_proto_version(pair->client, TLS1_2_VERSION));
    exchange_pair_connect(pair, NULL);
    cr_assert_eq(
        ratls_exchange_challenge(pair->exchange, &challenge.p, &challenge.len, &pair->error),
        RATLS_USAGE);
    cr_assert_not_null(strstr(pair->error.text, "needs TLS 1.3; the connection is TLSv1.2"), "%s",
                       pair->error.text);
    cr_assert_null(challenge.p);
    cr_assert_eq(ratls_exporter_binder(pair->attests, RATLS_ROLE_SERVER, nonce,
                                       ratls_slice(NULL, 0), binder, &error),
                 RATLS_USAGE);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* A challenge for a session that is not there yet, and one from a session of another pair. */
Test(exchange, before_the_handshake_is_finished)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct tls_pair *fresh = tls_pair_new(pair->client, pair->server, TLS_NAME);
    struct exchange_message answer = {0};
    struct ratls_error error = {0};

    for (unsigned step = 0; fresh->server.done == 0; step++) {
        cr_assert_eq(ratls_exchange_answer(fresh->server.ssl, RATLS_ROLE_SERVER, world->attester,
                                           challenge.p, challenge.len, &answer.p, &answer.len,
                                           &error),
                     RATLS_USAGE, "step %u", step);
        cr_assert_lt(step, 9);
        tls_pair_step(fresh);
        if (SSL_get_state(fresh->server.ssl) == TLS_ST_EARLY_DATA)
            break;
    }
    cr_assert_not_null(strstr(error.text, "not"), "%s", error.text);
    cr_assert_eq(world->attested, 0);
    tls_pair_free(fresh);
    free(challenge.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* The challenge of a client that is not finished yet: as if it had come with its ClientHello. */
static struct exchange_message write_early(struct tls_world *world, struct ratls_request *request)
{
    struct ratls_known known = {0};
    struct ratls_challenge challenge = {0};
    struct exchange_message out = {.p = malloc(RATLS_CHALLENGE_MAX)};
    struct ratls_writer w = ratls_writer(out.p, RATLS_CHALLENGE_MAX);

    cr_assert_eq(ratls_request_by_rules(fake_policy_rules(world->policy), TLS_NAME, false, request,
                                        &known, NULL),
                 RATLS_OK);
    memset(request->nonce, 7, sizeof request->nonce);
    challenge.request = *request;
    ratls_challenge_write(&challenge, &w);
    cr_assert_not(w.failed);
    out.len = w.len;
    return out;
}

/* Between its Finished and the client's (RFC 8446, 4.4.4) a server has the exporter, and answers.
 */
Test(exchange, server_answers_before_the_clients_finished)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_prepare(world, RATLS_ROLE_SERVER);
    struct tls_pair *tls = pair->tls = tls_pair_new(pair->client, pair->server, TLS_NAME);
    struct ratls_request request = {0};
    struct exchange_message challenge = write_early(world, &request), answer;
    uint8_t byte;
    size_t len;

    pair->asks = tls->client.ssl;
    pair->attests = tls->server.ssl;
    tls->server.done = -1; /* moved by hand */
    tls_pair_step(tls);
    cr_assert_eq(exchange_pair_answer(pair, challenge, &answer), RATLS_USAGE);
    cr_assert_eq(SSL_read_early_data(tls->server.ssl, &byte, 1, &len), SSL_READ_EARLY_DATA_FINISH);
    cr_assert_not(SSL_is_init_finished(tls->server.ssl));
    cr_assert_eq(exchange_pair_answer(pair, challenge, &answer), RATLS_OK, "%s", pair->error.text);
    cr_assert_eq(world->asked.mode, RATLS_MODE_EXPORTER);
    tls_pair_carry(tls);
    tls->server.done = 0;
    cr_assert(tls_pair_handshake(tls));
    cr_assert_eq(ratls_exchange_new(pair->asks, world->policy, TLS_NAME, RATLS_ROLE_SERVER,
                                    &pair->exchange, NULL),
                 RATLS_OK);
    cr_assert_eq(ratls_exchange_adopt(pair->exchange, &request, NULL, 0, NULL), RATLS_OK);
    cr_assert_eq(exchange_pair_check(pair, answer), RATLS_OK, "%s", exchange_pair_failure(pair));
    assert_attested(pair);
    cr_assert_eq(world->asked.mode, RATLS_MODE_RENEWAL);
    free(challenge.p);
    free(answer.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}

static uint8_t seen_secret[EXPORTER_HASH_LEN];

static void see_secret(const SSL *ssl, const char *line)
{
    (void)ssl;
    if (strncmp(line, "EXPORTER_SECRET ", strlen("EXPORTER_SECRET ")) == 0)
        cr_assert(ratls_unhex(strrchr(line, ' ') + 1, seen_secret, sizeof seen_secret));
}

/* WIRE.md, 5, computed from the secret of this session, with HMAC alone. */
Test(exchange, the_binder_is_the_one_of_the_document)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_prepare(world, RATLS_ROLE_SERVER);
    uint8_t bound[RATLS_NONCE_LEN + RATLS_TURN_CONTEXT_LEN];
    uint8_t binder[RATLS_BINDER_LEN];

    cr_assert(SSL_CTX_set_ciphersuites(pair->client, "TLS_AES_128_GCM_SHA256"));
    SSL_CTX_set_keylog_callback(pair->client, see_secret);
    exchange_pair_connect(pair, NULL);
    assert_attested(pair);
    export_by_hand(seen_secret, "EXPORTER-ratls-server",
                   ratls_slice(world->asked.nonce, RATLS_NONCE_LEN), binder);
    cr_assert_arr_eq(world->asked.binder, binder, sizeof binder);
    assert_attested(pair);
    memcpy(bound, world->asked.nonce, RATLS_NONCE_LEN);
    memcpy(bound + RATLS_NONCE_LEN, world->asked.context, RATLS_TURN_CONTEXT_LEN);
    export_by_hand(seen_secret, "EXPORTER-ratls-server", ratls_slice(bound, sizeof bound), binder);
    cr_assert_arr_eq(world->asked.binder, binder, sizeof binder);
    exchange_pair_free(pair);
    tls_world_free(world);
}

/* Nonce, context and role are all in it: each gives another binder. */
Test(exchange, what_the_binder_is_made_of)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);
    static const struct {
        enum ratls_role role;
        uint8_t nonce[RATLS_NONCE_LEN];
        size_t context_len;
    } rows[] = {{RATLS_ROLE_SERVER, {1}, 0},
                {RATLS_ROLE_CLIENT, {1}, 0},
                {RATLS_ROLE_SERVER, {2}, 0},
                {RATLS_ROLE_SERVER, {1}, 12}};
    const uint8_t context[12] = {0};
    uint8_t binders[4][RATLS_BINDER_LEN];

    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(ratls_exporter_binder(pair->asks, rows[i].role, rows[i].nonce,
                                           ratls_slice(context, rows[i].context_len), binders[i],
                                           NULL),
                     RATLS_OK);
        for (size_t j = 0; j < i; j++)
            cr_assert_arr_neq(binders[i], binders[j], RATLS_BINDER_LEN, "%zu and %zu", i, j);
    }
    exchange_pair_free(pair);
    tls_world_free(world);
}

Test(exchange, who_asks_whom)
{
    struct tls_world *world = tls_world_new();
    struct exchange_pair *pair = exchange_pair_new(world, RATLS_ROLE_SERVER);
    struct ratls_exchange *exchange = NULL;
    struct ratls_error error = {0};
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct exchange_message answer = {0};
    char name[RATLS_SERVER_NAME_MAX + 1];

    cr_assert_eq(
        ratls_exchange_new(pair->asks, world->policy, NULL, RATLS_ROLE_CLIENT, &exchange, &error),
        RATLS_USAGE);
    cr_assert_str_eq(error.text, "the peer of this session is not the client");
    error = (struct ratls_error){0};
    fake_policy_rules(world->policy)->for_clients = true;
    cr_assert_eq(ratls_exchange_new(pair->asks, world->policy, TLS_NAME, RATLS_ROLE_SERVER,
                                    &exchange, &error),
                 RATLS_USAGE);
    cr_assert_str_eq(error.text,
                     "no policy speaks for " TLS_NAME ": there are only files for clients");
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    cr_assert_eq(
        ratls_exchange_new(pair->asks, world->policy, name, RATLS_ROLE_SERVER, &exchange, NULL),
        RATLS_LIMIT);
    cr_assert_null(exchange);
    error = (struct ratls_error){0};
    cr_assert_eq(ratls_exchange_answer(pair->attests, RATLS_ROLE_CLIENT, world->attester,
                                       challenge.p, challenge.len, &answer.p, &answer.len, &error),
                 RATLS_USAGE);
    cr_assert_str_eq(error.text, "this side of the session is not the client");
    cr_assert_eq(world->attested, 0);
    free(challenge.p);
    exchange_pair_free(pair);
    tls_world_free(world);
}
