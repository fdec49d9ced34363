/*
 * From bytes to a prefix that PCR 10 stands for. A kernel may have extended a bank in one of two
 * ways: both are replayed side by side until one leads there, so that no piece is read twice.
 */
#include "check_ima.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define MODES_MAX 2
#define PCR_SHOWN 24     /* with "...": enough to tell one from another */
#define FETCHES_MAX 1024 /* a list of 16 MiB comes in some 260 pieces */

struct replays {
    unsigned fetched; /* pieces */
    bool is_at_end;   /* the server was asked for more, and had none that fits */
    size_t count;
    struct ratls_ima_replay modes[MODES_MAX];
    struct ratls_error errors[MODES_MAX];
};

enum ratls_status ratls_ima_list_add(struct ratls_ima_list *list, struct ratls_slice bytes,
                                     bool is_copied, struct ratls_error *err)
{
    struct ratls_ima_piece *piece;

    if (bytes.len == 0)
        return RATLS_OK;
    piece = malloc(sizeof *piece + (is_copied ? bytes.len : 0));
    if (piece == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *piece = (struct ratls_ima_piece){.bytes = bytes};
    if (is_copied) {
        memcpy(piece->copy, bytes.p, bytes.len);
        piece->bytes = ratls_slice(piece->copy, bytes.len);
    }
    if (list->last == NULL)
        list->first = piece;
    else
        list->last->next = piece;
    list->last = piece;
    list->end += bytes.len;
    return RATLS_OK;
}

void ratls_ima_list_done(struct ratls_ima_list *list)
{
    while (list->first != NULL) {
        struct ratls_ima_piece *piece = list->first;

        list->first = piece->next;
        free(piece);
    }
    list->last = NULL;
}

static void close_replays(struct replays *r)
{
    for (size_t i = 0; i < r->count; i++)
        ratls_ima_replay_close(&r->modes[i]);
    r->count = 0;
}

static enum ratls_status open_replays(const struct ratls_ima_state *from, struct replays *r,
                                      struct ratls_error *err)
{
    bool is_either = from->mode == RATLS_IMA_EITHER;
    const enum ratls_ima_mode modes[MODES_MAX] = {is_either ? RATLS_IMA_NATIVE : from->mode,
                                                  RATLS_IMA_PADDED};
    struct ratls_ima_state state = *from;
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < (is_either ? MODES_MAX : 1); i++) {
        state.mode = modes[i];
        status = ratls_ima_replay_open(&state, &r->modes[i], err);
        r->count += status == RATLS_OK;
    }
    return status;
}

static bool is_refusal(enum ratls_status status)
{
    return status == RATLS_MALFORMED || status == RATLS_LIMIT;
}

/*
 * Through one piece. RATLS_MALFORMED or RATLS_LIMIT, with words in r->errors, only if no mode found
 * the PCR before what is refused.
 */
static enum ratls_status replay_piece(struct replays *r, const struct ratls_ima_piece *piece,
                                      struct ratls_ima_list *list, bool *ret_found,
                                      struct ratls_error *err)
{
    enum ratls_status result = RATLS_OK;

    for (size_t i = 0; i < r->count; i++) {
        bool is_found = false;
        enum ratls_status status =
            ratls_ima_replay_piece(&r->modes[i], piece->bytes, list->pcr, &is_found, &r->errors[i]);

        if (status == RATLS_OK && is_found) {
            list->state = r->modes[i].state;
            *ret_found = true;
            return RATLS_OK;
        }
        if (status != RATLS_OK && !is_refusal(status))
            return ratls_fail(err, status, "%s", r->errors[i].text);
        if (status != RATLS_OK)
            result = status;
    }
    return result;
}

/* "17 entries": made only where somebody reads it. */
static void pass(struct ratls_appraisal *a, enum ratls_check check, const char *expected,
                 uint64_t entries)
{
    char actual[RATLS_VALUE_MAX];

    if (!ratls_check_decide(a->report, check, true))
        return;
    snprintf(actual, sizeof actual, "%" PRIu64 " entries", entries);
    ratls_check_say(a->report, check, "ima-list", expected, actual);
}

static void pass_format(struct ratls_appraisal *a, uint64_t entries)
{
    pass(a, RATLS_CHECK_IMA_FORMAT, "a list", entries);
}

static void pass_entries(struct ratls_appraisal *a, uint64_t entries)
{
    pass(a, RATLS_CHECK_IMA_ENTRY, "each entry with its own digest", entries);
}

