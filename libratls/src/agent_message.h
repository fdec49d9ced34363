/* What is said on the socket of an agent, one message in each packet (WIRE.md, 13). */
#ifndef RATLS_AGENT_MESSAGE_H
#define RATLS_AGENT_MESSAGE_H

#include <ratls/attester.h>

#include "bytes.h"
#include "measured.h"

#define RATLS_AGENT_QUESTION_MAX 2048
#define RATLS_AGENT_PAYLOAD_MAX RATLS_EVIDENCE_MAX
#define RATLS_AGENT_ANSWER_MAX (RATLS_AGENT_PAYLOAD_MAX + 512)
#define RATLS_AGENT_TEXT_MAX 300
#define RATLS_AGENT_STATE_LEN (RATLS_MEASURED_LEN + 2) /* the state, and how old it is */
#define RATLS_AGENT_DEADLINE_MAX_MS 10000

enum ratls_agent_kind {
    RATLS_AGENT_EVIDENCE = 1,
    RATLS_AGENT_STATE = 2,  /* of the measured PCRs: <ratls/attester.h> */
    RATLS_AGENT_STATUS = 3, /* what the agent counts */
    RATLS_AGENT_CANCEL = 4, /* nobody waits for the answer to `id` any more; itself not answered */
};

struct ratls_agent_question {
    uint64_t id; /* chosen by who asks; not in use on this connection, but with CANCEL */
    enum ratls_agent_kind kind;
    char service[RATLS_SERVICE_MAX + 1]; /* printable ASCII; "": the first that is allowed */
    unsigned deadline_ms;                /* at least 1; from when the agent has the question */
    /*
     * With EVIDENCE what is to be attested: of a session, and with no context but that which its
     * mode has (WIRE.md, 5). Of the offers only EPOCH and RESULT go along. With STATE only its
     * selection; with the others nothing.
     */
    struct ratls_attest_request request;
};

struct ratls_agent_answer {
    uint64_t id; /* of the question */
    enum ratls_status status;   /* never RATLS_REJECTED */
    struct ratls_slice payload; /* if RATLS_OK: evidence, state, or text; not empty */
    struct ratls_slice text;    /* else: what is wrong, and what to do */
};

/* Either reader takes exactly what the writer writes. */
bool ratls_agent_question_read(struct ratls_slice in, struct ratls_agent_question *ret);
void ratls_agent_question_write(const struct ratls_agent_question *question,
                                struct ratls_writer *w);

/*
 * The payload that answers STATE: the digest, and how old it was when the question came, at most
 * 65535 ms; 0 if it was read for the question. False if it has another length.
 */
void ratls_agent_state_write(const uint8_t digest[static RATLS_MEASURED_LEN], unsigned age_ms,
                             uint8_t out[static RATLS_AGENT_STATE_LEN]);
bool ratls_agent_state_read(struct ratls_slice in, uint8_t ret_digest[static RATLS_MEASURED_LEN],
                            unsigned *ret_age_ms);

/* Borrows from in. */
bool ratls_agent_answer_read(struct ratls_slice in, struct ratls_agent_answer *ret);
/* A text that is too long is cut, and what is not printable ASCII in it is escaped. */
void ratls_agent_answer_write(const struct ratls_agent_answer *answer, struct ratls_writer *w);

#endif
