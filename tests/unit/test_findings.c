#include <criterion/criterion.h>
#include <string.h>

#include "report_scene.h"

TestSuite(findings, .init = new_report, .fini = free_report);

static struct ratls_finding finding_of(enum ratls_check check)
{
    struct ratls_finding finding;

    cr_assert(ratls_report_finding(report, check, &finding));
    return finding;
}

Test(findings, a_fresh_report_refuses)
{
    struct ratls_finding finding;

    cr_expect_not(ratls_report_accepted(report));
    cr_expect_not(ratls_report_first_failure(report, &finding));
    for (int i = 0; i < RATLS_CHECK_COUNT; i++)
        cr_expect_eq(finding_of((enum ratls_check)i).verdict, RATLS_NOT_RUN);
}

Test(findings, no_report_refuses)
{
    struct ratls_finding finding;

    cr_expect_not(ratls_report_accepted(NULL));
    cr_expect_not(ratls_report_finding(NULL, 0, &finding));
    cr_expect_not(ratls_report_first_failure(NULL, &finding));
}

Test(findings, accepted_when_every_slot_passed_or_was_not_asked)
{
    for (int i = 0; i < RATLS_CHECK_COUNT; i++) {
        cr_expect_not(ratls_report_accepted(report), "after %d checks", i);
        if (i % 3 == 0)
            ratls_check_not_asked(report, (enum ratls_check)i);
        else
            ratls_check_uint(report, (enum ratls_check)i, "here", 1, 1);
    }
    cr_expect(ratls_report_accepted(report));
}

/* One slot that failed or was not run is enough, whichever it is. */
Test(findings, every_single_slot_can_refuse)
{
    for (int i = 0; i < RATLS_CHECK_COUNT; i++) {
        pass_all();
        cr_assert(ratls_report_accepted(report));
        report->slots[i].verdict = RATLS_NOT_RUN;
        cr_expect_not(ratls_report_accepted(report), "slot %d", i);
        ratls_check_uint(report, (enum ratls_check)i, "here", 1, 2);
        cr_expect_not(ratls_report_accepted(report), "slot %d", i);
        free_report();
        new_report();
    }
}

Test(findings, a_failure_stays_and_keeps_the_first_strings)
{
    cr_expect(
        ratls_check_text(report, RATLS_CHECK_PCR_VALUE, "pcrs.sha256[0]", "good", SLICE("good")));
    cr_expect_not(
        ratls_check_text(report, RATLS_CHECK_PCR_VALUE, "pcrs.sha256[4]", "good", SLICE("evil")));
    cr_expect_not(
        ratls_check_text(report, RATLS_CHECK_PCR_VALUE, "pcrs.sha256[7]", "good", SLICE("worse")));
    cr_expect(
        ratls_check_text(report, RATLS_CHECK_PCR_VALUE, "pcrs.sha256[9]", "good", SLICE("good")));
    ratls_check_not_asked(report, RATLS_CHECK_PCR_VALUE);

    struct ratls_finding finding = finding_of(RATLS_CHECK_PCR_VALUE);
    cr_expect_eq(finding.verdict, RATLS_FAIL);
    cr_expect_eq(finding.failures, 2);
    cr_expect_str_eq(finding.at, "pcrs.sha256[4]");
    cr_expect_str_eq(finding.expected, "good");
    cr_expect_str_eq(finding.actual, "evil");
    cr_expect_not(ratls_check_passed(report, RATLS_CHECK_PCR_VALUE));
}

Test(findings, not_asked_changes_only_what_was_not_run)
{
    ratls_check_uint(report, RATLS_CHECK_QUOTE_TYPE, "quote.type", 1, 1);
    ratls_check_not_asked(report, RATLS_CHECK_QUOTE_TYPE);
    ratls_check_not_asked(report, RATLS_CHECK_QUOTE_CLOCK);
    cr_expect_eq(finding_of(RATLS_CHECK_QUOTE_TYPE).verdict, RATLS_PASS);
    cr_expect_eq(finding_of(RATLS_CHECK_QUOTE_CLOCK).verdict, RATLS_NOT_ASKED);
    cr_expect_not(ratls_check_passed(report, RATLS_CHECK_QUOTE_CLOCK));
}

