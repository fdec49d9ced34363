#include "ima_replay.h"

#include <inttypes.h>
#include <string.h>

#include "fail.h"

#define PLAIN_PATH_FIELD (RATLS_IMA_OLD_PATH_MAX + 1) /* hashed with zeros up to this length */
#define SHA1_LEN 20
#define SHOWN_DIGEST_MAX 68

enum ratls_status ratls_ima_state_init(uint16_t list_alg, uint16_t bank, enum ratls_ima_mode mode,
                                       struct ratls_ima_state *ret_state, struct ratls_error *err)
{
    bool can_be_padded = list_alg == RATLS_ALG_SHA1 && bank != RATLS_ALG_SHA1;

    if (ratls_tpm_hash_name(list_alg) == NULL || ratls_tpm_hash_name(bank) == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "an IMA list with digests 0x%04x cannot be replayed in bank 0x%04x",
                          (unsigned)list_alg, (unsigned)bank);
    if (mode == RATLS_IMA_PADDED && !can_be_padded)
        return ratls_fail(err, RATLS_USAGE,
                          "padded SHA-1 digests need a list with SHA-1 digests and another bank, "
                          "not %s and %s",
                          ratls_tpm_hash_name(list_alg), ratls_tpm_hash_name(bank));
    if (!can_be_padded)
        mode = RATLS_IMA_NATIVE;
    *ret_state = (struct ratls_ima_state){.list_alg = list_alg, .bank = bank, .mode = mode};
    return RATLS_OK;
}

enum ratls_status ratls_ima_replay_open(const struct ratls_ima_state *from,
                                        struct ratls_ima_replay *ret_replay,
                                        struct ratls_error *err)
{
    struct ratls_ima_replay replay = {.state = *from};
    enum ratls_status status = ratls_hasher_begin(from->bank, &replay.bank_hasher, err);

    if (status == RATLS_OK && from->list_alg != from->bank)
        status = ratls_hasher_begin(from->list_alg, &replay.list_hasher, err);
    if (status != RATLS_OK) {
        ratls_ima_replay_close(&replay);
        return status;
    }
    *ret_replay = replay;
    return RATLS_OK;
}

void ratls_ima_replay_close(struct ratls_ima_replay *replay)
{
    ratls_hasher_end(&replay->list_hasher);
    ratls_hasher_end(&replay->bank_hasher);
}

struct ratls_slice ratls_ima_pcr(const struct ratls_ima_state *state)
{
    return ratls_slice(state->pcr, ratls_tpm_hash_len(state->bank));
}

/* The template digest: over the data as it lies in the list, or, for "ima", with a padded name. */
static enum ratls_status hash_template(struct ratls_hasher *hasher,
                                       const struct ratls_ima_entry *entry, uint8_t *out,
                                       struct ratls_error *err)
{
    static const uint8_t zeros[PLAIN_PATH_FIELD];
    const struct ratls_slice plain[] = {
        entry->file.value,
        entry->path,
        {zeros, entry->is_plain ? PLAIN_PATH_FIELD - entry->path.len : 0},
    };

    if (entry->is_plain)
        return ratls_hasher_digest(hasher, plain, 3, out, err);
    return ratls_hasher_digest(hasher, &entry->data, 1, out, err);
}

static enum ratls_status fail_digest(const struct ratls_ima_entry *entry, const uint8_t *computed,
                                     struct ratls_error *err)
{
    char listed[SHOWN_DIGEST_MAX];
    char actual[SHOWN_DIGEST_MAX];

    ratls_hex(entry->digest, listed, sizeof listed);
    ratls_hex(ratls_slice(computed, entry->digest.len), actual, sizeof actual);
    return ratls_fail(err, RATLS_MALFORMED,
                      "entry %" PRIu64 " at byte %" PRIu64
                      ": the digest in the list is %s, that of the template data is %s",
                      entry->number, entry->offset, listed, actual);
}

/* The digest of an entry that is no violation, checked; in native mode that of the bank. */
static enum ratls_status hash_entry(struct ratls_ima_replay *replay,
                                    const struct ratls_ima_entry *entry, uint8_t *extended,
                                    struct ratls_error *err)
{
    bool is_of_bank = replay->state.list_alg == replay->state.bank;
    struct ratls_hasher *listed = is_of_bank ? &replay->bank_hasher : &replay->list_hasher;
    enum ratls_status status = hash_template(listed, entry, extended, err);

    if (status != RATLS_OK)
        return status;
    if (memcmp(entry->digest.p, extended, listed->len) != 0) /* no secret: any time is good */
        return fail_digest(entry, extended, err);
    if (is_of_bank || replay->state.mode == RATLS_IMA_PADDED)
        return RATLS_OK;
    return hash_template(&replay->bank_hasher, entry, extended, err);
}

static enum ratls_status check_place(const struct ratls_ima_state *state,
                                     const struct ratls_ima_entry *entry, struct ratls_error *err)
{
    if (state->mode == RATLS_IMA_EITHER)
        return ratls_fail(err, RATLS_USAGE,
                          "an IMA list cannot be replayed before its mode is known");
    if (entry->offset != state->offset || entry->number != state->entries + 1)
        return ratls_fail(err, RATLS_MALFORMED,
                          "entry %" PRIu64 " at byte %" PRIu64 " does not follow entry %" PRIu64
                          ", which ends at byte %" PRIu64,
                          entry->number, entry->offset, state->entries, state->offset);
    if (entry->pcr != RATLS_IMA_PCR)
        return ratls_fail(err, RATLS_MALFORMED,
                          "entry %" PRIu64 " at byte %" PRIu64 " is for PCR %" PRIu32
                          ": PCR %d says nothing about it",
                          entry->number, entry->offset, entry->pcr, RATLS_IMA_PCR);
    return RATLS_OK;
}

