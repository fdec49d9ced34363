/* What challenge and answer take from the TLS session, on both sides. */
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "exchange.h"
#include "exporter.h"
#include "fail.h"

/* The side of this SSL is the one that attests. */
static bool is_own(const SSL *ssl, enum ratls_role attester)
{
    return (attester == RATLS_ROLE_SERVER) == (SSL_is_server(ssl) == 1);
}

/*
 * A client has one configured that the server may never have asked for: it was shown if it signed.
 * Who resumes a session signs nothing; there it counts as shown before.
 */
static const X509 *find_own_certificate(const SSL *ssl)
{
    int nid;

    if (!SSL_is_server(ssl) && !SSL_session_reused(ssl) && !SSL_get_signature_type_nid(ssl, &nid))
        return NULL;
    return SSL_get_certificate(ssl);
}

static const X509 *find_certificate(const SSL *ssl, enum ratls_role attester)
{
    return is_own(ssl, attester) ? find_own_certificate(ssl) : SSL_get0_peer_certificate(ssl);
}

static enum ratls_status hash_key(const X509 *certificate, enum ratls_role attester,
                                  uint8_t out[static RATLS_SPKI_HASH_LEN], struct ratls_error *err)
{
    if (certificate != NULL)
        return ratls_spki_sha256(certificate, out, err);
    if (attester == RATLS_ROLE_SERVER)
        return ratls_fail(err, RATLS_USAGE, "the session has no X.509 certificate of the server");
    return ratls_sha256(ratls_slice(NULL, 0), out, err);
}

enum ratls_status ratls_exchange_expect(SSL *ssl, enum ratls_role attester, const X509 *certificate,
                                        const uint8_t nonce[static RATLS_NONCE_LEN],
                                        const struct ratls_turn *turn,
                                        struct ratls_expectation *ret, struct ratls_error *err)
{
    struct ratls_expectation e = {.mode = ratls_turn_mode(turn),
                                  .role = attester,
                                  .tls_version = (uint16_t)SSL_version(ssl),
                                  .now = time(NULL),
                                  .counter = turn->counter,
                                  .sequence = turn->sequence};
    uint8_t context[RATLS_TURN_CONTEXT_LEN];
    enum ratls_status status = ratls_exporter_binder(
        ssl, attester, nonce, ratls_turn_context(turn, context), e.binder, err);
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);

    if (cipher == NULL)
        cipher = SSL_get_current_cipher(ssl);
    if (status == RATLS_OK && cipher == NULL)
        status = ratls_fail(err, RATLS_CRYPTO, "OpenSSL does not say which cipher suite it uses");
    if (status == RATLS_OK)
        status = hash_key(certificate == NULL ? find_certificate(ssl, attester) : certificate,
                          attester, e.spki_sha256, err);
    if (status != RATLS_OK)
        return status;
    e.cipher_suite = SSL_CIPHER_get_protocol_id(cipher);
    memcpy(e.nonce, nonce, sizeof e.nonce);
    *ret = e;
    return RATLS_OK;
}

static enum ratls_status check_role(const SSL *ssl, enum ratls_role role, struct ratls_error *err)
{
    if ((role == RATLS_ROLE_SERVER || role == RATLS_ROLE_CLIENT) && is_own(ssl, role))
        return RATLS_OK;
    return ratls_fail(err, RATLS_USAGE, "this side of the session is not the %s",
                      role == RATLS_ROLE_SERVER ? "server" : "client");
}

void ratls_attest_request_fill(const struct ratls_expectation *session,
                               const struct ratls_request *request,
                               struct ratls_attest_request *ret)
{
    const struct ratls_turn turn = {.counter = session->counter, .sequence = session->sequence};
    struct ratls_attest_request filled = {
        .mode = session->mode,
        .role = session->role,
        .tls_version = session->tls_version,
        .cipher_suite = session->cipher_suite,
    };

    ratls_request_to_attest(request, &filled);
    memcpy(filled.nonce, session->nonce, sizeof filled.nonce);
    memcpy(filled.binder, session->binder, sizeof filled.binder);
    memcpy(filled.spki_sha256, session->spki_sha256, sizeof filled.spki_sha256);
    filled.context_len = ratls_turn_context(&turn, filled.context).len;
    *ret = filled;
}

enum ratls_status ratls_exchange_request(SSL *ssl, enum ratls_role role,
                                         const struct ratls_request *request,
                                         const struct ratls_turn *turn,
                                         struct ratls_attest_request *ret, struct ratls_error *err)
{
    struct ratls_expectation session;
    enum ratls_status status = check_role(ssl, role, err);

    if (status == RATLS_OK)
        status = ratls_exchange_expect(ssl, role, NULL, request->nonce, turn, &session, err);
    if (status == RATLS_OK)
        ratls_attest_request_fill(&session, request, ret);
    return status;
}

enum ratls_status ratls_exchange_count(SSL *ssl, uint64_t counter, struct ratls_error *err)
{
    struct ratls_channel *channel = ratls_channel_begin(ssl);

    if (channel == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (channel->has_answered && counter <= channel->answered)
        return ratls_fail(err, RATLS_USAGE,
                          "a challenge that is not newer than the last one on this session");
    channel->has_answered = true;
    channel->answered = counter;
    return RATLS_OK;
}
