/* A connection: what <ratls/connection.h> hides. Its parts are in connection_*.c. */
#ifndef RATLS_CONNECTION_STATE_H
#define RATLS_CONNECTION_STATE_H

#include <ratls/connection.h>

#include "answer_writer.h"
#include "channel.h"
#include "connection_clock.h"
#include "connection_gate.h"
#include "connection_stream.h"
#include "connection_wait.h"
#include "doorbell.h"
#include "exchange.h"
#include "quota.h"

enum ratls_phase {
    RATLS_PHASE_TLS,      /* the handshake; a server that attests behind it: up to its Finished */
    RATLS_PHASE_EARLY,    /* a server makes and sends that evidence, before anything else */
    RATLS_PHASE_FINISH,   /* and waits for the client's Finished */
    RATLS_PHASE_EVIDENCE, /* a client waits for that evidence */
    RATLS_PHASE_OPEN,
    RATLS_PHASE_ENDED,
};

/* Whether, and until when, the other side is accepted: connection_lease.c. */
struct ratls_lease {
    bool is_judging;                 /* this side verifies the other */
    struct ratls_exchange *exchange; /* of framed connections; else NULL */
    struct ratls_report *report;     /* of the last evidence behind the handshake; NULL: none yet */
    uint64_t max_age_s, renew_s;     /* of the policy; 0: none */
    bool is_asking;                  /* a challenge is open */
    int64_t asked_ms;                /* when it was sent, or the request of the handshake */
    int64_t until_ms;                /* the lease ends; RATLS_NEVER */
    int64_t renew_ms;                /* new evidence is to be asked for; RATLS_NEVER */
    uint64_t verdicts;               /* that accepted */
};

/* What this side owes the other: connection_answer.c. */
struct ratls_answering {
    struct ratls_attester *attester; /* a reference; NULL: this side does not attest */
    struct ratls_request request;    /* the last that was asked */
    struct ratls_turn turn;          /* the last that was begun */
    struct ratls_attest_request asked;
    struct ratls_attest_job *job;    /* the attester is at it */
    struct ratls_state_job *looking; /* or at the state, before that */
    bool is_due;                     /* evidence is made behind that, whatever it says */
    struct ratls_doorbell bell;      /* it rings when either has ended */
    bool is_writing;              /* its pieces are being sent: */
    struct ratls_answer_writer writer;
    bool is_watched;          /* evidence is sent again when the state changes */
    int64_t period_ms;        /* and at least so often; 0: only then */
    uint8_t state[32];        /* of the attester, when the last evidence was asked for */
    int64_t look_ms, push_ms; /* when to look again, and when to send again */
    struct ratls_quota challenges;
};

struct ratls_connection {
    SSL *ssl;
    struct ratls_connection_options options;
    struct ratls_wait wait;
    struct ratls_gate gate;
    struct ratls_stream stream;
    struct ratls_lease lease;
    struct ratls_answering answering;
    enum ratls_phase phase;
    enum ratls_outcome ended_as; /* in RATLS_PHASE_ENDED */
    bool is_peer_closed;         /* it has sent close_notify */
    bool has_more;               /* frames came that were not looked at yet */
    bool is_shut;                /* this side has */
    int64_t looked_ms;           /* when who only writes last looked what came */
    size_t sending;              /* bytes of the program in a frame that is being written */
    struct ratls_error error;
};

/*
 * The functions of the parts return RATLS_DONE when they are done, RATLS_WANT_... when they have to
 * wait, and else how the connection ended: then ratls_connection_end() was called.
 */

/*
 * Ends it, for good: what was queued and what came is dropped, the other side is told why, as far
 * as the transport takes it now, and the program too. end 0: it is not told. Returns outcome.
 */
enum ratls_outcome ratls_connection_end(struct ratls_connection *c, enum ratls_outcome outcome,
                                        unsigned end);
/* The same after a function that could not work; the words are in c->error. */
enum ratls_outcome ratls_connection_fail(struct ratls_connection *c, enum ratls_status status);
void ratls_connection_tell(struct ratls_connection *c, enum ratls_connection_event event);

/* connection_handshake.c: up to RATLS_PHASE_OPEN. */
enum ratls_outcome ratls_connection_open(struct ratls_connection *c);

/* connection_frames.c: one frame that is not data. */
enum ratls_outcome ratls_connection_see_frame(struct ratls_connection *c,
                                              const struct ratls_received *frame);

/* connection_lease.c */
enum ratls_outcome ratls_lease_begin(struct ratls_connection *c);
enum ratls_outcome ratls_lease_progress(struct ratls_connection *c, int64_t now_ms);
enum ratls_outcome ratls_lease_take(struct ratls_connection *c, struct ratls_slice piece);
bool ratls_lease_is_over(const struct ratls_connection *c, int64_t now_ms);
int64_t ratls_lease_due_ms(const struct ratls_lease *lease);
void ratls_lease_free(struct ratls_lease *lease);

/* connection_answer.c */
enum ratls_outcome ratls_answering_begin(struct ratls_connection *c,
                                         const struct ratls_request *request, uint64_t counter);
enum ratls_outcome ratls_answering_challenge(struct ratls_connection *c, struct ratls_slice bytes);
/* RATLS_DONE: nothing is being made or sent. RATLS_WANT_ATTESTER; RATLS_WANT_WRITE: it is queued.
 */
enum ratls_outcome ratls_answering_progress(struct ratls_connection *c, int64_t now_ms);
int64_t ratls_answering_due_ms(const struct ratls_answering *a);
/* Whether the attester is at something: then its bell is to be waited for. */
bool ratls_answering_awaits(const struct ratls_answering *a);
void ratls_answering_free(struct ratls_answering *a);

#endif
