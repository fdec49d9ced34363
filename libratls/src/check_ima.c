/*
 * The list of Linux IMA. Nothing in it is looked at unless the quote is authentic, and from this
 * server; then ima.offset needs ima.present, the replay needs ima.offset, and what entries say is
 * judged once the replay has shown which of them PCR 10 stands for.
 */
#include "check_ima.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST RATLS_CHECK_IMA_PRESENT
#define LAST RATLS_CHECK_IMA_ALLOW

static bool is_authentic(const struct ratls_report *report)
{
    static const enum ratls_check needs[] = {
        RATLS_CHECK_AK_ATTRIBUTES, RATLS_CHECK_AK_TRUST,         RATLS_CHECK_AK_SERVER,
        RATLS_CHECK_QUOTE_MAGIC,   RATLS_CHECK_QUOTE_TYPE,       RATLS_CHECK_QUOTE_SIGNATURE,
        RATLS_CHECK_PCR_DIGEST,    RATLS_CHECK_QUOTE_EXTRA_DATA,
    };

    return ratls_checks_passed(report, needs, sizeof needs / sizeof needs[0]);
}

/* Of this quote: the same key, list and boot, acknowledged under the same rules. */
static bool is_of_quote(const struct ratls_appraisal *a, const struct ratls_ledger_row *known)
{
    const struct ratls_ima_rules *rules = &a->rules->ima;

    return ratls_slice_equal(ratls_slice(known->ak_name, known->ak_name_len),
                             ratls_slice(a->ak_name, a->ak_name_len)) &&
           known->reset_count == a->attest.reset_count &&
           known->restart_count == a->attest.restart_count &&
           memcmp(known->rules_sha256, rules->sha256, sizeof rules->sha256) == 0 &&
           known->ima.bank == rules->bank && known->ima.list_alg == a->evidence.ima.list_alg;
}

/* What is acknowledged before anything is. */
static enum ratls_status start_base(struct ratls_appraisal *a, struct ratls_ledger_row *ret_base)
{
    const struct ratls_ima_rules *rules = &a->rules->ima;
    struct ratls_ledger_row base = {.ak_name_len = a->ak_name_len,
                                    .reset_count = a->attest.reset_count,
                                    .restart_count = a->attest.restart_count};
    enum ratls_status status = ratls_ima_state_init(a->evidence.ima.list_alg, rules->bank,
                                                    rules->extend, &base.ima, a->err);

    if (status != RATLS_OK)
        return status;
    memcpy(base.ak_name, a->ak_name, a->ak_name_len);
    memcpy(base.rules_sha256, rules->sha256, sizeof rules->sha256);
    *ret_base = base;
    return RATLS_OK;
}

/* The peer says which list it is: only the kernel's for all banks, or the one of the policy's. */
static bool check_digests(struct ratls_appraisal *a)
{
    const struct ratls_ima_rules *rules = &a->rules->ima;
    uint16_t alg = a->evidence.ima.list_alg;
    bool is_sha1 = alg == RATLS_ALG_SHA1;
    char expected[RATLS_VALUE_MAX];

    if (is_sha1 || (alg == rules->bank && rules->extend != RATLS_IMA_PADDED))
        return true;
    if (rules->extend == RATLS_IMA_PADDED)
        snprintf(expected, sizeof expected, "a list with sha1 digests: the policy wants padded");
    else
        snprintf(expected, sizeof expected, "a list with sha1 or %s digests",
                 ratls_tpm_alg_name(rules->bank));
    ratls_check_holds(a->report, RATLS_CHECK_IMA_FORMAT, false, "ima-list", expected,
                      ratls_tpm_alg_name(alg));
    return false;
}

static void say_offset(struct ratls_appraisal *a, const struct ratls_ledger_row *known)
{
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    if (known != NULL && is_of_quote(a, known))
        snprintf(expected, sizeof expected, "0, or %" PRIu64 ", where the list is known to",
                 known->ima.offset + known->pending_len);
    else if (known != NULL)
        snprintf(expected, sizeof expected,
                 "0: what is known is of another boot, key or list (reset %" PRIu32
                 ", restart %" PRIu32 ")",
                 known->reset_count, known->restart_count);
    else
        snprintf(expected, sizeof expected, "0: nothing of this list is known");
    snprintf(actual, sizeof actual, "%" PRIu64 " (reset %" PRIu32 ", restart %" PRIu32 ")",
             a->evidence.ima.offset, a->attest.reset_count, a->attest.restart_count);
    ratls_check_say(a->report, RATLS_CHECK_IMA_OFFSET, "ima-list", expected, actual);
}

