/*
 * Replay of an IMA list: what PCR 10 must be in one bank after each entry. A list is read while the
 * kernel appends to it, so a quoted PCR stands for a prefix: only the entries of the prefix that
 * leads to it are trusted; what follows is not looked at.
 *
 * An entry is refused if the digest in the list is not that of its template data. Exempt are
 * violations: for them the kernel extends ones, whatever the fields say.
 *
 * The state after a prefix says where to go on: a list that grew costs only what is new.
 */
#ifndef RATLS_IMA_REPLAY_H
#define RATLS_IMA_REPLAY_H

#include "crypto_hasher.h"
#include "ima.h"

/* What kernels extend in banks other than SHA-1. One mode holds for a whole list. */
enum ratls_ima_mode {
    RATLS_IMA_EITHER, /* not known yet: the first PCR that is found shows which one it is */
    RATLS_IMA_NATIVE, /* since Linux 5.8: the digest of the template data by the bank's hash */
    RATLS_IMA_PADDED, /* before: the SHA-1 digest with zeros behind it */
};

/* Plain data: may be stored, and belongs to one boot of one machine. */
struct ratls_ima_state {
    uint16_t list_alg; /* TPM_ALG_ID of the digests in the list */
    uint16_t bank;
    enum ratls_ima_mode mode; /* EITHER only before the first entry */
    uint64_t offset;          /* in the list, of the first entry that is not in the PCR */
    uint64_t entries;
    uint64_t violations;
    uint8_t pcr[RATLS_DIGEST_MAX]; /* PCR 10 after the entries */
};

/*
 * The state before the first entry. For the SHA-1 bank, and for a list of another bank (only
 * kernels since 5.8 write one), EITHER becomes NATIVE; PADDED is RATLS_USAGE.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_state_init(uint16_t list_alg, uint16_t bank,
                                                        enum ratls_ima_mode mode,
                                                        struct ratls_ima_state *ret_state,
                                                        struct ratls_error *err);

struct ratls_ima_replay {
    struct ratls_ima_state state;
    struct ratls_hasher bank_hasher;
    struct ratls_hasher list_hasher; /* of zeros if the list is of the bank */
};

/* The caller closes it. Can be kept for other lists of the same algorithms: set the state. */
RATLS_MUST_CHECK enum ratls_status ratls_ima_replay_open(const struct ratls_ima_state *from,
                                                         struct ratls_ima_replay *ret_replay,
                                                         struct ratls_error *err);
void ratls_ima_replay_close(struct ratls_ima_replay *replay); /* also one of zeros */

/*
 * One entry, which must be the next after the state, of PCR 10, with its own digest right. The
 * state is as before if it is refused (RATLS_MALFORMED). RATLS_USAGE in mode EITHER.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_replay_entry(struct ratls_ima_replay *replay,
                                                          const struct ratls_ima_entry *entry,
                                                          struct ratls_error *err);
/*
 * All entries of a list, which begins at the offset of the state. If one is refused the state is
 * the one before it. RATLS_USAGE in mode EITHER.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_replay_all(struct ratls_ima_replay *replay,
                                                        struct ratls_slice list,
                                                        struct ratls_error *err);
/*
 * Entry by entry until PCR 10 has the wanted value: the state is then the one after that prefix.
 * There is only one, unless somebody has a collision of the bank's hash. Mode EITHER tries the
 * whole list in one mode, then in the other, and becomes the one that led there. If it is not found
 * the state is as before. Before any entry nothing is found: a PCR that is zero says that IMA
 * measured nothing.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_replay_until(struct ratls_ima_replay *replay,
                                                          struct ratls_slice list,
                                                          struct ratls_slice wanted,
                                                          bool *ret_found, struct ratls_error *err);

/*
 * The same for a list that comes in pieces of whole entries: if PCR 10 is not found, the state is
 * the one after the piece, and the next goes on there. If an entry is refused, the one before it.
 * RATLS_USAGE in mode EITHER.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_replay_piece(struct ratls_ima_replay *replay,
                                                          struct ratls_slice piece,
                                                          struct ratls_slice wanted,
                                                          bool *ret_found, struct ratls_error *err);

/* PCR 10 after the entries. */
struct ratls_slice ratls_ima_pcr(const struct ratls_ima_state *state);

#endif
