/*
 * Attestation on an SSL_CTX of OpenSSL 3 (TLS 1.3).
 *
 * A server attests with ratls_tls_attest(), a client verifies with ratls_tls_verify(); one SSL_CTX
 * may do both. A client's handshake fails unless its policy accepts the server: nothing that the
 * program writes leaves before that. The functions replace the context's keylog callback (and chain
 * to the program's) and, in the client role, its certificate verify callback.
 */
#ifndef RATLS_TLS_H
#define RATLS_TLS_H

#include <openssl/types.h>

#include <ratls/attester.h>
#include <ratls/policy.h>
#include <ratls/report.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATLS_TLS_EXTENSION_DEFAULT 65300 /* private use, RFC 8446, 11 */

/*
 * Every server handshake whose client asks for it carries fresh evidence from this attester. The
 * context takes its own reference. A client that does not ask notices nothing. RATLS_USAGE if the
 * context has the extension already (for example from the provider).
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status ratls_tls_attest(SSL_CTX *ctx,
                                                              struct ratls_attester *attester,
                                                              struct ratls_error *ret_error);

/*
 * Every client handshake asks for evidence and fails without evidence that the policy accepts, with
 * SSL_R_CERTIFICATE_VERIFY_FAILED and X509_V_ERR_APPLICATION_VERIFICATION. PKI verification stays
 * what the program asked for. The rules are chosen by the name that the program verifies against
 * (SSL_set1_host), else by the SNI; both present and different: refused. An SSL that was made
 * before is not covered: call this before the first SSL_new().
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tls_verify(SSL_CTX *ctx, struct ratls_policy *policy, struct ratls_error *ret_error);

/*
 * Every server handshake demands evidence of its client, and fails without evidence that the policy
 * accepts: nothing is read or written before. The rules are those that speak for clients (policy
 * key `clients`), chosen by the DNS names of the client's certificate if its chain has verified, of
 * which they may name one; else those for every client. PKI verification stays what the program
 * asked for; a certificate is always asked for, and sessions are not resumed. Of an SSL_CTX to
 * which a server changes (SNI) too: call it for each. RATLS_USAGE if the policy has no rules for
 * clients, or if they want logs of different banks.
 *
 * A client answers if its SSL_CTX has an attester (ratls_tls_attest()) and its own policy has
 * accepted the server in this handshake. It attests to nobody else.
 *
 * After the handshake SSL_verify_client_post_handshake() asks again, for new evidence with a new
 * nonce, of a client that takes such requests (SSL_set_post_handshake_auth()).
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_tls_verify_clients(SSL_CTX *ctx, struct ratls_policy *policy, struct ratls_error *ret_error);

/*
 * The report of a client's handshake, or NULL if none was made (yet). It belongs to the SSL.
 * Ask it also after a failed handshake: it says what was wrong.
 */
RATLS_API const struct ratls_report *ratls_tls_report(const SSL *ssl);

/*
 * Why a handshake failed when it was not the peer's fault (no rules for this name, TPM gone), or
 * NULL. Belongs to the SSL.
 */
RATLS_API const struct ratls_error *ratls_tls_error(const SSL *ssl);

/*
 * The evidence that the server sent in this client's handshake, as it came, and its length; NULL
 * and 0 if there was none. Of an attestation key that this process knows under the same policy it
 * has neither public area nor certificates (WIRE.md, 3). Belongs to the SSL.
 */
RATLS_API const uint8_t *ratls_tls_evidence(const SSL *ssl, size_t *ret_len);

#ifdef __cplusplus
}
#endif
#endif
