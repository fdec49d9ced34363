/* Tickets of a server lapse when its measured state changes (WIRE.md, 5.2). */
#include <stdlib.h>

#include "tls_session.h"

static struct tls_world *world;
static struct fake_attester_knobs knobs;

static void set_up(void)
{
    world = tls_world_new();
    fake_policy_rules(world->policy)->max_age_s = 600;
    fake_attester_set_knobs(world->attester, &knobs);
}

static void tear_down(void)
{
    tls_world_free(world);
}

TestSuite(tls_tickets, .init = set_up, .fini = tear_down, .timeout = 60);

/* The client offers the session, and the server takes it, or not: never does the handshake fail. */
static void expect(SSL_CTX *client, SSL_SESSION *session, bool resumed)
{
    struct tls_pair *pair = offer_session(client, world->server, TLS_NAME, session);

    assert_connected(pair);
    cr_assert_eq(SSL_session_reused(pair->client.ssl), resumed);
    cr_assert(client != world->client || ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    tls_pair_free(pair);
}

/* Which the policy accepts: another boot of the same machine, by a counter alone. */
static void change_state(void)
{
    world->tpm->restart_count++;
}

Test(tls_tickets, same_state)
{
    SSL_SESSION *session = first_session(world->client, world->server);

    expect(world->client, session, true);
    cr_expect_gt(atomic_load(&knobs.states), 0, "nobody asked for the state");
    SSL_SESSION_free(session);
}

Test(tls_tickets, other_state)
{
    SSL_SESSION *session = first_session(world->client, world->server), *after;

    change_state();
    expect(world->client, session, false);
    after = first_session(world->client, world->server);
    expect(world->client, after, true);
    SSL_SESSION_free(session);
    SSL_SESSION_free(after);
}

/* The full handshake that comes of it shows what changed. */
Test(tls_tickets, state_that_is_refused)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);

    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    assert_refused(pair, "pcr.value");
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}

/* The state changes behind the quote, before the ticket is made: it is that of the quote. */
static void change_behind_quote(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_WIRE)
        draft->tpm->restart_count++;
}

Test(tls_tickets, changed_behind_the_quote)
{
    SSL_SESSION *session;

    world->tamper = change_behind_quote;
    session = first_session(world->client, world->server);
    world->tamper = NULL;
    expect(world->client, session, false);
    SSL_SESSION_free(session);
}

/* A ticket that comes of a resumed connection is of the state of the first. */
Test(tls_tickets, renewed_ticket)
{
    SSL_SESSION *session = first_session(world->client, world->server), *renewed;
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);

    assert_resumed(pair);
    renewed = keep_session(pair);
    tls_pair_free(pair);
    expect(world->client, renewed, true);
    change_state();
    expect(world->client, renewed, false);
    SSL_SESSION_free(renewed);
    SSL_SESSION_free(session);
}

Test(tls_tickets, attester_that_knows_no_state)
{
    SSL_SESSION *session;

    world->attester->state = NULL;
    session = first_session(world->client, world->server);
    expect(world->client, session, false);
    SSL_SESSION_free(session);
}

static enum ratls_status fail_state(struct ratls_attester *self,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    (void)self, (void)selection, (void)ret_digest, (void)ret_error;
    return RATLS_TPM;
}

Test(tls_tickets, state_that_cannot_be_had)
{
    SSL_SESSION *session = first_session(world->client, world->server);

    world->attester->state = fail_state;
    expect(world->client, session, false);
    SSL_SESSION_free(session);
}

/* ---- an attester that says without waiting whether the state is at hand ---- */

static bool is_at_hand;
static unsigned looks;

static enum ratls_status wait_for_state(struct ratls_attester *self,
                                        const struct ratls_pcr_selection *selection,
                                        uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    (void)self, (void)selection, (void)ret_digest, (void)ret_error;
    cr_assert_fail("the thread waits for the state");
    return RATLS_TPM;
}

static enum ratls_status (*read_state)(struct ratls_attester *self,
                                       const struct ratls_pcr_selection *selection,
                                       uint8_t ret_digest[32], struct ratls_error *ret_error);

static enum ratls_status know_state(struct ratls_attester *self,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[32], struct ratls_error *ret_error)
{
    looks++;
    return is_at_hand ? read_state(self, selection, ret_digest, ret_error) : RATLS_TPM;
}

static void know(void)
{
    read_state = world->attester->state;
    world->attester->state = wait_for_state;
    world->attester->known_state = know_state;
    is_at_hand = false;
    looks = 0;
}

/* A full handshake then, with evidence of its own; and the ticket is good when the state is there.
 */
Test(tls_tickets, state_that_is_not_at_hand)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    unsigned attested;

    know();
    attested = world->attested;
    expect(world->client, session, false);
    cr_expect_eq(world->attested, attested + 1);
    cr_expect_eq(looks, 1);
    is_at_hand = true;
    expect(world->client, session, true);
    cr_expect_eq(world->attested, attested + 1);
    SSL_SESSION_free(session);
}

Test(tls_tickets, state_at_hand_that_is_another)
{
    SSL_SESSION *session = first_session(world->client, world->server);

    know();
    is_at_hand = true;
    change_state();
    expect(world->client, session, false);
    cr_expect_eq(looks, 1);
    SSL_SESSION_free(session);
}

