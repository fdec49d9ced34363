/* Logs that are none, that do not lead to the PCRs, and that hide what they say. */
#include <string.h>

#include "eventlog.h"
#include "rows.h"

#define HEADER_LEN 65 /* and behind it the event "locality" */
#define AT_HEADER_SIZE 28
#define AT_ALG_COUNT 56
#define AT_ALG 60
#define AT_DIGEST_COUNT (HEADER_LEN + 8)
#define AT_EVENT_ALG (HEADER_LEN + 12)
#define AT_EVENT_SIZE (HEADER_LEN + 46)
#define SIGNATURE_END (32 + 14) /* the last digit of "Spec ID Event03" */

static void leave_out(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.boot_log.len = 0;
}

static void set_u32(struct fake_boot *boot, size_t at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        boot->log[at + (size_t)i] = (uint8_t)(value >> 8 * i);
}

static void insert(struct fake_boot *boot, size_t at, const void *p, size_t len)
{
    memmove(&boot->log[at + len], &boot->log[at], boot->log_len - at);
    memcpy(&boot->log[at], p, len);
    boot->log_len += len;
}

static void edit_algorithm_twice(struct fake_boot *boot)
{
    set_u32(boot, AT_ALG_COUNT, 2);
    boot->log[AT_HEADER_SIZE] += 4;
    insert(boot, AT_ALG, "\x0b\0\x20\0", 4);
}

static void edit_second_algorithm(struct fake_boot *boot)
{
    edit_algorithm_twice(boot);
    boot->log[AT_ALG] = 0x0c;
    boot->log[AT_ALG + 2] = 48;
}

static void edit_huge_algorithms(struct fake_boot *boot)
{
    set_u32(boot, AT_ALG_COUNT, UINT32_MAX);
}

static void edit_two_digests(struct fake_boot *boot)
{
    set_u32(boot, AT_DIGEST_COUNT, 2);
}

static void edit_digest_twice(struct fake_boot *boot)
{
    uint8_t digest[34];

    memcpy(digest, &boot->log[AT_EVENT_ALG], sizeof digest);
    set_u32(boot, AT_DIGEST_COUNT, 2);
    insert(boot, AT_EVENT_ALG, digest, sizeof digest);
}

static void edit_huge_digests(struct fake_boot *boot)
{
    set_u32(boot, AT_DIGEST_COUNT, UINT32_MAX);
}

static void edit_other_algorithm(struct fake_boot *boot)
{
    boot->log[AT_EVENT_ALG] = 0x12;
}

static void edit_huge_event(struct fake_boot *boot)
{
    set_u32(boot, AT_EVENT_SIZE, UINT32_MAX);
}

static void edit_pcr_24(struct fake_boot *boot)
{
    set_u32(boot, HEADER_LEN, 24);
    set_u32(boot, HEADER_LEN + 4, RATLS_EV_IPL);
}

static void edit_cut(struct fake_boot *boot)
{
    boot->log_len--;
}

static void edit_padding(struct fake_boot *boot)
{
    memset(&boot->log[boot->log_len], 0, 64);
    boot->log_len += 64;
}

static void edit_sha1(struct fake_boot *boot)
{
    boot->log[SIGNATURE_END] = '2';
}

#define EDIT(what)                                                                                 \
    static void what(struct fake_boot *boot)                                                       \
    {                                                                                              \
        boot->edit = edit_##what;                                                                  \
    }

EDIT(algorithm_twice)
EDIT(second_algorithm)
EDIT(huge_algorithms)
EDIT(two_digests)
EDIT(digest_twice)
EDIT(huge_digests)
EDIT(other_algorithm)
EDIT(huge_event)
EDIT(pcr_24)
EDIT(cut)
EDIT(padding)
EDIT(sha1)

static void locality_twice(struct fake_boot *boot)
{
    fake_boot_insert(boot, "crtm-version", "again", 0, RATLS_EV_NO_ACTION,
                     ratls_slice("StartupLocality\0\x03", 17));
}

static void locality_moved(struct fake_boot *boot)
{
    fake_boot_remove(boot, "locality");
    fake_boot_insert(boot, "firmware-volume", "moved", 0, RATLS_EV_NO_ACTION,
                     ratls_slice("StartupLocality\0\x03", 17));
}

static void locality_of_hcrtm(struct fake_boot *boot)
{
    fake_event_data(fake_boot_event(boot, "locality"), "StartupLocality\0\x04", 17);
}

static void locality_of_another_pcr(struct fake_boot *boot)
{
    fake_boot_event(boot, "locality")->pcr = 4;
}

static void named_like_a_reset(struct fake_boot *boot)
{
    fake_boot_event(boot, "firmware-volume")->type = RATLS_EV_EFI_HCRTM_EVENT;
}

static void locality_removed(struct fake_boot *boot)
{
    fake_boot_remove(boot, "locality");
}

static void locality_0(struct fake_boot *boot)
{
    fake_event_data(fake_boot_event(boot, "locality"), "StartupLocality\0\x00", 17);
}

static void shim_not_logged(struct fake_boot *boot)
{
    fake_boot_remove(boot, "shim");
}

static void grub_named_no_action(struct fake_boot *boot)
{
    fake_boot_event(boot, "grub")->type = RATLS_EV_NO_ACTION;
}

static void grub_logged_as_shim(struct fake_boot *boot)
{
    fake_event_measured(fake_boot_event(boot, "grub"), "shim", 4);
}

