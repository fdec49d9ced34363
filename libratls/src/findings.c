#include "findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST 2048
#define TEXT_MAX 32768 /* a place is 16 bits; all strings at their longest are 26 KB */

static const struct {
    const char *name;
    const char *meaning;
    const char *source;
} checks[] = {
#define RATLS_CHECK_ROW(id, name, meaning, source) {name, meaning, source},
    RATLS_CHECKS(RATLS_CHECK_ROW)
#undef RATLS_CHECK_ROW
};

/* No default: the compiler reports a verdict without a name. */
const char *ratls_verdict_name(enum ratls_verdict verdict)
{
    switch (verdict) {
    case RATLS_NOT_RUN:
        return "not run";
    case RATLS_NOT_ASKED:
        return "not asked";
    case RATLS_PASS:
        return "pass";
    case RATLS_FAIL:
        return "fail";
    }
    return "unknown";
}

struct ratls_report *ratls_report_new(void)
{
    return calloc(1, sizeof(struct ratls_report));
}

struct ratls_report *ratls_report_copy(const struct ratls_report *report)
{
    struct ratls_report *copy = ratls_report_new();

    if (copy == NULL)
        return NULL;
    *copy = *report;
    copy->facts = NULL;
    if (report->text == NULL)
        return copy;
    copy->text = malloc(report->text_cap);
    if (copy->text == NULL) {
        free(copy);
        return NULL;
    }
    memcpy(copy->text, report->text, report->text_len);
    return copy;
}

void ratls_report_free(struct ratls_report *report)
{
    if (report == NULL)
        return;
    free(report->text);
    free(report->facts);
    free(report);
}

const char *ratls_report_string(const struct ratls_report *report, uint16_t place)
{
    return report->text == NULL ? "" : report->text + place;
}

/*
 * Room for a string of cap bytes at the end of the text, or NULL. Text that finds no room stays
 * empty; verdicts do not depend on it.
 */
static char *reserve_text(struct ratls_report *r, size_t cap)
{
    size_t used = r->text == NULL ? 1 : r->text_len;
    size_t wanted = r->text_cap == 0 ? TEXT_FIRST : r->text_cap;
    char *grown;

    while (wanted < used + cap)
        wanted *= 2;
    if (wanted > TEXT_MAX)
        return NULL;
    if (wanted != r->text_cap) {
        grown = realloc(r->text, wanted);
        if (grown == NULL)
            return NULL;
        r->text = grown;
        r->text_cap = wanted;
        r->text[0] = '\0';
    }
    r->text_len = used;
    return r->text + used;
}

/* The string that was written at the end of the text is there to stay. */
static uint16_t keep_text(struct ratls_report *r, const char *string)
{
    uint16_t place = (uint16_t)r->text_len;

    r->text_len += strlen(string) + 1;
    return place;
}

/* Whatever a caller hands over, only printable ASCII gets into a report. */
static uint16_t put_text(struct ratls_report *r, struct ratls_slice text, size_t cap)
{
    char *out = reserve_text(r, cap);

    if (out == NULL)
        return 0;
    ratls_escape(text, out, cap);
    return keep_text(r, out);
}

static uint16_t put_bytes(struct ratls_report *r, struct ratls_slice bytes)
{
    char *out = reserve_text(r, RATLS_VALUE_MAX);

    if (out == NULL)
        return 0;
    if (bytes.len == 0)
        snprintf(out, RATLS_VALUE_MAX, "empty");
    else
        ratls_hex(bytes, out, RATLS_VALUE_MAX);
    return keep_text(r, out);
}

static uint16_t put_uint(struct ratls_report *r, uint64_t value)
{
    char text[sizeof "0x0123456789abcdef"];

    snprintf(text, sizeof text, "0x%04" PRIx64, value);
    return put_text(r, ratls_slice(text, strlen(text)), RATLS_VALUE_MAX);
}

static struct ratls_slice slice_text(const char *text)
{
    return ratls_slice(text, strlen(text));
}

void ratls_report_put(struct ratls_report *report, const char *string, size_t cap,
                      uint16_t *ret_place)
{
    char *out = string[0] == '\0' ? NULL : reserve_text(report, cap);

    *ret_place = 0;
    if (out == NULL)
        return;
    snprintf(out, cap, "%s", string);
    *ret_place = keep_text(report, out);
}

void ratls_report_name(struct ratls_report *report, const char *server, const char *policy)
{
    if (report->server != 0 || report->policy != 0)
        return;
    ratls_report_put(report, server == NULL ? "" : server, RATLS_REPORT_NAME_MAX, &report->server);
    ratls_report_put(report, policy == NULL ? "" : policy, RATLS_REPORT_NAME_MAX, &report->policy);
}

/*
 * Counts one comparison of a check. Returns whether its words are the ones to keep: those of the
 * first failure or, as long as nothing failed, those of the first comparison.
 */
