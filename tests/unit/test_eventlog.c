#include <criterion/criterion.h>
#include <string.h>

#include "eventlog.h"
#include "octets.h"
#include "tpm_wire.h"

#define D4 "11223344"
#define D20 D4 D4 D4 D4 D4
#define D32 D20 D4 D4 D4
#define Z20 "0000000000000000000000000000000000000000"
#define NO_ACTION "00000000 03000000"
#define SPEC_ID "53706563204944204576656e743033 00" /* "Spec ID Event03" */
#define VERSION "00000000 00 02 00 02"

/* Both banks: SHA-1 and SHA-256, no vendor information. */
#define HEADER NO_ACTION Z20 "25000000" SPEC_ID VERSION "02000000 0400 1400 0b00 2000 00"
#define DIGESTS "02000000 0400" D20 "0b00" D32
#define SEPARATOR "07000000 04000000" DIGESTS "04000000 00000000"
#define ACTION "05000000 07000080" DIGESTS "03000000 616263"
#define HEADER_LEN 69
#define SEPARATOR_LEN 76

#define SHA1_SEPARATOR "07000000 04000000" D20 "04000000 00000000"
#define SHA1_ACTION "05000000 07000080" D20 "03000000 616263"

Test(eventlog, every_field_of_a_crypto_agile_log_arrives)
{
    struct octets in = octets_from_hex(HEADER SEPARATOR ACTION);
    struct octets digest = octets_from_hex(D32);
    struct ratls_eventlog log;
    struct ratls_event e;

    cr_assert(ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_STRICT, &log), "%s", log.why);
    cr_expect(log.is_crypto_agile);
    cr_assert_eq(log.alg_count, 2);
    cr_expect_eq(log.algs[0].id, RATLS_ALG_SHA1);
    cr_expect_eq(log.algs[1].id, RATLS_ALG_SHA256);
    cr_expect_eq(log.algs[1].digest_len, 32);
    cr_expect_eq(ratls_eventlog_find_alg(&log, RATLS_ALG_SHA256), 1);
    cr_expect_eq(ratls_eventlog_find_alg(&log, RATLS_ALG_SHA384), 2, "there is none");
    cr_assert(ratls_eventlog_next(&log, &e));
    cr_expect(e.number == 0 && e.offset == 0 && e.type == RATLS_EV_NO_ACTION);
    cr_expect(e.digests[0].len == 0 && e.digests[1].len == 0, "its digest is of no bank");
    cr_expect_eq(e.data.len, 0x25);
    cr_assert(ratls_eventlog_next(&log, &e));
    cr_expect(e.number == 1 && e.offset == HEADER_LEN && e.pcr == 7);
    cr_expect_eq(e.type, RATLS_EV_SEPARATOR);
    cr_expect_eq(e.digests[0].len, 20);
    cr_expect(ratls_slice_equal(e.digests[1], octets_slice(digest)));
    cr_expect(ratls_slice_equal(e.data, ratls_slice("\0\0\0\0", 4)));
    cr_expect_not(ratls_eventlog_done(&log), "one event is left");
    cr_assert(ratls_eventlog_next(&log, &e));
    cr_expect(e.number == 2 && e.offset == HEADER_LEN + SEPARATOR_LEN && e.pcr == 5);
    cr_expect_eq(e.type, RATLS_EV_EFI_ACTION);
    cr_expect(e.data.p + e.data.len == in.p + in.len, "borrowed from the input");
    cr_expect_not(ratls_eventlog_next(&log, &e));
    cr_expect(ratls_eventlog_done(&log));
    cr_expect_eq(log.events, 3);
    free(in.p);
    free(digest.p);
}

Test(eventlog, a_log_without_a_header_has_sha1_digests)
{
    struct octets in = octets_from_hex(SHA1_SEPARATOR SHA1_ACTION);
    struct octets digest = octets_from_hex(D20);
    struct ratls_eventlog log;
    struct ratls_event e;

    cr_assert(ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_STRICT, &log), "%s", log.why);
    cr_expect_not(log.is_crypto_agile);
    cr_assert_eq(log.alg_count, 1);
    cr_expect_eq(log.algs[0].id, RATLS_ALG_SHA1);
    cr_assert(ratls_eventlog_next(&log, &e));
    cr_expect(e.number == 0 && e.pcr == 7 && e.type == RATLS_EV_SEPARATOR);
    cr_expect(ratls_slice_equal(e.digests[0], octets_slice(digest)));
    cr_assert(ratls_eventlog_next(&log, &e));
    cr_expect(ratls_slice_equal(e.data, ratls_slice("abc", 3)));
    cr_expect_not(ratls_eventlog_next(&log, &e));
    cr_expect(ratls_eventlog_done(&log));
    free(in.p);
    free(digest.p);
}

