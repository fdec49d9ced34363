#include <criterion/criterion.h>
#include <string.h>

#include "boot.h"
#include "octets.h"

#define GLOBAL "61dfe48bca93d211aa0d00e098032b8c"
#define DATABASE "cbb219d73a3d9645a3bcdad00e67656f"
#define OWNER "000102030405060708090a0b0c0d0e0f"
#define CERTIFICATE "30820003 abcdef"
#define CONFIG RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG
#define AUTHORITY RATLS_EV_EFI_VARIABLE_AUTHORITY
#define APPLICATION RATLS_EV_EFI_BOOT_SERVICES_APPLICATION
#define ACTION RATLS_EV_EFI_ACTION
#define ZEROS "00000000"
#define SEPARATOR(pcr)                                                                             \
    {                                                                                              \
        pcr, RATLS_EV_SEPARATOR, ZEROS, NULL                                                       \
    }

/* GUID, two lengths, name in UTF-16, content. */
#define NAME_SECURE_BOOT "53006500630075007200650042006f006f007400"
#define SECURE_BOOT(len, content)                                                                  \
    GLOBAL "0a00000000000000" len "00000000000000" NAME_SECURE_BOOT content
#define PK GLOBAL "0200000000000000 0100000000000000 50004b00 aa"
#define KEK GLOBAL "0300000000000000 0100000000000000 4b0045004b00 bb"
#define DB DATABASE "0200000000000000 0100000000000000 64006200 cc"
#define DBX DATABASE "0300000000000000 0000000000000000 640062007800"
#define BY_DB DATABASE "0200000000000000 1700000000000000 64006200" OWNER CERTIFICATE
#define BY_SHIM GLOBAL "0400000000000000 0700000000000000 5300680069006d00" CERTIFICATE
#define CALLING "43616c6c696e6720454649204170706c69636174696f6e2066726f6d20426f6f74204f7074696f6e"
#define EXIT "4578697420426f6f7420536572766963657320"
#define INVOCATION EXIT "496e766f636174696f6e"
#define SUCCESS EXIT "52657475726e656420776974682053756363657373"
#define FAILURE EXIT "52657475726e65642077697468204661696c757265"
#define DEBUG_MODE "55454649204465627567204d6f6465"
#define DMA "444d412050726f74656374696f6e2044697361626c6564"

struct entry {
    uint32_t pcr;
    uint32_t type;
    const char *data;     /* hexadecimal */
    const char *measured; /* what the digest is over; NULL: the data */
};

/* A machine with Secure Boot: firmware, shim, boot loader. */
static const struct entry GOOD[] = {
    {0, RATLS_EV_S_CRTM_VERSION, "310030000000", NULL},
    {7, CONFIG, SECURE_BOOT("01", "01"), NULL},
    {7, CONFIG, PK, NULL},
    {7, CONFIG, KEK, NULL},
    {7, CONFIG, DB, NULL},
    {7, CONFIG, DBX, NULL},
    {4, ACTION, CALLING, NULL},
    SEPARATOR(0),
    SEPARATOR(1),
    SEPARATOR(2),
    SEPARATOR(3),
    SEPARATOR(4),
    SEPARATOR(5),
    SEPARATOR(6),
    SEPARATOR(7),
    {7, AUTHORITY, BY_DB, NULL},
    {4, APPLICATION, "00", "5041"},
    {7, AUTHORITY, BY_SHIM, NULL},
    {4, APPLICATION, "00", "5042"},
    {5, ACTION, INVOCATION, NULL},
    {5, ACTION, SUCCESS, NULL},
};
#define GOOD_COUNT (sizeof GOOD / sizeof *GOOD)
/* Numbers of events in the log, which begins with its header. */
#define AT_SECURE_BOOT 2
#define AT_PK 3
#define AT_DB 5
#define AT_SEPARATOR_7 15
#define AT_BY_DB 16
#define AT_IMAGE 17
#define AT_END 22

static void write_le32(struct ratls_writer *w, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        ratls_write_u8(w, (uint8_t)(value >> (8 * i)));
}

