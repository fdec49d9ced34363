#include <criterion/criterion.h>
#include <string.h>

#include "octets.h"
#include "replay.h"

#define O4 "11111111"
#define O32 O4 O4 O4 O4 O4 O4 O4 O4
#define Z20 "0000000000000000000000000000000000000000"
#define Z32 Z20 "000000000000000000000000"
#define HEADER                                                                                     \
    "00000000 03000000" Z20 "21000000 53706563204944204576656e74303300 00000000 00 02 00 02"       \
    "01000000 0b00 2000 00"
#define EVENT(pcr, type) pcr "000000" type "01000000 0b00" O32 "00000000"
#define ACTION(pcr) EVENT(pcr, "05000000")
#define HCRTM EVENT("00", "10000080")
#define NO_ACTION(pcr, digest, data) pcr "000000 03000000 01000000 0b00" digest data
#define LOCALITY_TEXT "53746172747570 4c6f63616c697479 00"
#define LOCALITY(value) NO_ACTION("00", Z32, "11000000" LOCALITY_TEXT value)

/* One extend of 32 bytes 0x11 into PCR 0 after each way to start. */
#define FROM_0 "8878b15a7d6a3a4f464e8f9f42591dbc0cf4bedea0ec309003d2b2ee53655ef8"
#define FROM_3 "b8e8cc97156c2b3142cb8e876236fd4729748153743b480af0949565f227d2eb"
#define FROM_4 "7ff4e207f5619b362c2baa1709160a7bf1b5e52e1e2665cac4ef6edfac3deef8"
#define FROM_ONES "d664b488b36e56c5c50ccec28311484007f5eb78e23dee710944536d63f7282f"
#define TWICE "dfb05b0f8ef7f253a3e2da3d8b2d14ffd928bba31f912ce36d3a929dc8b86d14"
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define START_3 "0000000000000000000000000000000000000000000000000000000000000003"

static struct ratls_replay replay_hex(const char *hex, enum ratls_eventlog_rigor rigor,
                                      uint16_t bank)
{
    struct octets in = octets_from_hex(hex);
    struct ratls_eventlog log;
    struct ratls_replay replay;

    ratls_eventlog_open(octets_slice(in), rigor, &log);
    cr_assert_eq(ratls_replay_log(&log, bank, &replay, NULL), RATLS_OK);
    free(in.p);
    return replay;
}

static void expect_pcr(const struct ratls_replay *replay, unsigned pcr, const char *value,
                       const char *name)
{
    char hex[2 * RATLS_DIGEST_MAX + 1];

    ratls_hex(ratls_slice(replay->pcrs[pcr].value, ratls_tpm_hash_len(replay->bank)), hex,
              sizeof hex);
    cr_expect_str_eq(hex, value, "%s: PCR %u is %s", name, pcr, hex);
}

