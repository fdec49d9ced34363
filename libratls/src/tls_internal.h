/* Between the files of the TLS layer, and for the provider and the tool. */
#ifndef RATLS_TLS_INTERNAL_H
#define RATLS_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include <ratls/tls.h>

#include "channel.h"
#include "spki_memory.h"
#include "tls_sync.h"

/* Called with every verdict, and when a handshake fails because this side cannot work. */
typedef void ratls_tls_log_fn(const SSL *ssl, const struct ratls_channel *channel);

/* SSL_SESSION_set_time() is deprecated since OpenSSL 3.4; what replaces it is new in 3.3. */
#if OPENSSL_VERSION_PREREQ(3, 3)
#define ratls_session_set_time SSL_SESSION_set_time_ex
#else
#define ratls_session_set_time SSL_SESSION_set_time
#endif

/* Its functions hold a lock of QUIC around our callbacks: what takes that would wait for ever. */
bool ratls_is_quic_of_openssl(const SSL *ssl);
/* Likewise, and of other libraries (SSL_set_quic_tls_cbs()): those lose their parameters by it. */
bool ratls_is_quic(SSL *ssl);

typedef SSL_SESSION *ratls_get_session_fn(SSL *ssl, const unsigned char *id, int len,
                                          int *ret_copy);

/* What one SSL_CTX was told to do. */
struct ratls_tls {
    struct ratls_attester *attester; /* NULL: does not attest */
    struct ratls_policy *policy;     /* NULL: does not verify */
    bool verifies;                   /* also without a policy: then every handshake fails */
    struct ratls_policy *clients;    /* NULL: demands no evidence of clients */
    bool demands;                    /* likewise, as a server */
    bool unlisted_plain;             /* names that no policy speaks for are left alone */
    bool collects;                   /* asks for evidence, keeps it, refuses always */
    struct ratls_pcr_selection collected;
    struct ratls_log_request collected_logs;
    bool begins_anew;                /* as if no key and no log were known (request_rules.h) */
    struct ratls_sync_settings sync; /* of further requests beside a handshake */
    unsigned extension;
    struct ratls_error attester_failure; /* status RATLS_OK: none */
    struct ratls_error policy_failure;
    struct ratls_error clients_failure;
    ratls_tls_log_fn *log;
    const char *watch; /* where accepted connections are announced, or not made; NULL: nowhere */
    bool brief;       /* reports have words only for what failed: see findings.h */
    bool client_only; /* the context cannot serve: every handshake of it is seen by us */
    struct ratls_spki_memory shown; /* certificates of this side */

    SSL_CTX *ctx;
    struct ratls_tls *next; /* another context's: tls_contexts.h */

    pthread_mutex_t lock;                           /* of the keylog callback, and of: */
    unsigned handshakes;                            /* that are counted: keylog.c */
    atomic_bool keeps_keylog;                       /* no handshake takes the callback away */
    _Atomic(SSL_CTX_keylog_cb_func) chained_keylog; /* the program's own */
    void (*chained_info)(const SSL *ssl, int where, int result); /* likewise, if it demands */
    _Atomic(ratls_get_session_fn *) chained_get_session;
    bool sees_sessions; /* under the lock: all contexts have been looked at with this one */
};

/* OpenSSL's callbacks are shown as const what they may well change. */
static inline SSL *ratls_mutable(const SSL *ssl)
{
    union {
        const SSL *in;
        SSL *out;
    } same = {.in = ssl};

    return same.out;
}

/* What an SSL_CTX was told, or NULL. */
struct ratls_tls *ratls_tls_of(const SSL *ssl);
struct ratls_tls *ratls_tls_of_context(const SSL_CTX *ctx);

/*
 * Hooks the context, once; *ret_tls is owned by it. RATLS_USAGE if somebody else's extension of
 * that number is there.
 */
RATLS_MUST_CHECK enum ratls_status ratls_tls_hook(SSL_CTX *ctx, unsigned extension,
                                                  struct ratls_tls **ret_tls,
                                                  struct ratls_error *err);

/*
 * For `ratls probe` and `ratls policy learn`: asks for evidence about a selection, and for logs
 * (NULL: none), keeps it, and ends every handshake with a refusal once the server's Certificate
 * message is in.
 */
RATLS_MUST_CHECK enum ratls_status ratls_tls_collect(SSL_CTX *ctx,
                                                     const struct ratls_pcr_selection *selection,
                                                     const struct ratls_log_request *logs,
                                                     struct ratls_error *err);

/* What this side expected of the evidence; NULL before the Certificate message was in. */
const struct ratls_expectation *ratls_tls_expectation(const SSL *ssl);

/*
 * keylog.c: sees to it that the binder of this connection becomes known. Every handshake of a
 * client is counted from its ClientHello, asked or not, to its end; one of a server from its
 * ServerHello until the binder is known. end may be called twice. keep: for good.
 */
RATLS_MUST_CHECK bool ratls_keylog_begin(const SSL *ssl, struct ratls_tls *tls,
                                         struct ratls_channel *channel);
void ratls_keylog_install(const SSL *ssl, struct ratls_tls *tls);
void ratls_keylog_keep(SSL_CTX *ctx, struct ratls_tls *tls);
void ratls_keylog_end(struct ratls_channel *channel);

/* tls_client.c and tls_server.c: the halves of the extension's callbacks. */
int ratls_client_add_request(SSL *ssl, struct ratls_tls *tls, const unsigned char **out,
                             size_t *ret_len, int *alert);
