/* Programs that change or chain callbacks and modes of OpenSSL while a handshake is going on. */
#include <pthread.h>
#include <sys/stat.h>

#include "mutual_assert.h"
#include "tls_assert.h"

#define CALLS_MAX 1000 /* more is a loop without end */

static SSL_CTX_keylog_cb_func saved_keylog;
static unsigned keylog_calls;

/* As a library that wants to see the secrets, too, and passes them on to who was there before. */
static void chain_keylog(const SSL *ssl, const char *line)
{
    cr_assert_lt(++keylog_calls, CALLS_MAX);
    if (saved_keylog != NULL)
        saved_keylog(ssl, line);
}

static void insert_keylog(int write, int version, int type, const void *p, size_t len, SSL *ssl,
                          void *arg)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);

    (void)version, (void)len, (void)arg;
    if (!write || type != SSL3_RT_HANDSHAKE || *(const uint8_t *)p != SSL3_MT_CLIENT_HELLO)
        return;
    if (SSL_CTX_get_keylog_callback(ctx) != chain_keylog) {
        saved_keylog = SSL_CTX_get_keylog_callback(ctx);
        SSL_CTX_set_keylog_callback(ctx, chain_keylog);
    }
}

Test(tls_callbacks, keylog_callback_that_calls_ours)
{
    struct tls_world *world = tls_world_new();

    for (int i = 0; i < 3; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        SSL_set_msg_callback(pair->client.ssl, insert_keylog);
        keylog_calls = 0;
        assert_accepted(pair);
        cr_assert_geq(keylog_calls, 5);
        tls_pair_free(pair);
    }
    cr_assert_not_null(saved_keylog);
    tls_world_free(world);
}

static void (*saved_info)(const SSL *ssl, int where, int result);
static void (*fixture_info)(const SSL *ssl, int where, int result);
static unsigned info_calls;

static void chain_info(const SSL *ssl, int where, int result)
{
    cr_assert_lt(++info_calls, CALLS_MAX);
    fixture_info(ssl, where, result);
    saved_info(ssl, where, result);
}

/* The second handshake of an SSL, after the program has put itself before our callback. */
Test(tls_callbacks, info_callback_that_calls_ours)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *plain = tls_plain_server(world);
    SSL_CTX *const servers[] = {world->server, plain};

    for (size_t i = 0; i < 2; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        assert_accepted(pair);
        saved_info = SSL_get_info_callback(pair->client.ssl);
        cr_assert_not_null(saved_info);
        cr_assert(SSL_clear(pair->client.ssl));
        SSL_free(pair->server.ssl);
        pair->server.ssl = SSL_new(servers[i]);
        tls_pair_connect(pair);
        fixture_info = SSL_get_info_callback(pair->client.ssl);
        SSL_set_info_callback(pair->client.ssl, chain_info);
        info_calls = 0;
        if (i == 0)
            assert_accepted(pair);
        else
            assert_refused(pair, "evidence.present");
        cr_assert_gt(info_calls, 0);
        tls_pair_free(pair);
    }
    SSL_CTX_free(plain);
    tls_world_free(world);
}

/* The mode that the program sets between ClientHello and Certificate, which counts in OpenSSL. */
static int later_mode;

static void set_mode_later(int write, int version, int type, const void *p, size_t len, SSL *ssl,
                           void *arg)
{
    (void)version, (void)len, (void)arg;
    if (!write && type == SSL3_RT_HANDSHAKE && *(const uint8_t *)p == SSL3_MT_SERVER_HELLO)
        SSL_set_verify(ssl, later_mode, NULL);
}

Test(tls_callbacks, verify_mode_set_after_client_hello)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    SSL_CTX_set_cert_store(world->client, X509_STORE_new());
    for (int i = 0; i < 2; i++) {
        pair = tls_pair_new(world->client, world->server, TLS_NAME);
        SSL_set_verify(pair->client.ssl, i == 0 ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
        later_mode = i == 0 ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
        SSL_set_msg_callback(pair->client.ssl, set_mode_later);
        if (later_mode == SSL_VERIFY_PEER)
            assert_stopped(pair, SSL_AD_UNKNOWN_CA, -1);
        else
            assert_accepted(pair);
        tls_pair_free(pair);
    }
    tls_world_free(world);
}

/* The threads that the attester of the world says it has; Criterion's own are among them. */
static unsigned attester_threads;

static unsigned count_tasks(void)
{
    struct stat info;

    cr_assert_eq(stat("/proc/self/task", &info), 0);
    return (unsigned)info.st_nlink - 2;
}

static unsigned count_threads(struct ratls_attester *self)
{
    (void)self;
    return attester_threads;
}

