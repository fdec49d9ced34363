/* A handshake that was kept, for a dry run later (WIRE.md, 9). */
#ifndef RATLS_TOOL_CAPTURE_H
#define RATLS_TOOL_CAPTURE_H

#include <ratls/verifier.h>

#include "bytes.h"
#include "connect.h"

#define RATLS_CAPTURE_MAX (RATLS_EVIDENCE_MAX + 1024)

struct ratls_capture {
    char server_name[RATLS_HOST_MAX];     /* "" if there was none */
    struct ratls_expectation expectation; /* its server_name points to the one above, or is NULL */
    struct ratls_slice evidence;          /* borrowed */
};

/* False if the bytes are not a capture. ret must not be copied. */
bool ratls_capture_read(struct ratls_slice in, struct ratls_capture *ret);
void ratls_capture_write(const struct ratls_expectation *expectation, struct ratls_slice evidence,
                         struct ratls_writer *w);

#endif
