/*
 * Who has the server's TLS key and relays the evidence of the true server is refused, in every way
 * in which evidence is conveyed. test_mitm_works.c shows that he would not be by a weaker binding.
 */
#include <criterion/criterion.h>

#include "mitm_rows.h"

Test(mitm, is_refused)
{
    for (size_t i = 0; i < mitm_row_count; i++) {
        const struct mitm_row *row = &mitm_rows[i];
        struct mitm_outcome outcome = {.check = ""};

        row->run(row, false, &outcome);
        cr_expect(outcome.was_relayed, "%s: there was nothing to relay", row->name);
        cr_expect_not(outcome.accepted, "%s: accepted", row->name);
        cr_expect_not(outcome.secret_read, "%s: he reads the secret", row->name);
        cr_expect_str_eq(outcome.check, row->check, "%s: %s", row->name, outcome.check);
    }
}
