#include "session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "describe.h"
#include "fail.h"
#include "output.h"
#include "tls_internal.h"

int ratls_session_operand(struct ratls_session_options *options, int count, char **operands)
{
    if (count != 1)
        return ratls_usage("name one server, as HOST:PORT");
    if (options->ca != NULL && options->pki_ignored)
        return ratls_usage("--ca and --insecure-no-pki exclude each other");
    options->server = operands[0];
    return RATLS_EXIT_OK;
}

static enum ratls_status set_trust(SSL_CTX *ctx, const struct ratls_session_options *options,
                                   struct ratls_error *err)
{
    if (options->pki_ignored || options->policy == NULL) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return RATLS_OK;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (options->ca != NULL && SSL_CTX_load_verify_file(ctx, options->ca) != 1)
        return ratls_fail(err, RATLS_USAGE, "%s: no certificates (PEM) there", options->ca);
    if (options->ca == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return ratls_fail_openssl(err, "cannot load the certificate authorities of the system");
    return RATLS_OK;
}

static enum ratls_status set_name(const struct ratls_session_options *options,
                                  struct ratls_session *session, struct ratls_error *err)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(session->ssl);
    char name[RATLS_HOST_MAX];
    bool done;

    if (snprintf(name, sizeof name, "%s", session->server_name) >= (int)sizeof name)
        return ratls_fail(err, RATLS_USAGE, "--server-name: longer than a DNS name can be");
    /* An IP address is compared as such, and has no SNI (RFC 6066, 3). */
    if (name[0] == '\0' || X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
        return RATLS_OK;
    done = SSL_set1_host(session->ssl, name) == 1 &&
           (options->sni_left_out || SSL_set_tlsext_host_name(session->ssl, name) == 1);
    return done ? RATLS_OK : ratls_fail_openssl(err, "cannot set the server's name");
}

static void set_sync(SSL_CTX *ctx, const struct ratls_session_options *options)
{
    struct ratls_tls *tls = ratls_tls_of_context(ctx);

    tls->begins_anew = options->begins_anew;
    tls->sync = (struct ratls_sync_settings){
        .all_s = options->all_s,
        .each_s = options->timeout_s,
        .seen = options->seen,
        .arg = options->seen_arg,
    };
}

static enum ratls_status prepare(const struct ratls_session_options *options,
                                 struct ratls_session *session, struct ratls_error *err)
{
    enum ratls_status status;
    struct ratls_tls *tls;

    session->ctx = SSL_CTX_new(TLS_client_method());
    if (session->ctx == NULL)
        return ratls_fail_openssl(err, "cannot start TLS");
    status = set_trust(session->ctx, options, err);
    if (status != RATLS_OK)
        return status;
    if (options->extension != 0)
        status = ratls_tls_hook(session->ctx, options->extension, &tls, err);
    if (status != RATLS_OK)
        return status;
    if (options->policy != NULL)
        status = ratls_tls_verify(session->ctx, options->policy, err);
    else
        status = ratls_tls_collect(session->ctx, options->selection, options->logs, err);
    if (status != RATLS_OK)
        return status;
    set_sync(session->ctx, options);
    session->ssl = SSL_new(session->ctx);
    if (session->ssl == NULL || SSL_set_fd(session->ssl, session->fd) != 1)
        return ratls_fail_openssl(err, "cannot start TLS");
    return set_name(options, session, err);
}

/* A handshake that ended before there was anything to appraise. */
static enum ratls_status explain_failure(const struct ratls_session *session, int result,
                                         unsigned timeout_s, struct ratls_error *err)
{
    const struct ratls_error *own = ratls_tls_error(session->ssl);
    const int reason = SSL_get_error(session->ssl, result);
    char what[RATLS_ENDPOINT_TEXT_MAX + 64];
    char server[RATLS_ENDPOINT_TEXT_MAX];

    ratls_endpoint_text(&session->endpoint, server);
    if (own != NULL)
        return ratls_fail(err, own->status, "%s", own->text);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return ratls_fail(err, RATLS_IO, "%s did not shake hands within %u s", server, timeout_s);
    if (ERR_peek_error() == 0)
        return ratls_fail(err, RATLS_IO, "%s ended the handshake: %s", server,
                          errno != 0 ? strerror(errno) : "connection closed");
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
        return ratls_fail(err, RATLS_IO, "%s does not speak TLS 1.3, which attestation needs",
                          server);
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_TLSV1_ALERT_INTERNAL_ERROR)
        return ratls_fail(err, RATLS_IO,
                          "%s ended the handshake: internal error; its own log says why, with "
                          "HAProxy if openssl.cnf has log = stderr there: it may not reach its "
                          "TPM or ratlsd, or not find its key",
                          server);
    snprintf(what, sizeof what, "no TLS handshake with %s", server);
    (void)ratls_fail_openssl(err, what);
    return RATLS_IO;
}

static enum ratls_session_end find_end(const struct ratls_session *session, bool is_collecting,
                                       int result)
{
    const struct ratls_report *report = ratls_tls_report(session->ssl);

    /* Collecting always ends in a refusal; what counts is how far it came. */
    if (is_collecting)
        return ratls_tls_expectation(session->ssl) == NULL ? RATLS_SESSION_FAILED
                                                           : RATLS_SESSION_REFUSED;
    if (ratls_tls_error(session->ssl) != NULL)
        return RATLS_SESSION_FAILED;
    if (report != NULL && !ratls_report_accepted(report))
        return RATLS_SESSION_REFUSED;
    if (report != NULL && result == 1)
        return RATLS_SESSION_CONNECTED;
    return SSL_get_verify_result(session->ssl) == X509_V_OK ? RATLS_SESSION_FAILED
                                                            : RATLS_SESSION_PKI;
}

