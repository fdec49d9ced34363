/*
 * What a machine asks of a CA's service (WIRE.md, 14), and what the service may say to it. Nothing
 * is believed because of the connection: who reads the messages checks them.
 */
#ifndef RATLS_TOOL_CA_CLIENT_H
#define RATLS_TOOL_CA_CLIENT_H

#include "enroll_message.h"
#include "http.h"

struct ratls_ca_client {
    const char *url;
    const char *tls_ca; /* NULL: the system's */
    int64_t until_ms;   /* by ratls_ca_client_clock_ms(): until then, what may pass is waited for */
    bool has_answered;  /* set by the calls: this is a CA, and if it is away, it may come back */
    /* Called the first time that it is waited for a CA that is busy or away; may be NULL. */
    void (*busy)(void *busy_arg, const char *words);
    void *busy_arg;
    bool was_busy; /* set by the calls */
    bool may_pass; /* set by the calls: why the last one failed may pass, but there was no time */
};

enum ratls_ca_reply_kind {
    RATLS_CA_REPLY_CHALLENGE, /* body: an enroll-challenge */
    RATLS_CA_REPLY_RESULT,    /* body: an enroll-result */
    RATLS_CA_REPLY_WAITING,   /* for somebody at the CA: ask again in wait_s */
    RATLS_CA_REPLY_UNKNOWN,
    RATLS_CA_REPLY_LATE,
    RATLS_CA_REPLY_ANSWERED, /* somebody has answered this challenge already */
    RATLS_CA_REPLY_REFUSED,
};

struct ratls_ca_reply {
    enum ratls_ca_reply_kind kind;
    unsigned wait_s;
    char words[RATLS_HTTP_PROBLEM_MAX]; /* of the service, printable; "" with a body */
    struct ratls_http_answer http;      /* owned; ratls_http_answer_done() */
};

int64_t ratls_ca_client_clock_ms(void); /* CLOCK_BOOTTIME */

/*
 * Sends a request. The same again is the same request, wherever it stands: its challenge, its
 * result, or that it waits. All calls: RATLS_IO if there is no CA, RATLS_MALFORMED if it answers
 * with something else than a message of WIRE.md, 14.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_client_request(struct ratls_ca_client *client,
                                                           struct ratls_slice request,
                                                           struct ratls_ca_reply *ret_reply,
                                                           struct ratls_error *err);

/* Asks how the request with this SHA-256 stands. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_client_poll(struct ratls_ca_client *client,
                                                        const uint8_t sha256[static 32],
                                                        struct ratls_ca_reply *ret_reply,
                                                        struct ratls_error *err);

RATLS_MUST_CHECK enum ratls_status ratls_ca_client_answer(struct ratls_ca_client *client,
                                                          struct ratls_slice answer,
                                                          struct ratls_ca_reply *ret_reply,
                                                          struct ratls_error *err);

/* Asks for the result of the challenge with this id. */
RATLS_MUST_CHECK enum ratls_status
ratls_ca_client_result(struct ratls_ca_client *client, const uint8_t id[static RATLS_ENROLL_ID_LEN],
                       struct ratls_ca_reply *ret_reply, struct ratls_error *err);

#endif