Test(replay, what_each_event_does)
{
    static const struct {
        const char *name;
        const char *hex;
        unsigned pcr;
        const char *value;
        size_t events;
    } cases[] = {
        {"one extend", HEADER ACTION("00"), 0, FROM_0, 1},
        {"two extends", HEADER ACTION("04") ACTION("04"), 4, TWICE, 2},
        {"another PCR between them", HEADER ACTION("04") ACTION("05") ACTION("04"), 4, TWICE, 2},
        {"nothing at all", HEADER, 0, Z32, 0},
        {"locality 0", HEADER LOCALITY("00") ACTION("00"), 0, FROM_0, 1},
        {"locality 3", HEADER LOCALITY("03") ACTION("00"), 0, FROM_3, 1},
        {"locality 3 and nothing", HEADER LOCALITY("03"), 0, START_3, 0},
        {"locality 3 behind another PCR", HEADER ACTION("01") LOCALITY("03") ACTION("00"), 0,
         FROM_3, 1},
        {"locality 3 is of PCR 0 only", HEADER LOCALITY("03") ACTION("01"), 1, FROM_0, 1},
        {"H-CRTM", HEADER HCRTM, 0, FROM_4, 1},
        {"H-CRTM, locality 4", HEADER LOCALITY("04") HCRTM, 0, FROM_4, 1},
        {"a PCR of the dynamic launch", HEADER ACTION("11"), 17, FROM_ONES, 1},
        {"the last of them", HEADER ACTION("16"), 22, FROM_ONES, 1},
        {"without an event", HEADER, 22, ONES, 0},
        {"the PCR below them", HEADER ACTION("10"), 16, FROM_0, 1},
        {"the PCR above them", HEADER ACTION("17"), 23, FROM_0, 1},
        {"EV_NO_ACTION with a digest", HEADER NO_ACTION("04", O32, "00000000") ACTION("04"), 4,
         FROM_0, 1},
        {"EV_NO_ACTION with the begin of a signature",
         HEADER NO_ACTION("01", Z32, "0f000000 53746172747570 4c6f63616c697479") ACTION("00"), 0,
         FROM_0, 1},
        {"EV_NO_ACTION of no PCR", HEADER "ffffffff 03000000 01000000 0b00" O32 "00000000", 0, Z32,
         0},
        {"a type that nobody knows", HEADER EVENT("04", "01840000"), 4, FROM_0, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_replay replay =
            replay_hex(cases[i].hex, RATLS_EVENTLOG_STRICT, RATLS_ALG_SHA256);

        cr_expect_str_empty(replay.why, "%s: %s", cases[i].name, replay.why);
        expect_pcr(&replay, cases[i].pcr, cases[i].value, cases[i].name);
        cr_expect_eq(replay.pcrs[cases[i].pcr].events, cases[i].events, "%s", cases[i].name);
    }
}

Test(replay, what_is_refused)
{
    static const struct {
        const char *name;
        const char *hex;
        const char *why;
    } cases[] = {
        {"a second StartupLocality", HEADER LOCALITY("03") LOCALITY("03") ACTION("00"),
         "event 2 at offset 132 is a second StartupLocality"},
        {"StartupLocality moved behind an extend", HEADER ACTION("00") LOCALITY("03"),
         "event 2 at offset 115 is a StartupLocality after PCR 0 was extended"},
        {"StartupLocality of 1", HEADER LOCALITY("01") ACTION("00"),
         "event 1 at offset 65 is a StartupLocality of 1"},
        {"StartupLocality of another PCR",
         HEADER NO_ACTION("01", Z32, "11000000" LOCALITY_TEXT "03"),
         "event 1 at offset 65 is a StartupLocality of 17 bytes for PCR 1"},
        {"StartupLocality without its byte", HEADER NO_ACTION("00", Z32, "10000000" LOCALITY_TEXT),
         "event 1 at offset 65 is a StartupLocality of 16 bytes for PCR 0"},
        {"StartupLocality with a byte more",
         HEADER NO_ACTION("00", Z32, "12000000" LOCALITY_TEXT "0300"),
         "event 1 at offset 65 is a StartupLocality of 18 bytes for PCR 0"},
        {"locality 4 without an H-CRTM", HEADER LOCALITY("04") ACTION("00"),
         "event 2 at offset 132 is not of an H-CRTM after a StartupLocality of 4"},
        {"an H-CRTM after locality 3", HEADER LOCALITY("03") HCRTM,
         "event 2 at offset 132 is of an H-CRTM after a StartupLocality of 3"},
        {"an event named like a reset", HEADER ACTION("00") HCRTM,
         "event 2 at offset 115 is of an H-CRTM, and is not the first of PCR 0"},
        {"an H-CRTM of another PCR", HEADER EVENT("01", "10000080"),
         "event 1 at offset 65 is of an H-CRTM, and is not the first of PCR 0"},
        {"a log that is cut", HEADER ACTION("00") "00", "1 bytes without meaning follow"},
        {"no log", "", "the log is empty"},
        {"a log of SHA-1", "07000000 04000000" Z20 "00000000", "the log has no digests of sha256"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_replay replay =
            replay_hex(cases[i].hex, RATLS_EVENTLOG_STRICT, RATLS_ALG_SHA256);

        cr_expect_not_null(strstr(replay.why, cases[i].why), "%s: %s", cases[i].name, replay.why);
    }
}

/* Appended, left out, exchanged: the values are others, and that is what the quote tells. */
Test(replay, each_change_of_digests_changes_a_value)
{
    struct ratls_replay good = replay_hex(HEADER ACTION("04") EVENT("04", "04000000"),
                                          RATLS_EVENTLOG_STRICT, RATLS_ALG_SHA256);
    static const char *const changed[] = {
        HEADER ACTION("04"),
        HEADER ACTION("04") ACTION("04") ACTION("04"),
        HEADER ACTION("04") ACTION("05"),
        HEADER ACTION("04") "04000000 05000000 01000000 0b00" Z32 "00000000",
    };

    expect_pcr(&good, 4, TWICE, "good");
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        struct ratls_replay other = replay_hex(changed[i], RATLS_EVENTLOG_STRICT, RATLS_ALG_SHA256);

        cr_expect_str_empty(other.why);
        cr_expect_arr_neq(other.pcrs[4].value, good.pcrs[4].value, 32, "case %zu", i);
    }
}

#define O48 O32 O4 O4 O4 O4
#define ALL_HEADER                                                                                 \
    "00000000 03000000" Z20 "2d000000 53706563204944204576656e74303300 00000000 00 02 00 02"       \
    "04000000 0400 1400 0b00 2000 0c00 3000 0d00 4000 00"
#define ALL_ACTION                                                                                 \
    "00000000 05000000 04000000 0400" O4 O4 O4 O4 O4 "0b00" O32 "0c00" O48 "0d00" O32 O32 "000000" \
    "00"

Test(replay, each_bank)
{
    static const struct {
        uint16_t bank;
        const char *value;
    } cases[] = {
        {RATLS_ALG_SHA1, "b3e26c6ca6785f04dd7187293d802d5b16dad8c1"},
        {RATLS_ALG_SHA256, FROM_0},
        {RATLS_ALG_SHA384, "c7304e0aec48bbbc703c099b425485b7a60e19b6a83630b0"
                           "fb558ce2f02ec41e4cdf205335b4b613b3537ad83eb62262"},
        {RATLS_ALG_SHA512, "9e79d4ba0dbf4caabcd559e34d620f90d3a13411edfd801996e66819260fdc0a"
                           "29182e7ffef267464c52933528f52172aefc5c4bede5a02ba383f85b2dbebe82"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_replay replay =
            replay_hex(ALL_HEADER ALL_ACTION, RATLS_EVENTLOG_STRICT, cases[i].bank);

        cr_expect_str_empty(replay.why, "%s", replay.why);
        expect_pcr(&replay, 0, cases[i].value, ratls_tpm_alg_name(cases[i].bank));
        cr_expect_eq(replay.is_weak, cases[i].bank == RATLS_ALG_SHA1);
    }
}

Test(replay, a_bank_that_cannot_be_computed)
{
    struct octets in = octets_from_hex(HEADER);
    struct ratls_error error = {0};
    struct ratls_eventlog log;
    struct ratls_replay replay;

    cr_assert(ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_STRICT, &log));
    cr_expect_eq(ratls_replay_log(&log, RATLS_ALG_SM3_256, &replay, &error), RATLS_MALFORMED);
    cr_expect_not_null(strstr(error.text, "0x0012"), "%s", error.text);
    free(in.p);
}

/* Windows extends one bank only: the values of another are not those of the log. */
Test(replay, events_without_a_digest_of_the_bank_are_counted)
{
    struct ratls_replay replay = replay_hex(ALL_HEADER ALL_ACTION ACTION("00") ACTION("04"),
                                            RATLS_EVENTLOG_SHOW, RATLS_ALG_SHA384);

    cr_expect_str_empty(replay.why, "%s", replay.why);
    cr_expect(replay.pcrs[0].events == 1 && replay.pcrs[0].unlisted == 1);
    cr_expect(replay.pcrs[4].events == 0 && replay.pcrs[4].unlisted == 1);
    replay =
        replay_hex(ALL_HEADER ALL_ACTION ACTION("00"), RATLS_EVENTLOG_STRICT, RATLS_ALG_SHA384);
    cr_expect_str_eq(replay.why, "event 2 at offset 265 lists 1 digests, the header 4 algorithms");
}
