/* The report for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"

#define MARK_WIDTH 7  /* "not run" */
#define NAME_WIDTH 18 /* "statement.manifest" */
#define LABEL_WIDTH 8 /* "expected" */
#define SEEN_WIDTH 40

enum colour { PLAIN, GREEN, RED, FAINT };

struct printer {
    FILE *out;
    bool coloured;
};

static void print_coloured(const struct printer *p, enum colour colour, int width, const char *text)
{
    static const char *const codes[] = {
        [PLAIN] = "", [GREEN] = "\033[1;32m", [RED] = "\033[1;31m", [FAINT] = "\033[2m"};
    bool coloured = p->coloured && colour != PLAIN;

    fprintf(p->out, "%s%-*s%s", coloured ? codes[colour] : "", width, text,
            coloured ? "\033[0m" : "");
}

static void print_wrong_values(const struct printer *p, const struct ratls_finding_slot *slot)
{
    if (slot->failures > 0 && slot->comparisons > 1)
        fprintf(p->out, " (%" PRIu32 " of %" PRIu32 " wrong)", slot->failures, slot->comparisons);
}

/* Names and paths come from this side, but a terminal must not obey them either. */
static void print_escaped(const struct printer *p, const char *before, const char *text,
                          const char *behind)
{
    char escaped[4 * RATLS_REPORT_NAME_MAX]; /* \xNN for each byte at worst */

    if (text[0] == '\0')
        return;
    ratls_escape(ratls_slice(text, strlen(text)), escaped, sizeof escaped);
    fprintf(p->out, "%s%s%s", before, escaped, behind);
}

static void print_acceptance(const struct printer *p, const struct ratls_report *report)
{
    print_coloured(p, GREEN, 0, "ACCEPTED");
    print_escaped(p, "  ", ratls_report_string(report, report->server), "");
    print_escaped(p, "  ", ratls_report_string(report, report->policy), "");
    print_escaped(p, "  (", ratls_report_string(report, report->note), ")");
    fputc('\n', p->out);
}

static const struct ratls_finding_slot *find_first_failure(const struct ratls_report *report)
{
    for (size_t i = 0; i < RATLS_CHECK_COUNT; i++) {
        if (report->slots[i].verdict == RATLS_FAIL)
            return &report->slots[i];
    }
    return NULL;
}

static void print_refusal(const struct printer *p, const struct ratls_report *report)
{
    const struct ratls_finding_slot *slot = find_first_failure(report);
    struct ratls_finding first;

    print_coloured(p, RED, 0, "REFUSED");
    fputs("  ", p->out);
    print_escaped(p, "", ratls_report_string(report, report->server), ": ");
    if (slot == NULL || !ratls_report_first_failure(report, &first)) {
        fputs("the appraisal was not completed\n", p->out);
        return;
    }
    fprintf(p->out, "%s: %s", first.check, first.meaning);
    print_wrong_values(p, slot);
    fputc('\n', p->out);
}

static void print_detail(const struct printer *p, const char *label, const char *value)
{
    if (value[0] != '\0')
        fprintf(p->out, "  %*s  %-*s  %s\n", MARK_WIDTH, "", LABEL_WIDTH, label, value);
}

/* What was seen and was right, shortened: the whole of it is in the JSON. */
static void print_seen(const struct printer *p, const char *value)
{
    size_t len = strlen(value);
    bool is_long = len > SEEN_WIDTH;

    if (len > 0)
        fprintf(p->out, " (%.*s%s)", is_long ? SEEN_WIDTH : (int)len, value, is_long ? "..." : "");
}

static void print_finding(const struct printer *p, const struct ratls_finding *finding,
                          const struct ratls_finding_slot *slot)
{
    static const struct {
        const char *mark;
        enum colour colour;
    } marks[] = {
        [RATLS_NOT_RUN] = {"not run", FAINT},
        [RATLS_NOT_ASKED] = {"-", FAINT},
        [RATLS_PASS] = {"ok", GREEN},
        [RATLS_FAIL] = {"FAIL", RED},
    };

    fputs("  ", p->out);
    print_coloured(p, marks[finding->verdict].colour, MARK_WIDTH, marks[finding->verdict].mark);
    fprintf(p->out, "  %-*s  %s", NAME_WIDTH, finding->check, finding->meaning);
    print_wrong_values(p, slot);
    if (finding->verdict == RATLS_PASS)
        print_seen(p, finding->actual);
    if (finding->verdict == RATLS_NOT_ASKED)
        fputs(" (not asked)", p->out);
    fputc('\n', p->out);
    if (finding->verdict != RATLS_FAIL)
        return;
    print_detail(p, "expected", finding->expected);
    print_detail(p, "seen", finding->actual);
    print_detail(p, "at", finding->at);
    print_detail(p, "see", finding->source);
}

static void print_report(const struct printer *p, const struct ratls_report *report,
                         bool only_failures)
{
    struct ratls_finding finding;

    if (ratls_report_accepted(report))
        print_acceptance(p, report);
    else
        print_refusal(p, report);
    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++) {
        if (!only_failures || finding.verdict == RATLS_FAIL)
            print_finding(p, &finding, &report->slots[i]);
    }
}

enum ratls_status ratls_report_text(const struct ratls_report *report, unsigned flags,
                                    char **ret_text)
{
    char *text = NULL;
    size_t len = 0;
    struct printer p = {.coloured = (flags & RATLS_TEXT_COLOUR) != 0};
    bool failed;

    if (report == NULL || ret_text == NULL)
        return RATLS_USAGE;
    p.out = open_memstream(&text, &len);
    if (p.out == NULL)
        return RATLS_MEMORY;
    print_report(&p, report, (flags & RATLS_TEXT_FAILURES) != 0);
    failed = ferror(p.out) != 0;
    failed = fclose(p.out) != 0 || failed;
    if (failed) {
        free(text);
        return RATLS_MEMORY;
    }
    *ret_text = text;
    return RATLS_OK;
}
