/* A challenge on a channel that is there already (WIRE.md, 10). */
#ifndef RATLS_CHALLENGE_H
#define RATLS_CHALLENGE_H

#include "request.h"

#define RATLS_CHALLENGE_MAX 1100     /* a request, and what is around it */
#define RATLS_PERIOD_MAX_MS 86400000 /* a day */

struct ratls_challenge {
    uint64_t counter;             /* 0: in place of the one in the handshake; then rising by 1 */
    uint64_t period_ms;           /* 0: one answer; else also on change, and at least so often */
    struct ratls_request request; /* with PCRs; without what only a handshake can offer */
};

bool ratls_challenge_read(struct ratls_slice in, struct ratls_challenge *ret);
void ratls_challenge_write(const struct ratls_challenge *challenge, struct ratls_writer *w);

#endif
