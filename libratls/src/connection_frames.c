/* What the other side sent beside data: each frame to the part that it is for (WIRE.md, 11). */
#include "connection_state.h"
#include "fail.h"

/* Words for what the other side said of itself; it ends here either way. */
static enum ratls_outcome see_end(struct ratls_connection *c, struct ratls_slice payload)
{
    switch (payload.p[0]) {
    case RATLS_END_REFUSED:
        ratls_fail(&c->error, RATLS_IO, "the other side refused the evidence of this side");
        break;
    case RATLS_END_CANNOT_ATTEST:
        ratls_fail(&c->error, RATLS_TPM, "the other side cannot attest");
        break;
    case RATLS_END_LEASE:
        ratls_fail(&c->error, RATLS_IO,
                   "the other side ended the connection: this side did not attest again in time");
        break;
    default:
        ratls_fail(&c->error, RATLS_MALFORMED,
                   "the other side ended the connection: it holds that this side broke the "
                   "protocol");
    }
    return ratls_connection_end(c, RATLS_FAILED, 0);
}

enum ratls_outcome ratls_connection_see_frame(struct ratls_connection *c,
                                              const struct ratls_received *frame)
{
    if (frame->type == RATLS_FRAME_END)
        return see_end(c, frame->bytes);
    if (frame->type == RATLS_FRAME_EVIDENCE)
        return ratls_lease_take(c, frame->bytes);
    if (c->phase == RATLS_PHASE_OPEN)
        return ratls_answering_challenge(c, frame->bytes);
    ratls_fail(&c->error, RATLS_MALFORMED,
               "the other side asks for evidence before it has shown its own");
    return ratls_connection_end(c, RATLS_FAILED, RATLS_END_PROTOCOL);
}
