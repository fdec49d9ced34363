/*
 * An event that the policy does not allow: log and PCRs agree, as they do when who owns the machine
 * extends what he likes. The rules of the policy are what refuses it.
 */
#include <string.h>

#include "eventlog.h"
#include "rows_boot.h"

static void measure(struct fake_boot *boot, const char *name, const char *text)
{
    fake_event_measured(fake_boot_event(boot, name), text, strlen(text));
}

static void append(struct fake_boot *boot, uint32_t pcr, uint32_t type, const char *text)
{
    fake_boot_insert(boot, NULL, "appended", pcr, type, ratls_slice(text, strlen(text)));
}

static void set_secure_boot(struct fake_event *event, uint8_t value)
{
    uint8_t data[FAKE_EVENT_MAX];
    size_t len = fake_variable("SecureBoot", ratls_slice(&value, 1), data);

    fake_event_data(event, data, len);
    fake_event_measured(event, data, len);
}

static void secure_boot_off(struct fake_boot *boot)
{
    set_secure_boot(fake_boot_event(boot, "SecureBoot"), 0);
}

static void set_variable(struct fake_boot *boot, const char *name, const char *content)
{
    uint8_t data[FAKE_EVENT_MAX];
    size_t len = fake_variable(name, ratls_slice(content, strlen(content)), data);
    struct fake_event *event = fake_boot_event(boot, name);

    fake_event_data(event, data, len);
    fake_event_measured(event, data, len);
}

static void other_db(struct fake_boot *boot)
{
    set_variable(boot, "db", "another key");
}

/* The log goes on to show the good one. */
static void other_dbx_hidden(struct fake_boot *boot)
{
    struct fake_event good = *fake_boot_event(boot, "dbx");

    set_variable(boot, "dbx", "older");
    fake_event_data(fake_boot_event(boot, "dbx"), good.data, good.data_len);
}

static void other_signer(struct fake_boot *boot)
{
    struct fake_event *event = fake_boot_event(boot, "by-vendor");

    event->data[event->data_len - 1] ^= 1;
    fake_event_measured(event, event->data, event->data_len);
}

/* The certificate that was measured is another than the one in the log. */
static void other_signer_hidden(struct fake_boot *boot)
{
    fake_boot_event(boot, "by-vendor")->measured[100] ^= 1;
}

static void other_signer_relabelled(struct fake_boot *boot)
{
    other_signer(boot);
    fake_boot_event(boot, "by-vendor")->type = RATLS_EV_EFI_ACTION;
}

static void other_signer_of_option_rom(struct fake_boot *boot)
{
    fake_boot_insert(boot, "separator-0", "signer", 7, RATLS_EV_EFI_VARIABLE_AUTHORITY,
                     ratls_slice("another authority", 17));
}

static void authority_appended(struct fake_boot *boot)
{
    append(boot, 7, RATLS_EV_EFI_VARIABLE_AUTHORITY, "another authority");
}

static void no_authority(struct fake_boot *boot)
{
    fake_boot_remove(boot, "by-platform");
    fake_boot_remove(boot, "sbat-level");
    fake_boot_remove(boot, "by-vendor");
}

static void other_boot_loader(struct fake_boot *boot)
{
    measure(boot, "grub", "another boot loader");
}

static void secure_boot_off_and_other_loader(struct fake_boot *boot)
{
    secure_boot_off(boot);
    other_boot_loader(boot);
}

static void image_appended(struct fake_boot *boot)
{
    append(boot, 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, "another image");
}

static void image_named_action(struct fake_boot *boot)
{
    append(boot, 4, RATLS_EV_EFI_ACTION, "another image");
}

static void no_image(struct fake_boot *boot)
{
    fake_boot_remove(boot, "shim");
    fake_boot_remove(boot, "grub");
    fake_boot_remove(boot, "kernel");
}