static void write_entry(struct ratls_writer *w, const struct entry *entry)
{
    struct octets data = octets_from_hex(entry->data);
    struct octets measured = octets_from_hex(entry->measured ? entry->measured : entry->data);
    uint8_t digest[32];

    cr_assert_eq(ratls_sha256(octets_slice(measured), digest, NULL), RATLS_OK);
    write_le32(w, entry->pcr);
    write_le32(w, entry->type);
    write_le32(w, 1);
    ratls_write_bytes(w, ratls_slice("\x0b", 2));
    ratls_write_bytes(w, ratls_slice(digest, sizeof digest));
    write_le32(w, (uint32_t)data.len);
    ratls_write_bytes(w, octets_slice(data));
    free(data.p);
    free(measured.p);
}

/* One change of the good log: an entry before event `at`, in its place, or none in its place. */
enum change { NOTHING, INSERT, REPLACE, REMOVE };

static struct octets make_log(enum change change, size_t at, const struct entry *entry)
{
    static uint8_t buffer[16384];
    struct octets header = octets_from_hex(
        "00000000 03000000 0000000000000000000000000000000000000000 21000000"
        "53706563204944204576656e74303300 00000000 00 02 00 02 01000000 0b00 2000 00");
    struct ratls_writer w = ratls_writer(buffer, sizeof buffer);

    ratls_write_bytes(&w, octets_slice(header));
    free(header.p);
    for (size_t number = 1; number <= GOOD_COUNT + 1; number++) {
        bool is_here = change != NOTHING && number == at;

        if (is_here && change != REMOVE)
            write_entry(&w, entry);
        if (number <= GOOD_COUNT && !(is_here && change != INSERT))
            write_entry(&w, &GOOD[number - 1]);
    }
    cr_assert_not(w.failed);
    return octets_copy(buffer, w.len);
}

static void read_log(struct octets in, struct ratls_boot *ret_boot)
{
    struct ratls_eventlog log;

    ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_STRICT, &log);
    cr_assert_eq(ratls_boot_read(&log, RATLS_ALG_SHA256, ret_boot, NULL), RATLS_OK);
}

static void expect_slice(struct ratls_slice actual, const char *hex, const char *name)
{
    struct octets expected = octets_from_hex(hex);

    cr_expect(ratls_slice_equal(actual, octets_slice(expected)), "%s", name);
    free(expected.p);
}

Test(boot, a_good_log)
{
    struct octets in = make_log(NOTHING, 0, NULL);
    struct ratls_eventlog log;
    struct ratls_replay replay;
    struct ratls_boot boot;

    read_log(in, &boot);
    cr_expect_str_empty(boot.why, "%s", boot.why);
    cr_expect_str_empty(boot.secure_boot_why, "%s", boot.secure_boot_why);
    cr_expect_eq(boot.secure_boot, RATLS_SECURE_BOOT_ON);
    expect_slice(boot.variables[RATLS_BOOT_PK].content, "aa", "PK");
    expect_slice(boot.variables[RATLS_BOOT_KEK].content, "bb", "KEK");
    expect_slice(boot.variables[RATLS_BOOT_DB].content, "cc", "db");
    cr_expect_eq(boot.variables[RATLS_BOOT_DB].event, AT_DB);
    cr_expect_eq(boot.variables[RATLS_BOOT_DB].digest.len, 32);
    cr_expect(boot.variables[RATLS_BOOT_DBX].is_measured);
    cr_expect_not(boot.variables[RATLS_BOOT_DBT].is_measured);
    cr_assert_eq(boot.authority_count, 2);
    expect_slice(boot.authorities[0].name, "64006200", "db");
    expect_slice(boot.authorities[0].certificate, CERTIFICATE, "behind its owner");
    expect_slice(boot.authorities[1].certificate, CERTIFICATE, "without an owner");
    cr_assert_eq(boot.image_count, 2);
    cr_expect_eq(boot.images[0].event, AT_IMAGE);
    cr_expect_eq(boot.images[1].digest.len, 32);
    for (size_t pcr = 0; pcr < RATLS_BOOT_PHASES; pcr++)
        cr_expect(boot.phases[pcr].separators == 1 && boot.phases[pcr].errors == 0);
    cr_expect(boot.phases[7].after == 2 && boot.phases[4].after == 2 && boot.phases[0].after == 0);
    cr_expect(boot.has_exit_invocation && boot.has_exit_success && !boot.has_exit_failure);
    cr_expect(!boot.is_debug_mode && !boot.is_dma_unprotected && boot.relabelled == 0);
    /* The values are those of a replay by itself. */
    cr_assert(ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_STRICT, &log));
    cr_assert_eq(ratls_replay_log(&log, RATLS_ALG_SHA256, &replay, NULL), RATLS_OK);
    cr_expect_arr_eq(boot.replay.pcrs, replay.pcrs, sizeof replay.pcrs);
    free(in.p);
}

