/*
 * What evidence of an epoch has beside its quote (WIRE.md, 3: items 7 and 8). The quote is over a
 * statement in mode 5, which names a key; this key signs the statement of each session.
 */
#ifndef RATLS_EPOCH_H
#define RATLS_EPOCH_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_TOKEN_MAX 8192
#define RATLS_EPOCH_KEY_LEN 91       /* SubjectPublicKeyInfo of P-256, the point uncompressed */
#define RATLS_EPOCH_SIGNATURE_MIN 8  /* DER of an ECDSA-Sig-Value: r and s of one byte */
#define RATLS_EPOCH_SIGNATURE_MAX 72 /* r and s of 33 bytes */

/* Item 8. Borrows from the bytes that it was read from. */
struct ratls_epoch_session {
    struct ratls_slice key;       /* SubjectPublicKeyInfo */
    struct ratls_slice statement; /* CBOR, for ratls_statement_read(): of the session */
    struct ratls_slice signature; /* ECDSA-Sig-Value */
};

bool ratls_epoch_session_read(struct ratls_slice in, struct ratls_epoch_session *ret);
/* Whether the reader would take it. */
bool ratls_epoch_session_valid(const struct ratls_epoch_session *session);
void ratls_epoch_session_write(const struct ratls_epoch_session *session, struct ratls_writer *w);

/*
 * SHA-256("ratls epoch" || 0x00 || statement): what the key of an epoch signs with ECDSA (WIRE.md,
 * 5.1). No leaf or node of a quote begins so, nor any other thing that is signed.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_epoch_digest(struct ratls_slice statement, uint8_t out[static 32], struct ratls_error *err);

#endif
