/*
 * The binder of a handshake (WIRE.md, 5). OpenSSL shows the server handshake traffic secret to
 * nobody but the keylog callback; it becomes 32 bytes of HKDF output at once and is wiped.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "tls_internal.h"

#define BINDER_LABEL "ratls bind"
#define SERVER_HANDSHAKE_SECRET "SERVER_HANDSHAKE_TRAFFIC_SECRET "
#define CLIENT_APPLICATION_SECRET "CLIENT_TRAFFIC_SECRET_0 "

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

/*
 * The handshake is complete although no verdict accepted the server: something (a PSK, a verify
 * callback that the program changed meanwhile) went past the verification. Close both directions, so
 * that SSL_write() and SSL_read() refuse to work.
 */
static void close_unattested(const SSL *ssl)
{
    union {
        const SSL *in;
        SSL *out;
    } same = {.in = ssl};

    SSL_set_shutdown(same.out, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ratls_raise_error(&(struct ratls_error){
        RATLS_USAGE, "the handshake went past the appraisal: the channel is closed"});
}

static void see_secret(const SSL *ssl, const char *line)
{
    struct ratls_tls *tls = ratls_tls_of(ssl);
    struct ratls_channel *channel = ratls_channel_of(ssl);
    SSL_CTX_keylog_cb_func chained = tls == NULL ? NULL : atomic_load(&tls->chained_keylog);

    if (channel != NULL && channel->asked) {
        if (strncmp(line, SERVER_HANDSHAKE_SECRET, strlen(SERVER_HANDSHAKE_SECRET)) == 0)
            derive_binder(channel, line);
        else if (!SSL_is_server(ssl) && !channel->accepted &&
                 strncmp(line, CLIENT_APPLICATION_SECRET, strlen(CLIENT_APPLICATION_SECRET)) == 0)
            close_unattested(ssl);
    }
    if (chained != NULL)
        chained(ssl, line);
}

void ratls_keylog_install(const SSL *ssl, struct ratls_tls *tls)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    SSL_CTX_keylog_cb_func current = SSL_CTX_get_keylog_callback(ctx);

    if (current == see_secret)
        return;
    atomic_store(&tls->chained_keylog, current);
    SSL_CTX_set_keylog_callback(ctx, see_secret);
}