static void no_kernel(struct fake_boot *boot)
{
    fake_boot_remove(boot, "kernel");
    fake_boot_remove(boot, "kernel-file");
}

static void other_kernel(struct fake_boot *boot)
{
    measure(boot, "kernel", "another kernel");
    measure(boot, "kernel-file", "another kernel, as a file");
}

static void other_firmware(struct fake_boot *boot)
{
    measure(boot, "firmware-volume", "another volume");
}

static void other_option_rom(struct fake_boot *boot)
{
    measure(boot, "option-rom", "another ROM");
}

static void other_setting(struct fake_boot *boot)
{
    measure(boot, "setting", "another order");
}

static void other_partitions(struct fake_boot *boot)
{
    measure(boot, "gpt", "another table");
}

static void loader_conf_appended(struct fake_boot *boot)
{
    append(boot, 5, RATLS_EV_EVENT_TAG, "editor yes");
}

static void other_command_line(struct fake_boot *boot)
{
    static const char text[] = "kernel_cmdline: /vmlinuz root=/dev/sda2 init=/bin/sh";

    fake_event_data(fake_boot_event(boot, "command-line"), text, sizeof text);
    measure(boot, "command-line", text + strlen("kernel_cmdline: "));
}

/* The text is the good one, the digest is over another. */
static void command_line_swapped(struct fake_boot *boot)
{
    measure(boot, "command-line", "/vmlinuz root=/dev/sda2 init=/bin/sh");
}

static void command_appended(struct fake_boot *boot)
{
    append(boot, 8, RATLS_EV_IPL, "init=/bin/sh");
}

static void no_command_line(struct fake_boot *boot)
{
    fake_boot_remove(boot, "grub-command");
    fake_boot_remove(boot, "command-line");
}

static void other_initrd(struct fake_boot *boot)
{
    measure(boot, "initrd", "another initrd");
}

/* As a compact log has it: without the name, but behind the command that read it. */
static void other_initrd_without_name(struct fake_boot *boot)
{
    static const char logged[] = "grub_cmd: initrd /boot/initrd.img"; /* with its NUL */
    struct fake_event *command = fake_boot_insert(boot, "initrd", "initrd-command", 8, RATLS_EV_IPL,
                                                  ratls_slice(logged, sizeof logged));

    fake_event_measured(command, "initrd /boot/initrd.img", strlen("initrd /boot/initrd.img"));
    measure(boot, "initrd", "another initrd");
    fake_event_data(fake_boot_event(boot, "initrd"), "", 0);
}

static void other_section(struct fake_boot *boot)
{
    measure(boot, "section", "another section");
}

static void other_load_options(struct fake_boot *boot)
{
    append(boot, 9, RATLS_EV_EVENT_TAG, "load options");
}

static void no_files(struct fake_boot *boot)
{
    fake_boot_remove(boot, "grub-cfg");
    fake_boot_remove(boot, "kernel-file");
    fake_boot_remove(boot, "initrd");
    fake_boot_remove(boot, "section");
}

static void other_owner_key(struct fake_boot *boot)
{
    measure(boot, "mok-list", "another list");
}

static void let_signed_images_pass(struct scene *scene)
{
    scene->rules->boot.images_signed = true;
}

/* A policy that no key of it speaks for PCR 6. */
static void cover_pcr_6(struct scene *scene)
{
    scene->rules->boot.pcrs |= 1u << 6;
    scene->rules->selection.banks[0].pcrs |= 1u << 6;
}

static void manufacturer(struct fake_boot *boot)
{
    fake_boot_insert(boot, "separator-6", "wake", 6, RATLS_EV_COMPACT_HASH, ratls_slice("S5", 2));
}

