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
    /* The meaning of a check is what should have been. */
    fprintf(p->out, "%s (required: %s)", first.check, first.meaning);
    print_wrong_values(p, slot);
    fputc('\n', p->out);
}

static void print_detail(const struct printer *p, const char *label, const char *value)
{
    if (value[0] != '\0')
        fprintf(p->out, "  %*s  %-*s  %s\n", MARK_WIDTH, "", LABEL_WIDTH, label, value);
}

/* What was seen and was right, the first of it and shortened: the JSON has it whole. */
static void print_seen(const struct printer *p, const char *value, uint32_t comparisons)
{
    size_t len = strlen(value);
    bool is_long = len > SEEN_WIDTH;

    if (len == 0)
        return;
    fprintf(p->out, " (%.*s%s", is_long ? SEEN_WIDTH : (int)len, value, is_long ? "..." : "");
    if (comparisons > 1)
        fprintf(p->out, "; %" PRIu32 " compared", comparisons);
    fputc(')', p->out);
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
        print_seen(p, finding->actual, slot->comparisons);
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

/* How many checks from i on have one name up to its dot, if none of them was asked; else 0. */
static size_t count_not_asked(const struct ratls_report *report, size_t i)
{
    struct ratls_finding first, other;
    size_t n = 0;

    if (!ratls_report_finding(report, i, &first))
        return 0;
    while (ratls_report_finding(report, i + n, &other) &&
           strncmp(first.check, other.check, strcspn(first.check, ".") + 1) == 0) {
        if (other.verdict != RATLS_NOT_ASKED)
            return 0;
        n++;
    }
    return n;
}

static bool begins_group(const struct ratls_report *report, size_t i)
{
    struct ratls_finding finding, before;

    return i == 0 || !ratls_report_finding(report, i, &finding) ||
           !ratls_report_finding(report, i - 1, &before) ||
           strncmp(finding.check, before.check, strcspn(finding.check, ".") + 1) != 0;
}

/* A log that no policy asked for is one line, not one for each of its checks. */
static void print_group(const struct printer *p, const char *check, size_t count)
{
    char name[NAME_WIDTH + 1];

    snprintf(name, sizeof name, "%.*s.*", (int)strcspn(check, "."), check);
    fputs("  ", p->out);
    print_coloured(p, FAINT, MARK_WIDTH, "-");
    fprintf(p->out, "  %-*s  %zu checks (not asked)\n", NAME_WIDTH, name, count);
}

static void print_findings(const struct printer *p, const struct ratls_report *report)
{
    struct ratls_finding finding;

    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++) {
        const size_t group = begins_group(report, i) ? count_not_asked(report, i) : 0;

        if (group > 1) {
            print_group(p, finding.check, group);
            i += group - 1;
        } else {
            print_finding(p, &finding, &report->slots[i]);
        }
    }
}

static void print_failures(const struct printer *p, const struct ratls_report *report)
{
    struct ratls_finding finding;

    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++)
        if (finding.verdict == RATLS_FAIL)
            print_finding(p, &finding, &report->slots[i]);
}

static void print_report(const struct printer *p, const struct ratls_report *report,
                         bool only_failures)
{
    if (ratls_report_accepted(report))
        print_acceptance(p, report);
    else
        print_refusal(p, report);
    if (only_failures)
        print_failures(p, report);
    else
        print_findings(p, report);
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
