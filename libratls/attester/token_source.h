/*
 * Where time stamps come from (RFC 3161): an authority, by HTTP, or a file that something else
 * renews. Every call may take seconds: never in a handshake.
 */
#ifndef RATLS_ATTESTER_TOKEN_SOURCE_H
#define RATLS_ATTESTER_TOKEN_SOURCE_H

#include <sys/stat.h>

#include "epoch.h"

/* A time stamp, and by how much it was old already when it came. */
struct ratls_stamped {
    uint8_t token[RATLS_TOKEN_MAX];
    size_t len;
    uint64_t age_ms;
};

/*
 * A new one from an authority: asked for with a random imprint, which must come back, so that
 * nobody on the way can answer with an old one. Its clock is not compared with ours. Takes no
 * longer than timeout_s, but for the resolution of names.
 */
RATLS_MUST_CHECK enum ratls_status ratls_token_ask(const char *url, unsigned timeout_s,
                                                   struct ratls_stamped *ret_stamped,
                                                   struct ratls_error *err);

/* The one in a file: a TimeStampResp or a token, DER. How old it is tells our clock. */
RATLS_MUST_CHECK enum ratls_status
ratls_token_load(const char *path, struct ratls_stamped *ret_stamped, struct ratls_error *err);

/* Whether another file is there now than was when *stat was taken; takes it anew. */
bool ratls_token_file_changed(const char *path, struct stat *stat);

#endif