/* Who asked for no evidence notices nothing, in TLS 1.3 and 1.2. */
Test(tls_tickets, plain_clients)
{
    SSL_CTX *plain = tls_plain_client(world);

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session;

        cr_assert(SSL_CTX_set_max_proto_version(plain, version));
        session = first_session(plain, world->server);
        change_state();
        expect(plain, session, true);
        SSL_SESSION_free(session);
    }
    cr_expect_eq(atomic_load(&knobs.states), 0, "a TPM was asked for nothing");
    SSL_CTX_free(plain);
}

/* Another server with the same keys of tickets, as of a cluster: it is another machine. */
Test(tls_tickets, other_machine)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct fake_tpm *other = fake_tpm_new(FAKE_ECDSA_P256);
    struct ratls_attester *attester = fake_attester_new(other, NULL, NULL);
    SSL_CTX *server = tls_plain_server(world);
    unsigned char keys[80];
    struct tls_pair *pair;

    cr_assert_eq(ratls_tls_attest(server, attester, NULL), RATLS_OK);
    attester->free(attester);
    cr_assert_eq(SSL_CTX_get_tlsext_ticket_keys(world->server, keys, sizeof keys), 1);
    cr_assert_eq(SSL_CTX_set_tlsext_ticket_keys(server, keys, sizeof keys), 1);
    pair = offer_session(world->client, server, TLS_NAME, session);
    assert_refused(pair, "ak.trust");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    fake_tpm_free(other);
    SSL_SESSION_free(session);
}

/* ---- sessions that the program keeps itself, as nginx does for all its processes ---- */

static SSL_SESSION *kept[16];
static size_t kept_count;

static int keep(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    cr_assert_lt(kept_count, sizeof kept / sizeof kept[0]);
    kept[kept_count++] = session;
    return 1;
}

static SSL_SESSION *find(SSL *ssl, const unsigned char *id, int len, int *copy)
{
    (void)ssl;
    *copy = 1;
    for (size_t i = 0; i < kept_count; i++) {
        unsigned kept_len = 0;
        const unsigned char *kept_id = SSL_SESSION_get_id(kept[i], &kept_len);

        if (kept_len == (unsigned)len && memcmp(kept_id, id, kept_len) == 0)
            return kept[i];
    }
    return NULL;
}

/* As nginx: the session is made from bytes, and belongs to OpenSSL. */
static SSL_SESSION *find_and_give(SSL *ssl, const unsigned char *id, int len, int *copy)
{
    SSL_SESSION *session = find(ssl, id, len, copy);

    *copy = 0;
    return session == NULL ? NULL : SSL_SESSION_dup(session);
}

static void keep_sessions(SSL_SESSION *(*get)(SSL *, const unsigned char *, int, int *))
{
    SSL_CTX_set_options(world->server, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(world->server,
                                   SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_session_id_context(world->server, (const unsigned char *)"test", 4);
    SSL_CTX_sess_set_new_cb(world->server, keep);
    SSL_CTX_sess_set_get_cb(world->server, get);
}

static void resume_kept(SSL_SESSION *(*get)(SSL *, const unsigned char *, int, int *))
{
    SSL_CTX *plain = tls_plain_client(world);
    SSL_SESSION *session, *unattested;

    keep_sessions(get);
    session = first_session(world->client, world->server);
    unattested = first_session(plain, world->server);
    cr_assert_gt(kept_count, 0, "the server keeps no sessions: this tests nothing");
    expect(world->client, session, true);
    change_state();
    expect(world->client, session, false);
    expect(plain, unattested, true);
    SSL_SESSION_free(session);
    SSL_SESSION_free(unattested);
    SSL_CTX_free(plain);
    while (kept_count > 0)
        SSL_SESSION_free(kept[--kept_count]);
}

Test(tls_tickets, kept_by_the_program)
{
    resume_kept(find);
}

Test(tls_tickets, kept_by_the_program_and_given)
{
    resume_kept(find_and_give);
}

static int change_context(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    cr_assert_not_null(SSL_set_SSL_CTX(ssl, arg));
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* As HAProxy: another context for the name, before ours are called; OpenSSL asks the first one. */
Test(tls_tickets, kept_by_the_program_for_another_context)
{
    SSL_CTX *chosen = tls_server(world);

    SSL_CTX_set_options(chosen, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(chosen, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_session_id_context(chosen, (const unsigned char *)"test", 4);
    SSL_CTX_sess_set_get_cb(chosen, find);
    SSL_CTX_set_client_hello_cb(world->server, change_context, chosen);
    resume_kept(find);
    SSL_CTX_free(chosen);
}

/* ---- sessions in OpenSSL's own cache, which asks nobody ---- */

static void assert_lapses_in_cache(void)
{
    SSL_CTX *plain = tls_plain_client(world);
    SSL_SESSION *session, *unattested;

    SSL_CTX_set_session_id_context(world->server, (const unsigned char *)"test", 4);
    session = first_session(world->client, world->server);
    unattested = first_session(plain, world->server);
    change_state();
    expect(world->client, session, false);
    expect(plain, unattested, true);
    SSL_SESSION_free(session);
    SSL_SESSION_free(unattested);
    SSL_CTX_free(plain);
}

Test(tls_tickets, kept_by_openssl)
{
    SSL_CTX_set_options(world->server, SSL_OP_NO_TICKET);
    assert_lapses_in_cache();
}

/* Against replay OpenSSL takes early data only for sessions that it keeps. */
Test(tls_tickets, kept_by_openssl_for_early_data)
{
    SSL_CTX_set_max_early_data(world->server, 1000);
    assert_lapses_in_cache();
}
