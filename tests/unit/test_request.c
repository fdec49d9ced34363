#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cbor.h"
#include "octets.h"
#include "request.h"

#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEAD "8601 5820" NONCE "00"
#define PCRS "81 820b 83000107"
#define ID_A "48 00000000000000aa"
#define ID_B "48 00000000000000bb"
#define ALL_PCRS "98180001020304050607 08090a0b0c0d0e0f 1011121314151617"

#define NO_LOGS "80"
#define BOOT_LOG "82 01 0b"
#define IMA_LIST "83 02 0b 00"
#define IMA_OFFSET "84 02 0b 1a00012345 83" ID_A "0304"
#define LOGS_ALONE HEAD "80 80"

static const char MINIMAL[] = HEAD PCRS "80" NO_LOGS;
static const char LARGEST[] =
    "8601 5820" NONCE "0f 83 820b" ALL_PCRS "820c" ALL_PCRS "820d" ALL_PCRS "84" ID_A ID_B
    "48 00000000000000cc 48 00000000000000dd"
    "82 82010d 84020d 1bffffffffffffffff 83" ID_A "1affffffff 1affffffff";

static bool accepts(struct ratls_slice in)
{
    struct ratls_request request;

    return ratls_request_read(in, &request) == RATLS_REQUEST_OK;
}

Test(request, every_field_arrives)
{
    struct octets in = octets_from_hex(HEAD "82 820b 83000107 820d 8117 82" ID_A ID_B "82" BOOT_LOG
                                            "84 02 0d 1a00012345 83" ID_B "0304");
    struct octets nonce = octets_from_hex(NONCE);
    struct ratls_request request;

    cr_assert_eq(ratls_request_read(octets_slice(in), &request), RATLS_REQUEST_OK);
    cr_assert_arr_eq(request.nonce, nonce.p, RATLS_NONCE_LEN);
    cr_assert_eq(request.offers, 0);
    cr_assert_eq(request.selection.count, 2);
    cr_assert_eq(request.selection.banks[0].hash_alg, 0x000b);
    cr_assert_eq(request.selection.banks[0].pcrs, 1u << 0 | 1u << 1 | 1u << 7);
    cr_assert_eq(request.selection.banks[1].hash_alg, 0x000d);
    cr_assert_eq(request.selection.banks[1].pcrs, 1u << 23);
    cr_assert_eq(request.key_id_count, 2);
    cr_assert_arr_eq(request.key_ids[0], "\0\0\0\0\0\0\0\xaa", RATLS_KEY_ID_LEN);
    cr_assert_arr_eq(request.key_ids[1], "\0\0\0\0\0\0\0\xbb", RATLS_KEY_ID_LEN);
    cr_assert_eq(request.logs.boot_bank, 0x000b);
    cr_assert_eq(request.logs.ima_bank, 0x000d);
    cr_assert_eq(request.logs.ima_offset, 0x12345);
    cr_assert_arr_eq(request.logs.ima_key_id, "\0\0\0\0\0\0\0\xbb", RATLS_KEY_ID_LEN);
    cr_assert_eq(request.logs.ima_reset_count, 3);
    cr_assert_eq(request.logs.ima_restart_count, 4);
    free(in.p);
    free(nonce.p);
}

Test(request, what_is_accepted_is_written_the_same)
{
    static const char *const cases[] = {
        MINIMAL,
        LARGEST,
        HEAD "82 820b 83000107 820d 8117 82" ID_A ID_B NO_LOGS,
        HEAD PCRS "80 82" BOOT_LOG IMA_LIST,
        LOGS_ALONE "81" IMA_OFFSET,
        "8601 5820" NONCE "05" PCRS "80" NO_LOGS,
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);
        uint8_t out[RATLS_REQUEST_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_request request;

        cr_assert_eq(ratls_request_read(octets_slice(in), &request), RATLS_REQUEST_OK, "%zu", i);
        ratls_request_write(&request, &w);
        cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "case %zu", i);
        free(in.p);
    }
}

Test(request, only_the_whole_is_accepted)
{
    struct octets minimal = octets_from_hex(MINIMAL);
    struct octets largest = octets_from_hex(LARGEST);

    assert_only_whole(octets_slice(minimal), accepts);
    assert_only_whole(octets_slice(largest), accepts);
    free(minimal.p);
    free(largest.p);
}