static const struct row rows[] = {
    ROW("another db", BOOT_VARIABLES, other_db),
    ROW("another dbx, and the log shows the good one", BOOT_VARIABLES, other_dbx_hidden),
    ROW("another signer of an option ROM", BOOT_VARIABLES, other_signer_of_option_rom),
    ROW("another signer", BOOT_SIGNERS, other_signer),
    ROW("another signer than the log shows", BOOT_SIGNERS, other_signer_hidden),
    ROW("another signer under another name", BOOT_SIGNERS, other_signer_relabelled),
    ROW("an authority is appended", BOOT_SIGNERS, authority_appended),
    ROW("nobody signed anything", BOOT_SIGNERS, no_authority),
    ROW("another boot loader", BOOT_IMAGES, other_boot_loader),
    ROW("an image is appended", BOOT_IMAGES, image_appended),
    ROW("an image under another name", BOOT_IMAGES, image_named_action),
    ROW("no image", BOOT_IMAGES, no_image),
    {.name = "another boot loader, and whatever is signed may run: but Secure Boot is off",
     .check = RATLS_CHECK_BOOT_SECURE_BOOT,
     .also = BIT(BOOT_IMAGES),
     .before = let_signed_images_pass,
     .boot = secure_boot_off_and_other_loader},
    ROW("no kernel", BOOT_KERNEL, no_kernel),
    ROW_ALSO("another kernel", BOOT_IMAGES, BIT(BOOT_KERNEL) | BIT(BOOT_FILES), other_kernel),
    ROW("another firmware", BOOT_FIRMWARE, other_firmware),
    ROW("another option ROM", BOOT_FIRMWARE, other_option_rom),
    ROW("another setting", BOOT_SETTINGS, other_setting),
    ROW("another partition table", BOOT_PARTITIONS, other_partitions),
    ROW("a file of the boot loader in PCR 5", BOOT_PARTITIONS, loader_conf_appended),
    ROW_SAYS("another command line", BOOT_COMMAND_LINE, other_command_line, "boot-log[33], EV_IPL",
             "text of the boot loader \"/vmlinuz root=/dev/sda2 init=/bin/sh\""),
    ROW("another command line than the log shows", BOOT_COMMAND_LINE, command_line_swapped),
    ROW("a command line is appended", BOOT_COMMAND_LINE, command_appended),
    ROW("no command line", BOOT_COMMAND_LINE, no_command_line),
    {.name = "another initrd",
     .check = RATLS_CHECK_BOOT_FILES,
     .boot = other_initrd,
     .at = "boot-log[32], EV_IPL",
     .expected = "a digest of files or kernels; what follows is authentic too",
     .actual = "file of the boot loader "
               "29a8a9ecc52e040e85000ec42bd31650734963ceb66c16afe7927de2e6772b47"
               " (unauthenticated: /boot/initrd.img)"},
    {.name = "another initrd, of which the log says only for which command it was read",
     .check = RATLS_CHECK_BOOT_FILES,
     .boot = other_initrd_without_name,
     .at = "boot-log[33], EV_IPL",
     .actual = "file of the boot loader "
               "29a8a9ecc52e040e85000ec42bd31650734963ceb66c16afe7927de2e6772b47"
               " (unauthenticated: of \"initrd /boot/initrd.img\")"},
    {.name = "another partition table, and there is one",
     .check = RATLS_CHECK_BOOT_PARTITIONS,
     .boot = other_partitions,
     .expected = "a digest of partitions: "
                 "1dafb266f534f3d6a39bb506a233520b9bf3150f8681620db56ee3b50a826c04"
                 "; what follows is authentic too"},
    ROW("another section of a kernel image", BOOT_FILES, other_section),
    ROW("other load options", BOOT_FILES, other_load_options),
    ROW("no file", BOOT_FILES, no_files),
    {.name = "a PCR that no key speaks for",
     .check = RATLS_CHECK_BOOT_FILES,
     .before = cover_pcr_6,
     .boot = manufacturer},
    ROW("other keys of the owner", BOOT_OWNER_KEYS, other_owner_key),
};

const struct rows rows_boot_events = {rows, sizeof rows / sizeof rows[0]};
