#include "exporter.h"

#include <string.h>

#include "fail.h"

#define SERVER_LABEL "EXPORTER-ratls-server"
#define CLIENT_LABEL "EXPORTER-ratls-client"

/*
 * RFC 8446, 7.1: exporter_master_secret covers the messages up to the server's Finished. OpenSSL
 * has no question for it, and would derive a value of zeros before; so we ask where the handshake
 * is. All of these states come behind that message, or behind the handshake.
 */
static bool has_exporter(const SSL *ssl)
{
    switch (SSL_get_state(ssl)) {
    case TLS_ST_OK:
        return true;
    case TLS_ST_EARLY_DATA: /* the server's Finished is written; nothing of the client is read */
    case TLS_ST_SR_END_OF_EARLY_DATA:
    case TLS_ST_SR_CERT:
    case TLS_ST_SR_CERT_VRFY:
    case TLS_ST_SR_FINISHED:
    case TLS_ST_SW_SESSION_TICKET:
#if OPENSSL_VERSION_PREREQ(3, 2) /* RFC 8879: a Certificate message that is compressed */
    case TLS_ST_SR_COMP_CERT:
#endif
        return SSL_is_server(ssl);
#if OPENSSL_VERSION_PREREQ(3, 2)
    case TLS_ST_CW_COMP_CERT:
#endif
    case TLS_ST_CW_CERT:
    case TLS_ST_CW_CERT_VRFY:
    case TLS_ST_CW_FINISHED:
    case TLS_ST_CR_SESSION_TICKET:
        return !SSL_is_server(ssl);
    default:
        return false;
    }
}

enum ratls_status ratls_exporter_binder(SSL *ssl, enum ratls_role attester,
                                        const uint8_t nonce[static RATLS_NONCE_LEN],
                                        struct ratls_slice context,
                                        uint8_t out[static RATLS_BINDER_LEN],
                                        struct ratls_error *err)
{
    const char *label = attester == RATLS_ROLE_SERVER ? SERVER_LABEL : CLIENT_LABEL;
    uint8_t bound[RATLS_NONCE_LEN + RATLS_CONTEXT_MAX];
    struct ratls_writer w = ratls_writer(bound, sizeof bound);

    if (SSL_version(ssl) != TLS1_3_VERSION)
        return ratls_fail(err, RATLS_USAGE, "attestation needs TLS 1.3; the connection is %s",
                          SSL_get_version(ssl));
    if (!has_exporter(ssl))
        return ratls_fail(err, RATLS_USAGE, "the TLS handshake is not finished: attest behind it");
    ratls_write_bytes(&w, ratls_slice(nonce, RATLS_NONCE_LEN));
    ratls_write_bytes(&w, context);
    if (w.failed)
        return ratls_fail(err, RATLS_USAGE, "a context of more than %d bytes", RATLS_CONTEXT_MAX);
    if (SSL_export_keying_material(ssl, out, RATLS_BINDER_LEN, label, strlen(label), bound, w.len,
                                   1) != 1)
        return ratls_fail_openssl(err, "no exporter of the TLS session");
    return RATLS_OK;
}
