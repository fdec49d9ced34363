/*
 * Ledger: how far the IMA list of each attestation key was acknowledged, in this boot of its
 * machine. SQLite in the state folder, or in memory without one. Several processes may use one
 * folder; each writes a step at once, or not at all. After a fork the child opens its own.
 *
 * Pending bytes were fetched and are not acknowledged: no quote has been reached with them. They
 * are kept so that an interrupted sync goes on where it was, and believed no more than the network.
 */
#ifndef RATLS_LEDGER_H
#define RATLS_LEDGER_H

#include "ima_replay.h"
#include "tpm_wire.h"

#define RATLS_LEDGER_FILE "verifier.sqlite"

struct ratls_ledger;

/* What holds for one key under one policy. */
struct ratls_ledger_row {
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    uint8_t rules_sha256[32]; /* under other rules nothing is acknowledged */
    uint32_t reset_count;
    uint32_t restart_count;
    struct ratls_ima_state ima; /* offset 0: nothing acknowledged yet */
    uint16_t boot_aggregate_alg; /* of the first entry */
    uint8_t boot_aggregate[RATLS_DIGEST_MAX];
    uint64_t pending_len; /* bytes that are pending, from ima.offset on */
};

/* folder == NULL: in memory. The file is opened when it is first needed. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_new(const char *folder,
                                                    struct ratls_ledger **ret_ledger,
                                                    struct ratls_error *err);
void ratls_ledger_free(struct ratls_ledger *ledger); /* accepts NULL */

/* What is known of the key that last spoke for a server ("": none named) under these rules. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_find(struct ratls_ledger *ledger,
                                                     const char *server,
                                                     const uint8_t rules_sha256[static 32],
                                                     struct ratls_ledger_row *ret_row,
                                                     bool *ret_found, struct ratls_error *err);
/* Acknowledged: replaces the row of the key, unless that is further, and its pending bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_put(struct ratls_ledger *ledger, const char *server,
                                                    const struct ratls_ledger_row *row,
                                                    struct ratls_error *err);
/* The row's pending bytes; the caller frees *ret_bytes with free(). */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_pending(struct ratls_ledger *ledger,
                                                        const struct ratls_ledger_row *row,
                                                        uint8_t **ret_bytes, size_t *ret_len,
                                                        struct ratls_error *err);
/* Appends to them; row->pending_len says where, and grows. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_append(struct ratls_ledger *ledger,
                                                       const char *server,
                                                       struct ratls_ledger_row *row,
                                                       struct ratls_slice bytes,
                                                       struct ratls_error *err);
/* The key's row and pending under these rules: they led nowhere. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_forget(struct ratls_ledger *ledger,
                                                       const struct ratls_ledger_row *row,
                                                       struct ratls_error *err);

#endif
