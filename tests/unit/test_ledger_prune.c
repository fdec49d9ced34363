/* A ledger does not grow for ever: what was not used for longest goes, and nothing else. */
#include <criterion/criterion.h>

#include "ledger_rows.h"

/* Keys with pending, and keys: the oldest of each go. */
Test(ledger_prune, old_keys_go)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row found;
    char server[32];

    for (int i = 0; i <= RATLS_LEDGER_ROWS_MAX; i++) {
        struct ratls_ledger_row row = ledger_row((uint8_t)i, 1);

        row.ak_name[1] = (uint8_t)(i >> 8);
        snprintf(server, sizeof server, "server-%d", i);
        if (i < RATLS_LEDGER_PENDING_MAX + 1)
            cr_assert_eq(ratls_ledger_append(ledger, server, &row, ratls_slice("x", 1), NULL), 0);
        else
            ledger_put(ledger, server, &row);
        if (i == RATLS_LEDGER_PENDING_MAX) {
            cr_expect(ledger_find(ledger, "server-0", 0x11, &found) && found.pending_len == 0);
            cr_expect(ledger_find(ledger, "server-1", 0x11, &found) && found.pending_len == 1);
        }
    }
    cr_expect_not(ledger_find(ledger, "server-0", 0x11, &found));
    cr_expect(ledger_find(ledger, "server-1", 0x11, &found));
    cr_expect(ledger_find(ledger, server, 0x11, &found));
    ratls_ledger_free(ledger);
}

Test(ledger_prune, servers_of_one_key_go)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row row = ledger_row(0xaa, 1), found;
    char server[32];

    for (int i = 0; i <= RATLS_LEDGER_SERVERS_MAX; i++) {
        snprintf(server, sizeof server, "server-%d", i);
        ledger_put(ledger, server, &row);
    }
    cr_expect(ledger_find(ledger, server, 0x11, &found));
    cr_expect(ledger_find(ledger, "server-1", 0x11, &found));
    cr_expect_not(ledger_find(ledger, "server-0", 0x11, &found));
    ratls_ledger_free(ledger);
}

/* One whose list grows all the time drives out nobody: keys and servers count, not steps. */
Test(ledger_prune, a_busy_server_drives_out_nobody)
{
    struct ratls_ledger *ledger = ledger_open(NULL);
    struct ratls_ledger_row quiet = ledger_row(0xaa, 1), busy = ledger_row(0xbb, 1), found;

    ledger_put(ledger, "quiet", &quiet);
    for (uint64_t i = 0; i <= RATLS_LEDGER_SERVERS_MAX; i++) {
        busy.ima.offset++;
        ledger_put(ledger, "busy", &busy);
    }
    cr_expect(ledger_find(ledger, "quiet", 0x11, &found) && found.ima.offset == quiet.ima.offset);
    cr_expect(ledger_find(ledger, "busy", 0x11, &found) && found.ima.offset == busy.ima.offset);
    ratls_ledger_free(ledger);
}
