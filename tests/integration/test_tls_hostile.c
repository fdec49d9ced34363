/* Peers that do what no honest one does, and programs that get in the way of the verification. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "request.h"
#include "tls_assert.h"
#include "tls_internal.h"

#define PSK_LEN 32
#define EARLY_BYTES 16384

static SSL_SESSION *make_psk(void)
{
    static const unsigned char key[PSK_LEN] = {1, 2, 3};
    static const unsigned char suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
    SSL_SESSION *session = SSL_SESSION_new();
    SSL *ssl;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    ssl = SSL_new(ctx);
    cr_assert(SSL_SESSION_set1_master_key(session, key, sizeof key) &&
              SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, suite)) &&
              SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) &&
              SSL_SESSION_set_max_early_data(session, EARLY_BYTES));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return session;
}

static unsigned psk_uses;

static int use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *ret_len,
                   SSL_SESSION **ret_session)
{
    (void)ssl, (void)md;
    psk_uses++;
    *id = (const unsigned char *)"psk";
    *ret_len = 3;
    *ret_session = make_psk();
    return 1;
}

static int find_psk(SSL *ssl, const unsigned char *id, size_t len, SSL_SESSION **ret_session)
{
    (void)ssl, (void)id, (void)len;
    *ret_session = make_psk();
    return 1;
}

static unsigned use_old_psk(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
                            unsigned char *psk, unsigned max_psk)
{
    (void)ssl, (void)hint, (void)max_psk;
    psk_uses++;
    snprintf(identity, max_identity, "psk");
    memset(psk, 1, PSK_LEN);
    return PSK_LEN;
}

/* The harness itself: without ratls this PSK is used, and there is no certificate. */
Test(tls_hostile, psk_works_without_us)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *client = tls_plain_client(world);
    struct tls_pair *pair;

    SSL_CTX_set_psk_use_session_callback(client, use_psk);
    SSL_CTX_set_psk_find_session_callback(world->server, find_psk);
    cr_assert(SSL_CTX_set_ciphersuites(client, "TLS_AES_128_GCM_SHA256"));
    pair = tls_pair_new(client, world->server, TLS_NAME);
    assert_connected(pair);
    cr_assert(SSL_session_reused(pair->client.ssl));
    tls_pair_free(pair);
    SSL_CTX_free(client);
    tls_world_free(world);
}

/* A PSK proves no state: it is not offered, and the handshake is a full one. */
Test(tls_hostile, psk_is_not_offered)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    SSL_CTX_set_psk_use_session_callback(world->client, use_psk);
    SSL_CTX_set_psk_client_callback(world->client, use_old_psk);
    cr_assert(SSL_CTX_set_ciphersuites(world->client, "TLS_AES_128_GCM_SHA256"));
    SSL_CTX_set_psk_find_session_callback(world->server, find_psk);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    assert_accepted(pair);
    cr_assert_eq(psk_uses, 0);
    cr_assert_eq(world->attested, 1);
    tls_pair_free(pair);
    tls_world_free(world);
}

/* A custom extension of the program comes behind ours: it undoes what ours did to the ClientHello.
 */
static int offer_psk_again(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                           size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                           void *arg)
{
    (void)type, (void)out, (void)ret_len, (void)certificate, (void)chain_index, (void)alert;
    if (context != SSL_EXT_CLIENT_HELLO)
        return 0;
    if (arg != NULL)
        SSL_set_psk_use_session_callback(ssl, use_psk);
    else
        ratls_session_set_time(SSL_get_session(ssl), time(NULL));
    return 0;
}

static void add_undoing_extension(SSL_CTX *client, void *arg)
{
    cr_assert(SSL_CTX_add_custom_ext(client, TLS_EXTENSION + 1, SSL_EXT_CLIENT_HELLO,
                                     offer_psk_again, NULL, arg, NULL, NULL));
    cr_assert(SSL_CTX_set_ciphersuites(client, "TLS_AES_128_GCM_SHA256")); /* of the PSK */
}

/* The handshake went past the Certificate message, and so past us: the channel is shut both ways.
 */
