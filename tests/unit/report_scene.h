/* What the tests of reports share: a fresh one for each. */
#ifndef RATLS_TEST_REPORT_SCENE_H
#define RATLS_TEST_REPORT_SCENE_H

#include <criterion/criterion.h>

#include "findings.h"

#define SLICE(text) ratls_slice((text), sizeof(text) - 1)

static struct ratls_report *report;

static inline void new_report(void)
{
    report = ratls_report_new();
    cr_assert_not_null(report);
}

static inline void free_report(void)
{
    ratls_report_free(report);
}

static inline void pass_all(void)
{
    for (int i = 0; i < RATLS_CHECK_COUNT; i++)
        ratls_check_uint(report, (enum ratls_check)i, "here", 1, 1);
}

#endif
