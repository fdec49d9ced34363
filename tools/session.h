/* One TLS handshake with a server, on which nothing is ever sent. */
#ifndef RATLS_TOOL_SESSION_H
#define RATLS_TOOL_SESSION_H

#include <openssl/types.h>

#include <ratls/tls.h>

#include "connect.h"
#include "tls_sync.h"
#include "view.h"

#define RATLS_TIMEOUT_DEFAULT_S 10

struct ratls_session_options {
    const char *server;            /* HOST:PORT */
    const struct ratls_peer *peer; /* in its place, if not NULL: the address of a connection */
    bool sni_left_out;             /* as by a program that only verifies the name */
    const char *server_name; /* that the certificate and the policy are to name; NULL: HOST */
    const char *ca;          /* PEM; NULL: the authorities of the system */
    bool pki_ignored;
    unsigned timeout_s; /* of each step: connecting, the handshake, one further request */
    unsigned all_s;     /* of everything together; 0: as long as it goes on */
    struct ratls_policy *policy;                 /* NULL: only collect evidence, then refuse */
    const struct ratls_pcr_selection *selection; /* what to collect */
    const struct ratls_log_request *logs;        /* and with it; NULL: no logs */
    unsigned extension;                          /* number of the TLS extension; 0: the default */
    bool begins_anew; /* asks as if no key and no log were known */
    /* Called with the answer to each further request for logs; NULL: nobody. */
    void (*seen)(void *arg, struct ratls_slice evidence);
    void *seen_arg;
};

/*
 * The operands of a command that takes one server. RATLS_EXIT_OK, or the exit code of the complaint
 * about them or about the options.
 */
int ratls_session_operand(struct ratls_session_options *options, int count, char **operands);

enum ratls_session_end {
    RATLS_SESSION_CONNECTED, /* appraised and accepted, by the PKI too */
    RATLS_SESSION_REFUSED,   /* by the appraisal: ratls_tls_report() says why; or only collected */
    RATLS_SESSION_PKI,       /* the certificate did not verify; there may be a report */
    RATLS_SESSION_FAILED,    /* there was nothing to appraise */
};

struct ratls_session {
    struct ratls_endpoint endpoint;
    const char *server_name; /* borrowed from the options, or of the endpoint */
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    struct ratls_peer peer;
    struct ratls_sync sync;
    int64_t deadline_ms; /* of everything together, where there is one */
    enum ratls_session_end end;
};

/*
 * Shakes hands. RATLS_OK unless end would be RATLS_SESSION_FAILED. The caller closes the session in
 * every case.
 */
RATLS_MUST_CHECK enum ratls_status ratls_session_open(const struct ratls_session_options *options,
                                                      struct ratls_session *session,
                                                      struct ratls_error *err);
void ratls_session_close(struct ratls_session *session);

/* More of the logs of a server from which evidence was collected; belongs to the session. */
struct ratls_more *ratls_session_more(struct ratls_session *session);

/* Why the PKI refused, in words. */
const char *ratls_session_pki_reason(const struct ratls_session *session);
/* Another certificate authority might help. */
bool ratls_session_pki_issuer_unknown(const struct ratls_session *session);

/* Version, cipher, certificate: as far as the handshake came. */
void ratls_session_describe(struct ratls_view *v, const struct ratls_session *session);

#endif
