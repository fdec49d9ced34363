/*
 * An agent that is none (WIRE.md, 13): the socket of ratlsd, with the real messages, over any
 * attester; and one that behaves as no agent should. A thread for each connection, which answers
 * one question after the other.
 */
#ifndef RATLS_TEST_FAKE_AGENT_H
#define RATLS_TEST_FAKE_AGENT_H

#include <stdatomic.h>

#include <ratls/attester.h>

#include "agent_message.h"

enum fake_agent_mood {
    FAKE_AGENT_GOOD,
    FAKE_AGENT_SILENT,   /* reads, and never answers */
    FAKE_AGENT_DEAF,     /* does not even read */
    FAKE_AGENT_REFUSES,  /* RATLS_LIMIT, and FAKE_AGENT_REASON */
    FAKE_AGENT_LEAVES,   /* ends the connection when it is asked */
    FAKE_AGENT_BABBLES,  /* answers with bytes that are no message */
    FAKE_AGENT_EMPTY,    /* with a packet without bytes */
    FAKE_AGENT_TOO_LONG, /* with a message, and more behind it than a message may have */
    FAKE_AGENT_ASTRAY,   /* answers what nobody asked; then what was asked, twice */
    FAKE_AGENT_CURT,     /* a good answer of too few bytes */
    FAKE_AGENT_REPLAYS,  /* the evidence that it gave first, to everybody */
};

#define FAKE_AGENT_REASON "too many wait: ask later"

struct fake_agent {
    const char *path;
    struct ratls_attester *attester; /* borrowed */
    _Atomic(enum fake_agent_mood) mood;
    atomic_uint state_age_ms; /* of the states that it tells */
    atomic_uint connections; /* that there ever were */
    atomic_uint ends;        /* of these, which ended */
    atomic_uint questions;
    atomic_uint probes; /* whether it answers; by who has had no answer */
    atomic_uint cancels;
    atomic_uint malformed;                  /* questions that are none */
    struct ratls_agent_question last_asked; /* to be looked at when it rests */
    struct fake_agent_parts *parts;
};

/* Listens at the path, which is borrowed. Aborts the test if that cannot be. */
void fake_agent_start(struct fake_agent *agent, const char *path, struct ratls_attester *attester);
/* Ends all connections, and removes the socket. */
void fake_agent_stop(struct fake_agent *agent);

#endif
