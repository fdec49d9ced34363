/* What one SSL knows of its attestation: the per-connection state of the TLS callbacks. */
#ifndef RATLS_CHANNEL_H
#define RATLS_CHANNEL_H

#include <openssl/ssl.h>

#include <ratls/verifier.h>

#include "findings.h"
#include "measured.h"
#include "moment.h"
#include "quota.h"
#include "request_rules.h"
#include "rules.h"

#define RATLS_SERVER_NAME_MAX 256 /* with its final NUL; RFC 1035 allows 255 octets */

struct ratls_channel {
    /* Of the connection that the SSL belongs to, and outlives a handshake; 0: there is none. */
    unsigned speaks; /* enum ratls_offer: what it can do */

    uint8_t client_random[SSL3_RANDOM_SIZE]; /* tells a HelloRetryRequest from a new handshake */
    bool asked;                              /* a request was sent (client) or received (server) */
    struct ratls_moment asked_at; /* of a client: when its evidence was asked for, also if that was
                                     in the handshake that this one resumes */
    struct ratls_request request;
    uint64_t read_before; /* bytes that the BIO had read before TLS: those of STARTTLS and such */
    unsigned agreed;      /* of the request's offers, those that the server acknowledged */
    bool bound;           /* binder is known */
    uint8_t binder[RATLS_BINDER_LEN];
    bool has_attested; /* of a server: in this handshake, in this state (measured.h): */
    uint8_t measured[RATLS_MEASURED_LEN];
    bool has_answered; /* challenges on the finished session, of which this was the last: */
    uint64_t answered;
    struct ratls_quota challenges; /* for which the program wanted an answer (exchange.h) */

    /* The same of the CertificateRequest: sent (server that demands) or received (client). */
    bool demanded;
    struct ratls_request demand;
    struct ratls_quota demands; /* that a client answers */
    struct ratls_pause *pause;  /* of its last ASYNC job (tls_pause.h); the job's; NULL: none */
    bool is_watched;            /* by our info callback, since its handshake began */
    /* Of a server only, as long as the SSL is: */
    SSL_CTX *demander; /* the last of its SSL_CTX that demands evidence; a reference; NULL: none */
    bool holds;        /* nothing may be written before the verdict */

    /* Of who appraises its peer. The first two are the program's, and outlive a handshake: */
    int verify_mode; /* what it asked for, without our SSL_VERIFY_PEER */
    void (*chained_info)(const SSL *ssl, int where, int result); /* its info callback, or NULL */
    SSL_CTX *counted;            /* in whose ratls_tls.handshakes this one is; a reference */
    struct ratls_policy *policy; /* keeps rules alive */
    struct ratls_rules *rules;   /* NULL while collecting */
    struct ratls_ledger_row *known; /* of the peer's list, when it was asked; NULL: nothing */
    char server_name[RATLS_SERVER_NAME_MAX]; /* of the peer; "": not said, or not certified */
    uint8_t *evidence;
    size_t evidence_len;
    bool present;   /* the extension came */
    bool misplaced; /* it came twice, or not in entry 0 of the Certificate message */
    struct ratls_session_record *offered; /* of the session that may be resumed; NULL: none may */
    bool accepted;  /* and announced, where somebody watches */
    struct ratls_expectation expectation;
    struct ratls_report *report;
    struct ratls_error error;
};

/* The channel of an SSL, or NULL if it has none. */
struct ratls_channel *ratls_channel_of(const SSL *ssl);

/* The same, made if there is none. NULL if memory is short. */
struct ratls_channel *ratls_channel_make(SSL *ssl);

/*
 * The channel of the handshake that this SSL is in: made anew if the client random is another than
 * the one it was made for, so that a second ClientHello after HelloRetryRequest finds the first
 * one's nonce. NULL if memory is short.
 */
struct ratls_channel *ratls_channel_begin(SSL *ssl);

/*
 * What to ask the peer for by these rules (request_rules.h); what is known of its list is kept.
 */
RATLS_MUST_CHECK enum ratls_status ratls_channel_ask(struct ratls_channel *channel,
                                                     const struct ratls_rules *rules,
                                                     const char *peer_name, bool begins_anew,
                                                     struct ratls_request *ret_request);

/*
 * No verdict accepted the peer, and none will: neither SSL_read() nor SSL_write() works from now
 * on. An SSL_write() that the handshake is part of does not look again: it finds a BIO that takes
 * nothing.
 */
void ratls_channel_close(SSL *ssl);

#endif