Test(eventlog, digests_may_come_in_any_order)
{
    struct octets in =
        octets_from_hex(HEADER "07000000 04000000 02000000 0b00" D32 "0400" Z20 "00000000");
    struct ratls_eventlog log;
    struct ratls_event e;

    cr_assert(ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_STRICT, &log));
    cr_assert(ratls_eventlog_next(&log, &e) && ratls_eventlog_next(&log, &e), "%s", log.why);
    cr_expect(e.digests[0].len == 20 && e.digests[0].p[0] == 0);
    cr_expect(e.digests[1].len == 32 && e.digests[1].p[0] == 0x11);
    free(in.p);
}

/* Walks a whole log; the number of its events, or -1 and what was wrong in *ret_log. */
static long walk(struct ratls_slice in, enum ratls_eventlog_rigor rigor,
                 struct ratls_eventlog *ret_log)
{
    struct ratls_event event;

    ratls_eventlog_open(in, rigor, ret_log);
    while (ratls_eventlog_next(ret_log, &event))
        cr_expect_eq(event.number + 1, ret_log->events);
    cr_expect_eq(ratls_eventlog_done(ret_log), ret_log->why[0] == '\0');
    return ratls_eventlog_done(ret_log) ? (long)ret_log->events : -1;
}

/* What a log must be refused for, in both rigors; NULL: it is read. */
struct log_case {
    const char *name;
    const char *hex;
    const char *why;
};

static void expect_logs(const struct log_case *cases, size_t count, enum ratls_eventlog_rigor rigor)
{
    for (size_t i = 0; i < count; i++) {
        struct octets in = octets_from_hex(cases[i].hex);
        const char *why = cases[i].why == NULL ? "" : cases[i].why;
        struct ratls_eventlog log;

        walk(octets_slice(in), rigor, &log);
        cr_expect_str_eq(log.why, why, "%s: %s", cases[i].name, log.why);
        free(in.p);
    }
}

#define SPEC(rest) NO_ACTION Z20 rest

