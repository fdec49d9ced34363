/* What a quote says about its session (WIRE.md, 5). */
#ifndef RATLS_STATEMENT_H
#define RATLS_STATEMENT_H

#include <ratls/attester.h>

#include "bytes.h"

#define RATLS_STATEMENT_LABEL "ratls-1"
#define RATLS_STATEMENT_MAX 640

struct ratls_statement {
    struct ratls_slice label; /* whatever stands there; a check compares it */
    uint64_t mode;
    uint64_t role;
    uint64_t tls_version;
    uint64_t cipher_suite;
    struct ratls_slice nonce;
    struct ratls_slice binder;
    struct ratls_slice spki_sha256;
    struct ratls_slice service;
    struct ratls_slice manifest;
    struct ratls_slice context;
};

/* Whether a statement of this mode is about a TLS session: it has a nonce and a binder. */
static inline bool ratls_mode_has_session(uint64_t mode)
{
    return mode == RATLS_MODE_HANDSHAKE || mode == RATLS_MODE_EXPORTER ||
           mode == RATLS_MODE_RENEWAL;
}

/* Whether the binder is of the TLS exporter in either role: evidence behind the handshake. */
static inline bool ratls_mode_is_exchange(uint64_t mode)
{
    return mode == RATLS_MODE_EXPORTER || mode == RATLS_MODE_RENEWAL;
}

/* Borrows from in. Reads the shape and the bounds; what the values are is left to the checks. */
bool ratls_statement_read(struct ratls_slice in, struct ratls_statement *ret);
void ratls_statement_write(const struct ratls_statement *statement, struct ratls_writer *w);

#endif
