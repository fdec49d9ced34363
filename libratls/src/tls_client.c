/* The client's half: the request in the ClientHello, the verdict when the certificate is verified.
 */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise.h"
#include "crypto.h"
#include "evidence.h"
#include "fail.h"
#include "tls_announce.h"
#include "tls_internal.h"

#define VERIFY_MARK 0x40000000 /* in an SSL's verify mode; OpenSSL looks only at its own bits */

/*
 * A resumed session, an external PSK or early data would pass by the Certificate message and with
 * it by the evidence. A session that is made stale is not offered; OpenSSL does a full handshake.
 */
static void forbid_resumption(SSL *ssl)
{
    SSL_SESSION *session = SSL_get_session(ssl);

    SSL_set_psk_client_callback(ssl, NULL);
    SSL_set_psk_use_session_callback(ssl, NULL);
    if (session == NULL || !SSL_SESSION_is_resumable(session))
        return;
    SSL_SESSION_set_max_early_data(session, 0);
    ratls_session_set_time(session, 1);
}

static enum ratls_status require_tls13(SSL *ssl, struct ratls_error *err)
{
    long max_version;

    /* Before all else: OpenSSL holds a lock of QUIC that the functions below would wait for. */
    if (SSL_version(ssl) == RATLS_QUIC_VERSION)
        return ratls_fail(err, RATLS_USAGE, "attestation needs TLS 1.3; the program uses QUIC");
    max_version = SSL_get_max_proto_version(ssl);
    if (SSL_is_dtls(ssl))
        return ratls_fail(err, RATLS_USAGE, "attestation needs TLS 1.3; the program uses DTLS");
    if ((max_version != 0 && max_version < TLS1_3_VERSION) ||
        SSL_get_options(ssl) & SSL_OP_NO_TLSv1_3 || !SSL_set_min_proto_version(ssl, TLS1_3_VERSION))
        return ratls_fail(err, RATLS_USAGE,
                          "attestation needs TLS 1.3; the program allows only older versions");
    return RATLS_OK;
}

static int verify_certificate(X509_STORE_CTX *store, void *arg);

/*
 * The handshake is complete although no verdict accepted the server: something (a PSK, a verify
 * callback that the program changed meanwhile) went past the verification. Close both directions,
 * so that SSL_write() and SSL_read() refuse to work.
 */