static const struct log_case LOGS[] = {
    {"good", HEADER SEPARATOR, NULL},
    {"only a header", HEADER, NULL},
    {"Spec ID Event02", SPEC("10000000 53706563204944204576656e74303200") SHA1_ACTION, NULL},
    {"Spec ID Event00", SPEC("10000000 53706563204944204576656e74303000") SHA1_ACTION, NULL},
    {"Spec ID Event04", SPEC("10000000 53706563204944204576656e74303400") SHA1_ACTION,
     "the header is of a kind that is not known"},
    {"vendor information", SPEC("23000000") SPEC_ID VERSION "01000000 0b00 2000 02 abcd", NULL},
    {"vendor information beyond the header",
     SPEC("23000000") SPEC_ID VERSION "01000000 0b00 2000 03 abcd",
     "the header is longer than its event"},
    {"bytes behind the header", SPEC("23000000") SPEC_ID VERSION "01000000 0b00 2000 01 abcd",
     "the header is shorter than its event"},
    {"header of another type",
     "00000000 04000000" Z20 "25000000" SPEC_ID VERSION "02000000 0400 1400 0b00 2000 00",
     "the header is not an EV_NO_ACTION of PCR 0 with a digest of zeros"},
    {"header with a digest",
     NO_ACTION D20 "25000000" SPEC_ID VERSION "02000000 0400 1400 0b00 2000 00",
     "the header is not an EV_NO_ACTION of PCR 0 with a digest of zeros"},
    {"version 3", SPEC("21000000") SPEC_ID "00000000 00 03 00 02 01000000 0b00 2000 00",
     "the header is one of version 3"},
    {"no algorithm", SPEC("1d000000") SPEC_ID VERSION "00000000 00",
     "the header lists 0 algorithms"},
    {"17 algorithms", SPEC("1d000000") SPEC_ID VERSION "11000000 00",
     "the header lists 17 algorithms"},
    {"16 algorithms, none there", SPEC("1c000000") SPEC_ID VERSION "10000000",
     "the header is longer than its event"},
    {"2^32 - 1 algorithms", SPEC("1d000000") SPEC_ID VERSION "ffffffff 00",
     "the header lists 4294967295 algorithms"},
    {"an algorithm twice", SPEC("25000000") SPEC_ID VERSION "02000000 0b00 2000 0b00 2000 00",
     "the header lists algorithm 0x000b twice"},
    {"a digest of another size", SPEC("21000000") SPEC_ID VERSION "01000000 0b00 1400 00",
     "the header gives algorithm 0x000b digests of 20 bytes"},
    {"no hash", SPEC("21000000") SPEC_ID VERSION "01000000 0100 2000 00",
     "the header lists algorithm 0x0001, which is no known hash"},
    {"a digest too many",
     HEADER "07000000 04000000 03000000 0400" D20 "0b00" D32 "0b00" D32 "00000000",
     "event 1 at offset 69 lists 3 digests, the header 2 algorithms"},
    {"2^32 - 1 digests", HEADER "07000000 04000000 ffffffff 0400" D20,
     "event 1 at offset 69 lists 4294967295 digests, the header 2 algorithms"},
    {"no digest", HEADER "07000000 04000000 00000000 00000000 01",
     "event 1 at offset 69 lists 0 digests, the header 2 algorithms"},
    {"a digest twice", HEADER "07000000 04000000 02000000 0b00" D32 "0b00" D32 "00000000",
     "event 1 at offset 69 lists algorithm 0x000b twice"},
    {"a digest that was not announced", HEADER "07000000 04000000 02000000 0b00" D32 "0c00" D32,
     "event 1 at offset 69 lists algorithm 0x000c, the header does not"},
    {"PCR 23", HEADER "17000000 04000000" DIGESTS "00000000", NULL},
    {"PCR 24", HEADER SEPARATOR "18000000 04000000" DIGESTS "00000000",
     "event 2 at offset 145 names PCR 24, there is none"},
    {"PCR 24 of an event that extends nothing", HEADER "18000000 03000000" DIGESTS "00000000",
     "event 1 at offset 69 names PCR 24, there is none"},
    {"PCR -1 of an event that extends nothing", HEADER "ffffffff 03000000" DIGESTS "00000000",
     NULL},
    {"PCR -1", HEADER "ffffffff 04000000" DIGESTS "00000000",
     "event 1 at offset 69 names PCR 4294967295, there is none"},
    {"data beyond the log", HEADER "07000000 04000000" DIGESTS "04000000 aabbcc",
     "event 1 at offset 69 has 4 bytes of data, 3 are left"},
    {"2^32 - 1 bytes of data", HEADER "07000000 04000000" DIGESTS "ffffffff aabbcc",
     "event 1 at offset 69 has 4294967295 bytes of data, 3 are left"},
    {"2^32 - 1 bytes of data in the first event", NO_ACTION D20 "ffffffff aabbcc",
     "event 0 at offset 0 has 4294967295 bytes of data, 3 are left"},
    {"a second header", HEADER HEADER "00",
     "event 1 at offset 69 lists 0 digests, the header 2 algorithms"},
    {"text", "6e6f2062696e617279206c6f67", "event 0 at offset 0 is cut"},
    {"empty", "", "the log is empty"},
};

Test(eventlog, what_is_wrong_and_where)
{
    expect_logs(LOGS, sizeof LOGS / sizeof *LOGS, RATLS_EVENTLOG_STRICT);
    expect_logs(LOGS, sizeof LOGS / sizeof *LOGS, RATLS_EVENTLOG_SHOW);
}

#define PARTIAL "0b000000 05000000 01000000 0b00" D32 "00000000"

/* Refused for a verdict; shown to people. */
static const struct {
    const char *name;
    const char *hex;
    const char *why;
    long events;
    size_t padding;
} LENIENT[] = {
    {"less digests than the header", HEADER SEPARATOR PARTIAL,
     "event 2 at offset 145 lists 1 digests, the header 2 algorithms", 3, 0},
    {"zeros behind the last event", HEADER ACTION Z20,
     "20 bytes without meaning follow at offset 144", 2, 20},
    {"a zero behind the last event", HEADER ACTION "00",
     "1 bytes without meaning follow at offset 144", 2, 1},
    {"ones behind the last event", HEADER SEPARATOR "ffffffffff",
     "5 bytes without meaning follow at offset 145", 2, 5},
    {"nothing but zeros", Z20 Z20, "40 bytes without meaning follow at offset 0", 0, 40},
    {"zeros behind a log of SHA-1", SHA1_ACTION Z20 Z20,
     "40 bytes without meaning follow at offset 35", 1, 40},
    {"header of another PCR",
     "01000000 03000000" Z20 "25000000" SPEC_ID VERSION "02000000 0400 1400 0b00 2000 00" ACTION,
     "the header is not an EV_NO_ACTION of PCR 0 with a digest of zeros", 2, 0},
    {"zeros, then ones", HEADER ACTION "0000ffff", "event 2 at offset 144 is cut", -1, 0},
};

