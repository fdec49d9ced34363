/* Policies that are refused, and the words in which that is said. */
#ifndef RATLS_TEST_POLICY_REFUSED_H
#define RATLS_TEST_POLICY_REFUSED_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "policy_load.h"

struct refused {
    const char *name;
    const char *text;
    const char *error;
};

static inline void expect_refused(const struct refused *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct refused *c = &rows[i];
        struct ratls_error err = {0};
        struct ratls_rules rules = {0};

        cr_expect(
            eq(int,
               ratls_rules_parse("p.yaml", ratls_slice(c->text, strlen(c->text)), &rules, &err),
               RATLS_USAGE),
            "%s", c->name);
        cr_expect(eq(str, err.text, (char *)c->error), "%s", c->name);
        cr_expect(eq(int, (int)err.status, RATLS_USAGE), "%s", c->name);
        ratls_rules_done(&rules);
    }
}

#endif
