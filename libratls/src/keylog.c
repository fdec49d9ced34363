/*
 * The binder of a handshake (WIRE.md, 5). OpenSSL shows the server handshake traffic secret to
 * nobody but the keylog callback; it becomes 32 bytes of HKDF output at once and is wiped.
 *
 * The callback belongs to the SSL_CTX, and OpenSSL 3.0 spends 4 us on every line of the five that a
 * handshake has: more than on anything else that we do but the signature. So a client gives the
 * callback back after the one line that it needs. OpenSSL looks twice at the callback, first
 * whether there is one and then to call it; therefore it may only be taken away by the one
 * handshake that the context has, in its own thread. On contexts that also serve we do not see
 * every handshake, and there it stays.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "tls_internal.h"

#define BINDER_LABEL "ratls bind"
#define SERVER_HANDSHAKE_SECRET "SERVER_HANDSHAKE_TRAFFIC_SECRET "

/* The secret is the third word of "LABEL client_random secret", in hexadecimal. */
static void derive_binder(struct ratls_channel *channel, const char *line)
{
    const char *hex = strrchr(line, ' ');
    uint8_t secret[RATLS_DIGEST_MAX];
    size_t len = hex == NULL ? 0 : strlen(hex + 1) / 2;

    channel->bound = false;
    if (len == 0 || len > sizeof secret || !ratls_unhex(hex + 1, secret, len)) {
        ratls_fail(&channel->error, RATLS_CRYPTO, "the handshake secret has an unknown form");
        return;
    }
    channel->bound = ratls_hkdf_expand_label(ratls_slice(secret, len), BINDER_LABEL,
                                             channel->binder, &channel->error) == RATLS_OK;
    OPENSSL_cleanse(secret, sizeof secret);
}

static void see_secret(const SSL *ssl, const char *line);

/* Gives the callback back to the program if no other handshake of the context is going on. */
static void restore_callback(SSL_CTX *ctx, struct ratls_tls *tls, unsigned others)
{
    if (tls->client_only && tls->handshakes == others &&
        SSL_CTX_get_keylog_callback(ctx) == see_secret)
        SSL_CTX_set_keylog_callback(ctx, atomic_load(&tls->chained_keylog));
}

static void see_secret(const SSL *ssl, const char *line)
{
    static _Thread_local const SSL *passing_on; /* the program's callback may call this one */
    struct ratls_tls *tls = ratls_tls_of(ssl);
    struct ratls_channel *channel = ratls_channel_of(ssl);
    SSL_CTX_keylog_cb_func chained = tls == NULL ? NULL : atomic_load(&tls->chained_keylog);

    if (chained != NULL && passing_on != ssl) {
        passing_on = ssl;
        chained(ssl, line);
        passing_on = NULL;
    }
    if (SSL_is_server(ssl))
        ratls_demand_guard(ratls_mutable(ssl));
    if (channel == NULL || !channel->asked ||
        strncmp(line, SERVER_HANDSHAKE_SECRET, strlen(SERVER_HANDSHAKE_SECRET)) != 0)
        return;
    derive_binder(channel, line);
    /* Not that of the SSL, which may have been given another context since its ClientHello. */
    tls = channel->counted == NULL ? NULL : ratls_tls_of_context(channel->counted);
    if (tls != NULL) {
        pthread_mutex_lock(&tls->lock);
        restore_callback(channel->counted, tls, 1);
        pthread_mutex_unlock(&tls->lock);
    }
}

static void install_callback(SSL_CTX *ctx, struct ratls_tls *tls)
{
    SSL_CTX_keylog_cb_func current = SSL_CTX_get_keylog_callback(ctx);

    if (current == see_secret)
        return;
    atomic_store(&tls->chained_keylog, current);
    SSL_CTX_set_keylog_callback(ctx, see_secret);
}

void ratls_keylog_install_context(SSL_CTX *ctx, struct ratls_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    install_callback(ctx, tls);
    pthread_mutex_unlock(&tls->lock);
}

void ratls_keylog_install(const SSL *ssl, struct ratls_tls *tls)
{
    ratls_keylog_install_context(SSL_get_SSL_CTX(ssl), tls);
}

bool ratls_keylog_begin(const SSL *ssl, struct ratls_tls *tls, struct ratls_channel *channel)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);

    if (channel->counted != NULL)
        return true;
    if (!SSL_CTX_up_ref(ctx))
        return false;
    channel->counted = ctx;
    pthread_mutex_lock(&tls->lock);
    tls->handshakes++;
    pthread_mutex_unlock(&tls->lock);
    return true;
}

void ratls_keylog_end(struct ratls_channel *channel)
{
    SSL_CTX *ctx = channel->counted;
    struct ratls_tls *tls = ctx == NULL ? NULL : ratls_tls_of_context(ctx);

    if (tls == NULL)
        return;
    channel->counted = NULL;
    pthread_mutex_lock(&tls->lock);
    tls->handshakes--;
    restore_callback(ctx, tls, 0);
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(ctx);
}
