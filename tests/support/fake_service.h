/*
 * A CA's service without a CA: it gives out challenges that nobody can open, and certificates that
 * are none, each once, and can be told to refuse, to wait, to lose its answers, and to kill.
 */
#ifndef RATLS_TEST_FAKE_SERVICE_H
#define RATLS_TEST_FAKE_SERVICE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "enroll_message.h"
#include "http_server.h"

enum fake_service_route {
    FAKE_SERVICE_REQUEST,
    FAKE_SERVICE_POLL,
    FAKE_SERVICE_ANSWER,
    FAKE_SERVICE_RESULT,
    FAKE_SERVICE_ROUTES
};

struct fake_service {
    struct http_server *server;
    /* What it should do, set while nobody asks. */
    unsigned polls; /* so often "waiting" is said before somebody approves */
    const char *refusal[FAKE_SERVICE_ROUTES]; /* whole answers, instead */
    unsigned refusals[FAKE_SERVICE_ROUTES];   /* how many more of those; 0: all */
    bool is_late;                             /* every challenge is */
    bool is_late_once;                        /* the one that is there */
    bool mixes_up;                            /* challenges are those of another request */
    bool asks_again;                          /* an answer is answered with the challenge */
    int loses;                                /* a route whose next answer is lost; -1: none */
    /* Where the asking process is killed: before it is served, or before it is answered. */
    pid_t victim;
    int kills_before, kills_behind; /* routes; -1: none */
    /* What there is. */
    uint8_t request_sha256[32], id[RATLS_ENROLL_ID_LEN];
    bool has_request, is_answered, is_issued;
    atomic_uint requests; /* different ones */
    atomic_uint issued;
    atomic_uint asked[FAKE_SERVICE_ROUTES];
};

struct fake_service *fake_service_new(void);
void fake_service_free(struct fake_service *ca);

#endif
