#include <criterion/criterion.h>
#include <string.h>

#include "challenge.h"
#include "octets.h"

#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define REQUEST_46 "8601 5820" NONCE "00 81 820b 83000107 80 80"
#define REQUEST(offers, rest) "8601 5820" NONCE offers rest
#define PCRS "81 820b 83000107"
#define BOUND "58 2e" REQUEST_46

static const char MINIMAL[] = "84 01 00 00" BOUND;
static const char LARGEST_NUMBERS[] = "84 01 1bffffffffffffffff 1a05265c00" BOUND;

static bool accepts(struct ratls_slice in)
{
    struct ratls_challenge challenge;

    return ratls_challenge_read(in, &challenge);
}

Test(challenge, every_field_arrives)
{
    struct octets in = octets_from_hex("84 01 1b0000000100000002 191388" BOUND);
    struct octets nonce = octets_from_hex(NONCE);
    struct ratls_challenge challenge;

    cr_assert(ratls_challenge_read(octets_slice(in), &challenge));
    cr_assert_eq(challenge.counter, UINT64_C(0x100000002));
    cr_assert_eq(challenge.period_ms, 5000);
    cr_assert_arr_eq(challenge.request.nonce, nonce.p, nonce.len);
    cr_assert_eq(challenge.request.selection.banks[0].pcrs, 0x83);
    free(in.p);
    free(nonce.p);
}

Test(challenge, only_the_whole_is_accepted)
{
    struct octets minimal = octets_from_hex(MINIMAL);
    struct octets largest = octets_from_hex(LARGEST_NUMBERS);

    assert_only_whole(octets_slice(minimal), accepts);
    assert_only_whole(octets_slice(largest), accepts);
    free(minimal.p);
    free(largest.p);
}

static const struct shape SHAPES[] = {
    {"minimal", MINIMAL, true},
    {"numbers as large as they may be", LARGEST_NUMBERS, true},
    {"version 0", "84 00 00 00" BOUND, false},
    {"version 2", "84 02 00 00" BOUND, false},
    {"three items", "83 01 00" BOUND, false},
    {"five items", "85 01 00 00" BOUND "00", false},
    {"a period of more than a day", "84 01 00 1a05265c01" BOUND, false},
    {"a period of 2^32 more than none", "84 01 00 1b0000000100000000" BOUND, false},
    {"a negative counter", "84 01 20 00" BOUND, false},
    {"a counter in a long head", "84 01 1800 00" BOUND, false},
    {"the request as an item", "84 01 00 00" REQUEST_46, false},
    {"no request", "84 01 00 00 40", false},
    {"a request with a byte behind it", "84 01 00 00 58 2f" REQUEST_46 "00", false},
    {"a request of version 2", "84 01 00 00 42 8102", false},
    {"logs alone", "84 01 00 00 58 2b" REQUEST("00", "80 80 81 82010b"), false},
    {"offers an epoch", "84 01 00 00 58 2e" REQUEST("04", PCRS "80 80"), true},
    {"offers a result", "84 01 00 00 58 2e" REQUEST("08", PCRS "80 80"), true},
    {"offers frames", "84 01 00 00 58 2e" REQUEST("01", PCRS "80 80"), false},
    {"offers the exporter", "84 01 00 00 58 2e" REQUEST("03", PCRS "80 80"), false},
    {"a map", "a2 01 00 00" BOUND, false},
};

Test(challenge, shapes)
{
    expect_shapes(accepts, SHAPES, sizeof SHAPES / sizeof *SHAPES);
}

Test(challenge, what_is_accepted_is_written_the_same)
{
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        struct octets in = octets_from_hex(SHAPES[i].hex);
        uint8_t out[RATLS_CHALLENGE_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_challenge challenge = {.counter = 99};

        if (ratls_challenge_read(octets_slice(in), &challenge)) {
            ratls_challenge_write(&challenge, &w);
            cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "%s",
                      SHAPES[i].name);
        } else {
            cr_expect_eq(challenge.counter, 99, "%s: written to", SHAPES[i].name);
        }
        free(in.p);
    }
}

Test(challenge, the_writer_refuses_what_the_reader_would)
{
    static const struct {
        const char *name;
        struct ratls_challenge challenge;
        bool is_written;
    } cases[] = {
        {"good", {.request = {.selection = {1, {{0x000b, 1}}}}}, true},
        {"a day", {.period_ms = 86400000, .request = {.selection = {1, {{0x000b, 1}}}}}, true},
        {"more", {.period_ms = 86400001, .request = {.selection = {1, {{0x000b, 1}}}}}, false},
        {"logs alone", {.request = {.logs = {.boot_bank = 0x000b}}}, false},
        {"frames", {.request = {.offers = 1, .selection = {1, {{0x000b, 1}}}}}, false},
        {"a bad request", {.request = {.selection = {1, {{0x0004, 1}}}}}, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[RATLS_CHALLENGE_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);

        ratls_challenge_write(&cases[i].challenge, &w);
        cr_expect_eq(!w.failed, cases[i].is_written, "%s", cases[i].name);
    }
}
