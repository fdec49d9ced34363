/*
 * Attestation on a TLS 1.3 session whose messages the program carries by itself: in an HTTP
 * request, gRPC metadata, a field of its own protocol, before or behind STARTTLS. One side makes a
 * challenge, the other answers it, the first checks the answer (WIRE.md, 10). The evidence is bound
 * to this very session by its exporter (RFC 8446, 7.5), so it does not matter over which way the
 * bytes come.
 *
 * It works on any SSL of TLS 1.3, resumed or not, that has finished its handshake, and for both
 * roles. The session itself is never read from or written to.
 */
#ifndef RATLS_EXCHANGE_H
#define RATLS_EXCHANGE_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include <ratls/attester.h>
#include <ratls/policy.h>
#include <ratls/report.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATLS_EXCHANGE_CHALLENGE_MAX 1100 /* bytes of a challenge */
#define RATLS_EXCHANGE_ANSWER_MAX                                                                  \
    (17u << 20) /* bytes of an answer; without IMA less than 64 KiB                                \
                 */

struct ratls_exchange; /* the side that asks, on one session */

/*
 * For asking the peer of this session. attester: what the peer is, RATLS_ROLE_SERVER on a client.
 * peer_name: the DNS name or IP address that this side means, which chooses the rules of the
 * policy (for servers or for clients); NULL: none, and only rules for every name apply. Takes a
 * reference of the policy and borrows the SSL, which must outlive it. RATLS_USAGE if the policy has
 * no rules for the name. The caller frees it with ratls_exchange_free(). One exchange for one
 * session: each counts its challenges, and a peer answers no count twice. As an SSL, it is used by
 * one thread at a time.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_exchange_new(SSL *ssl, struct ratls_policy *policy, const char *peer_name,
                   enum ratls_role attester, struct ratls_exchange **ret_exchange,
                   struct ratls_error *ret_error);
RATLS_API void ratls_exchange_free(struct ratls_exchange *exchange); /* accepts NULL */

/*
 * A challenge with a fresh nonce, of at most RATLS_EXCHANGE_CHALLENGE_MAX bytes, for the peer to
 * answer; one that is open becomes void. *ret_challenge is malloc'd, the caller frees it.
 * RATLS_USAGE on a session that is not TLS 1.3, or not finished.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_exchange_challenge(struct ratls_exchange *exchange, uint8_t **ret_challenge, size_t *ret_len,
                         struct ratls_error *ret_error);

/*
 * What the peer says to the challenge. RATLS_OK: the policy accepts the peer as it is now;
 * RATLS_REJECTED: it does not, and the program must close the session. In both cases *ret_report
 * says why, and the caller frees it; another status: this side could not work. Once for each
 * challenge: RATLS_USAGE if none is open. From the first answer on, the peer must be the same
 * attestation key in the same boot of its machine.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_exchange_check(struct ratls_exchange *exchange, const uint8_t *answer, size_t answer_len,
                     struct ratls_report **ret_report, struct ratls_error *ret_error);

/*
 * The side that attests: answers a challenge of the peer of this session. role: of this side,
 * RATLS_ROLE_SERVER on a server. *ret_answer is malloc'd, the caller frees it; at most
 * RATLS_EXCHANGE_ANSWER_MAX bytes, which an IMA list can need. Waits for the attester. A server may
 * answer as soon as its own Finished is out. RATLS_MALFORMED if it is no challenge; RATLS_USAGE for
 * one that is not newer than the last on this session, for another version than TLS 1.3, or before
 * the handshake is finished; RATLS_LIMIT for the eleventh in a second on one session: each answer
 * costs a signature of the TPM. That challenge is not used up. How many sessions a peer may have is
 * the program's business.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_exchange_answer(SSL *ssl, enum ratls_role role, struct ratls_attester *attester,
                      const uint8_t *challenge, size_t challenge_len, uint8_t **ret_answer,
                      size_t *ret_len, struct ratls_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
