/*
 * The same man in the middle against a binding to the TLS key alone (spki_binding.c): he succeeds
 * in every way. So test_mitm.c fails for the binder, not for a relay that does not work.
 */
#include <criterion/criterion.h>

#include "mitm_rows.h"

Test(mitm_works, against_a_weaker_binding)
{
    for (size_t i = 0; i < mitm_row_count; i++) {
        const struct mitm_row *row = &mitm_rows[i];
        struct mitm_outcome outcome = {.check = ""};

        row->run(row, true, &outcome);
        cr_expect(outcome.was_relayed, "%s: there was nothing to relay", row->name);
        cr_expect(outcome.accepted, "%s: refused by %s", row->name, outcome.check);
        cr_expect(outcome.secret_read, "%s: he does not read the secret", row->name);
    }
}