bool ratls_check_decide(struct ratls_report *r, enum ratls_check check, bool holds)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool is_first = slot->comparisons == 0 && !r->is_brief;
    bool keeps = is_first || (!holds && slot->failures == 0);

    slot->comparisons++;
    if (!holds)
        slot->failures++;
    slot->verdict = slot->failures == 0 ? RATLS_PASS : RATLS_FAIL;
    return keeps;
}

void ratls_check_say(struct ratls_report *r, enum ratls_check check, const char *at,
                     const char *expected, const char *actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];

    slot->at = put_text(r, slice_text(at), RATLS_AT_MAX);
    slot->expected = put_text(r, slice_text(expected), RATLS_VALUE_MAX);
    slot->actual = put_text(r, slice_text(actual), RATLS_VALUE_MAX);
}

bool ratls_check_holds(struct ratls_report *r, enum ratls_check check, bool holds, const char *at,
                       const char *expected, const char *actual)
{
    if (ratls_check_decide(r, check, holds))
        ratls_check_say(r, check, at, expected, actual);
    return holds;
}

bool ratls_check_bytes(struct ratls_report *r, enum ratls_check check, const char *at,
                       struct ratls_slice expected, struct ratls_slice actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool holds = ratls_slice_equal(expected, actual);

    if (!ratls_check_decide(r, check, holds))
        return holds;
    slot->at = put_text(r, slice_text(at), RATLS_AT_MAX);
    slot->expected = put_bytes(r, expected);
    slot->actual = holds ? slot->expected : put_bytes(r, actual);
    return holds;
}

bool ratls_check_uint(struct ratls_report *r, enum ratls_check check, const char *at,
                      uint64_t expected, uint64_t actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool holds = expected == actual;

    if (!ratls_check_decide(r, check, holds))
        return holds;
    slot->at = put_text(r, slice_text(at), RATLS_AT_MAX);
    slot->expected = put_uint(r, expected);
    slot->actual = holds ? slot->expected : put_uint(r, actual);
    return holds;
}

bool ratls_check_text(struct ratls_report *r, enum ratls_check check, const char *at,
                      const char *expected, struct ratls_slice actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool holds = ratls_slice_equal(slice_text(expected), actual);

    if (!ratls_check_decide(r, check, holds))
        return holds;
    slot->at = put_text(r, slice_text(at), RATLS_AT_MAX);
    slot->expected = put_text(r, slice_text(expected), RATLS_VALUE_MAX);
    slot->actual = put_text(r, actual.len == 0 ? slice_text("empty") : actual, RATLS_VALUE_MAX);
    return holds;
}

void ratls_check_not_asked(struct ratls_report *r, enum ratls_check check)
{
    if (r->slots[check].verdict == RATLS_NOT_RUN)
        r->slots[check].verdict = RATLS_NOT_ASKED;
}

bool ratls_check_passed(const struct ratls_report *r, enum ratls_check check)
{
    return r->slots[check].verdict == RATLS_PASS;
}

bool ratls_checks_passed(const struct ratls_report *r, const enum ratls_check *needed, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!ratls_check_passed(r, needed[i]))
            return false;
    return true;
}

bool ratls_report_accepted(const struct ratls_report *report)
{
    size_t good = 0;

    if (report == NULL)
        return false;
    for (size_t i = 0; i < RATLS_CHECK_COUNT; i++) {
        enum ratls_verdict verdict = report->slots[i].verdict;

        if (verdict == RATLS_PASS || verdict == RATLS_NOT_ASKED)
            good++;
    }
    return good == RATLS_CHECK_COUNT;
}

size_t ratls_report_count(const struct ratls_report *report)
{
    (void)report;
    return RATLS_CHECK_COUNT;
}

bool ratls_report_finding(const struct ratls_report *report, size_t i,
                          struct ratls_finding *ret_finding)
{
    const struct ratls_finding_slot *slot;

    if (report == NULL || i >= RATLS_CHECK_COUNT)
        return false;
    slot = &report->slots[i];
    *ret_finding = (struct ratls_finding){
        .check = checks[i].name,
        .meaning = checks[i].meaning,
        .source = checks[i].source,
        .verdict = slot->verdict,
        .at = ratls_report_string(report, slot->at),
        .expected = ratls_report_string(report, slot->expected),
        .actual = ratls_report_string(report, slot->actual),
        .failures = slot->failures,
    };
    return true;
}

bool ratls_report_first_failure(const struct ratls_report *report,
                                struct ratls_finding *ret_finding)
{
    if (report == NULL)
        return false;
    for (size_t i = 0; i < RATLS_CHECK_COUNT; i++) {
        if (report->slots[i].verdict == RATLS_FAIL)
            return ratls_report_finding(report, i, ret_finding);
    }
    return false;
}