/* The entry at which a replay ended is none, or is not what its digest says. */
static void say_refused(struct ratls_appraisal *a, const struct replays *r,
                        const struct ratls_ima_piece *piece, uint64_t begin)
{
    const struct ratls_ima_state *state = &r->modes[0].state;
    struct ratls_reader bytes = ratls_reader(piece->bytes);
    struct ratls_ima_reader reader;
    struct ratls_ima_entry entry;
    char at[RATLS_AT_MAX], actual[RATLS_VALUE_MAX];

    (void)ratls_read_bytes(&bytes, (size_t)(state->offset - begin));
    reader = ratls_ima_reader(bytes.rest, state->list_alg, state->offset, state->entries);
    ratls_ima_place(state->entries + 1, at);
    if (!ratls_ima_next(&reader, &entry)) {
        ratls_escape(ratls_slice(reader.error.text, strlen(reader.error.text)), actual,
                     sizeof actual);
        ratls_check_holds(a->report, RATLS_CHECK_IMA_FORMAT, false, at,
                          "a list, up to the quoted PCR 10: nothing in it is authenticated",
                          actual);
        return;
    }
    pass_format(a, state->entries + 1);
    ratls_escape(ratls_slice(r->errors[0].text, strlen(r->errors[0].text)), actual, sizeof actual);
    ratls_check_holds(a->report, RATLS_CHECK_IMA_ENTRY, false, at,
                      "the digest of its data: nothing in the list is authenticated", actual);
}

/* No prefix leads to the PCR. */
static void say_not_found(struct ratls_appraisal *a, const struct ratls_ima_list *list,
                          const struct replays *r)
{
    uint64_t entries = r->modes[0].state.entries;
    uint64_t left = list->total > list->end ? list->total - list->end : 0;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    char hex[PCR_SHOWN];

    pass_format(a, entries);
    pass_entries(a, entries);
    ratls_hex(list->pcr, hex, sizeof hex);
    snprintf(expected, sizeof expected, "entries that lead to PCR 10, which is %s", hex);
    if (ratls_slice_is_zero(list->pcr))
        snprintf(expected, sizeof expected, "a PCR 10 that is not zero: IMA measured nothing");
    if (left > 0)
        snprintf(actual, sizeof actual,
                 "none of %" PRIu64 " do, %" PRIu64
                 " bytes were not sent; nothing in the list is authenticated",
                 entries, left);
    else
        snprintf(actual, sizeof actual,
                 "none of all %" PRIu64 " do; nothing in the list is authenticated", entries);
    ratls_check_holds(a->report, RATLS_CHECK_IMA_REPLAY, false, "ima-list", expected, actual);
}

static void say_found(struct ratls_appraisal *a, const struct ratls_ima_list *list)
{
    char actual[RATLS_VALUE_MAX];

    pass_format(a, list->state.entries);
    pass_entries(a, list->state.entries);
    if (!ratls_check_decide(a->report, RATLS_CHECK_IMA_REPLAY, true))
        return;
    snprintf(actual, sizeof actual, "%" PRIu64 " entries do, %" PRIu64 " of them are new",
             list->state.entries, list->state.entries - list->base.ima.entries);
    ratls_check_say(a->report, RATLS_CHECK_IMA_REPLAY, "ima-list", "entries that lead to PCR 10",
                    actual);
}

/* One more piece of the list, from its end. None: *ret_more is false. */
static enum ratls_status fetch_piece(struct ratls_appraisal *a, struct ratls_ima_list *list,
                                     bool *ret_more)
{
    struct ratls_more *more = a->submission->more;
    struct ratls_log_request request = {
        .ima_bank = a->rules->ima.bank,
        .ima_offset = list->end,
        .ima_reset_count = a->attest.reset_count,
        .ima_restart_count = a->attest.restart_count,
    };
    struct ratls_evidence evidence;
    struct ratls_slice answer;
    uint8_t name[32];
    enum ratls_status status = ratls_sha256(ratls_slice(a->ak_name, a->ak_name_len), name, a->err);

    if (status != RATLS_OK)
        return status;
    memcpy(request.ima_key_id, name, sizeof request.ima_key_id);
    status = more->fetch(more, &request, &answer, a->err);
    if (status != RATLS_OK)
        return status;
    *ret_more = ratls_evidence_read(answer, &evidence) && !evidence.has_quote && evidence.has_ima &&
                evidence.ima.list_alg == list->base.ima.list_alg &&
                evidence.ima.offset == list->end && evidence.ima.entries.len > 0;
    if (!*ret_more)
        return RATLS_OK;
    list->total = evidence.ima.total;
    return ratls_ima_list_add(list, evidence.ima.entries, true, a->err);
}