enum ratls_status ratls_ima_replay_entry(struct ratls_ima_replay *replay,
                                         const struct ratls_ima_entry *entry,
                                         struct ratls_error *err)
{
    struct ratls_ima_state *state = &replay->state;
    size_t len = replay->bank_hasher.len;
    uint8_t both[2 * RATLS_DIGEST_MAX] = {0}; /* the PCR, and what is extended into it */
    const struct ratls_slice input = {both, 2 * len};
    uint8_t *extended = both + len;
    enum ratls_status status = check_place(state, entry, err);

    memcpy(both, state->pcr, len);
    if (status == RATLS_OK && entry->is_violation)
        memset(extended, 0xff, state->mode == RATLS_IMA_PADDED ? SHA1_LEN : len);
    else if (status == RATLS_OK)
        status = hash_entry(replay, entry, extended, err);
    if (status == RATLS_OK)
        status = ratls_hasher_digest(&replay->bank_hasher, &input, 1, state->pcr, err);
    if (status != RATLS_OK)
        return status;
    state->violations += entry->is_violation;
    state->offset += entry->len;
    state->entries++;
    return RATLS_OK;
}

static bool has_pcr(const struct ratls_ima_state *state, struct ratls_slice wanted)
{
    return state->entries > 0 && wanted.len > 0 && memcmp(state->pcr, wanted.p, wanted.len) == 0;
}

/* Until PCR 10 is the wanted one; to the end of the list if `wanted` is empty. */
static enum ratls_status replay_list(struct ratls_ima_replay *replay, struct ratls_slice list,
                                     struct ratls_slice wanted, bool *ret_found,
                                     struct ratls_error *err)
{
    struct ratls_ima_state *state = &replay->state;
    struct ratls_ima_reader r =
        ratls_ima_reader(list, state->list_alg, state->offset, state->entries);
    struct ratls_ima_entry entry;
    bool is_found = has_pcr(state, wanted);

    while (!is_found && ratls_ima_next(&r, &entry)) {
        enum ratls_status status = ratls_ima_replay_entry(replay, &entry, err);

        if (status != RATLS_OK)
            return status;
        is_found = has_pcr(state, wanted);
    }
    if (r.error.status != RATLS_OK)
        return ratls_fail(err, r.error.status, "%s", r.error.text);
    *ret_found = is_found;
    return RATLS_OK;
}

enum ratls_status ratls_ima_replay_all(struct ratls_ima_replay *replay, struct ratls_slice list,
                                       struct ratls_error *err)
{
    bool is_found;

    return replay_list(replay, list, ratls_slice(NULL, 0), &is_found, err);
}

static enum ratls_status check_wanted(const struct ratls_ima_replay *replay,
                                      struct ratls_slice wanted, struct ratls_error *err)
{
    if (wanted.len == replay->bank_hasher.len)
        return RATLS_OK;
    return ratls_fail(err, RATLS_USAGE, "a PCR of the %s bank has %zu bytes, not %zu",
                      ratls_tpm_hash_name(replay->state.bank), replay->bank_hasher.len, wanted.len);
}

enum ratls_status ratls_ima_replay_piece(struct ratls_ima_replay *replay, struct ratls_slice piece,
                                         struct ratls_slice wanted, bool *ret_found,
                                         struct ratls_error *err)
{
    enum ratls_status status = check_wanted(replay, wanted, err);

    return status != RATLS_OK ? status : replay_list(replay, piece, wanted, ret_found, err);
}

/* In one mode; the state is as before if the PCR is not found. */
static enum ratls_status try_mode(struct ratls_ima_replay *replay, enum ratls_ima_mode mode,
                                  struct ratls_slice list, struct ratls_slice wanted,
                                  bool *ret_found, struct ratls_error *err)
{
    struct ratls_ima_state before = replay->state;
    enum ratls_status status;

    *ret_found = false;
    replay->state.mode = mode;
    status = replay_list(replay, list, wanted, ret_found, err);
    if (!*ret_found)
        replay->state = before;
    return status;
}

enum ratls_status ratls_ima_replay_until(struct ratls_ima_replay *replay, struct ratls_slice list,
                                         struct ratls_slice wanted, bool *ret_found,
                                         struct ratls_error *err)
{
    enum ratls_ima_mode mode = replay->state.mode;
    bool is_either = mode == RATLS_IMA_EITHER;
    struct ratls_error first = {0};
    bool is_found = false;
    enum ratls_status status = check_wanted(replay, wanted, err);

    if (status != RATLS_OK)
        return status;
    status = try_mode(replay, is_either ? RATLS_IMA_NATIVE : mode, list, wanted, &is_found,
                      is_either ? &first : err);
    /* What follows the prefix may be no list: that is only an error if neither mode has one. */
    if (is_either && !is_found)
        status = try_mode(replay, RATLS_IMA_PADDED, list, wanted, &is_found, err);
    if (status == RATLS_OK)
        *ret_found = is_found;
    return status;
}
