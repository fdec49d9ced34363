/*
 * The folder of an administrator's roots: roots/ has what he pinned, intermediates/ the CAs between
 * them and endorsement keys. Each file has one certificate (PEM), and the SHA-256 of its DER as its
 * name: a file that was changed, or does not belong there, is noticed.
 */
#ifndef RATLS_CA_ROOTS_FOLDER_H
#define RATLS_CA_ROOTS_FOLDER_H

#include "roots.h"

#define RATLS_ROOTS_DEFAULT "/etc/ratls/roots"
#define RATLS_ROOTS_PATH_MAX 1024

/* "roots" or "intermediates". */
const char *ratls_roots_part(enum ratls_root_kind kind);

/* Where a certificate with this hash lies, or would lie. RATLS_USAGE if the path is too long. */
RATLS_MUST_CHECK enum ratls_status ratls_roots_path(const char *folder, enum ratls_root_kind kind,
                                                    const uint8_t sha256[static 32],
                                                    char out[static RATLS_ROOTS_PATH_MAX],
                                                    struct ratls_error *err);

/*
 * All of a folder; one without either part is RATLS_USAGE, as is a file that everyone may write to,
 * or that is not what its name says. The caller frees *ret_roots.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_roots_load(const char *folder, struct ratls_roots **ret_roots, struct ratls_error *err);

#endif