/* What SSL_connect() says in the end; a server that only trickles does not hold us longer. */
static int connect_before(struct ratls_session *session, int64_t deadline_ms)
{
    int result, reason;

    do {
        ERR_clear_error();
        errno = 0;
        result = SSL_connect(session->ssl);
        reason = SSL_get_error(session->ssl, result);
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
            break;
    } while (ratls_wait(session->fd, reason == SSL_ERROR_WANT_WRITE, deadline_ms));
    return result;
}

/* A step that begins now ends then. */
static int64_t find_deadline(const struct ratls_session_options *options,
                             const struct ratls_session *session)
{
    const int64_t step_ms = ratls_deadline_ms(options->timeout_s);

    return options->all_s != 0 && session->deadline_ms < step_ms ? session->deadline_ms : step_ms;
}

static enum ratls_status shake_hands(struct ratls_session *session,
                                     const struct ratls_session_options *options,
                                     struct ratls_error *err)
{
    const int result = connect_before(session, find_deadline(options, session));

    session->end = find_end(session, options->policy == NULL, result);
    if (session->end == RATLS_SESSION_FAILED)
        return explain_failure(session, result, options->timeout_s, err);
    return RATLS_OK;
}

/* The server that a person named. */
static enum ratls_status connect_named(const struct ratls_session_options *options,
                                       struct ratls_session *session, struct ratls_error *err)
{
    enum ratls_status status = ratls_endpoint_parse(options->server, &session->endpoint, err);

    if (status != RATLS_OK)
        return status;
    session->server_name =
        options->server_name != NULL ? options->server_name : session->endpoint.host;
    status = ratls_connect(&session->endpoint, find_deadline(options, session), &session->fd, err);
    if (status == RATLS_OK && !ratls_peer_of_socket(session->fd, &session->peer))
        status = ratls_fail(err, RATLS_IO, "%s is not there any more", options->server);
    return status;
}

/* The server at the other end of a connection of somebody else. */
static enum ratls_status connect_beside(const struct ratls_session_options *options,
                                        struct ratls_session *session, struct ratls_error *err)
{
    ratls_endpoint_of_peer(options->peer, &session->endpoint);
    session->server_name = options->server_name == NULL ? "" : options->server_name;
    session->peer = *options->peer;
    return ratls_peer_connect(&session->peer, find_deadline(options, session), &session->fd, err);
}

enum ratls_status ratls_session_open(const struct ratls_session_options *options,
                                     struct ratls_session *session, struct ratls_error *err)
{
    enum ratls_status status;

    *session = (struct ratls_session){.fd = -1, .end = RATLS_SESSION_FAILED};
    session->deadline_ms = ratls_deadline_ms(options->all_s);
    status = options->peer != NULL ? connect_beside(options, session, err)
                                   : connect_named(options, session, err);
    if (status != RATLS_OK)
        return status;
    status = prepare(options, session, err);
    if (status != RATLS_OK)
        return status;
    return shake_hands(session, options, err);
}

void ratls_session_close(struct ratls_session *session)
{
    if (session->end == RATLS_SESSION_CONNECTED)
        SSL_shutdown(session->ssl);
    ratls_sync_end(&session->sync);
    SSL_free(session->ssl);
    SSL_CTX_free(session->ctx);
    if (session->fd >= 0)
        close(session->fd);
}

struct ratls_more *ratls_session_more(struct ratls_session *session)
{
    if (session->sync.more.fetch == NULL) {
        ratls_sync_begin(session->ssl, &session->sync);
        session->sync.peer = session->peer;
    }
    return &session->sync.more;
}

const char *ratls_session_pki_reason(const struct ratls_session *session)
{
    return X509_verify_cert_error_string(SSL_get_verify_result(session->ssl));
}

bool ratls_session_pki_issuer_unknown(const struct ratls_session *session)
{
    switch (SSL_get_verify_result(session->ssl)) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return true;
    default:
        return false;
    }
}

void ratls_session_describe(struct ratls_view *v, const struct ratls_session *session)
{
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    const SSL_CIPHER *cipher = SSL_get_current_cipher(session->ssl);
    char server[RATLS_ENDPOINT_TEXT_MAX];
    char *subject;

    ratls_endpoint_text(&session->endpoint, server);
    ratls_view_section(v, "connection", "Connection");
    ratls_view_text(v, "server", "server", server);
    ratls_view_text(v, "serverName", "name", session->server_name);
    ratls_view_text(v, "version", "version", SSL_get_version(session->ssl));
    if (cipher != NULL)
        ratls_view_text(v, "cipher", "cipher suite", SSL_CIPHER_get_name(cipher));
    if (certificate != NULL) {
        subject = X509_NAME_oneline(X509_get_subject_name(certificate), NULL, 0);
        ratls_view_text(v, "subject", "certificate", subject == NULL ? "" : subject);
        OPENSSL_free(subject);
    }
    ratls_view_section_end(v);
}