Test(findings, bytes_are_equal_only_with_their_length)
{
    static const struct {
        const char *label, *expected, *actual;
        bool holds;
    } rows[] = {
        {"equal", "abcd", "abcd", true},     {"other", "abcd", "abce", false},
        {"prefix", "abcd", "abc", false},    {"longer", "abcd", "abcde", false},
        {"empty actual", "abcd", "", false}, {"empty expected", "", "abcd", false},
        {"both empty", "", "", true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(ratls_check_bytes(report, RATLS_CHECK_QUOTE_EXTRA_DATA, "quote.extraData",
                                       ratls_slice(rows[i].expected, strlen(rows[i].expected)),
                                       ratls_slice(rows[i].actual, strlen(rows[i].actual))),
                     rows[i].holds, "%s", rows[i].label);
    }
    cr_expect_eq(finding_of(RATLS_CHECK_QUOTE_EXTRA_DATA).failures, 5);
}

Test(findings, strings_show_what_was_compared)
{
    ratls_check_bytes(report, RATLS_CHECK_STATEMENT_NONCE, "statement.nonce", SLICE("\x01\x02"),
                      SLICE(""));
    cr_expect_str_eq(finding_of(RATLS_CHECK_STATEMENT_NONCE).expected, "0102");
    cr_expect_str_eq(finding_of(RATLS_CHECK_STATEMENT_NONCE).actual, "empty");
    ratls_check_uint(report, RATLS_CHECK_QUOTE_TYPE, "quote.type", 0x8018, 0x8017);
    cr_expect_str_eq(finding_of(RATLS_CHECK_QUOTE_TYPE).expected, "0x8018");
    cr_expect_str_eq(finding_of(RATLS_CHECK_QUOTE_TYPE).actual, "0x8017");
    ratls_check_text(report, RATLS_CHECK_STATEMENT_SERVICE, "statement.service", "web",
                     SLICE("a\n\033[31m\xff"));
    cr_expect_str_eq(finding_of(RATLS_CHECK_STATEMENT_SERVICE).actual, "a\\x0a\\x1b[31m\\xff");
    ratls_check_holds(report, RATLS_CHECK_QUOTE_CLOCK, false, "quote.safe", "a safe clock", "no\n");
    cr_expect_str_eq(finding_of(RATLS_CHECK_QUOTE_CLOCK).actual, "no\\x0a");
}

Test(findings, long_values_are_cut)
{
    char text[1000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ratls_check_text(report, RATLS_CHECK_STATEMENT_LABEL, text, text,
                     ratls_slice(text, sizeof text - 2));

    struct ratls_finding finding = finding_of(RATLS_CHECK_STATEMENT_LABEL);
    cr_expect_eq(finding.verdict, RATLS_FAIL);
    cr_expect_eq(strlen(finding.at), RATLS_AT_MAX - 1);
    cr_expect_eq(strlen(finding.expected), RATLS_VALUE_MAX - 1);
    cr_expect_str_eq(finding.actual + strlen(finding.actual) - 4, "x...");
}

Test(findings, names_are_unique_and_findings_end)
{
    struct ratls_finding a, b;

    cr_expect_eq(ratls_report_count(report), RATLS_CHECK_COUNT);
    cr_expect_not(ratls_report_finding(report, RATLS_CHECK_COUNT, &a));
    for (size_t i = 0; ratls_report_finding(report, i, &a); i++) {
        for (size_t j = 0; j < i; j++) {
            cr_assert(ratls_report_finding(report, j, &b));
            cr_expect_str_neq(a.check, b.check);
        }
        cr_expect_gt(strlen(a.meaning), 0);
        cr_expect_gt(strlen(a.source), 0);
    }
}