Test(eventlog, what_only_people_are_shown)
{
    for (size_t i = 0; i < sizeof LENIENT / sizeof *LENIENT; i++) {
        struct octets in = octets_from_hex(LENIENT[i].hex);
        struct ratls_eventlog log;

        cr_expect_eq(walk(octets_slice(in), RATLS_EVENTLOG_STRICT, &log), -1);
        cr_expect_str_eq(log.why, LENIENT[i].why, "%s: %s", LENIENT[i].name, log.why);
        cr_expect_eq(walk(octets_slice(in), RATLS_EVENTLOG_SHOW, &log), LENIENT[i].events, "%s: %s",
                     LENIENT[i].name, log.why);
        cr_expect_eq(log.padding, LENIENT[i].padding, "%s", LENIENT[i].name);
        free(in.p);
    }
}

/* A log that is cut between two events is a shorter log: only the replay can tell. */
Test(eventlog, a_cut_anywhere_else_is_refused)
{
    struct octets in = octets_from_hex(HEADER SEPARATOR ACTION);

    for (size_t len = 0; len < in.len; len++) {
        struct octets prefix = octets_copy(in.p, len);
        long expected = len == HEADER_LEN ? 1 : len == HEADER_LEN + SEPARATOR_LEN ? 2 : -1;
        struct ratls_eventlog log;

        cr_expect_eq(walk(octets_slice(prefix), RATLS_EVENTLOG_STRICT, &log), expected,
                     "%zu bytes: %s", len, log.why);
        free(prefix.p);
    }
    free(in.p);
}

Test(eventlog, a_failure_sticks)
{
    struct octets in = octets_from_hex(HEADER "07000000 04000000 01000000 0b00" D32 SEPARATOR);
    struct ratls_eventlog log;
    struct ratls_event event;

    cr_assert_eq(walk(octets_slice(in), RATLS_EVENTLOG_STRICT, &log), -1);
    for (int i = 0; i < 3; i++)
        cr_expect_not(ratls_eventlog_next(&log, &event));
    cr_expect_str_eq(log.why, "event 1 at offset 69 lists 1 digests, the header 2 algorithms");
    free(in.p);
}

/* A log of SHA-1 with count events and as many bytes of data in the last one. */
static struct octets make_long_log(size_t count, size_t data_len)
{
    struct octets event = octets_from_hex("07000000 05000000" D20 "00000000");
    struct octets log = {.p = calloc(count, event.len + data_len),
                         .len = count * event.len + data_len};
    uint8_t *last = log.p + (count - 1) * event.len;

    cr_assert_not_null(log.p);
    for (size_t i = 0; i < count; i++)
        memcpy(log.p + i * event.len, event.p, event.len);
    for (int i = 0; i < 4; i++)
        last[28 + i] = (uint8_t)(data_len >> (8 * i));
    memset(last + event.len, 'x', data_len);
    free(event.p);
    return log;
}

Test(eventlog, limits)
{
    static const struct {
        size_t events, data_len;
        const char *why;
    } cases[] = {
        {RATLS_EVENTLOG_EVENTS_MAX, 0, ""},
        {RATLS_EVENTLOG_EVENTS_MAX + 1, 0, "the log has more than 8192 events"},
        {1, RATLS_EVENTLOG_LEN_MAX - 32, ""},
        {1, RATLS_EVENTLOG_LEN_MAX - 31, "the log has 1048577 bytes, 1048576 are allowed"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = make_long_log(cases[i].events, cases[i].data_len);
        struct ratls_eventlog log;

        walk(octets_slice(in), RATLS_EVENTLOG_STRICT, &log);
        cr_expect_str_eq(log.why, cases[i].why, "case %zu: %s", i, log.why);
        free(in.p);
    }
}

Test(eventlog, types_have_names)
{
    cr_expect_str_eq(ratls_event_type_name(RATLS_EV_NO_ACTION), "EV_NO_ACTION");
    cr_expect_str_eq(ratls_event_type_name(0x800000e0), "EV_EFI_VARIABLE_AUTHORITY");
    cr_expect_null(ratls_event_type_name(0x14));
    cr_expect_null(ratls_event_type_name(0x8000000f));
}
