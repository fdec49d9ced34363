#include "tls_sync.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "tls_internal.h"

#define MS_PER_S 1000
#define CHUNK 2048

static _Thread_local bool makes_context;

bool ratls_sync_makes_context(void)
{
    return makes_context;
}

static int add_request(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                       size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                       void *arg)
{
    const struct ratls_sync *sync = arg;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    if ((context & SSL_EXT_CLIENT_HELLO) == 0)
        return 0;
    *out = sync->request;
    *ret_len = sync->request_len;
    return 1;
}

/* The handshake has brought what it was for: it ends here, with user_canceled (RFC 8446, 6.1). */
static int keep_evidence(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                         size_t len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct ratls_sync *sync = arg;

    (void)ssl, (void)type, (void)certificate;
    if ((context & SSL_EXT_TLS1_3_CERTIFICATE) == 0 || chain_index != 0)
        return 1;
    *alert = SSL_AD_INTERNAL_ERROR;
    sync->evidence = malloc(len == 0 ? 1 : len);
    if (sync->evidence == NULL)
        return 0;
    if (len != 0)
        memcpy(sync->evidence, in, len);
    sync->evidence_len = len;
    *alert = SSL_AD_USER_CANCELLED;
    return 0;
}

/* Without logs there is nothing to go on for; a certificate is of no interest here. */
static int end_without_logs(X509_STORE_CTX *store, void *arg)
{
    struct ratls_sync *sync = arg;

    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    sync->is_unanswered = true;
    return 0;
}

static enum ratls_status make_context(struct ratls_sync *sync, struct ratls_error *err)
{
    SSL_CTX *ctx;

    makes_context = true;
    ctx = SSL_CTX_new(TLS_client_method());
    makes_context = false;
    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) ||
        !SSL_CTX_add_custom_ext(ctx, sync->extension,
                                SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE |
                                    SSL_EXT_TLS1_3_CERTIFICATE_REQUEST,
                                add_request, NULL, sync, keep_evidence, sync)) {
        SSL_CTX_free(ctx);
        return ratls_fail_openssl(err, "cannot start TLS");
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, end_without_logs, sync);
    sync->ctx = ctx;
    return RATLS_OK;
}

/* Once. */
static enum ratls_status prepare(struct ratls_sync *sync, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (sync->ctx != NULL)
        return RATLS_OK;
    if (sync->peer.len == 0)
        status = ratls_peer_find(sync->beside, sync->tls_read, &sync->peer, err);
    if (status == RATLS_OK)
        status = make_context(sync, err);
    if (sync->settings.all_s != 0)
        sync->deadline_ms = ratls_peer_now_ms() + (int64_t)sync->settings.all_s * MS_PER_S;
    return status;
}

static enum ratls_status write_request(struct ratls_sync *sync,
                                       const struct ratls_log_request *logs,
                                       struct ratls_error *err)
{
    struct ratls_request request = {.logs = *logs};
    struct ratls_writer w = ratls_writer(sync->request, sizeof sync->request);
    enum ratls_status status = ratls_random(request.nonce, sizeof request.nonce, err);

    if (status != RATLS_OK)
        return status;
    ratls_request_write(&request, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "the request is too long");
    sync->request_len = w.len;
    return RATLS_OK;
}

/*
 * The program may have allowed its connection more than OpenSSL does by itself, because the server
 * has a long chain or needs an odd suite. Whoever cannot be asked so is asked in the usual way.
 */
static void take_limits(const SSL *from, SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(from);
    union {
        const SSL *in;
        SSL *out;
    } same = {.in = from};

    SSL_set_max_cert_list(ssl, SSL_get_max_cert_list(same.out));
    if (cipher != NULL)
        (void)SSL_set_ciphersuites(ssl, SSL_CIPHER_get_name(cipher));
}

