/* Which evidence of a connection: what tells a mode 4 from another, and both from mode 3. */
#ifndef RATLS_TURN_H
#define RATLS_TURN_H

#include <ratls/attester.h>

#include "bytes.h"

#define RATLS_TURN_CONTEXT_LEN 12

struct ratls_turn {
    uint64_t counter;  /* of the challenge; 0: the first, or the request in the ClientHello */
    uint32_t sequence; /* 0: the answer to it; 1, 2 ...: what was sent behind it, unasked */
};

/* RATLS_MODE_EXPORTER of the very first evidence, else RATLS_MODE_RENEWAL. */
enum ratls_mode ratls_turn_mode(const struct ratls_turn *turn);

/* statement.context (WIRE.md, 5): empty in mode 3. Borrows from buffer. */
struct ratls_slice ratls_turn_context(const struct ratls_turn *turn,
                                      uint8_t buffer[static RATLS_TURN_CONTEXT_LEN]);

static inline bool ratls_turn_is(const struct ratls_turn *a, const struct ratls_turn *b)
{
    return a->counter == b->counter && a->sequence == b->sequence;
}

#endif