static void assert_shut(struct tls_pair *pair)
{
    char byte;

    tls_pair_handshake(pair);
    cr_assert_eq(pair->client.done, 1, "%s", pair->client.reason_text);
    cr_assert_not(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    cr_assert_not_null(ratls_tls_error(pair->client.ssl));
    cr_assert_str_eq(ratls_tls_error(pair->client.ssl)->text,
                     "the handshake went past the appraisal: the channel is closed");
    cr_assert_eq(SSL_write(pair->server.ssl, "cookie", 6), 6);
    assert_nothing_leaves(pair);
    cr_assert_leq(SSL_read(pair->client.ssl, &byte, 1), 0);
    cr_assert_eq(pair->client.received.len, 0);
}

Test(tls_hostile, psk_behind_our_back)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    add_undoing_extension(world->client, "psk");
    SSL_CTX_set_psk_find_session_callback(world->server, find_psk);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    assert_shut(pair);
    cr_assert(SSL_session_reused(pair->client.ssl));
    cr_assert_gt(psk_uses, 0);
    tls_pair_free(pair);
    tls_world_free(world);
}

static SSL_SESSION *get_ticket(SSL_CTX *client, SSL_CTX *server)
{
    struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);
    SSL_SESSION *session;

    assert_connected(pair);
    session = SSL_get1_session(pair->client.ssl);
    /* Else SSL_free() takes the session for a broken one. */
    SSL_set_shutdown(pair->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(pair->server.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_free(pair);
    cr_assert(SSL_SESSION_is_resumable(session));
    return session;
}

Test(tls_hostile, ticket_behind_our_back)
{
    struct tls_world *world = tls_world_new();
    SSL_SESSION *session;
    struct tls_pair *pair;

    add_undoing_extension(world->client, NULL);
    session = get_ticket(world->client, world->server);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    cr_assert(SSL_set_session(pair->client.ssl, session));
    assert_shut(pair);
    cr_assert(SSL_session_reused(pair->client.ssl));
    cr_assert_eq(world->attested, 1);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
    tls_world_free(world);
}

static int accept_all(X509_STORE_CTX *store, void *arg)
{
    (void)store, (void)arg;
    return 1;
}

/* Once the ServerHello is in, as a program with threads might at any time. */
static void replace_verification(int write, int version, int type, const void *p, size_t len,
                                 SSL *ssl, void *arg)
{
    (void)version, (void)len, (void)arg;
    if (!write && type == SSL3_RT_HANDSHAKE && *(const uint8_t *)p == SSL3_MT_SERVER_HELLO)
        SSL_CTX_set_cert_verify_callback(SSL_get_SSL_CTX(ssl), accept_all, NULL);
}

static void switch_verification_off(int write, int version, int type, const void *p, size_t len,
                                    SSL *ssl, void *arg)
{
    (void)version, (void)len, (void)arg;
    if (!write && type == SSL3_RT_HANDSHAKE && *(const uint8_t *)p == SSL3_MT_SERVER_HELLO)
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
}

Test(tls_hostile, verify_callback_replaced)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    SSL_CTX *const servers[] = {server, world->server};

    for (size_t i = 0; i < 2; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, servers[i], TLS_NAME);

        SSL_set_msg_callback(pair->client.ssl, replace_verification);
        assert_shut(pair);
        cr_assert_null(ratls_tls_report(pair->client.ssl));
        tls_pair_free(pair);
    }
    SSL_CTX_free(server);
    tls_world_free(world);
}

static void ignore_line(const SSL *ssl, const char *line)
{
    (void)ssl, (void)line;
}

static void replace_keylog(int write, int version, int type, const void *p, size_t len, SSL *ssl,
                           void *arg)
{
    (void)version, (void)len, (void)arg;
    if (write && type == SSL3_RT_HANDSHAKE && *(const uint8_t *)p == SSL3_MT_CLIENT_HELLO)
        SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), ignore_line);
}

/* Without the secret there is no binder to compare with: nobody's fault but the program's. */
Test(tls_hostile, keylog_callback_replaced)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

    SSL_set_msg_callback(pair->client.ssl, replace_keylog);
    assert_stopped(pair, SSL_AD_HANDSHAKE_FAILURE, -1);
    cr_assert_str_eq(pair->client.library, "ratls");
    cr_assert_str_eq(pair->client.data, "OpenSSL did not show the handshake secret");
    cr_assert_null(ratls_tls_report(pair->client.ssl));
    tls_pair_free(pair);
    tls_world_free(world);
}