/* Of the peer, whichever side it is. */
int ratls_peer_parse_evidence(SSL *ssl, struct ratls_slice in, bool in_place);
int ratls_server_parse_request(SSL *ssl, struct ratls_tls *tls, struct ratls_slice in, int *alert);
void ratls_server_await_binder(const SSL *ssl, struct ratls_tls *tls);
int ratls_server_add_evidence(SSL *ssl, struct ratls_tls *tls, X509 *certificate,
                              const unsigned char **out, size_t *ret_len, int *alert);

/*
 * tls_offers.c: what the request of a connection offers, and the server's word on it. Without a
 * connection on both sides nothing is offered, nothing acknowledged.
 */
unsigned ratls_client_offers(const SSL *ssl, const struct ratls_channel *channel);
int ratls_client_parse_acknowledgement(const SSL *ssl, struct ratls_slice in, int *alert);
int ratls_server_add_acknowledgement(const SSL *ssl, const struct ratls_tls *tls,
                                     const unsigned char **out, size_t *ret_len, int *alert);

/*
 * tls_ticket.c: sessions that a server hands out lapse when its measured state changes. keep:
 * behind the evidence of a handshake, the first piece of it if it has several.
 */
void ratls_server_keep_state(struct ratls_channel *channel, struct ratls_slice evidence);
RATLS_MUST_CHECK bool ratls_server_watch_tickets(SSL_CTX *ctx);
void ratls_server_watch_sessions(const SSL *ssl, struct ratls_tls *tls);
void ratls_sessions_watch(SSL_CTX *ctx, struct ratls_tls *tls);

/* tls_resume.c: a client's sessions, before the ClientHello and behind the handshake. */
void ratls_client_choose_session(SSL *ssl, struct ratls_channel *channel);
void ratls_client_judge_resumption(const SSL *ssl, struct ratls_channel *channel);

/*
 * tls_rules.c: by the name that the program verifies. *ret_plain: no rules apply, and the
 * configuration lets such names alone.
 */
RATLS_MUST_CHECK enum ratls_status ratls_client_choose_rules(SSL *ssl, struct ratls_tls *tls,
                                                             struct ratls_channel *channel,
                                                             bool *ret_plain);

/*
 * tls_verdict.c, of both sides: the verdict falls in the context's certificate verify callback. The
 * SSL's verify mode gets `set` and loses `clear`; what the program asked for is learned before. The
 * mark tells our mode from one that the program has set since, were it only SSL_VERIFY_PEER.
 */
#define RATLS_VERIFY_MARK 0x40000000 /* OpenSSL looks only at its own bits */
void ratls_verdict_force(SSL *ssl, struct ratls_channel *channel, int set, int clear);
/* The program has its own verify mode again: the verdict does not hang on it any more. */
void ratls_verdict_release(SSL *ssl, const struct ratls_channel *channel);
/* The verdict on the server falls behind the handshake, in a connection. */
bool ratls_verdict_is_deferred(const SSL *ssl, const struct ratls_channel *channel);
/* tls_client.c, of both sides: the info callback of an SSL, and of a context. */
void ratls_progress_watch(SSL *ssl, struct ratls_channel *channel);
void ratls_progress_watch_context(SSL_CTX *ctx, struct ratls_tls *tls);
/* No info callback but that one will be called when the handshake that goes on fails. */
bool ratls_progress_is_watched(const SSL *ssl, const struct ratls_channel *channel);

/*
 * tls_demand.c: a server that demands evidence. install: of every server of the context, from now
 * on; the policy is set by then; false: out of memory. guard: whatever the program has set since,
 * this handshake asks for it; may be called at any time.
 */
RATLS_MUST_CHECK bool ratls_demand_install(SSL_CTX *ctx, struct ratls_tls *tls);
void ratls_demand_guard(SSL *ssl);
void ratls_demand_progress(SSL *ssl, int where);
int ratls_demand_add_request(SSL *ssl, const unsigned char **out, size_t *ret_len, int *alert);

/* tls_clients.c: what to ask for, and by whose rules to judge it. chain: X509_verify_cert()'s. */
RATLS_MUST_CHECK enum ratls_status ratls_demand_fill_request(const struct ratls_tls *tls,
                                                             struct ratls_channel *channel);
RATLS_MUST_CHECK enum ratls_status ratls_demand_choose_rules(struct ratls_channel *channel,
                                                             X509_STORE_CTX *store, int chain);

/* tls_answer.c: a client that attests to a server that it has accepted. */
int ratls_client_parse_demand(SSL *ssl, const struct ratls_tls *tls, struct ratls_slice in,
                              int *alert);
int ratls_client_add_evidence(SSL *ssl, struct ratls_tls *tls, X509 *certificate,
                              const unsigned char **out, size_t *ret_len, int *alert);
/* tls_server.c: the evidence of this side, in this role; the caller frees *ret_evidence. */
RATLS_MUST_CHECK enum ratls_status ratls_channel_attest(SSL *ssl, struct ratls_tls *tls,
                                                        struct ratls_channel *channel,
                                                        enum ratls_role role, X509 *certificate,
                                                        uint8_t **ret_evidence, size_t *ret_len);

/* tls_request.c: once for the two ClientHellos of a handshake. */
RATLS_MUST_CHECK enum ratls_status ratls_client_fill_request(const SSL *ssl,
                                                             const struct ratls_tls *tls,
                                                             struct ratls_channel *channel);

/* The session's own values of a statement in mode 2: version, suite, nonce, binder; no SPKI. */
RATLS_MUST_CHECK enum ratls_status
ratls_channel_session(SSL *ssl, const struct ratls_channel *channel, enum ratls_role attester,
                      struct ratls_expectation *ret, struct ratls_error *err);

/* errors.c: puts the reason on OpenSSL's error stack, where programs look for it. */
void ratls_raise_refusal(const struct ratls_report *report);
void ratls_raise_error(const struct ratls_error *err);

#endif
