/*
 * Challenge and answer on a TLS session that is there already (WIRE.md, 10): what
 * <ratls/exchange.h> hides, for all who carry the messages. Nothing here reads from or writes to
 * the session.
 */
#ifndef RATLS_EXCHANGE_INTERNAL_H
#define RATLS_EXCHANGE_INTERNAL_H

#include <openssl/ssl.h>

#include <ratls/exchange.h>

#include "answer_reader.h"
#include "challenge.h"
#include "channel.h"
#include "request_rules.h"

/*
 * The session's own values of a statement: mode and context by the turn, version, suite, nonce,
 * binder by the exporter, SPKI, time. certificate: the one of the side that attests; NULL: the one
 * that it showed in this session, or in the one that this one resumes. A client that showed none
 * has the SHA-256 of nothing. RATLS_USAGE before the exporter is there: exporter.h.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_exchange_expect(SSL *ssl, enum ratls_role attester, const X509 *certificate,
                      const uint8_t nonce[static RATLS_NONCE_LEN], const struct ratls_turn *turn,
                      struct ratls_expectation *ret, struct ratls_error *err);

/* ---- The side that attests ---- */

/* For what is known of the session (also in mode 2), what the peer's request asks. */
void ratls_attest_request_fill(const struct ratls_expectation *session,
                               const struct ratls_request *request,
                               struct ratls_attest_request *ret);

/*
 * What the attester is asked for this turn by this request. role: of this side. Also between a
 * server's Finished and the client's.
 */
RATLS_MUST_CHECK enum ratls_status ratls_exchange_request(SSL *ssl, enum ratls_role role,
                                                          const struct ratls_request *request,
                                                          const struct ratls_turn *turn,
                                                          struct ratls_attest_request *ret,
                                                          struct ratls_error *err);

/*
 * Whether a challenge with this counter may be answered on this session: RATLS_USAGE unless it is
 * higher than every one before; then it is the last. To be called before each answer, also in mode
 * 3 for the request of the ClientHello (0).
 */
RATLS_MUST_CHECK enum ratls_status ratls_exchange_count(SSL *ssl, uint64_t counter,
                                                        struct ratls_error *err);

/* ---- The side that asks ---- */

struct ratls_exchange {
    SSL *ssl;                    /* borrowed */
    struct ratls_policy *policy; /* keeps rules alive */
    struct ratls_rules *rules;
    enum ratls_role attester;              /* what the peer is */
    char peer_name[RATLS_SERVER_NAME_MAX]; /* "": none was meant */
    bool is_brief;                         /* reports have words only for what failed: findings.h */
    uint64_t next_counter;
    bool is_checked;              /* the session has an exporter: it will not lose it */
    bool is_open;                 /* a challenge waits for its answer, */
    bool is_streaming;            /* or behind an answer, another piece of evidence may come */
    struct ratls_request request; /* of the last challenge, answered or not */
    struct ratls_known known;
    int64_t asked_ms; /* when (ratls_peer_now_ms), on the clock of leases */
    struct ratls_answer_reader answer;
    struct ratls_accepted accepted; /* may be set: evidence of the handshake in mode 2 */
    int64_t anchored_ms;            /* when the challenge was sent that `accepted` answers */
};

/*
 * A challenge: period_ms 0, or how often evidence is wanted from now on. *ret_challenge is
 * malloc'd, the caller frees it. Voids one that is open, and what was streamed.
 */
RATLS_MUST_CHECK enum ratls_status ratls_exchange_ask(struct ratls_exchange *x, uint64_t period_ms,
                                                      uint8_t **ret_challenge, size_t *ret_len,
                                                      struct ratls_error *err);
/*
 * The request of the handshake stands for the first challenge (mode 3). asked_ms: when the
 * ClientHello was sent. known: NULL: nothing. RATLS_USAGE if there was a challenge already.
 */
RATLS_MUST_CHECK enum ratls_status ratls_exchange_adopt(struct ratls_exchange *x,
                                                        const struct ratls_request *request,
                                                        const struct ratls_ledger_row *known,
                                                        int64_t asked_ms, struct ratls_error *err);

/*
 * One piece, as it came. *ret_complete: the answer can be judged; a refusal need not wait for the
 * rest of it. Pieces that go on with an answer to an earlier challenge than the open one are passed
 * over: they crossed on the way. RATLS_USAGE if nothing is awaited.
 */
RATLS_MUST_CHECK enum ratls_status ratls_exchange_take(struct ratls_exchange *x,
                                                       struct ratls_slice piece, bool *ret_complete,
                                                       struct ratls_error *err);
/*
 * The verdict on the answer that is complete. RATLS_OK or RATLS_REJECTED with *ret_report, which
 * the caller frees; else it could not work. In every case the challenge is used up. After RATLS_OK
 * the next in its sequence may come, taken and judged in the same way.
 */
RATLS_MUST_CHECK enum ratls_status ratls_exchange_judge(struct ratls_exchange *x,
                                                        struct ratls_report **ret_report,
                                                        struct ratls_error *err);

#endif
