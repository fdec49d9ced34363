/* What the tool needs of the TLS side beyond <ratls/tls.h>. */
#ifndef RATLS_TLS_INTERNAL_H
#define RATLS_TLS_INTERNAL_H

#include <openssl/types.h>

#include <ratls/attester.h>
#include <ratls/tls.h>
#include <ratls/verifier.h>

/*
 * For whoever has no policy yet: every client handshake of the context asks for evidence about
 * these PCRs, keeps what comes for ratls_tls_evidence(), and always ends in a refusal after the
 * server's Certificate message. Nothing that a program writes can leave.
 */
RATLS_MUST_CHECK enum ratls_status ratls_tls_collect(SSL_CTX *ctx,
                                                     const struct ratls_pcr_selection *selection,
                                                     struct ratls_error *ret_error);

/*
 * What this side knows about its channel, to appraise the evidence again: after ratls_tls_verify()
 * and ratls_tls_collect(), from the server's Certificate message on; NULL before. Belongs to the
 * SSL, its server_name too. `now` is the time of that message.
 */
const struct ratls_expectation *ratls_tls_expectation(const SSL *ssl);

#endif
