/* Which sessions a verifying client resumes, and what it is told then (WIRE.md, 5.2). */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "keys.h"
#include "patience.h"
#include "session_record.h"
#include "tls_session.h"

#define MAX_AGE_S 600

static struct tls_world *world;
static struct ratls_rules *rules;

static void set_up(void)
{
    world = tls_world_new();
    rules = fake_policy_rules(world->policy);
    rules->max_age_s = MAX_AGE_S;
}

static void tear_down(void)
{
    tls_world_free(world);
}

TestSuite(tls_resumption, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_resumed(SSL_SESSION *session)
{
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);
    unsigned before = world->attested;

    assert_resumed(pair);
    cr_assert_eq(world->attested, before, "the server attested itself again");
    tls_pair_free(pair);
}

/* The client leaves the session out by itself: a full handshake, with evidence, in one go. */
static void expect_full(SSL_SESSION *session)
{
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);
    unsigned before = world->attested;

    assert_accepted(pair);
    cr_assert_eq(world->attested, before + 1);
    tls_pair_free(pair);
}

static char *print_report(const struct tls_pair *pair)
{
    char *text = NULL;

    cr_assert_eq(ratls_report_text(ratls_tls_report(pair->client.ssl), 0, &text), RATLS_OK);
    return text;
}

Test(tls_resumption, under_the_same_policy)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);
    char *text;

    assert_resumed(pair);
    text = print_report(pair);
    cr_expect_not_null(strstr(text, "resumed: verdict of 0 s ago"), "%s", text);
    free(text);
    tls_pair_free(pair);
    cr_expect_eq(world->attested, 1);
    SSL_SESSION_free(session);
}

Test(tls_resumption, after_hello_retry_request)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);

    cr_assert(SSL_set1_groups_list(pair->client.ssl, "X25519:P-384"));
    cr_assert(SSL_set1_groups_list(pair->server.ssl, "P-384"));
    assert_resumed(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}

Test(tls_resumption, without_max_age)
{
    SSL_SESSION *session;

    rules->max_age_s = 0;
    session = first_session(world->client, world->server);
    cr_expect_null(ratls_session_record_of(session));
    expect_full(session);
    SSL_SESSION_free(session);
    rules->max_age_s = MAX_AGE_S;
    session = first_session(world->client, world->server);
    rules->max_age_s = 0;
    expect_full(session);
    SSL_SESSION_free(session);
}

/* A certificate's evidence has an age of its own, and says nothing of now. */
Test(tls_resumption, freshness_certificate)
{
    SSL_SESSION *session;

    rules->freshness = RATLS_FRESHNESS_CERTIFICATE;
    session = first_session(world->client, world->server);
    expect_full(session);
    SSL_SESSION_free(session);
}

Test(tls_resumption, other_policy)
{
    SSL_SESSION *session = first_session(world->client, world->server);

    rules->decides_sha256[31]++;
    expect_full(session);
    SSL_SESSION_free(session);
}

Test(tls_resumption, unknown_policy)
{
    SSL_SESSION *session;

    memset(rules->decides_sha256, 0, sizeof rules->decides_sha256);
    session = first_session(world->client, world->server);
    expect_full(session);
    SSL_SESSION_free(session);
}

Test(tls_resumption, other_server)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair = offer_session(world->client, world->server, NULL, session);

    assert_accepted(pair);
    cr_expect_eq(world->attested, 2);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}

/* A session that nobody attested, of a context without a policy. */
Test(tls_resumption, plain_session)
{
    SSL_CTX *plain = tls_plain_client(world);
    SSL_SESSION *session = first_session(plain, world->server);

    expect_full(session);
    SSL_SESSION_free(session);
    SSL_CTX_free(plain);
}

/* What lies in a file says nothing of its past, whoever wrote it. */
Test(tls_resumption, through_a_file)
{
    SSL_SESSION *session = first_session(world->client, world->server), *read;
    unsigned char *der = NULL;
    const unsigned char *at;
    int len = i2d_SSL_SESSION(session, &der);

    cr_assert_gt(len, 0);
    at = der;
    read = d2i_SSL_SESSION(NULL, &at, len);
    cr_assert_not_null(read);
    cr_assert(SSL_SESSION_is_resumable(read));
    expect_full(read);
    expect_resumed(session);
    OPENSSL_free(der);
    SSL_SESSION_free(read);
    SSL_SESSION_free(session);
}

Test(tls_resumption, copied)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    SSL_SESSION *copy = SSL_SESSION_dup(session);

    SSL_SESSION_free(session);
    expect_resumed(copy);
    SSL_SESSION_free(copy);
}

/* However often it is resumed: the evidence is as old as the first handshake. */
Test(tls_resumption, never_extended)
{
    SSL_SESSION *session, *next;
    struct ratls_moment first;

    rules->max_age_s = 2;
    session = first_session(world->client, world->server);
    first = ratls_session_record_asked(ratls_session_record_of(session));
    while (ratls_moment_age_ms(&first) < 1000) {
        struct tls_pair *pair = offer_session(world->client, world->server, TLS_NAME, session);
        struct ratls_moment asked;

        assert_resumed(pair);
        next = keep_session(pair);
        tls_pair_free(pair);
        cr_assert_neq(next, session, "no new ticket came: this tests nothing");
        asked = ratls_session_record_asked(ratls_session_record_of(next));
        cr_assert_eq(asked.boot_ms, first.boot_ms);
        SSL_SESSION_free(session);
        session = next;
        sleep_ms(50);
    }
    while (ratls_moment_age_ms(&first) < 2000)
        sleep_ms(10);
    expect_full(session);
    SSL_SESSION_free(session);
}

