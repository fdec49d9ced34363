#include "ima_replay.h"

#include <inttypes.h>
#include <string.h>

#include "fail.h"

#define PLAIN_PATH_FIELD (RATLS_IMA_OLD_PATH_MAX + 1) /* hashed with zeros up to this length */
#define SHA1_LEN 20
#define SHOWN_DIGEST_MAX 68

static bool follows(const struct ratls_ima_state *state, enum ratls_ima_mode mode)
{
    return state->mode == mode || state->mode == RATLS_IMA_EITHER;
}

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
    enum ratls_status status = ratls_hasher_begin(from->list_alg, &replay.list_hasher, err);

    if (status == RATLS_OK)
        status = ratls_hasher_begin(from->bank, &replay.bank_hasher, err);
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

struct ratls_slice ratls_ima_value(const struct ratls_ima_state *state, enum ratls_ima_mode mode)
{
    size_t len = ratls_tpm_hash_len(state->bank);

    if (mode == RATLS_IMA_EITHER || !follows(state, mode))
        return ratls_slice(NULL, 0);
    return ratls_slice(mode == RATLS_IMA_NATIVE ? state->native : state->padded, len);
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

/* What the kernel extends for an entry that is not a violation, after a check of its digest. */
static enum ratls_status hash_entry(struct ratls_ima_replay *replay,
                                    const struct ratls_ima_entry *entry, uint8_t *native,
                                    struct ratls_error *err)
{
    uint8_t computed[RATLS_DIGEST_MAX];
    enum ratls_status status = hash_template(&replay->list_hasher, entry, computed, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_slice_equal(entry->digest, ratls_slice(computed, replay->list_hasher.len)))
        return fail_digest(entry, computed, err);
    if (replay->state.list_alg == replay->state.bank)
        memcpy(native, computed, replay->bank_hasher.len);
    else if (follows(&replay->state, RATLS_IMA_NATIVE))
        status = hash_template(&replay->bank_hasher, entry, native, err);
    return status;
}

static enum ratls_status extend(struct ratls_hasher *bank, uint8_t *pcr, const uint8_t *digest,
                                struct ratls_error *err)
{
    const struct ratls_slice parts[] = {{pcr, bank->len}, {digest, bank->len}};

    return ratls_hasher_digest(bank, parts, 2, pcr, err);
}

static enum ratls_status check_place(const struct ratls_ima_state *state,
                                     const struct ratls_ima_entry *entry, struct ratls_error *err)
{
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
    struct ratls_ima_state next = replay->state;
    uint8_t native[RATLS_DIGEST_MAX] = {0};
    uint8_t padded[RATLS_DIGEST_MAX] = {0};
    enum ratls_status status = check_place(&next, entry, err);

    if (status == RATLS_OK && !entry->is_violation)
        status = hash_entry(replay, entry, native, err);
    if (status != RATLS_OK)
        return status;
    if (entry->is_violation) {
        memset(native, 0xff, sizeof native);
        memset(padded, 0xff, SHA1_LEN);
        next.violations++;
    } else if (next.mode != RATLS_IMA_NATIVE) {
        memcpy(padded, entry->digest.p, SHA1_LEN);
    }
    if (follows(&next, RATLS_IMA_NATIVE))
        status = extend(&replay->bank_hasher, next.native, native, err);
    if (status == RATLS_OK && follows(&next, RATLS_IMA_PADDED))
        status = extend(&replay->bank_hasher, next.padded, padded, err);
    if (status != RATLS_OK)
        return status;
    next.offset += entry->len;
    next.entries++;
    replay->state = next;
    return RATLS_OK;
}

/* Whether the state has the wanted value; then it keeps only the mode that led there. */
static bool settle(struct ratls_ima_state *state, struct ratls_slice wanted)
{
    if (state->entries == 0)
        return false;
    if (ratls_slice_equal(ratls_ima_value(state, RATLS_IMA_NATIVE), wanted))
        state->mode = RATLS_IMA_NATIVE;
    else if (ratls_slice_equal(ratls_ima_value(state, RATLS_IMA_PADDED), wanted))
        state->mode = RATLS_IMA_PADDED;
    else
        return false;
    return true;
}

/* As ratls_ima_replay_until(); with an empty `wanted` to the end of the list. */
static enum ratls_status replay_list(struct ratls_ima_replay *replay, struct ratls_slice list,
                                     struct ratls_slice wanted, bool *ret_found,
                                     struct ratls_error *err)
{
    struct ratls_ima_state *state = &replay->state;
    struct ratls_ima_reader r =
        ratls_ima_reader(list, state->list_alg, state->offset, state->entries);
    struct ratls_ima_entry entry;
    bool is_found = wanted.len > 0 && settle(state, wanted);

    while (!is_found && ratls_ima_next(&r, &entry)) {
        enum ratls_status status = ratls_ima_replay_entry(replay, &entry, err);

        if (status != RATLS_OK)
            return status;
        is_found = wanted.len > 0 && settle(state, wanted);
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

enum ratls_status ratls_ima_replay_until(struct ratls_ima_replay *replay, struct ratls_slice list,
                                         struct ratls_slice wanted, bool *ret_found,
                                         struct ratls_error *err)
{
    if (wanted.len != replay->bank_hasher.len)
        return ratls_fail(err, RATLS_USAGE, "a PCR of the %s bank has %zu bytes, not %zu",
                          ratls_tpm_hash_name(replay->state.bank), replay->bank_hasher.len,
                          wanted.len);
    return replay_list(replay, list, wanted, ret_found, err);
}