#define ON RATLS_SECURE_BOOT_ON
#define OFF RATLS_SECURE_BOOT_OFF
#define UNKNOWN RATLS_SECURE_BOOT_UNKNOWN

static const struct {
    const char *name;
    enum change change;
    size_t at;
    struct entry entry;
    enum ratls_secure_boot state;
    const char *why;
} SECURE_BOOT_CASES[] = {
    /* clang-format off */
    {"off", REPLACE, AT_SECURE_BOOT, {7, CONFIG, SECURE_BOOT("01", "00"), NULL}, OFF, ""},
    {"no such variable", REPLACE, AT_SECURE_BOOT, {7, CONFIG, SECURE_BOOT("00", ""), NULL},
     OFF, ""},
    {"neither", REPLACE, AT_SECURE_BOOT, {7, CONFIG, SECURE_BOOT("01", "02"), NULL},
     UNKNOWN, "SecureBoot is neither 0 nor 1"},
    {"two bytes", REPLACE, AT_SECURE_BOOT, {7, CONFIG, SECURE_BOOT("02", "0101"), NULL},
     UNKNOWN, "SecureBoot is neither 0 nor 1"},
    {"data swapped under the digest of off", REPLACE, AT_SECURE_BOOT,
     {7, CONFIG, SECURE_BOOT("01", "01"), SECURE_BOOT("01", "00")},
     OFF, ""},
    {"data of off left out", REPLACE, AT_SECURE_BOOT,
     {7, CONFIG, "", SECURE_BOOT("01", "00")}, OFF, ""},
    {"data of on left out", REPLACE, AT_SECURE_BOOT,
     {7, CONFIG, "", SECURE_BOOT("01", "01")}, ON, ""},
    {"off relabelled", REPLACE, AT_SECURE_BOOT,
     {7, ACTION, "4142", SECURE_BOOT("01", "00")}, OFF, ""},
    {"data of db left out", REPLACE, AT_DB, {7, CONFIG, "", DB}, ON, ""},
    {"variable left out", REMOVE, AT_DB, {0, 0, "", NULL},
     UNKNOWN, "PCR 7 has 4 variables, SecureBoot, PK, KEK, db and dbx are 5"},
    {"on without a PK", REPLACE, AT_PK,
     {7, CONFIG, GLOBAL "0200000000000000 0000000000000000 50004b00", NULL},
     UNKNOWN, "SecureBoot is 1 without a PK"},
    {"SecureBoot of another vendor", REPLACE, AT_SECURE_BOOT,
     {7, CONFIG, OWNER "0a00000000000000 0100000000000000" NAME_SECURE_BOOT "01", NULL},
     UNKNOWN, "SecureBoot was not measured"},
    {"a second SecureBoot", INSERT, AT_PK, {7, CONFIG, SECURE_BOOT("01", "00"), NULL},
     UNKNOWN, "event 3 is a second SecureBoot"},
    {"a second SecureBoot without data", INSERT, AT_PK, {7, CONFIG, "", SECURE_BOOT("01", "00")},
     UNKNOWN, "event 3 is a second SecureBoot"},
    {"no PK, and its data left out", REPLACE, AT_PK,
     {7, CONFIG, "", GLOBAL "0200000000000000 0000000000000000 50004b00"},
     UNKNOWN, "SecureBoot is 1 without a PK"},
    {"SecureBoot appended as an authority", INSERT, AT_END,
     {7, AUTHORITY, SECURE_BOOT("01", "01"), NULL},
     UNKNOWN, "event 22 of PCR 7 is a variable behind the separator"},
    {"dbx appended", INSERT, AT_END, {7, CONFIG, "", DBX},
     UNKNOWN, "event 22 of PCR 7 is a variable behind the separator"},
    {"SecureBoot appended", INSERT, AT_END, {7, CONFIG, SECURE_BOOT("01", "01"), NULL},
     UNKNOWN, "event 22 of PCR 7 is a variable behind the separator"},
    {"an authority before the separator", INSERT, AT_PK, {7, AUTHORITY, BY_DB, NULL},
     ON, ""},
    {"no separator", REMOVE, AT_SEPARATOR_7, {0, 0, "", NULL},
     UNKNOWN, "PCR 7 has 0 separators, 0 of an error"},
    {"two separators", INSERT, AT_END, SEPARATOR(7),
     UNKNOWN, "PCR 7 has 2 separators, 0 of an error"},
    {"separator of an error", REPLACE, AT_SEPARATOR_7, {7, RATLS_EV_SEPARATOR, "01000000", NULL},
     UNKNOWN, "PCR 7 has 1 separators, 1 of an error"},
    {"error information in a separator", REPLACE, AT_SEPARATOR_7,
     {7, RATLS_EV_SEPARATOR, "abcd", "01000000"}, UNKNOWN, "PCR 7 has 1 separators, 1 of an error"},
    {"separator of ones", REPLACE, AT_SEPARATOR_7, {7, RATLS_EV_SEPARATOR, "ffffffff", NULL},
     ON, ""},
    {"separator of something else", REPLACE, AT_SEPARATOR_7,
     {7, RATLS_EV_SEPARATOR, "00000001", NULL}, UNKNOWN, "event 15 of PCR 7 has type 0x00000004"},
    {"an authority relabelled as unused", REPLACE, AT_BY_DB, {7, RATLS_EV_UNUSED, BY_DB, NULL},
     UNKNOWN, "event 16 of PCR 7 has type 0x00000002"},
    {"a text of a vendor", INSERT, AT_END, {7, ACTION, "4142", NULL}, ON, ""},
    {"shim's tail, of which the last byte is not measured", REPLACE, AT_BY_DB,
     {7, AUTHORITY, BY_DB "0000000000af", BY_DB "0000000000"}, ON, ""},
    {"a tail of another length", REPLACE, AT_BY_DB,
     {7, AUTHORITY, BY_DB "00000000af", BY_DB "00000000"}, ON, ""},
    {"a variable that is cut", REPLACE, AT_DB, {7, CONFIG, DATABASE "0200000000000000", NULL},
     ON, ""},
    {"a variable of huge lengths", REPLACE, AT_DB,
     {7, CONFIG, DATABASE "ffffffffffffff7f ffffffffffffffff 6400", NULL}, ON, ""},
    /* clang-format on */
};

