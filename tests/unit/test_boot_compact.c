#include <criterion/criterion.h>
#include <stdlib.h>

#include "boot_compact.h"
#include "boot_log.h"
#include "evidence.h"
#include "replay.h"

#define AUTHORITY RATLS_EV_EFI_VARIABLE_AUTHORITY
#define LONG 4000

static struct boot_log log_of;
static uint8_t bytes[RATLS_EVENTLOG_LEN_MAX];

static enum ratls_status compact(struct ratls_slice in, uint16_t bank, struct ratls_slice *ret,
                                 struct ratls_error *err)
{
    uint8_t *p = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_boot_compact(in, bank, &p, &len, err);

    *ret = ratls_slice(p, len);
    return status;
}

static void free_slice(struct ratls_slice slice)
{
    union {
        const uint8_t *in;
        void *out;
    } same = {.in = slice.p};

    free(same.out);
}

static void begin_log(void)
{
    boot_log_begin(&log_of, RATLS_ALG_SHA1, RATLS_ALG_SHA256, "vendor");
}

/* Event 1 of the compact form of log_of. The caller frees the result, which it borrows from. */
static struct ratls_slice read_first(struct ratls_event *ret_event)
{
    struct ratls_error err = {0};
    struct ratls_slice out;
    struct ratls_eventlog log;

    cr_assert_eq(compact(boot_log_slice(&log_of), RATLS_ALG_SHA256, &out, &err), RATLS_OK, "%s",
                 err.text);
    cr_assert(ratls_eventlog_open(out, RATLS_EVENTLOG_STRICT, &log), "%s", log.why);
    cr_assert(ratls_eventlog_next(&log, ret_event) && ratls_eventlog_next(&log, ret_event));
    return out;
}

Test(boot_compact, the_header_is_replaced)
{
    struct ratls_slice out;
    struct ratls_eventlog log;
    struct ratls_event event;

    begin_log();
    boot_log_separator(&log_of, 7);
    cr_assert_eq(compact(boot_log_slice(&log_of), RATLS_ALG_SHA256, &out, NULL), RATLS_OK);
    cr_assert(ratls_eventlog_open(out, RATLS_EVENTLOG_STRICT, &log));
    cr_assert_eq(log.alg_count, 1);
    cr_assert_eq(log.algs[0].id, RATLS_ALG_SHA256);
    cr_assert(ratls_eventlog_next(&log, &event));
    cr_expect_eq(event.data.len, 33, "no vendor information");
    cr_assert(ratls_eventlog_next(&log, &event));
    cr_expect_eq(event.number, 1);
    cr_expect_eq(event.pcr, 7);
    cr_expect_eq(event.type, RATLS_EV_SEPARATOR);
    cr_expect_eq(event.digests[0].len, 32);
    cr_expect(ratls_slice_equal(event.data, ratls_slice("\0\0\0", 4)));
    cr_expect_not(ratls_eventlog_next(&log, &event));
    cr_expect(ratls_eventlog_done(&log));
    free_slice(out);
}

/* WIRE.md, 3.1: which data stays. */
Test(boot_compact, data)
{
    static const struct {
        const char *name;
        uint32_t pcr, type;
        size_t len;
        size_t measured; /* bytes of the data that the digest is over */
        bool stays;
    } cases[] = {
        {"80 bytes that were measured", 0, RATLS_EV_POST_CODE, 80, 80, true},
        {"81 bytes that were measured", 0, RATLS_EV_POST_CODE, 81, 81, false},
        {"80 bytes, one of them not measured", 0, RATLS_EV_POST_CODE, 80, 79, false},
        {"no data", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, 0, 0, true},
        {"a text of 2048 bytes", 8, RATLS_EV_IPL, 2048, 9, true},
        {"a text of 2049 bytes", 8, RATLS_EV_IPL, 2049, 9, false},
        {"a text of systemd", 12, RATLS_EV_IPL, 2048, 9, true},
        {"another PCR of systemd", 11, RATLS_EV_IPL, 2048, 2048, false},
        {"a file", 9, RATLS_EV_IPL, 90, 9, false},
        {"an authority", 7, AUTHORITY, LONG, LONG, true},
        {"an authority with the tail of shim", 7, AUTHORITY, LONG, LONG - 1, true},
        {"an authority of two bytes more", 7, AUTHORITY, LONG, LONG - 2, false},
        {"a long variable", 7, RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG, LONG, LONG, false},
        {"a tail of another type", 7, RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG, 80, 79, false},
        {"an authority of another PCR", 1, AUTHORITY, LONG, LONG, false},
    };

    memset(bytes, 'x', LONG);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_slice data = ratls_slice(bytes, cases[i].len);
        struct ratls_event event;
        struct ratls_slice out;

        begin_log();
        boot_log_event(&log_of, cases[i].pcr, cases[i].type, data,
                       ratls_slice(bytes, cases[i].measured));
        out = read_first(&event);
        cr_expect_eq(event.pcr, cases[i].pcr, "%s", cases[i].name);
        cr_expect_eq(event.type, cases[i].type, "%s", cases[i].name);
        cr_expect(ratls_slice_equal(event.data, cases[i].stays ? data : ratls_slice(NULL, 0)),
                  "%s: %zu bytes", cases[i].name, event.data.len);
        free_slice(out);
    }
}