static SSL *new_ssl(struct ratls_sync *sync)
{
    SSL *ssl = SSL_new(sync->ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());

    if (ssl == NULL || in == NULL || out == NULL) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    take_limits(sync->beside, ssl);
    if (sync->sni[0] != '\0' && !SSL_set_tlsext_host_name(ssl, sync->sni)) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

/* What OpenSSL has written, to the socket: no library function of it does that without SIGPIPE. */
static enum ratls_status send_written(const SSL *ssl, int fd, int64_t deadline_ms,
                                      struct ratls_error *err)
{
    BIO *out = SSL_get_wbio(ssl);
    enum ratls_status status = RATLS_OK;
    uint8_t bytes[CHUNK];
    int len;

    while (status == RATLS_OK && (len = BIO_read(out, bytes, sizeof bytes)) > 0)
        status = ratls_peer_send(fd, ratls_slice(bytes, (size_t)len), deadline_ms, err);
    return status;
}

static enum ratls_status receive_some(const SSL *ssl, int fd, int64_t deadline_ms,
                                      struct ratls_error *err)
{
    uint8_t bytes[CHUNK];
    size_t len = 0;
    enum ratls_status status = ratls_peer_receive(fd, bytes, sizeof bytes, deadline_ms, &len, err);

    if (status == RATLS_OK && BIO_write(SSL_get_rbio(ssl), bytes, (int)len) != (int)len)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    return status;
}

static enum ratls_status shake_hands(struct ratls_sync *sync, SSL *ssl, int fd, int64_t deadline_ms,
                                     struct ratls_error *err)
{
    enum ratls_status status;
    int result;

    for (;;) {
        ERR_clear_error();
        result = SSL_do_handshake(ssl);
        status = send_written(ssl, fd, deadline_ms, sync->evidence == NULL ? err : NULL);
        if (sync->evidence != NULL)
            return RATLS_OK; /* also if the server did not wait for our alert */
        if (status != RATLS_OK)
            return status;
        if (sync->is_unanswered || result == 1)
            return ratls_fail(err, RATLS_IO, "the server sent no logs");
        if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) {
            (void)ratls_fail_openssl(err, "no handshake");
            return RATLS_IO;
        }
        status = receive_some(ssl, fd, deadline_ms, err);
        if (status != RATLS_OK)
            return status;
    }
}

static int64_t find_deadline(const struct ratls_sync *sync)
{
    int64_t each_ms = ratls_peer_now_ms() + (int64_t)sync->settings.each_s * MS_PER_S;

    return sync->settings.all_s != 0 && sync->deadline_ms < each_ms ? sync->deadline_ms : each_ms;
}

static enum ratls_status ask(struct ratls_sync *sync, struct ratls_error *err)
{
    const int64_t deadline_ms = find_deadline(sync);
    enum ratls_status status;
    SSL *ssl;
    int fd;

    status = ratls_peer_connect(&sync->peer, deadline_ms, &fd, err);
    if (status != RATLS_OK)
        return status;
    free(sync->evidence);
    sync->evidence = NULL;
    sync->is_unanswered = false;
    ssl = new_ssl(sync);
    status = ssl == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                         : shake_hands(sync, ssl, fd, deadline_ms, err);
    SSL_free(ssl);
    close(fd);
    return status;
}

/* What went wrong, and what a person can do about it. */
static enum ratls_status explain(const struct ratls_error *reason, struct ratls_error *err)
{
    if (reason->status == RATLS_USAGE)
        return ratls_fail(err, RATLS_USAGE,
                          "the server's log does not fit in one handshake, and the rest cannot be "
                          "had beside it: %s; run `ratls sync` ahead",
                          reason->text);
    return ratls_fail(err, reason->status,
                      "the rest of the server's log cannot be had: %s; LONG LISTS in "
                      "ratls-provider(7) says what that takes",
                      reason->text);
}

/*
 * Leaves neither errno nor anything on the error stack: the program is within its own handshake, at
 * whose begin OpenSSL has emptied the stack; ours empties it again.
 */
static enum ratls_status fetch(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct ratls_sync *sync = (struct ratls_sync *)self;
    const int own_errno = errno;
    struct ratls_error reason = {0};
    enum ratls_status status;

    status = prepare(sync, &reason);
    if (status == RATLS_OK)
        status = write_request(sync, request, &reason);
    if (status == RATLS_OK)
        status = ask(sync, &reason);
    ERR_clear_error();
    errno = own_errno;
    if (status != RATLS_OK) {
        reason.status = status;
        return explain(&reason, err);
    }
    *ret_evidence = ratls_slice(sync->evidence, sync->evidence_len);
    if (sync->settings.seen != NULL)
        sync->settings.seen(sync->settings.arg, *ret_evidence);
    return RATLS_OK;
}

void ratls_sync_begin(const SSL *ssl, struct ratls_sync *ret_sync)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);
    const struct ratls_channel *channel = ratls_channel_of(ssl);
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    *ret_sync = (struct ratls_sync){
        .more = {.fetch = fetch},
        .settings = tls->sync,
        .beside = ssl,
        .tls_read = BIO_number_read(SSL_get_rbio(ssl)) - channel->read_before,
        .extension = tls->extension,
    };
    if (sni != NULL) /* RFC 6066, 3: a DNS name, which is not longer */
        snprintf(ret_sync->sni, sizeof ret_sync->sni, "%s", sni);
}

void ratls_sync_end(struct ratls_sync *sync)
{
    SSL_CTX_free(sync->ctx);
    free(sync->evidence);
    sync->ctx = NULL;
    sync->evidence = NULL;
}