static const struct {
    const char *name;
    const char *hex;
    enum ratls_request_result result;
} REQUESTS[] = {
    {"minimal", MINIMAL, RATLS_REQUEST_OK},
    {"four key ids", LARGEST, RATLS_REQUEST_OK},
    {"version 0", "8600 5820" NONCE "00" PCRS "80" NO_LOGS, RATLS_REQUEST_OTHER_VERSION},
    {"version 2 with other fields", "8302 6161 80", RATLS_REQUEST_OTHER_VERSION},
    {"version 2 and nothing else", "8102", RATLS_REQUEST_OTHER_VERSION},
    {"version 2^64-1", "811bffffffffffffffff", RATLS_REQUEST_OTHER_VERSION},
    {"version in a long head", "861801 5820" NONCE "00" PCRS "80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"version as text", "866131 5820" NONCE "00" PCRS "80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"no version", "80", RATLS_REQUEST_MALFORMED},
    {"a map", "a101 02", RATLS_REQUEST_MALFORMED},
    {"six items, seven announced", "8701 5820" NONCE "00" PCRS "80" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"six items, five announced", "8501 5820" NONCE "00" PCRS "80" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"five items", "8501 5820" NONCE "00" PCRS "80", RATLS_REQUEST_MALFORMED},
    {"seven items", "8701 5820" NONCE "00" PCRS "80" NO_LOGS "80", RATLS_REQUEST_MALFORMED},
    {"nonce of 31 bytes",
     "8601 581f 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e 00" PCRS
     "80" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"nonce of 33 bytes", "8601 5821" NONCE "20 00" PCRS "80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"no nonce", "8601 40 00" PCRS "80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"no bank and no log", LOGS_ALONE NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"five banks", HEAD "85 820b8100 820c8100 820d8100 820e8100 820f8100 80" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"SHA-1 bank", HEAD "81 82048100 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"SHA3-256 bank", HEAD "81 8218278100 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"banks descending", HEAD "82 820c8100 820b8100 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"a bank twice", HEAD "82 820b8100 820b8101 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"bank without PCRs", HEAD "81 820b80 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"PCR 23", HEAD "81 820b8117 80" NO_LOGS, RATLS_REQUEST_OK},
    {"PCR 24", HEAD "81 820b811818 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"PCR 2^32", HEAD "81 820b811b0000000100000000 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"PCRs descending", HEAD "81 820b820100 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"a PCR twice", HEAD "81 820b820707 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"PCR 0 twice", HEAD "81 820b820000 80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"25 PCRs", HEAD "81 820b 9819 0001020304050607 08090a0b0c0d0e0f 101112131415161717 80" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"key ids descending", HEAD PCRS "82" ID_B ID_A NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"a key id twice", HEAD PCRS "82" ID_A ID_A NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"key id of 7 bytes", HEAD PCRS "81 47 000000000000aa" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"key id of 9 bytes", HEAD PCRS "81 49 0000000000000000aa" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"five key ids",
     HEAD PCRS "85" ID_A ID_B "48 00000000000000cc 48 00000000000000dd 48 00000000000000ee" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"indefinite array", "9f01 5820" NONCE "00" PCRS "80" NO_LOGS "ff", RATLS_REQUEST_MALFORMED},
    {"tagged", "d9d9f7" HEAD PCRS "80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"every offer", "8601 5820" NONCE "181f" PCRS "80" NO_LOGS, RATLS_REQUEST_OK},
    {"an offer that there is not", "8601 5820" NONCE "1820" PCRS "80" NO_LOGS,
     RATLS_REQUEST_MALFORMED},
    {"mode 3 without frames", "8601 5820" NONCE "02" PCRS "80" NO_LOGS, RATLS_REQUEST_MALFORMED},
    {"both logs", HEAD PCRS "80 82" BOOT_LOG IMA_LIST, RATLS_REQUEST_OK},
    {"an offset", HEAD PCRS "80 81" IMA_OFFSET, RATLS_REQUEST_OK},
    {"the boot log alone", LOGS_ALONE "81" BOOT_LOG, RATLS_REQUEST_OK},
    {"the IMA list alone", LOGS_ALONE "81" IMA_OFFSET, RATLS_REQUEST_OK},
    {"a bank without PCRs beside a log", HEAD "81 820b80 80 81" BOOT_LOG, RATLS_REQUEST_MALFORMED},
    {"logs descending", HEAD PCRS "80 82" IMA_LIST BOOT_LOG, RATLS_REQUEST_MALFORMED},
    {"the boot log twice", HEAD PCRS "80 82" BOOT_LOG BOOT_LOG, RATLS_REQUEST_MALFORMED},
    {"the IMA list twice", HEAD PCRS "80 82" IMA_LIST IMA_LIST, RATLS_REQUEST_MALFORMED},
    {"three logs", HEAD PCRS "80 83" BOOT_LOG IMA_LIST IMA_LIST, RATLS_REQUEST_MALFORMED},
    {"a log of kind 0", HEAD PCRS "80 81 82 00 0b", RATLS_REQUEST_MALFORMED},
    {"a log of kind 3", HEAD PCRS "80 81 83 03 0b 00", RATLS_REQUEST_MALFORMED},
    {"an empty log", HEAD PCRS "80 81 80", RATLS_REQUEST_MALFORMED},
    {"boot log without a bank", HEAD PCRS "80 81 81 01", RATLS_REQUEST_MALFORMED},
    {"boot log with an offset", HEAD PCRS "80 81 83 01 0b 00", RATLS_REQUEST_MALFORMED},
    {"boot log, bank 0", HEAD PCRS "80 81 82 01 00", RATLS_REQUEST_MALFORMED},
    {"boot log, SHA-1", HEAD PCRS "80 81 82 01 04", RATLS_REQUEST_MALFORMED},
    {"boot log, bank 2^16", HEAD PCRS "80 81 82 01 1a0001000b", RATLS_REQUEST_MALFORMED},
    {"IMA list, bank 0", HEAD PCRS "80 81 83 02 00 00", RATLS_REQUEST_MALFORMED},
    {"IMA list, SHA-1", HEAD PCRS "80 81 83 02 04 00", RATLS_REQUEST_MALFORMED},
    {"IMA list without an offset", HEAD PCRS "80 81 82 02 0b", RATLS_REQUEST_MALFORMED},
    {"offset without its boot", HEAD PCRS "80 81 83 02 0b 01", RATLS_REQUEST_MALFORMED},
    {"boot without an offset", HEAD PCRS "80 81 84 02 0b 00 83" ID_A "0304",
     RATLS_REQUEST_MALFORMED},
    {"boot without a counter", HEAD PCRS "80 81 84 02 0b 01 82" ID_A "03", RATLS_REQUEST_MALFORMED},
    {"boot with a key id of 7 bytes", HEAD PCRS "80 81 84 02 0b 01 83 47 000000000000aa 0304",
     RATLS_REQUEST_MALFORMED},
    {"counter of 2^32", HEAD PCRS "80 81 84 02 0b 01 83" ID_A "03 1b0000000100000000",
     RATLS_REQUEST_MALFORMED},
};

Test(request, results)
{
    for (size_t i = 0; i < sizeof REQUESTS / sizeof *REQUESTS; i++) {
        struct octets in = octets_from_hex(REQUESTS[i].hex);
        struct ratls_request request = {.key_id_count = 99};

        cr_expect_eq(ratls_request_read(octets_slice(in), &request), REQUESTS[i].result, "%s",
                     REQUESTS[i].name);
        if (REQUESTS[i].result != RATLS_REQUEST_OK)
            cr_expect_eq(request.key_id_count, 99, "%s: written to", REQUESTS[i].name);
        free(in.p);
    }
}

Test(request, the_writer_refuses_what_the_reader_would)
{
    static const struct {
        const char *name;
        struct ratls_request request;
        bool is_written;
    } cases[] = {
        {"good", {.selection = {1, {{0x000b, 1}}}}, true},
        {"nothing selected", {.selection = {0}}, false},
        {"too many banks", {.selection = {5, {{0x000b, 1}}}}, false},
        {"SHA-1", {.selection = {1, {{0x0004, 1}}}}, false},
        {"no PCR", {.selection = {1, {{0x000b, 0}}}}, false},
        {"PCR 24", {.selection = {1, {{0x000b, 1 << 24}}}}, false},
        {"banks descending", {.selection = {2, {{0x000c, 1}, {0x000b, 1}}}}, false},
        {"five key ids", {.selection = {1, {{0x000b, 1}}}, .key_id_count = 5}, false},
        {"offers", {.selection = {1, {{0x000b, 1}}}, .offers = 7}, true},
        {"every offer", {.selection = {1, {{0x000b, 1}}}, .offers = 31}, true},
        {"unknown offer", {.selection = {1, {{0x000b, 1}}}, .offers = 32}, false},
        {"mode 3 without frames", {.selection = {1, {{0x000b, 1}}}, .offers = 2}, false},
        {"both logs", {.selection = {1, {{0x000b, 1}}}, .logs = {0x000b, 0x000d, 9}}, true},
        {"a log alone", {.logs = {.boot_bank = 0x000b}}, true},
        {"no PCR beside a log", {.selection = {1, {{0x000b, 0}}}, .logs = {0x000b}}, false},
        {"boot log, SHA-1", {.logs = {.boot_bank = 0x0004}}, false},
        {"IMA list, SHA-1", {.logs = {.ima_bank = 0x0004}}, false},
        {"offset in no list", {.logs = {.boot_bank = 0x000b, .ima_offset = 1}}, false},
        {"key ids descending",
         {.selection = {1, {{0x000b, 1}}}, .key_id_count = 2, .key_ids = {{2}, {1}}},
         false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[RATLS_REQUEST_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);

        ratls_request_write(&cases[i].request, &w);
        cr_expect_eq(!w.failed, cases[i].is_written, "%s", cases[i].name);
    }
}

/* WIRE.md, 6: the largest request, counted there. */
Test(request, the_largest_request_is_far_below_the_limit)
{
    struct octets largest = octets_from_hex(LARGEST);

    cr_assert_eq(largest.len, 195);
    free(largest.p);
}
