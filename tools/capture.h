/* A handshake that was kept, for a dry run later (WIRE.md, 9). */
#ifndef RATLS_TOOL_CAPTURE_H
#define RATLS_TOOL_CAPTURE_H

#include <ratls/verifier.h>

#include "cbor.h"
#include "connect.h"
#include "pieces.h"

#define RATLS_CAPTURE_MAX (RATLS_EVIDENCE_MAX + 1024 + RATLS_PIECES_BYTES_MAX)

struct ratls_capture {
    char server_name[RATLS_HOST_MAX];     /* "" if there was none */
    struct ratls_expectation expectation; /* its server_name points to the one above, or is NULL */
    struct ratls_slice evidence;          /* borrowed */
    size_t more_count;       /* of evidence that answered further requests for logs alone: */
    struct ratls_slice more; /* as it lies there; borrowed */
};

/* False if the bytes are not a capture. ret must not be copied. */
bool ratls_capture_read(struct ratls_slice in, struct ratls_capture *ret);
void ratls_capture_write(const struct ratls_expectation *expectation, struct ratls_slice evidence,
                         const struct ratls_pieces *more, struct ratls_writer *w);

/* Gives what is in `more` out again, one for each request, as the server did. */
struct ratls_capture_more {
    struct ratls_more more; /* the first member */
    struct ratls_cbor rest;
    size_t left;
};

struct ratls_capture_more ratls_capture_more(const struct ratls_capture *capture);

#endif