static void close_unattested(const SSL *ssl, struct ratls_channel *channel)
{
    const struct ratls_tls *tls = ratls_tls_of(ssl);
    union {
        const SSL *in;
        SSL *out;
    } same = {.in = ssl};

    SSL_set_shutdown(same.out, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ratls_fail(&channel->error, RATLS_USAGE,
               "the handshake went past the appraisal: the channel is closed");
    ratls_raise_error(&channel->error);
    if (tls != NULL && tls->log != NULL)
        tls->log(ssl, channel);
}

/*
 * The evidence comes behind the handshake, to the connection that this SSL belongs to: it lets
 * nothing of the program out, nor in, before it has appraised it (connection_gate.c).
 */
static bool is_deferred(const struct ratls_channel *channel)
{
    return (channel->agreed & RATLS_OFFER_EXPORTER) != 0;
}

/* A record that a program's callback leaves in the SSL now would go out behind the verdict. */
static void call_closed(const SSL *ssl, void (*callback)(const SSL *, int, int), int where,
                        int result)
{
    union {
        const SSL *in;
        SSL *out;
    } same = {.in = ssl};
    int before = SSL_get_shutdown(ssl);

    SSL_set_shutdown(same.out, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    callback(ssl, where, result);
    SSL_set_shutdown(same.out, before);
}

static void see_progress(const SSL *ssl, int where, int result)
{
    static _Thread_local const SSL *passing_on; /* the program's callback may call this one */
    struct ratls_channel *channel = ratls_channel_of(ssl);
    void (*chained)(const SSL *, int, int) = channel == NULL ? NULL : channel->chained_info;

    if (channel != NULL && where & SSL_CB_HANDSHAKE_DONE) {
        ratls_keylog_end(channel);
        if (channel->asked && !channel->accepted && !is_deferred(channel))
            close_unattested(ssl, channel);
    }
    if (chained == NULL)
        chained = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
    if (chained == NULL || passing_on == ssl)
        return;
    passing_on = ssl;
    if (channel != NULL && is_deferred(channel) && !channel->accepted)
        call_closed(ssl, chained, where, result);
    else
        chained(ssl, where, result);
    passing_on = NULL;
}

/*
 * The mark tells our verify mode from one that the program has set since, were it only
 * SSL_VERIFY_PEER.
 */
static void learn_verify_mode(const SSL *ssl, struct ratls_channel *channel)
{
    int mode = SSL_get_verify_mode(ssl);

    if (channel->verify_mode < 0 || (mode & VERIFY_MARK) == 0)
        channel->verify_mode = mode & ~VERIFY_MARK;
}

/* Set again at each ClientHello: the program may have replaced them since SSL_CTX_new(). */
static void install_verification(SSL *ssl, struct ratls_channel *channel)
{
    int mode = SSL_get_verify_mode(ssl);

    learn_verify_mode(ssl, channel);
    SSL_CTX_set_cert_verify_callback(SSL_get_SSL_CTX(ssl), verify_certificate, NULL);
    SSL_set_verify(ssl, mode | SSL_VERIFY_PEER | VERIFY_MARK, SSL_get_verify_callback(ssl));
}

static void watch_progress(SSL *ssl, struct ratls_channel *channel)
{
    void (*current)(const SSL *, int, int) = SSL_get_info_callback(ssl);

    if (current == see_progress)
        return;
    channel->chained_info = current;
    SSL_set_info_callback(ssl, see_progress);
}

static enum ratls_status make_request(SSL *ssl, struct ratls_tls *tls,
                                      struct ratls_channel *channel, struct ratls_writer *w)
{
    bool plain;
    enum ratls_status status = ratls_client_choose_rules(ssl, tls, channel, &plain);

    if (status != RATLS_OK || plain)
        return status;
    status = require_tls13(ssl, &channel->error);
    if (status == RATLS_OK)
        status = ratls_client_fill_request(ssl, tls, channel);
    if (status != RATLS_OK)
        return status;
    if (!channel->asked)
        channel->read_before = BIO_number_read(SSL_get_rbio(ssl));
    channel->asked = true;
    install_verification(ssl, channel);
    ratls_keylog_install(ssl, tls);
    forbid_resumption(ssl);
    ratls_request_write(&channel->request, w);
    return w->failed ? ratls_fail(&channel->error, RATLS_LIMIT, "the request is too long")
                     : RATLS_OK;
}

static int refuse_to_begin(SSL *ssl, struct ratls_tls *tls, struct ratls_channel *channel,
                           int *alert)
{
    ratls_raise_error(&channel->error);
    if (tls->log != NULL)
        tls->log(ssl, channel);
    *alert = SSL_AD_INTERNAL_ERROR;
    return -1;
}

int ratls_client_add_request(SSL *ssl, struct ratls_tls *tls, const unsigned char **out,
                             size_t *ret_len, int *alert)
{
    struct ratls_channel *channel;
    struct ratls_writer w;
    uint8_t *buffer;

    if (!tls->verifies)
        return 0;
    channel = ratls_channel_begin(ssl);
    buffer = malloc(RATLS_REQUEST_MAX);
    if (channel == NULL || buffer == NULL || !ratls_keylog_begin(ssl, tls, channel)) {
        free(buffer);
        ratls_raise_error(&(struct ratls_error){RATLS_MEMORY, "out of memory"});
        *alert = SSL_AD_INTERNAL_ERROR;
        return -1;
    }
    watch_progress(ssl, channel);
    w = ratls_writer(buffer, RATLS_REQUEST_MAX);
    if (make_request(ssl, tls, channel, &w) != RATLS_OK) {
        free(buffer);
        return refuse_to_begin(ssl, tls, channel, alert);
    }
    if (w.len == 0) { /* a name that is let alone */
        free(buffer);
        return 0;
    }
    *out = buffer;
    *ret_len = w.len;
    return 1;
}

/* Only keeps it: the verdict falls when the certificate is verified, as it also is without. */
int ratls_client_parse_evidence(SSL *ssl, struct ratls_slice in, bool in_place)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (channel == NULL || !channel->asked)
        return 1;
    if (!in_place || channel->present) {
        channel->misplaced = true;
        return 1;
    }
    channel->present = true;
    channel->evidence = malloc(in.len == 0 ? 1 : in.len);
    if (channel->evidence == NULL) {
        ratls_fail(&channel->error, RATLS_MEMORY, "out of memory");
        ratls_raise_error(&channel->error);
        return 0;
    }
    if (in.len != 0)
        memcpy(channel->evidence, in.p, in.len);
    channel->evidence_len = in.len;
    return 1;
}

enum ratls_status ratls_channel_expectation(const SSL *ssl, const struct ratls_channel *channel,
                                            const X509 *certificate, struct ratls_expectation *ret,
                                            struct ratls_error *err)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);

    if (certificate == NULL)
        return ratls_fail(err, RATLS_USAGE, "the handshake has no X.509 certificate");
    if (cipher == NULL)
        cipher = SSL_get_current_cipher(ssl);
    if (cipher == NULL || !channel->bound)
        return ratls_fail(err, RATLS_CRYPTO, "OpenSSL did not show the handshake secret");
    *ret = (struct ratls_expectation){
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = (uint16_t)SSL_version(ssl),
        .cipher_suite = SSL_CIPHER_get_protocol_id(cipher),
        .server_name = channel->server_name[0] == '\0' ? NULL : channel->server_name,
        .now = time(NULL),
    };
    memcpy(ret->nonce, channel->request.nonce, sizeof ret->nonce);
    memcpy(ret->binder, channel->binder, sizeof ret->binder);
    return ratls_spki_sha256(certificate, ret->spki_sha256, err);
}

