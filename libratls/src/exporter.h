/* The binder of modes 3 and 4, and of mode 2 in role client (WIRE.md, 5): RFC 8446, 7.5. */
#ifndef RATLS_EXPORTER_H
#define RATLS_EXPORTER_H

#include <openssl/ssl.h>

#include <ratls/attester.h>

#include "bytes.h"

/*
 * TLS-Exporter("EXPORTER-ratls-server" or "EXPORTER-ratls-client", nonce || context, 32), by the
 * role of the side that attests. As soon as the exporter is there: on a client from its Certificate
 * message on, on a server from its own Finished on, also while the client's is awaited. Before
 * that, and on any other version than TLS 1.3, RATLS_USAGE.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_exporter_binder(SSL *ssl, enum ratls_role attester,
                      const uint8_t nonce[static RATLS_NONCE_LEN], struct ratls_slice context,
                      uint8_t out[static RATLS_BINDER_LEN], struct ratls_error *err);

#endif
