/* Frames: what goes over a channel whose sides agreed on them (WIRE.md, 11). */
#ifndef RATLS_FRAME_H
#define RATLS_FRAME_H

#include "bytes.h"

#define RATLS_FRAME_HEAD 4
#define RATLS_FRAME_DATA_MAX 16380 /* with the head one TLS record: RFC 8446, 5.1 */
#define RATLS_FRAME_CHALLENGE_MAX 1100
#define RATLS_FRAME_EVIDENCE_MAX 65600

enum ratls_frame_type {
    RATLS_FRAME_DATA = 0,      /* of the programs */
    RATLS_FRAME_CHALLENGE = 1, /* from who wants evidence */
    RATLS_FRAME_EVIDENCE = 2,  /* a piece of an answer */
    RATLS_FRAME_END = 3,       /* the last frame, and why: one byte */
};

enum ratls_frame_end {
    RATLS_END_REFUSED = 1,
    RATLS_END_CANNOT_ATTEST = 2,
    RATLS_END_LEASE = 3,
    RATLS_END_PROTOCOL = 4,
};

struct ratls_frame_head {
    enum ratls_frame_type type;
    size_t len; /* of the payload, at least 1 */
};

/* The head at the begin of at least RATLS_FRAME_HEAD bytes. False: a type or length of no frame. */
bool ratls_frame_read(struct ratls_slice in, struct ratls_frame_head *ret_head);
void ratls_frame_write(const struct ratls_frame_head *head, struct ratls_writer *w);

#endif
