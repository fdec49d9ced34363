/* The audit log: what happened is in it, and a change of any record shows. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "store_sample.h"

static struct store_place place;
static struct ratls_store *store;
static struct ratls_error err;

static void open_it(void)
{
    store_place_make(&place);
    store = store_at(&place);
}

static void close_it(void)
{
    ratls_store_close(store);
    store_place_remove(&place);
}

TestSuite(store_audit, .init = open_it, .fini = close_it);

struct seen {
    char kinds[512];
    char last_subject[256];
    char last_detail[9000];
    int64_t last;
    unsigned stop_after;
};

static bool see(void *arg, const struct ratls_store_record *record)
{
    struct seen *seen = arg;

    cr_expect_eq(record->seq, seen->last + 1);
    seen->last = record->seq;
    snprintf(seen->kinds + strlen(seen->kinds), sizeof seen->kinds - strlen(seen->kinds), "%s ",
             record->kind);
    snprintf(seen->last_subject, sizeof seen->last_subject, "%s", record->subject);
    snprintf(seen->last_detail, sizeof seen->last_detail, "%s", record->detail);
    return --seen->stop_after != 0;
}

static struct seen walk(int64_t from)
{
    struct seen seen = {.last = from - 1};

    cr_assert_eq(ratls_store_each_record(store, from, see, &seen, &err), RATLS_OK, "%s", err.text);
    return seen;
}

static bool verify(uint8_t head[static 32], int64_t *ret_count)
{
    bool is_whole = false;

    cr_assert_eq(ratls_store_verify_audit(store, head, ret_count, &is_whole, &err), RATLS_OK, "%s",
                 err.text);
    return is_whole;
}

Test(store_audit, of_an_enrolment)
{
    enum ratls_store_outcome outcome;
    struct store_sample s;
    struct seen seen;
    size_t count;

    store_sample(&s, 1, 1, 1, 1);
    cr_assert_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
    seen = walk(1);
    cr_expect_str_eq(seen.kinds, "schema challenged issued ");
    cr_expect_str_eq(seen.last_subject, "00000001040404040404040404040404");
    cr_expect_eq(strncmp(seen.last_detail, "a1.bank.example b1.bank.example; ek 00000001e0", 46), 0,
                 "%s", seen.last_detail);
    cr_assert_eq(ratls_store_revoke(store, RATLS_STORE_BY_NAME, s.name_slices[0], 1, SAMPLE_NOW,
                                    &count, &outcome, &err),
                 RATLS_OK);
    cr_assert_eq(ratls_store_audit(store, "refused", "x", "malformed", SAMPLE_NOW, &err), RATLS_OK);
    cr_expect_str_eq(walk(4).kinds, "revoked refused ");
}

/* What peers sent is escaped, cut, and never part of a statement. */
Test(store_audit, hostile_texts)
{
    char long_text[20000];
    uint8_t head[32];
    int64_t count;

    memset(long_text, '\xff', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    cr_assert_eq(ratls_store_audit(store, "refused", "'; DROP TABLE audit; --", "$1 %s\n\x1b[2J",
                                   SAMPLE_NOW, &err),
                 RATLS_OK, "%s", err.text);
    cr_expect_str_eq(walk(2).last_subject, "'; DROP TABLE audit; --");
    cr_expect_str_eq(walk(2).last_detail, "$1 %s\\x0a\\x1b[2J");
    cr_assert_eq(ratls_store_audit(store, "refused", long_text, long_text, SAMPLE_NOW, &err),
                 RATLS_OK, "%s", err.text);
    cr_expect_leq(strlen(walk(3).last_detail), 8192);
    cr_expect(verify(head, &count));
    cr_expect_eq(count, 3);
}

/* Longer than what is read at once. */
Test(store_audit, a_long_log)
{
    uint8_t head[32], again[32];
    struct seen seen;
    int64_t count;

    for (int i = 0; i < 110; i++)
        cr_assert_eq(ratls_store_audit(store, "x", "", "", SAMPLE_NOW, &err), RATLS_OK);
    seen = walk(1);
    cr_expect_eq(seen.last, 111);
    cr_expect(verify(head, &count));
    cr_expect_eq(count, 111);
    store_place_run(&place, "DELETE FROM audit WHERE seq = 111");
    cr_expect(verify(again, &count), "who has the head of before sees that one is missing");
    cr_expect_arr_neq(head, again, 32);
    store_place_run(&place, "UPDATE audit SET detail = 'y' WHERE seq = 105");
    cr_expect_not(verify(again, &count));
    cr_expect_eq(count, 104);
}

static const struct {
    const char *sql;
    int64_t good;
} changes[] = {
    {"UPDATE audit SET at = at + 1 WHERE seq = 3", 2},
    {"UPDATE audit SET kind = 'refuse' WHERE seq = 3", 2},
    {"UPDATE audit SET kind = 'refusedx', subject = '1' WHERE seq = 3", 2},
    {"UPDATE audit SET subject = '' WHERE seq = 4", 3},
    {"UPDATE audit SET detail = detail || ' ' WHERE seq = 5", 4},
    {"UPDATE audit SET sha256 = substr(sha256, 1, 63) || '_' WHERE seq = 5", -1},
    {"UPDATE audit SET previous = substr(previous, 2) || substr(previous, 1, 1) WHERE seq = 2", 1},
    {"DELETE FROM audit WHERE seq = 1", 0},
    {"DELETE FROM audit WHERE seq = 3", 2},
    {"UPDATE audit SET seq = 9 WHERE seq = 5", 4},
    {"UPDATE audit SET seq = seq + 10", 0},
};

Test(store_audit, every_change_shows)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t head[32];
        int64_t count = 0;
        bool is_whole = true;

        for (unsigned j = 0; j < 4; j++)
            cr_assert_eq(ratls_store_audit(store, "refused", "x1", "more", SAMPLE_NOW, &err),
                         RATLS_OK);
        cr_expect(verify(head, &count));
        cr_expect_eq(count, 5);
        store_place_run(&place, changes[i].sql);
        if (changes[i].good < 0)
            cr_expect_eq(ratls_store_verify_audit(store, head, &count, &is_whole, NULL), RATLS_IO);
        else
            cr_expect(!verify(head, &count) && count == changes[i].good, "%s: %d", changes[i].sql,
                      (int)count);
        close_it();
        open_it();
    }
}
