/*
 * Ledger: how far the IMA list of each attestation key was acknowledged, in this boot of its
 * machine, and the counters of its TPM (ledger_seen.h). SQLite in the state folder, or in memory
 * without one. Several processes may use one folder; each writes a step at once, or not at all: one
 * that is killed, or loses power, loses the step that it was at.
 *
 * A process that was forked opens its own connection, and leaves its parent's alone; what was in
 * memory it begins anew. All calls may come from any thread. They wait for another process that
 * writes for at most 3 seconds each, one thread after the other, then they are RATLS_IO, as for
 * anything wrong with the file; the next call opens it again.
 *
 * Pending bytes were fetched and are not acknowledged: no quote has been reached with them. They
 * are kept so that an interrupted sync goes on where it was, and believed no more than the network.
 */
#ifndef RATLS_LEDGER_H
#define RATLS_LEDGER_H

#include "ima_replay.h"
#include "tpm_wire.h"

#define RATLS_LEDGER_FILE "verifier.sqlite"

/* More than these, and what was not used for longest goes: it is only fetched again. */
#define RATLS_LEDGER_ROWS_MAX 1024
#define RATLS_LEDGER_PENDING_MAX 16 /* rows with pending bytes */
#define RATLS_LEDGER_SERVERS_MAX 4096

struct ratls_ledger;

/* What holds for one key under one policy. */
struct ratls_ledger_row {
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    uint8_t rules_sha256[32]; /* under other rules nothing is acknowledged */
    uint32_t reset_count;
    uint32_t restart_count;
    struct ratls_ima_state ima;  /* offset 0: nothing acknowledged yet */
    uint16_t boot_aggregate_alg; /* of the first entry */
    uint8_t boot_aggregate[RATLS_DIGEST_MAX];
    uint64_t pending_len; /* bytes that are pending, from ima.offset on */
};

/*
 * folder == NULL: in memory. Else it must be there: RATLS_IO if it is no folder, RATLS_USAGE if
 * everyone may write to it. The file is opened, or made, when it is first needed.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ledger_new(const char *folder, struct ratls_ledger **ret_ledger, struct ratls_error *err);
void ratls_ledger_free(struct ratls_ledger *ledger); /* accepts NULL */

/*
 * What is known of the key that last spoke for a server ("": none was named) under these rules. A
 * row with values that no ledger writes is as none.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_find(struct ratls_ledger *ledger,
                                                     const char *server,
                                                     const uint8_t rules_sha256[static 32],
                                                     struct ratls_ledger_row *ret_row,
                                                     bool *ret_found, struct ratls_error *err);
/*
 * Acknowledged: replaces the key's row under these rules, and its pending. Unless that is further:
 * of a later boot, or at a greater offset of the same list.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_put(struct ratls_ledger *ledger, const char *server,
                                                    const struct ratls_ledger_row *row,
                                                    struct ratls_error *err);
/*
 * The row's pending bytes; the caller frees *ret_bytes with free(). Fewer than pending_len, and
 * NULL if none, where another process has used or forgotten them meanwhile.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_pending(struct ratls_ledger *ledger,
                                                        const struct ratls_ledger_row *row,
                                                        uint8_t **ret_bytes, size_t *ret_len,
                                                        struct ratls_error *err);
/*
 * Appends to them; row->pending_len says where, and grows. What another process wrote meanwhile
 * stays instead. RATLS_LIMIT beyond RATLS_IMA_LIST_MAX.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ledger_append(struct ratls_ledger *ledger, const char *server, struct ratls_ledger_row *row,
                    struct ratls_slice bytes, struct ratls_error *err);
/* The key's row and pending under these rules: they led nowhere. Another boot or offset stays. */
RATLS_MUST_CHECK enum ratls_status ratls_ledger_forget(struct ratls_ledger *ledger,
                                                       const struct ratls_ledger_row *row,
                                                       struct ratls_error *err);

#endif
