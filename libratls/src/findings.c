#include "findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void ratls_report_free(struct ratls_report *report)
{
    free(report);
}

/*
 * Counts one comparison of a check. Returns whether its strings are the ones to keep: those of the
 * first failure or, as long as nothing failed, those of the first comparison.
 */
static bool record_verdict(struct ratls_finding_slot *slot, bool holds)
{
    bool keeps = slot->comparisons == 0 || (!holds && slot->failures == 0);

    slot->comparisons++;
    if (!holds)
        slot->failures++;
    slot->verdict = slot->failures == 0 ? RATLS_PASS : RATLS_FAIL;
    return keeps;
}

/* Whatever a caller hands over, only printable ASCII gets into a report. */
static void put_text(char *out, size_t cap, const char *text)
{
    ratls_escape(ratls_slice(text, strlen(text)), out, cap);
}

static void put_bytes(char out[static RATLS_VALUE_MAX], struct ratls_slice bytes)
{
    if (bytes.len == 0)
        put_text(out, RATLS_VALUE_MAX, "empty");
    else
        ratls_hex(bytes, out, RATLS_VALUE_MAX);
}

bool ratls_check_bytes(struct ratls_report *r, enum ratls_check check, const char *at,
                       struct ratls_slice expected, struct ratls_slice actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool holds = ratls_slice_equal(expected, actual);

    if (record_verdict(slot, holds)) {
        put_text(slot->at, sizeof slot->at, at);
        put_bytes(slot->expected, expected);
        put_bytes(slot->actual, actual);
    }
    return holds;
}

bool ratls_check_uint(struct ratls_report *r, enum ratls_check check, const char *at,
                      uint64_t expected, uint64_t actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool holds = expected == actual;

    if (record_verdict(slot, holds)) {
        put_text(slot->at, sizeof slot->at, at);
        snprintf(slot->expected, sizeof slot->expected, "0x%04" PRIx64, expected);
        snprintf(slot->actual, sizeof slot->actual, "0x%04" PRIx64, actual);
    }
    return holds;
}

bool ratls_check_text(struct ratls_report *r, enum ratls_check check, const char *at,
                      const char *expected, struct ratls_slice actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];
    bool holds = ratls_slice_equal(ratls_slice(expected, strlen(expected)), actual);

    if (record_verdict(slot, holds)) {
        put_text(slot->at, sizeof slot->at, at);
        put_text(slot->expected, sizeof slot->expected, expected);
        if (actual.len == 0)
            put_text(slot->actual, sizeof slot->actual, "empty");
        else
            ratls_escape(actual, slot->actual, sizeof slot->actual);
    }
    return holds;
}

bool ratls_check_holds(struct ratls_report *r, enum ratls_check check, bool holds, const char *at,
                       const char *expected, const char *actual)
{
    struct ratls_finding_slot *slot = &r->slots[check];

    if (record_verdict(slot, holds)) {
        put_text(slot->at, sizeof slot->at, at);
        put_text(slot->expected, sizeof slot->expected, expected);
        put_text(slot->actual, sizeof slot->actual, actual);
    }
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
        .at = slot->at,
        .expected = slot->expected,
        .actual = slot->actual,
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