/* From the begin, or exactly from where the request said, which is this side's own knowledge. */
static bool check_offset(struct ratls_appraisal *a)
{
    const struct ratls_ledger_row *known = a->submission->known;
    uint64_t offset = a->evidence.ima.offset;
    bool holds = offset == 0 || (known != NULL && is_of_quote(a, known) &&
                                 offset == known->ima.offset + known->pending_len);

    if (ratls_check_decide(a->report, RATLS_CHECK_IMA_OFFSET, holds))
        say_offset(a, known);
    return holds;
}

/*
 * The bytes that are there: what is pending, and the slice behind it. Should another process have
 * used up what was pending, the slice begins behind a gap, and goes; it can be fetched again.
 */
static enum ratls_status add_pieces(struct ratls_appraisal *a, struct ratls_ima_list *list)
{
    const struct ratls_ima_slice *slice = &a->evidence.ima;
    uint8_t *pending = NULL;
    size_t len = 0;
    enum ratls_status status = RATLS_OK;

    if (list->base.pending_len > 0)
        status = ratls_ledger_pending(a->rules->ledger, &list->base, &pending, &len, a->err);
    if (status == RATLS_OK)
        list->base.pending_len = len;
    if (status == RATLS_OK && len > 0)
        status = ratls_ima_list_add(list, ratls_slice(pending, len), true, a->err);
    free(pending);
    if (status == RATLS_OK && list->end == slice->offset)
        status = ratls_ima_list_add(list, slice->entries, false, a->err);
    return status;
}

/* Where the list begins, and its bytes. */
static enum ratls_status begin_list(struct ratls_appraisal *a, struct ratls_ima_list *list)
{
    const struct ratls_ima_slice *slice = &a->evidence.ima;
    enum ratls_status status = RATLS_OK;

    if (slice->offset == 0)
        status = start_base(a, &list->base);
    else
        list->base = *a->submission->known;
    if (status != RATLS_OK)
        return status;
    list->end = list->base.ima.offset;
    list->total = slice->total;
    return add_pieces(a, list);
}

/* For appraise.c: if all else is accepted too. */
static void note_state(struct ratls_appraisal *a, const struct ratls_ima_list *list)
{
    a->ima = list->base;
    a->ima.ima = list->state;
    a->ima.pending_len = 0;
    a->ima_grew = list->base.ima.offset == 0 || list->state.entries > list->base.ima.entries;
}

static enum ratls_status check_list(struct ratls_appraisal *a)
{
    struct ratls_ima_list list = {0};
    enum ratls_status status = RATLS_OK;

    if (!ratls_quoted_pcr(a, a->rules->ima.bank, RATLS_IMA_PCR, &list.pcr)) {
        ratls_check_holds(a->report, RATLS_CHECK_IMA_REPLAY, false, "policy",
                          "a selection with PCR 10", "one without");
        return RATLS_OK;
    }
    status = begin_list(a, &list);
    if (status == RATLS_OK)
        status = ratls_ima_list_replay(a, &list);
    if (status == RATLS_OK && ratls_check_passed(a->report, RATLS_CHECK_IMA_REPLAY)) {
        status = ratls_ima_list_judge(a, &list);
        note_state(a, &list);
    }
    ratls_ima_list_done(&list);
    return status;
}

enum ratls_status ratls_check_ima(struct ratls_appraisal *a)
{
    bool has_list = a->evidence.has_ima;

    if (!a->rules->ima.is_asked) {
        for (int check = FIRST; check <= LAST; check++)
            ratls_check_not_asked(a->report, (enum ratls_check)check);
        return RATLS_OK;
    }
    if (!is_authentic(a->report))
        return RATLS_OK;
    if (!ratls_check_holds(a->report, RATLS_CHECK_IMA_PRESENT, has_list, "ima-list",
                           "the list of Linux IMA", has_list ? "a list" : "none was sent") ||
        !check_offset(a) || !check_digests(a))
        return RATLS_OK;
    return check_list(a);
}

void ratls_ima_place(uint64_t entry, char out[static RATLS_AT_MAX])
{
    snprintf(out, RATLS_AT_MAX, "ima-list[%" PRIu64 "]", entry);
}
