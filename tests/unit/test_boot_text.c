#include <criterion/criterion.h>
#include <string.h>

#include "boot_lines.h"
#include "boot_text.h"
#include "octets.h"

/* Data and what is measured, with their lengths: both may have bytes of 0. */
#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *name;
    uint32_t pcr;
    const char *data;
    size_t data_len;
    const char *measured;
    size_t measured_len;
    const char *label; /* NULL: no text is measured */
    const char *text;
    size_t text_len;
} CASES[] = {
    /* clang-format off */
    {"GRUB", 8, BYTES("kernel_cmdline: /vmlinuz ro\0"), BYTES("/vmlinuz ro"), "kernel_cmdline",
     BYTES("/vmlinuz ro")},
    {"GRUB, NUL measured", 8, BYTES("grub_cmd: set x\0"), BYTES("set x\0"), "grub_cmd",
     BYTES("set x")},
    {"GRUB of Red Hat 8", 8, BYTES("grub_cmd set x\0"), BYTES("set x\0"), "grub_cmd",
     BYTES("set x")},
    {"another label over the same digest", 8, BYTES("grub_cmd: /vmlinuz ro\0"),
     BYTES("/vmlinuz ro"), "grub_cmd", BYTES("/vmlinuz ro")},
    {"a kernel of GRUB of Red Hat 8", 8, BYTES("grub_kernel_cmdline /vmlinuz\0"), BYTES("/vmlinuz"),
     "grub_kernel_cmdline", BYTES("/vmlinuz")},
    {"no label", 8, BYTES("/vmlinuz ro\0"), BYTES("/vmlinuz ro"), "", BYTES("/vmlinuz ro")},
    {"a text with a label in it", 8, BYTES("grub_cmd: grub_cmd x\0"), BYTES("grub_cmd x"),
     "grub_cmd", BYTES("grub_cmd x")},
    {"a part of the text as a label", 8, BYTES("grub_cmd x\0"), BYTES("grub_cmd x"), NULL, "", 0},
    {"text swapped", 8, BYTES("kernel_cmdline: /vmlinuz ro\0"), BYTES("/vmlinuz rw"), NULL, "", 0},
    {"no NUL", 8, BYTES("kernel_cmdline: /vmlinuz ro"), BYTES("/vmlinuz ro"), NULL, "", 0},
    {"label only", 8, BYTES("kernel_cmdline: "), BYTES(""), NULL, "", 0},
    {"nothing", 8, BYTES(""), BYTES(""), NULL, "", 0},
    {"systemd", 12, BYTES("r\0w\0\0\0"), BYTES("r\0w\0\0\0"), "", BYTES("r\0w\0")},
    {"systemd, a byte less in the log", 8, BYTES("r\0w\0\0"), BYTES("r\0w\0\0\0"), "",
     BYTES("r\0w\0")},
    {"systemd, without a NUL", 12, BYTES("r\0w\0"), BYTES("r\0w\0"), NULL, "", 0},
    {"systemd, text swapped", 12, BYTES("r\0w\0\0\0"), BYTES("r\0o\0\0\0"), NULL, "", 0},
    {"GRUB's form in another PCR", 12, BYTES("/vmlinuz ro\0"), BYTES("/vmlinuz ro"), NULL, "", 0},
    {"a file that GRUB read", 9, BYTES("/vmlinuz\0"), BYTES("/vmlinuz"), NULL, "", 0},
    /* clang-format on */
};

Test(boot_text, what_was_measured)
{
    struct ratls_hasher hasher;

    cr_assert_eq(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct octets data = octets_copy(CASES[i].data, CASES[i].data_len);
        struct ratls_event event = {.pcr = CASES[i].pcr, .data = octets_slice(data)};
        struct ratls_slice measured = ratls_slice(CASES[i].measured, CASES[i].measured_len);
        struct ratls_slice expected = ratls_slice(CASES[i].text, CASES[i].text_len);
        const char *label = CASES[i].label == NULL ? "" : CASES[i].label;
        struct ratls_boot_text text;
        uint8_t digest[32];

        cr_assert_eq(ratls_sha256(measured, digest, NULL), RATLS_OK);
        cr_assert_eq(ratls_boot_text(&hasher, &event, ratls_slice(digest, 32), &text, NULL),
                     RATLS_OK);
        cr_expect_eq(text.is_measured, CASES[i].label != NULL, "%s", CASES[i].name);
        cr_expect(ratls_slice_equal(text.text, expected), "%s: text", CASES[i].name);
        cr_expect(ratls_slice_equal(text.label, ratls_slice(label, strlen(label))), "%s: label",
                  CASES[i].name);
        free(data.p);
    }
    ratls_hasher_end(&hasher);
}