static void *wait_for_end(void *arg)
{
    pthread_mutex_lock(arg);
    pthread_mutex_unlock(arg);
    return NULL;
}

/* Whether OpenSSL still formats lines for a server behind an attested handshake. */
static bool is_kept(struct tls_world *world)
{
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

    assert_accepted(pair);
    tls_pair_free(pair);
    return SSL_CTX_get_keylog_callback(world->server) != NULL;
}

/* Runs with another thread, which the attester says is its own, or is nobody's. */
static bool is_kept_beside(struct tls_world *world, unsigned own)
{
    pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    bool kept;

    pthread_mutex_lock(&end);
    cr_assert_eq(pthread_create(&thread, NULL, wait_for_end, &end), 0);
    attester_threads += own;
    kept = is_kept(world);
    pthread_mutex_unlock(&end);
    pthread_join(thread, NULL);
    attester_threads -= own;
    return kept;
}

/* A server gives the callback back where it has the process to itself: keylog.c says why. */
Test(tls_callbacks, keylog_of_a_server_alone)
{
    struct tls_world *world = tls_world_new();

    world->attester->threads = count_threads;
    attester_threads = count_tasks() - 1;
    cr_assert_not(is_kept(world));
    cr_assert_not(is_kept(world), "the second looks no further");
    cr_assert_not(is_kept_beside(world, 1), "a thread of the attester's does no handshakes");
    cr_assert(is_kept_beside(world, 0), "a thread of the program may be at one");
    cr_assert(is_kept(world), "where there was one there will be others");
    tls_world_free(world);
}

/* Every handshake of such a context must pass there. */
Test(tls_callbacks, keylog_of_a_server_that_demands)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair = mutual_pair(world->client, world->server);

    world->base->attester->threads = count_threads;
    attester_threads = count_tasks() - 1;
    assert_mutual(pair);
    cr_assert_not_null(SSL_CTX_get_keylog_callback(world->server));
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* A program that takes both callbacks away, of context and SSL, as this message passes. */
static int taken_at;
static bool is_taken;

static void no_info(const SSL *ssl, int where, int result)
{
    (void)ssl, (void)where, (void)result;
}

static void no_keylog(const SSL *ssl, const char *line)
{
    (void)ssl, (void)line;
}

static void take_both(int write, int version, int type, const void *p, size_t len, SSL *ssl,
                      void *arg)
{
    (void)write, (void)version, (void)len, (void)arg;
    if (type != SSL3_RT_HANDSHAKE || *(const uint8_t *)p != taken_at)
        return;
    SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), no_keylog);
    SSL_CTX_set_info_callback(SSL_get_SSL_CTX(ssl), no_info);
    SSL_set_info_callback(ssl, no_info);
    is_taken = true;
}

/* True if the client accepted; else it is refused, and what it writes goes nowhere. */
static bool connect_with_taken(bool of_client)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    SSL *ssl = of_client ? pair->client.ssl : pair->server.ssl;
    bool is_accepted;

    is_taken = false;
    SSL_set_msg_callback(ssl, take_both);
    (void)tls_pair_handshake(pair);
    is_accepted = pair->client.done == 1;
    cr_assert(is_taken, "there is no message %d", taken_at);
    cr_assert_eq(ratls_report_accepted(ratls_tls_report(pair->client.ssl)), is_accepted);
    if (!is_accepted) {
        cr_assert_not_null(ratls_tls_error(ssl), "message %d", taken_at);
        cr_assert_str_eq(ratls_tls_error(ssl)->text, "OpenSSL did not show the handshake secret");
        tls_pair_write(pair, TLS_SECRET);
        cr_assert_eq(pair->server.received.len, 0);
    }
    tls_pair_free(pair);
    tls_world_free(world);
    return is_accepted;
}

/* Without its secret nobody attests, and nobody accepts; behind the verdict it does no harm. */
Test(tls_callbacks, both_are_taken_away_meanwhile)
{
    static const struct {
        int message;
        bool accepted[2]; /* taken by the server, by the client */
    } rows[] = {
        {SSL3_MT_CLIENT_HELLO, {true, false}}, /* a server takes them over behind it */
        {SSL3_MT_SERVER_HELLO, {false, false}}, {SSL3_MT_ENCRYPTED_EXTENSIONS, {true, true}},
        {SSL3_MT_CERTIFICATE, {true, true}},    {SSL3_MT_CERTIFICATE_VERIFY, {true, true}},
        {SSL3_MT_FINISHED, {true, true}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int of_client = 0; of_client < 2; of_client++) {
            taken_at = rows[i].message;
            cr_expect_eq(connect_with_taken(of_client != 0), rows[i].accepted[of_client],
                         "message %d, of the client: %d", taken_at, of_client);
        }
    }
}
