#include <criterion/criterion.h>
#include <string.h>

#include "boot_words.h"
#include "octets.h"

#define PATH_OF_SHIM                                                                               \
    "0000000000000000 0000000000000000 0000000000000000 1600000000000000"                          \
    "0101 0600 0000 0404 0c00 5c00 6100 2e00 0000 7fff0400"

static const struct {
    const char *name;
    uint32_t pcr;
    uint32_t type;
    const char *data; /* hexadecimal */
    bool is_measured;
    const char *kind;
    const char *text;
    bool is_covered;
} CASES[] = {
    /* clang-format off */
    {"an image", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, PATH_OF_SHIM, false,
     "image", "\\a.", false},
    {"an image without data", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, "", false, "image", "",
     false},
    {"a path of huge length", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION,
     "0000000000000000 0000000000000000 0000000000000000 1600000000000000 0404 ffff 6100", false,
     "image", "", false},
    {"a path without length", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION,
     "0000000000000000 0000000000000000 0000000000000000 1600000000000000 0404 0000 6100", false,
     "image", "", false},
    {"an option ROM", 2, RATLS_EV_EFI_BOOT_SERVICES_DRIVER, PATH_OF_SHIM, false,
     "option ROM or driver", "\\a.", false},
    {"a version", 0, RATLS_EV_S_CRTM_VERSION, "310030000000", true, "version of the firmware", "10",
     true},
    {"a volume of the firmware", 0, RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB2,
     "03 504549 0000000000000000 0000000000000000", false, "firmware", "PEI", false},
    {"a variable", 7, RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG,
     "61dfe48bca93d211aa0d00e098032b8c 0200000000000000 0100000000000000 50004b00 aa", true,
     "variable of Secure Boot", "PK", true},
    {"a variable with other data", 7, RATLS_EV_EFI_VARIABLE_AUTHORITY,
     "61dfe48bca93d211aa0d00e098032b8c 0200000000000000 0100000000000000 50004b00 aa", false,
     "authority", "PK", false},
    {"a command of GRUB", 8, RATLS_EV_IPL, "73657420 78 00", true, "text of the boot loader",
     "set x", true},
    {"a file", 9, RATLS_EV_IPL, "2f696e6974726400", false, "file of the boot loader", "/initrd",
     false},
    {"the initrd of the EFI stub", 9, RATLS_EV_EVENT_TAG,
     "ec223b8f 0d000000 4c696e757820696e6974726400", false, "file of the boot loader",
     "Linux initrd", false},
    {"a tag of huge length", 9, RATLS_EV_EVENT_TAG, "ec223b8f ffffffff 4c", false,
     "file of the boot loader", "", false},
    {"the name of a section", 11, RATLS_EV_IPL, "2e006f00 0000", false,
     "part of a unified kernel image", ".o", false},
    {"what is no text", 14, RATLS_EV_IPL, "80ff", true, "list of the owner's keys", "", false},
    {"an image by the type of an action", 4, RATLS_EV_EFI_ACTION, "41", false, "image", "A", false},
    {"an image by the type of a separator", 4, RATLS_EV_SEPARATOR, "00000000", false, "image", "",
     false},
    {"firmware by the type of a microcode", 0, RATLS_EV_CPU_MICROCODE, "", false, "firmware", "",
     false},
    {"a file by the type of an authority", 9, RATLS_EV_EFI_VARIABLE_AUTHORITY, "", false,
     "file of the boot loader", "", false},
    {"an action", 5, RATLS_EV_EFI_ACTION, "41", true, "action of the firmware", "A", true},
    {"no PCR", UINT32_MAX, RATLS_EV_EFI_ACTION, "41", true, "event", "A", true},
    {"a PCR of nobody", 23, RATLS_EV_IPL, "41", true, "event", "A", true},
    /* clang-format on */
};

Test(boot_words, say_what_an_event_is)
{
    struct ratls_hasher hasher;

    cr_assert_eq(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct octets data = octets_from_hex(CASES[i].data);
        struct ratls_event event = {
            .pcr = CASES[i].pcr, .type = CASES[i].type, .data = octets_slice(data)};
        struct ratls_slice measured = CASES[i].is_measured ? event.data : ratls_slice("x", 1);
        struct ratls_boot_words words;
        uint8_t digest[32];

        cr_assert_eq(ratls_sha256(measured, digest, NULL), RATLS_OK);
        if (CASES[i].pcr == 8) /* GRUB measures no NUL */
            cr_assert_eq(ratls_sha256(ratls_slice(data.p, data.len - 1), digest, NULL), RATLS_OK);
        cr_assert_eq(ratls_boot_words(&hasher, &event, ratls_slice(digest, 32), &words, NULL),
                     RATLS_OK);
        cr_expect_str_eq(words.kind, CASES[i].kind, "%s: %s", CASES[i].name, words.kind);
        cr_expect_str_eq(words.text, CASES[i].text, "%s: %s", CASES[i].name, words.text);
        cr_expect_eq(words.is_covered, CASES[i].is_covered, "%s", CASES[i].name);
        free(data.p);
    }
    ratls_hasher_end(&hasher);
}

Test(boot_words, a_long_text_is_cut)
{
    struct ratls_hasher hasher;
    struct ratls_boot_words words;
    char data[1000];
    struct ratls_event event = {.pcr = 9, .type = RATLS_EV_IPL};
    uint8_t digest[32] = {0};

    memset(data, 'a', sizeof data);
    event.data = ratls_slice(data, sizeof data);
    cr_assert_eq(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL), RATLS_OK);
    cr_assert_eq(ratls_boot_words(&hasher, &event, ratls_slice(digest, 32), &words, NULL),
                 RATLS_OK);
    cr_expect_eq(strlen(words.text), RATLS_BOOT_WORDS_MAX - 1);
    ratls_hasher_end(&hasher);
}

Test(boot_words, a_command_of_grub_that_names_a_file)
{
    static const struct {
        const char *text, *command;
    } cases[] = {
        {"initrd /initrd.gz", "initrd /initrd.gz"},
        {"linux /vmlinuz root=/dev/vda2 quiet", "linux /vmlinuz"},
        {"source (hd0,gpt1)/grub.cfg", "source (hd0,gpt1)/grub.cfg"},
        {"set timeout=0", ""},
        {"set root=/x", ""},
        {"/vmlinuz root=/dev/vda2", ""},
        {"boot", ""},
        {"linux /a\\b", ""},
        {"linux /a\")", ""}, /* a report has it in quotation marks */
        {"linux /a\nb", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[RATLS_BOOT_COMMAND_MAX] = "linux /of-before";

        ratls_boot_command(ratls_slice(cases[i].text, strlen(cases[i].text)), command);
        cr_expect_str_eq(command, cases[i].command, "%s: %s", cases[i].text, command);
    }
}