static const struct {
    const char *name;
    bool is_utf16;
    const char *in;
    size_t len;
    const char *out; /* NULL: none */
} UTF8_CASES[] = {
    {"as it is", false, BYTES("a\xc3\xa4"), "a\xc3\xa4"},
    {"one byte", true, BYTES("a\0b\0"), "ab"},
    {"two and three bytes", true, BYTES("\xe4\x00\xac\x20"), "\xc3\xa4\xe2\x82\xac"},
    {"a pair", true, BYTES("\x3d\xd8\x00\xde"), "\xf0\x9f\x98\x80"},
    {"half a pair", true, BYTES("\x3d\xd8"), NULL},
    {"a pair in the wrong order", true, BYTES("\x00\xde\x3d\xd8"), NULL},
    {"half a pair and a letter", true, BYTES("\x3d\xd8\x61\x00"), NULL},
    {"too long", true, BYTES("a\0b\0c\0d\0e\0f\0g\0h\0i\0"), NULL},
    {"too long as it is", false, BYTES("abcdefghi"), NULL},
};

Test(boot_text, in_utf_8)
{
    for (size_t i = 0; i < sizeof UTF8_CASES / sizeof *UTF8_CASES; i++) {
        const struct ratls_boot_text text = {.is_measured = true,
                                             .is_utf16 = UTF8_CASES[i].is_utf16,
                                             .text =
                                                 ratls_slice(UTF8_CASES[i].in, UTF8_CASES[i].len)};
        const char *expected = UTF8_CASES[i].out;
        char out[8];
        size_t len = 0;

        cr_expect_eq(ratls_boot_text_utf8(&text, out, sizeof out, &len), expected != NULL, "%s",
                     UTF8_CASES[i].name);
        if (expected != NULL)
            cr_expect(len == strlen(expected) && memcmp(out, expected, len) == 0, "%s",
                      UTF8_CASES[i].name);
    }
}

/* Whether lines that a policy has allow what was measured by its digest alone. */
static const struct {
    const char *name;
    const char *measured;
    size_t len;
    bool found;
} LINE_CASES[] = {
    {"GRUB", BYTES("/vmlinuz ro"), true},
    {"GRUB, with a NUL", BYTES("/vmlinuz ro\0"), true},
    {"the EFI stub", BYTES("q\0"), true},
    {"systemd", BYTES("q\0\0\0"), true},
    {"half a NUL of UTF-16", BYTES("q\0\0"), false},
    {"no ASCII", BYTES("\xc3\xa4"), true},
    {"no ASCII, in UTF-16", BYTES("\xe4\0"), false},
    {"a line with a wildcard", BYTES("root=x"), false},
    {"the wildcard itself", BYTES("root=*"), false},
    {"another text", BYTES("/vmlinuz rw"), false},
    {"nothing", BYTES(""), false},
};

Test(boot_text, exact_lines_by_their_digests)
{
    static const char *const texts[] = {"/vmlinuz ro", "q", "root=*", "\xc3\xa4"};
    struct ratls_pattern patterns[4];
    struct ratls_boot_lines lines;

    for (size_t i = 0; i < 4; i++)
        cr_assert_null(ratls_pattern_init(RATLS_PATTERN_TEXT,
                                          ratls_slice(texts[i], strlen(texts[i])), &patterns[i]));
    cr_assert_eq(ratls_boot_lines(patterns, 4, RATLS_ALG_SHA256, &lines, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof LINE_CASES / sizeof *LINE_CASES; i++) {
        uint8_t digest[32];

        cr_assert_eq(
            ratls_sha256(ratls_slice(LINE_CASES[i].measured, LINE_CASES[i].len), digest, NULL),
            RATLS_OK);
        cr_expect_eq(ratls_boot_lines_has(&lines, ratls_slice(digest, 32)), LINE_CASES[i].found,
                     "%s", LINE_CASES[i].name);
    }
    ratls_boot_lines_done(&lines);
    cr_expect_not(ratls_boot_lines_has(&lines, ratls_slice("x", 1)));
}