/* They keep their place, so that numbers of events mean the same on both sides. */
Test(boot_compact, no_action)
{
    static const struct {
        const char *name;
        const char *data;
        size_t len;
        bool stays;
    } cases[] = {
        {"StartupLocality", "StartupLocality\0\3", 17, true},
        {"StartupLocality of a length that is refused", "StartupLocality\0\3\0", 18, true},
        {"without the NUL in its signature", "StartupLocality.\3", 17, false},
        {"a short signature", "StartupLocality", 15, false},
        {"of another kind", "SP800-155 Event3\1", 17, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_slice data = ratls_slice(cases[i].data, cases[i].len);
        struct ratls_event event;
        struct ratls_slice out;

        begin_log();
        boot_log_event(&log_of, 0, RATLS_EV_NO_ACTION, data, ratls_slice(NULL, 0));
        boot_log_separator(&log_of, 0);
        out = read_first(&event);
        cr_expect_eq(event.type, RATLS_EV_NO_ACTION, "%s", cases[i].name);
        cr_expect(ratls_slice_equal(event.data, cases[i].stays ? data : ratls_slice(NULL, 0)), "%s",
                  cases[i].name);
        free_slice(out);
    }
}

static void expect_refused(struct ratls_slice in, uint16_t bank, enum ratls_status status,
                           const char *why)
{
    struct ratls_error err = {0};
    struct ratls_slice out;

    cr_expect_eq(compact(in, bank, &out, &err), status, "%s", why);
    cr_expect_str_eq(err.text, why);
    cr_expect_null(out.p);
}

Test(boot_compact, what_is_no_log_is_refused)
{
    struct ratls_slice in;

    expect_refused(ratls_slice(NULL, 0), RATLS_ALG_SHA256, RATLS_MALFORMED, "the log is empty");
    begin_log();
    boot_log_separator(&log_of, 7);
    in = boot_log_slice(&log_of);
    expect_refused(in, RATLS_ALG_SHA384, RATLS_MALFORMED, "the log has no digests of sha384");
    in.len--;
    expect_refused(in, RATLS_ALG_SHA256, RATLS_MALFORMED,
                   "event 1 at offset 75 has 4 bytes of data, 3 are left");
    in.len += 2; /* the next byte is a zero */
    expect_refused(in, RATLS_ALG_SHA256, RATLS_MALFORMED,
                   "1 bytes without meaning follow at offset 151");
    /* A log with SHA-1 digests only has no header. */
    memcpy(bytes, "\7\0\0\0\4\0\0\0", 8);
    memset(bytes + 8, 0x11, 20);
    memcpy(bytes + 28, "\4\0\0\0\0\0\0\0", 8);
    expect_refused(ratls_slice(bytes, 36), RATLS_ALG_SHA256, RATLS_MALFORMED,
                   "the log has no digests of sha256");
}

Test(boot_compact, as_long_as_the_evidence_takes)
{
    struct ratls_error err = {0};
    struct ratls_slice out;
    size_t room = RATLS_BOOT_LOG_MAX - 65; /* behind the header */

    begin_log();
    memset(bytes, 'x', RATLS_BOOT_TEXT_MAX);
    while (room >= 54 + RATLS_BOOT_TEXT_MAX) {
        boot_log_put(&log_of, 8, RATLS_EV_IPL, bytes, RATLS_BOOT_TEXT_MAX);
        room -= 50 + RATLS_BOOT_TEXT_MAX;
    }
    boot_log_put(&log_of, 8, RATLS_EV_IPL, bytes, room - 50);
    cr_assert_eq(compact(boot_log_slice(&log_of), RATLS_ALG_SHA256, &out, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect_eq(out.len, RATLS_BOOT_LOG_MAX);
    free_slice(out);
    boot_log_separator(&log_of, 7);
    expect_refused(boot_log_slice(&log_of), RATLS_ALG_SHA256, RATLS_LIMIT,
                   "the log has more than 24576 bytes in compact form");
}