Test(boot, secure_boot)
{
    for (size_t i = 0; i < sizeof SECURE_BOOT_CASES / sizeof *SECURE_BOOT_CASES; i++) {
        struct octets in = make_log(SECURE_BOOT_CASES[i].change, SECURE_BOOT_CASES[i].at,
                                    &SECURE_BOOT_CASES[i].entry);
        struct ratls_boot boot;

        read_log(in, &boot);
        cr_expect_str_empty(boot.why, "%s: %s", SECURE_BOOT_CASES[i].name, boot.why);
        cr_expect_eq(boot.secure_boot, SECURE_BOOT_CASES[i].state, "%s", SECURE_BOOT_CASES[i].name);
        cr_expect_str_eq(boot.secure_boot_why, SECURE_BOOT_CASES[i].why, "%s: %s",
                         SECURE_BOOT_CASES[i].name, boot.secure_boot_why);
        free(in.p);
    }
}

static struct ratls_boot read_changed(enum change change, size_t at, struct entry entry)
{
    struct octets in = make_log(change, at, &entry);
    struct ratls_boot boot;

    read_log(in, &boot);
    free(in.p);
    return boot;
}

/* Whatever its type and its data are, an authority is counted, and its digest is there. */
Test(boot, an_authority_does_not_hide)
{
    static const struct entry changed[] = {
        {7, ACTION, BY_DB, NULL},       {7, ACTION, "4142", BY_DB},
        {7, AUTHORITY, "", BY_DB},      {7, AUTHORITY, BY_DB "00000000af", BY_DB "00000000"},
        {7, AUTHORITY, BY_SHIM, BY_DB},
    };

    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        struct octets in = make_log(REPLACE, AT_BY_DB, &changed[i]);
        struct ratls_boot boot;

        read_log(in, &boot);
        cr_assert_eq(boot.authority_count, 2, "%zu", i);
        cr_expect_eq(boot.authorities[0].event, AT_BY_DB, "%zu", i);
        cr_expect_eq(boot.authorities[0].digest.len, 32, "%zu", i);
        cr_expect_eq(boot.authorities[0].certificate.len, 0, "%zu", i);
        free(in.p);
    }
}