/* Another connection has seen that the machine was started again. */
Test(tls_resumption, server_rebooted)
{
    SSL_SESSION *session = first_session(world->client, world->server);

    world->tpm->reset_count++;
    SSL_SESSION_free(first_session(world->client, world->server));
    expect_full(session);
    SSL_SESSION_free(session);
}

/* What another connection was refused for may be true of this server too. */
Test(tls_resumption, server_refused_meanwhile)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    uint8_t *pcr = fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 4);

    pcr[0] ^= 1;
    assert_refused(pair, "pcr.value");
    tls_pair_free(pair);
    pcr[0] ^= 1;
    expect_full(session);
    SSL_SESSION_free(session);
}

/* It may be offered, but is too old when the server's Finished has come. */
Test(tls_resumption, too_old_in_the_end)
{
    SSL_SESSION *session;
    struct ratls_moment first;
    struct tls_pair *pair;

    rules->max_age_s = 1;
    session = first_session(world->client, world->server);
    first = ratls_session_record_asked(ratls_session_record_of(session));
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    cr_assert(tls_pair_step(pair));
    while (ratls_moment_age_ms(&first) < 1000)
        sleep_ms(10);
    tls_pair_handshake(pair);
    cr_assert(SSL_session_reused(pair->client.ssl));
    cr_expect_str_eq(tls_failure(pair).check, "tls.resumption");
    cr_expect_str_eq(tls_failure(pair).actual, "a session whose evidence is too old");
    cr_expect_not(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}

static SSL_SESSION *put_in_its_place;

/* Of a program behind us in the ClientHello: another session, of which we know nothing. */
static int replace_session(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                           size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                           void *arg)
{
    (void)type, (void)context, (void)out, (void)ret_len, (void)certificate, (void)chain_index;
    (void)alert, (void)arg;
    SSL_set_session(ssl, put_in_its_place);
    return 0;
}

static struct tls_pair *pair_with_other_session(void)
{
    SSL_CTX *plain = tls_plain_client(world);
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair;

    put_in_its_place = first_session(plain, world->server);
    cr_assert(SSL_CTX_add_custom_ext(world->client, TLS_EXTENSION + 1, SSL_EXT_CLIENT_HELLO,
                                     replace_session, NULL, NULL, NULL, NULL));
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    SSL_SESSION_free(session);
    SSL_CTX_free(plain);
    return pair;
}

Test(tls_resumption, other_session_than_was_offered)
{
    struct tls_pair *pair = pair_with_other_session();

    tls_pair_handshake(pair);
    cr_assert(SSL_session_reused(pair->client.ssl), "not resumed: this tests nothing");
    cr_expect_str_eq(tls_failure(pair).check, "tls.resumption");
    cr_expect_str_eq(tls_failure(pair).actual, "another session than was offered");
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(put_in_its_place);
}

/* The program does not wait for the handshake: its first call is SSL_write(). */
Test(tls_resumption, writes_at_once)
{
    struct tls_pair *pair = pair_with_other_session();

    tls_pair_connect(pair);
    for (int i = 0; i < 10; i++) {
        SSL_write(pair->client.ssl, TLS_SECRET, (int)strlen(TLS_SECRET));
        tls_pair_carry(pair);
        if (!SSL_is_init_finished(pair->server.ssl))
            SSL_accept(pair->server.ssl);
        tls_pair_carry(pair);
    }
    cr_assert(SSL_session_reused(pair->client.ssl), "not resumed: this tests nothing");
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(put_in_its_place);
}

/* T6: an external PSK is left out, with a session or without; also tls_hostile. */
static int use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
                   SSL_SESSION **ret_session)
{
    (void)ssl, (void)md, (void)id, (void)id_len, (void)ret_session;
    cr_assert_fail("asked for a PSK");
    return 0;
}

Test(tls_resumption, T6_external_psk)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    struct tls_pair *pair;

    SSL_CTX_set_psk_use_session_callback(world->client, use_psk);
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    assert_resumed(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}

/* T7: a session that may be resumed, and whose server takes early data: none is sent. */
Test(tls_resumption, T7_early_data)
{
    SSL_SESSION *session;
    struct tls_pair *pair;
    size_t written = 0;

    SSL_CTX_set_max_early_data(world->server, 16384);
    session = first_session(world->client, world->server);
    cr_assert_gt(SSL_SESSION_get_max_early_data(session), 0, "this tests nothing");
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    tls_pair_connect(pair);
    cr_expect_eq(SSL_write_early_data(pair->client.ssl, TLS_SECRET, strlen(TLS_SECRET), &written),
                 0);
    cr_expect_eq(written, 0);
    cr_expect_not(tls_bytes_contain(&pair->client.sent, TLS_SECRET));
    tls_pair_carry(pair);
    cr_expect_neq(SSL_get_early_data_status(pair->client.ssl), SSL_EARLY_DATA_ACCEPTED);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
}

#define THREADS 8
#define ROUNDS 20

static void *resume_often(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        expect_resumed(arg);
    return NULL;
}

/* One session in all threads, as a pool of connections has it: nobody writes to it. */
Test(tls_resumption, shared_by_threads)
{
    SSL_SESSION *session = first_session(world->client, world->server);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, resume_often, session), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(world->attested, 1);
    SSL_SESSION_free(session);
}