static void images_in_another_order(struct fake_boot *boot)
{
    fake_event_measured(fake_boot_event(boot, "grub"), "shim", 4);
    fake_event_measured(fake_boot_event(boot, "shim"), "GRUB", 4);
}

static void initrd_in_another_pcr(struct fake_boot *boot)
{
    fake_boot_event(boot, "initrd")->pcr = 11;
}

static void separator_only_logged(struct fake_boot *boot)
{
    fake_boot_insert(boot, "setting", "forged", 2, RATLS_EV_SEPARATOR, ratls_slice("\0\0\0\0", 4));
}

static void secure_boot_only_logged(struct fake_boot *boot)
{
    uint8_t data[FAKE_EVENT_MAX];
    size_t len = fake_variable("SecureBoot", ratls_slice("\0", 1), data);
    struct fake_event *event = fake_boot_event(boot, "SecureBoot");

    fake_event_data(event, data, len);
    fake_event_measured(event, data, len);
}

static void do_nothing(struct fake_boot *boot)
{
    (void)boot;
}

/* A phase that systemd does not have. */
static void extend_pcr_11(struct scene *scene)
{
    memset(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 11), 0x11, 32);
}

static void forget_pcr_14(struct scene *scene)
{
    scene->rules->selection.banks[0].pcrs &= ~(1u << 14);
}

#define FORMAT(title, change, words)                                                               \
    {                                                                                              \
        .name = title, .check = RATLS_CHECK_BOOT_FORMAT, .not_run = BOOT_BEHIND_FORMAT,            \
        .boot = change, .log_only = true, .at = "boot-log", .actual = words                        \
    }
#define REPLAY(title, change, place)                                                               \
    {                                                                                              \
        .name = title, .check = RATLS_CHECK_BOOT_REPLAY, .not_run = BOOT_BEHIND_REPLAY,            \
        .boot = change, .log_only = true, .at = place                                              \
    }

static const struct row rows[] = {
    {.name = "no log",
     .check = RATLS_CHECK_BOOT_PRESENT,
     .not_run = BIT(BOOT_FORMAT) | BOOT_BEHIND_FORMAT,
     .boots = true,
     .tamper = leave_out,
     .at = "evidence",
     .actual = "none; where Secure Boot is off, GRUB may start a kernel so that it gets none"},
    FORMAT("an algorithm twice", algorithm_twice, "the header lists algorithm 0x000b twice"),
    FORMAT("an algorithm that no event has", second_algorithm,
           "event 1 at offset 69 lists 1 digests, the header 2 algorithms"),
    FORMAT("algorithms without number", huge_algorithms, "the header lists 4294967295 algorithms"),
    FORMAT("another number of digests", two_digests,
           "event 1 at offset 65 lists 2 digests, the header 1 algorithms"),
    FORMAT("a digest twice", digest_twice, NULL),
    FORMAT("digests without number", huge_digests, NULL),
    FORMAT("a digest of another algorithm", other_algorithm,
           "event 1 at offset 65 lists algorithm 0x0012, the header does not"),
    FORMAT("an event without end", huge_event, NULL),
    FORMAT("a PCR that there is not", pcr_24, NULL),
    FORMAT("a log that is cut", cut, NULL),
    FORMAT("zeros behind the log", padding, NULL),
    FORMAT("a log with SHA-1 only", sha1, NULL),
    FORMAT("a second StartupLocality", locality_twice,
           "event 2 at offset 132 is a second StartupLocality"),
    FORMAT("a StartupLocality that was moved", locality_moved,
           "event 2 at offset 123 is a StartupLocality after PCR 0 was extended"),
    FORMAT("a StartupLocality of an H-CRTM that is not there", locality_of_hcrtm, NULL),
    FORMAT("a StartupLocality of another PCR", locality_of_another_pcr, NULL),
    FORMAT("an event named like a reset", named_like_a_reset, NULL),
    REPLAY("no StartupLocality", locality_removed, "pcrs.sha256[0]"),
    REPLAY("another StartupLocality", locality_0, "pcrs.sha256[0]"),
    REPLAY("an image that is not logged", shim_not_logged, "pcrs.sha256[4]"),
    REPLAY("an image named as no action", grub_named_no_action, "pcrs.sha256[4]"),
    REPLAY("an image logged as another", grub_logged_as_shim, "pcrs.sha256[4]"),
    REPLAY("images in another order", images_in_another_order, "pcrs.sha256[4]"),
    REPLAY("an event in another PCR", initrd_in_another_pcr, "pcrs.sha256[9]"),
    REPLAY("a separator that is only logged", separator_only_logged, "pcrs.sha256[2]"),
    REPLAY("another SecureBoot than was measured", secure_boot_only_logged, "pcrs.sha256[7]"),
    {.name = "PCR 11 went on otherwise than systemd does",
     .check = RATLS_CHECK_BOOT_REPLAY,
     .not_run = BOOT_BEHIND_REPLAY,
     .boot = do_nothing,
     .after = extend_pcr_11,
     .at = "pcrs.sha256[11]"},
    {.name = "a PCR that is not quoted",
     .check = RATLS_CHECK_BOOT_REPLAY,
     .not_run = BOOT_BEHIND_REPLAY,
     .boots = true,
     .after = forget_pcr_14,
     .at = "pcrs.sha256[14]",
     .expected = "a quoted PCR"},
};

const struct rows rows_boot_log = {rows, sizeof rows / sizeof rows[0]};
