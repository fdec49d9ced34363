/* What the files tls_keys*.c share: the names in the folder tls-keys (tls_keys.h). */
#ifndef RATLS_ATTESTER_TLS_KEYS_FOLDER_H
#define RATLS_ATTESTER_TLS_KEYS_FOLDER_H

#include "ak_state.h"

#define RATLS_TLS_KEYS_FOLDER "tls-keys"
#define RATLS_TLS_KEYS_KEY ".key"
#define RATLS_TLS_KEYS_PROOF ".cbor"
#define RATLS_TLS_KEYS_DIGITS 16
#define RATLS_TLS_KEYS_END_MAX 32  /* "." AK ".cbor" */
#define RATLS_TLS_KEYS_NAME_MAX 64 /* HASH "." AK ".cbor" */

/* The digits of an attestation key. */
RATLS_MUST_CHECK enum ratls_status ratls_tls_keys_ak(const struct ratls_ak_state *ak,
                                                     char out[static RATLS_TLS_KEYS_DIGITS + 1],
                                                     struct ratls_error *err);

/* Each file whose name ends so, until a visit fails. No folder is none of them. */
RATLS_MUST_CHECK enum ratls_status
ratls_tls_keys_walk(const char *state, const char *end,
                    enum ratls_status (*visit)(const char *path, const char *name, void *arg,
                                               struct ratls_error *err),
                    void *arg, struct ratls_error *err);

#endif
