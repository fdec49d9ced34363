/*
 * One epoch of this process: a time stamp, the key that was made for it, and the quotes over
 * statements that name both (WIRE.md, 5.1). Counted references; the key is wiped with the last.
 * All calls may come from any thread.
 */
#ifndef RATLS_ATTESTER_EPOCH_QUOTES_H
#define RATLS_ATTESTER_EPOCH_QUOTES_H

#include <ratls/attester.h>

#include "batch.h"
#include "crypto_epoch.h"

/* What a quote of an epoch is for: every connection with the same shares it. */
struct ratls_epoch_use {
    enum ratls_role role;
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN];
    struct ratls_pcr_selection selection;
    bool wants_tls_key; /* so its proof, if there is one, is in the manifest */
    uint16_t ima_bank; /* of a log that was asked for beside it; 0: none; tells no uses apart */
};

struct ratls_epoch;

RATLS_MUST_CHECK enum ratls_status
ratls_epoch_new(struct ratls_slice token, struct ratls_epoch **ret_epoch, struct ratls_error *err);
struct ratls_epoch *ratls_epoch_up_ref(struct ratls_epoch *epoch);
void ratls_epoch_free(struct ratls_epoch *epoch); /* accepts NULL */

/* Belong to the epoch. */
struct ratls_slice ratls_epoch_token(const struct ratls_epoch *epoch);
const struct ratls_epoch_key *ratls_epoch_key(const struct ratls_epoch *epoch);

/*
 * The quote for a use, if there is one, and if the IMA list was as long as min_ima when it was
 * made: what a verifier knows already must be in it. The caller clears *ret_quoted.
 */
bool ratls_epoch_find(struct ratls_epoch *epoch, const struct ratls_epoch_use *use,
                      uint64_t min_ima, struct ratls_quoted *ret_quoted);
/* Bounded: the one that was not used for longest goes. ima_len: of the list before the quote. */
void ratls_epoch_keep(struct ratls_epoch *epoch, const struct ratls_epoch_use *use,
                      uint64_t ima_len, const struct ratls_quoted *quoted);

/* The uses of more than one connection, the latest first; returns how many. */
size_t ratls_epoch_popular(struct ratls_epoch *epoch, struct ratls_epoch_use *out, size_t max);

#endif