/*
 * The evidence of the handshake; where the policy is content with it and the server sent no other,
 * that of the certificate.
 */
static void choose_evidence(struct ratls_channel *channel, const X509 *certificate,
                            struct ratls_submission *submission)
{
    struct ratls_expectation *expectation = &channel->expectation;

    submission->present = channel->present;
    submission->evidence = ratls_slice(channel->evidence, channel->evidence_len);
    if (channel->present || channel->rules->freshness != RATLS_FRESHNESS_CERTIFICATE ||
        !ratls_evidence_in_certificate(certificate, &submission->evidence))
        return;
    submission->present = true;
    expectation->mode = RATLS_MODE_CERTIFICATE;
    expectation->tls_version = expectation->cipher_suite = 0;
    memset(expectation->nonce, 0, sizeof expectation->nonce);
    memset(expectation->binder, 0, sizeof expectation->binder);
}

static enum ratls_status appraise_server(SSL *ssl, struct ratls_channel *channel,
                                         const X509 *certificate)
{
    struct ratls_sync sync;
    struct ratls_submission submission = {.expectation = &channel->expectation,
                                          .tls_version = (uint16_t)SSL_version(ssl),
                                          .resumed = SSL_session_reused(ssl),
                                          .misplaced = channel->misplaced,
                                          .logs = &channel->request.logs,
                                          .known =
                                              channel->known.is_known ? &channel->known.row : NULL,
                                          .more = &sync.more};
    enum ratls_status status = ratls_channel_expectation(ssl, channel, certificate,
                                                         &channel->expectation, &channel->error);

    if (status != RATLS_OK)
        return status;
    if (channel->rules == NULL)
        return ratls_fail(&channel->error, RATLS_USAGE, "evidence was collected, not appraised");
    choose_evidence(channel, certificate, &submission);
    ratls_report_free(channel->report);
    channel->report = ratls_report_new();
    if (channel->report == NULL)
        return ratls_fail(&channel->error, RATLS_MEMORY, "out of memory");
    channel->report->is_brief = ratls_tls_of(ssl)->brief;
    ratls_sync_begin(ssl, &sync);
    status =
        ratls_appraise_submission(channel->rules, &submission, channel->report, &channel->error);
    ratls_sync_end(&sync);
    return status;
}

/*
 * OpenSSL looks at the verify mode once more behind the callback: a refusal must count although the
 * program has set SSL_VERIFY_NONE since the ClientHello. Behind an acceptance it has its own again.
 */
static void enforce_verdict(SSL *ssl, const struct ratls_channel *channel)
{
    int mode = channel->accepted ? channel->verify_mode
                                 : SSL_get_verify_mode(ssl) | SSL_VERIFY_PEER | VERIFY_MARK;

    SSL_set_verify(ssl, mode, SSL_get_verify_callback(ssl));
}

/*
 * In place of the program's chain verification. A full handshake cannot avoid it, whatever verify
 * mode the program has set; the PKI's result counts as much, or as little, as the program asked.
 */
static int verify_certificate(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct ratls_channel *channel = ratls_channel_of(ssl);
    struct ratls_tls *tls = ratls_tls_of(ssl);
    int chain = X509_verify_cert(store);
    enum ratls_status status;

    (void)arg;
    if (SSL_is_server(ssl) || tls == NULL || channel == NULL || !channel->asked)
        return chain;
    learn_verify_mode(ssl, channel);
    if (chain <= 0 && channel->verify_mode != SSL_VERIFY_NONE)
        return chain;
    if (is_deferred(channel)) {
        SSL_set_verify(ssl, channel->verify_mode, SSL_get_verify_callback(ssl));
        return 1;
    }
    status = appraise_server(ssl, channel, X509_STORE_CTX_get0_cert(store));
    if (status == RATLS_OK && tls->watch != NULL)
        status = ratls_announce(ssl, tls->watch, &channel->error);
    channel->accepted = status == RATLS_OK;
    enforce_verdict(ssl, channel);
    if (tls->log != NULL)
        tls->log(ssl, channel);
    if (channel->accepted)
        return 1;
    if (status == RATLS_REJECTED)
        ratls_raise_refusal(channel->report);
    else
        ratls_raise_error(&channel->error);
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}
