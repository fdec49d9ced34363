/*
 * The verdict on the peer, of both sides: it falls when OpenSSL verifies the peer's certificate, in
 * place of the program's chain verification.
 */
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "appraise.h"
#include "crypto.h"
#include "evidence.h"
#include "exporter.h"
#include "fail.h"
#include "tls_announce.h"
#include "tls_internal.h"

/*
 * The evidence comes behind the handshake, to the connection that this SSL belongs to: it lets
 * nothing of the program out, nor in, before it has appraised it (connection_gate.c).
 */
bool ratls_verdict_is_deferred(const SSL *ssl, const struct ratls_channel *channel)
{
    return !SSL_is_server(ssl) && (channel->agreed & RATLS_OFFER_EXPORTER) != 0;
}

/* WIRE.md, 5: of the handshake for a server, of what a server has asked for a client. */
static enum ratls_status find_binder(SSL *ssl, const struct ratls_channel *channel,
                                     struct ratls_expectation *e, struct ratls_error *err)
{
    if (e->role == RATLS_ROLE_CLIENT) {
        memcpy(e->nonce, channel->demand.nonce, sizeof e->nonce);
        return ratls_exporter_binder(ssl, e->role, e->nonce, ratls_slice(NULL, 0), e->binder, err);
    }
    if (!channel->bound)
        return ratls_fail(err, RATLS_CRYPTO, "OpenSSL did not show the handshake secret");
    memcpy(e->nonce, channel->request.nonce, sizeof e->nonce);
    memcpy(e->binder, channel->binder, sizeof e->binder);
    return RATLS_OK;
}

enum ratls_status ratls_channel_session(SSL *ssl, const struct ratls_channel *channel,
                                        enum ratls_role attester, struct ratls_expectation *ret,
                                        struct ratls_error *err)
{
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);

    if (cipher == NULL)
        cipher = SSL_get_current_cipher(ssl);
    if (cipher == NULL)
        return ratls_fail(err, RATLS_CRYPTO, "OpenSSL did not show the cipher suite");
    *ret = (struct ratls_expectation){
        .mode = RATLS_MODE_HANDSHAKE,
        .role = attester,
        .tls_version = (uint16_t)SSL_version(ssl),
        .cipher_suite = SSL_CIPHER_get_protocol_id(cipher),
        .server_name = channel->server_name[0] == '\0' ? NULL : channel->server_name,
        .now = time(NULL),
    };
    return find_binder(ssl, channel, ret, err);
}

static enum ratls_status expect(SSL *ssl, struct ratls_channel *channel, const X509 *certificate)
{
    const enum ratls_role peer = SSL_is_server(ssl) ? RATLS_ROLE_CLIENT : RATLS_ROLE_SERVER;
    struct ratls_expectation *expectation = &channel->expectation;
    enum ratls_status status =
        ratls_channel_session(ssl, channel, peer, expectation, &channel->error);

    if (status == RATLS_OK && certificate == NULL)
        return ratls_fail(&channel->error, RATLS_USAGE, "the handshake has no X.509 certificate");
    return status == RATLS_OK
               ? ratls_spki_sha256(certificate, expectation->spki_sha256, &channel->error)
               : status;
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

static enum ratls_status appraise_peer(SSL *ssl, struct ratls_channel *channel,
                                       const X509 *certificate)
{
    const bool is_server = SSL_is_server(ssl);
    const bool may_ask = !is_server && channel->rules != NULL && channel->rules->ima.is_asked;
    const struct ratls_request *request = is_server ? &channel->demand : &channel->request;
    struct ratls_sync sync;
    struct ratls_submission submission = {.expectation = &channel->expectation,
                                          .tls_version = (uint16_t)SSL_version(ssl),
                                          .resumed = SSL_session_reused(ssl),
                                          .misplaced = channel->misplaced,
                                          .selection = &request->selection,
                                          .logs = &request->logs,
                                          .key_ids = request->key_ids,
                                          .key_id_count = request->key_id_count,
                                          .known = channel->known,
                                          .more = may_ask ? &sync.more : NULL};
    enum ratls_status status = expect(ssl, channel, certificate);

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
    if (may_ask)
        ratls_sync_begin(ssl, &sync);
    status =
        ratls_appraise_submission(channel->rules, &submission, channel->report, &channel->error);
    if (may_ask)
        ratls_sync_end(&sync);
    return status;
}

static void learn_verify_mode(const SSL *ssl, struct ratls_channel *channel)
{
    int mode = SSL_get_verify_mode(ssl);

    if (channel->verify_mode < 0 || (mode & RATLS_VERIFY_MARK) == 0)
        channel->verify_mode = mode & ~RATLS_VERIFY_MARK;
}

void ratls_verdict_release(SSL *ssl, const struct ratls_channel *channel)
{
    SSL_set_verify(ssl, channel->verify_mode, SSL_get_verify_callback(ssl));
}

/*
 * OpenSSL looks at the verify mode once more behind the callback: a refusal must count although the
 * program has set SSL_VERIFY_NONE since the ClientHello. Behind an acceptance it has its own again.
 */
static void enforce_verdict(SSL *ssl, const struct ratls_channel *channel)
{
    if (channel->accepted)
        ratls_verdict_release(ssl, channel);
    else
        SSL_set_verify(ssl, SSL_get_verify_mode(ssl) | SSL_VERIFY_PEER | RATLS_VERIFY_MARK,
                       SSL_get_verify_callback(ssl));
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
    enum ratls_status status = RATLS_OK;

    (void)arg;
    if (tls == NULL || channel == NULL ||
        !(SSL_is_server(ssl) ? channel->demander != NULL : channel->asked))
        return chain;
    learn_verify_mode(ssl, channel);
    if (chain <= 0 && channel->verify_mode != SSL_VERIFY_NONE)
        return chain;
    if (ratls_verdict_is_deferred(ssl, channel)) {
        ratls_verdict_release(ssl, channel);
        return 1;
    }
    if (SSL_is_server(ssl))
        status = ratls_demand_choose_rules(channel, store, chain);
    if (status == RATLS_OK)
        status = appraise_peer(ssl, channel, X509_STORE_CTX_get0_cert(store));
    if (status == RATLS_OK && tls->watch != NULL && !SSL_is_server(ssl))
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

/* Set again in each handshake: the program may have replaced them since SSL_CTX_new(). */
void ratls_verdict_force(SSL *ssl, struct ratls_channel *channel, int set, int clear)
{
    int mode = SSL_get_verify_mode(ssl);

    learn_verify_mode(ssl, channel);
    SSL_CTX_set_cert_verify_callback(SSL_get_SSL_CTX(ssl), verify_certificate, NULL);
    SSL_set_verify(ssl, (mode & ~clear) | set | RATLS_VERIFY_MARK, SSL_get_verify_callback(ssl));
}