/* Nothing is asked for evidence that is refused already. */
static bool may_fetch(const struct ratls_appraisal *a, const struct ratls_ima_list *list)
{
    struct ratls_finding failure;

    return a->submission->more != NULL && (a->rules->ima.syncs || a->submission->more->is_here) &&
           list->end < list->total && list->end < RATLS_IMA_LIST_MAX &&
           !ratls_slice_is_zero(list->pcr) && !ratls_report_first_failure(a->report, &failure);
}

/*
 * So that an interrupted sync goes on here: what was well formed up to now, however it came. A
 * ledger that cannot keep it only makes the next one longer.
 */
static void keep_piece(struct ratls_appraisal *a, struct ratls_ima_list *list,
                       const struct ratls_ima_piece *piece, uint64_t begin)
{
    const char *server = a->submission->expectation->server_name;
    struct ratls_ledger_row *base = &list->base;
    bool is_here = a->submission->more != NULL && a->submission->more->is_here;

    if (list->end < list->total && !is_here && begin == base->ima.offset + base->pending_len)
        (void)!ratls_ledger_append(a->rules->ledger, server == NULL ? "" : server, base,
                                   piece->bytes, NULL);
}

/* The next piece, of those that are there or can be had; NULL: there is none. */
static enum ratls_status next_piece(struct ratls_appraisal *a, struct ratls_ima_list *list,
                                    const struct ratls_ima_piece **piece, struct replays *r)
{
    bool has_more = false;
    enum ratls_status status = RATLS_OK;

    *piece = *piece == NULL ? list->first : (*piece)->next;
    if (*piece != NULL || !may_fetch(a, list))
        return RATLS_OK;
    if (r->fetched++ < FETCHES_MAX)
        status = fetch_piece(a, list, &has_more);
    if (status == RATLS_OK && has_more)
        *piece = list->last;
    r->is_at_end = !has_more;
    return status;
}

/* Piece by piece, until the PCR is found. */
static enum ratls_status replay_pieces(struct ratls_appraisal *a, struct ratls_ima_list *list,
                                       struct replays *r, bool *ret_found)
{
    const struct ratls_ima_piece *piece = NULL;
    uint64_t begin = list->base.ima.offset;
    enum ratls_status status = next_piece(a, list, &piece, r);

    while (status == RATLS_OK && piece != NULL) {
        status = replay_piece(r, piece, list, ret_found, a->err);
        if (is_refusal(status))
            say_refused(a, r, piece, begin);
        if (status != RATLS_OK || *ret_found)
            return status;
        keep_piece(a, list, piece, begin);
        begin += piece->bytes.len;
        status = next_piece(a, list, &piece, r);
    }
    return status;
}

/* With nothing new: PCR 10 must be as it was. */
static bool is_unchanged(const struct ratls_ima_list *list)
{
    return list->base.ima.entries > 0 &&
           ratls_slice_equal(ratls_ima_pcr(&list->base.ima), list->pcr);
}

/*
 * What is known led to no list, or to its end and not to the PCR: the next attempt begins anew. It
 * goes on here if there is more, and this time it could not be had.
 */
static void forget(struct ratls_appraisal *a, const struct ratls_ima_list *list, bool is_list,
                   const struct replays *r)
{
    bool goes_on = is_list && !r->is_at_end && list->end < list->total &&
                   list->end < RATLS_IMA_LIST_MAX && !ratls_slice_is_zero(list->pcr);

    if (!goes_on)
        (void)!ratls_ledger_forget(a->rules->ledger, &list->base, NULL);
}

enum ratls_status ratls_ima_list_replay(struct ratls_appraisal *a, struct ratls_ima_list *list)
{
    struct replays r = {0};
    bool is_found = is_unchanged(list);
    enum ratls_status status = open_replays(&list->base.ima, &r, a->err);

    list->state = list->base.ima;
    if (status == RATLS_OK && !is_found)
        status = replay_pieces(a, list, &r, &is_found);
    if (status == RATLS_OK && is_found)
        say_found(a, list);
    else if (status == RATLS_OK)
        say_not_found(a, list, &r);
    if (is_refusal(status) || (status == RATLS_OK && !is_found))
        forget(a, list, status == RATLS_OK, &r);
    close_replays(&r);
    return is_refusal(status) ? RATLS_OK : status;
}
