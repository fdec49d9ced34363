/*
 * The binder of a handshake (WIRE.md, 5). OpenSSL shows the server handshake traffic secret to
 * nobody but the keylog callback; it becomes 32 bytes of HKDF output at once and is wiped.
 *
 * The callback belongs to the SSL_CTX, and OpenSSL 3.0 spends 4 us on every line of the five that a
 * handshake has: more than on anything else that we do but the signature. So both sides give the
 * callback back after the one line that they need, which for a server is the first behind its
 * ServerHello. OpenSSL looks twice at the callback, first whether there is one and then to call it:
 * who takes it away in between makes another thread call nothing. So it may only be taken away
 * where there is no other handshake of the context: a context for clients alone knows all of its
 * handshakes; one that serves does not see those that nobody asked for evidence in, and takes it
 * away only while its thread is the only one of the process that can be in OpenSSL. A server that
 * demands evidence of its clients keeps it: every handshake must pass there (tls_demand.c).
 */
#include <openssl/crypto.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "thread.h"
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

/*
 * Whether no thread but this one can be in OpenSSL. A thread that another has just begun counts,
 * and who might begin one is here. What cannot be known is no.
 */
static bool is_alone(struct ratls_tls *tls)
{
    struct ratls_attester *attester = tls->attester;
    const unsigned own =
        attester == NULL || attester->threads == NULL ? 0 : attester->threads(attester);

    if (tls->client_only)
        return true;
    if (atomic_load(&tls->keeps_keylog))
        return false;
    if (ratls_thread_count() == 1 + own)
        return true;
    atomic_store(&tls->keeps_keylog, true); /* there will be others again */
    return false;
}

/* With the lock held: nobody but `others` waits for a line, or may be at one. */
static void restore_callback(SSL_CTX *ctx, struct ratls_tls *tls, unsigned others)
{
    if (tls->handshakes == others && SSL_CTX_get_keylog_callback(ctx) == see_secret)
        SSL_CTX_set_keylog_callback(ctx, atomic_load(&tls->chained_keylog));
}

/* The client has the line that it needs; until its end it may be at another. */
static void pass_client(struct ratls_channel *channel)
{
    struct ratls_tls *tls =
        channel->counted == NULL ? NULL : ratls_tls_of_context(channel->counted);

    if (tls == NULL || !is_alone(tls))
        return;
    pthread_mutex_lock(&tls->lock);
    restore_callback(channel->counted, tls, 1);
    pthread_mutex_unlock(&tls->lock);
}

void ratls_keylog_end(struct ratls_channel *channel)
{
    SSL_CTX *ctx = channel->counted;
    struct ratls_tls *tls = ctx == NULL ? NULL : ratls_tls_of_context(ctx);
    bool may_restore;

    if (tls == NULL)
        return;
    channel->counted = NULL;
    may_restore = is_alone(tls);
    pthread_mutex_lock(&tls->lock);
    tls->handshakes--;
    if (may_restore)
        restore_callback(ctx, tls, 0);
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(ctx);
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
    if (SSL_is_server(ssl))
        ratls_keylog_end(channel);
    else
        pass_client(channel);
}

static void install_callback(SSL_CTX *ctx, struct ratls_tls *tls)
{
    SSL_CTX_keylog_cb_func current = SSL_CTX_get_keylog_callback(ctx);

    if (current == see_secret)
        return;
    atomic_store(&tls->chained_keylog, current);
    SSL_CTX_set_keylog_callback(ctx, see_secret);
}

void ratls_keylog_install(const SSL *ssl, struct ratls_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    install_callback(SSL_get_SSL_CTX(ssl), tls);
    pthread_mutex_unlock(&tls->lock);
}

void ratls_keylog_keep(SSL_CTX *ctx, struct ratls_tls *tls)
{
    atomic_store(&tls->keeps_keylog, true);
    pthread_mutex_lock(&tls->lock);
    install_callback(ctx, tls);
    pthread_mutex_unlock(&tls->lock);
}

bool ratls_keylog_begin(const SSL *ssl, struct ratls_tls *tls, struct ratls_channel *channel)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);

    if (channel->counted != NULL)
        return true; /* not necessarily that of the SSL, which may be given another one */
    if (!SSL_CTX_up_ref(ctx))
        return false;
    channel->counted = ctx;
    pthread_mutex_lock(&tls->lock);
    tls->handshakes++;
    pthread_mutex_unlock(&tls->lock);
    return true;
}