Test(tls_hostile, verify_mode_taken_away)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);

    SSL_set_msg_callback(pair->client.ssl, switch_verification_off);
    assert_refused(pair, "evidence.present");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* A verify callback of the program that says yes to everything does not speak for the evidence. */
static int say_yes(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

Test(tls_hostile, program_says_yes)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair;

    SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, say_yes);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    assert_refused(pair, "evidence.present");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* Only a ClientHello goes out, then at most an alert: RFC 8446, 5.1, record types 22 and 21. */
static void assert_no_early_record(const struct tls_bytes *sent)
{
    struct ratls_reader r = ratls_reader(ratls_slice(sent->p, sent->len));

    for (size_t i = 0; r.rest.len != 0; i++) {
        unsigned type = ratls_read_u8(&r);

        ratls_read_u16(&r);
        ratls_read_bytes(&r, ratls_read_u16(&r));
        cr_assert_not(r.failed);
        cr_assert(type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT ||
                      type == SSL3_RT_CHANGE_CIPHER_SPEC,
                  "record %zu has type %u", i, type);
    }
}

static void write_early(struct tls_pair *pair)
{
    uint8_t bytes[100];
    size_t len = 0;

    cr_assert_eq(SSL_write_early_data(pair->client.ssl, TLS_SECRET, strlen(TLS_SECRET), &len), 0);
    ERR_clear_error();
    pair->client.done = -1;
    tls_pair_carry(pair);
    cr_assert_gt(pair->client.sent.len, 100, "the ClientHello");
    assert_no_early_record(&pair->client.sent);
    cr_assert_neq(SSL_read_early_data(pair->server.ssl, bytes, sizeof bytes, &len),
                  SSL_READ_EARLY_DATA_SUCCESS);
    assert_nothing_leaves(pair);
}

/* The harness itself: without ratls the same call brings the data to the server at once. */
Test(tls_hostile, early_data_works_without_us)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *client = tls_plain_client(world);
    struct tls_pair *pair;
    SSL_SESSION *session;
    char bytes[100];
    size_t len = 0;

    cr_assert(SSL_CTX_set_max_early_data(world->server, EARLY_BYTES));
    session = get_ticket(client, world->server);
    pair = tls_pair_new(client, world->server, TLS_NAME);
    cr_assert(SSL_set_session(pair->client.ssl, session));
    cr_assert_eq(SSL_write_early_data(pair->client.ssl, TLS_SECRET, strlen(TLS_SECRET), &len), 1);
    tls_pair_carry(pair);
    cr_assert_eq(SSL_read_early_data(pair->server.ssl, bytes, sizeof bytes, &len),
                 SSL_READ_EARLY_DATA_SUCCESS);
    cr_assert_arr_eq(bytes, TLS_SECRET, strlen(TLS_SECRET));
    tls_pair_free(pair);
    SSL_SESSION_free(session);
    SSL_CTX_free(client);
    tls_world_free(world);
}

Test(tls_hostile, early_data_with_ticket)
{
    struct tls_world *world = tls_world_new();
    SSL_SESSION *session;
    struct tls_pair *pair;

    cr_assert(SSL_CTX_set_max_early_data(world->server, EARLY_BYTES));
    session = get_ticket(world->client, world->server);
    cr_assert_eq(SSL_SESSION_get_max_early_data(session), EARLY_BYTES);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    cr_assert(SSL_set_session(pair->client.ssl, session));
    write_early(pair);
    tls_pair_free(pair);
    SSL_SESSION_free(session);
    tls_world_free(world);
}

Test(tls_hostile, early_data_with_psk)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair;

    cr_assert(SSL_CTX_set_max_early_data(world->server, EARLY_BYTES));
    cr_assert(SSL_CTX_set_ciphersuites(world->client, "TLS_AES_128_GCM_SHA256"));
    SSL_CTX_set_psk_use_session_callback(world->client, use_psk);
    SSL_CTX_set_psk_find_session_callback(world->server, find_psk);
    pair = tls_pair_new(world->client, world->server, TLS_NAME);
    write_early(pair);
    cr_assert_eq(psk_uses, 0);
    tls_pair_free(pair);
    tls_world_free(world);
}