Test(boot, texts_are_found_by_their_digests)
{
    struct ratls_boot boot =
        read_changed(INSERT, AT_PK, (struct entry){7, ACTION, DEBUG_MODE, NULL});

    cr_expect(boot.is_debug_mode && !boot.is_dma_unprotected && boot.relabelled == 0);
    boot = read_changed(INSERT, AT_PK, (struct entry){7, RATLS_EV_IPL, "00", DEBUG_MODE});
    cr_expect(boot.is_debug_mode, "relabelled, and other data");
    cr_expect(boot.relabelled == 1 && boot.first_relabelled == AT_PK);
    boot = read_changed(INSERT, AT_END, (struct entry){7, ACTION, DMA, NULL});
    cr_expect(boot.is_dma_unprotected && !boot.is_debug_mode);
    boot = read_changed(INSERT, AT_END, (struct entry){8, ACTION, DMA, NULL});
    cr_expect_not(boot.is_dma_unprotected, "of another PCR");
    boot = read_changed(INSERT, AT_END, (struct entry){5, ACTION, FAILURE, NULL});
    cr_expect(boot.has_exit_failure);
}

Test(boot, separators_are_found_by_their_digests)
{
    struct ratls_boot boot =
        read_changed(REPLACE, AT_SEPARATOR_7, (struct entry){7, AUTHORITY, BY_DB, ZEROS});

    cr_expect_eq(boot.phases[7].separators, 1);
    cr_expect(boot.relabelled == 1 && boot.first_relabelled == AT_SEPARATOR_7);
    boot = read_changed(INSERT, AT_END, (struct entry){2, RATLS_EV_IPL, "00", NULL});
    cr_expect_eq(boot.phases[2].after, 1, "an event behind the separator");
    boot = read_changed(INSERT, AT_END, (struct entry)SEPARATOR(3));
    cr_expect_eq(boot.phases[3].separators, 2);
}

Test(boot, an_image_does_not_hide_behind_its_type)
{
    static const uint32_t types[] = {ACTION, RATLS_EV_UNUSED, RATLS_EV_SEPARATOR, 0x8401};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct ratls_boot boot =
            read_changed(REPLACE, AT_IMAGE, (struct entry){4, types[i], ZEROS, "5041"});

        cr_expect_eq(boot.image_count, 2, "type 0x%08x", types[i]);
    }
}

Test(boot, a_log_that_is_refused_says_nothing)
{
    struct octets in = make_log(NOTHING, 0, NULL);
    struct ratls_boot boot;

    in.len--;
    read_log(in, &boot);
    cr_expect_not_null(strstr(boot.why, "bytes of data"), "%s", boot.why);
    cr_expect_eq(boot.secure_boot, RATLS_SECURE_BOOT_UNKNOWN);
    cr_expect_str_eq(boot.secure_boot_why, "the log is refused");
    free(in.p);
}
