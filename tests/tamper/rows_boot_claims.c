/*
 * A boot that as a whole is another than the policy allows: log and PCRs agree, as they do when who
 * owns the machine extends what he likes.
 */
#include <string.h>

#include "eventlog.h"
#include "rows_boot.h"

#define CONFIG RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG

static void append(struct fake_boot *boot, uint32_t pcr, uint32_t type, const char *text)
{
    fake_boot_insert(boot, NULL, "appended", pcr, type, ratls_slice(text, strlen(text)));
}

static void separator_relabelled(struct fake_boot *boot)
{
    fake_boot_event(boot, "separator-7")->type = RATLS_EV_EFI_VARIABLE_AUTHORITY;
}

static void exit_relabelled(struct fake_boot *boot)
{
    fake_boot_event(boot, "exit")->type = RATLS_EV_IPL;
}

static void secure_boot_relabelled(struct fake_boot *boot)
{
    fake_boot_event(boot, "SecureBoot")->type = RATLS_EV_UNUSED;
}

static void no_separator(struct fake_boot *boot)
{
    fake_boot_remove(boot, "separator-2");
}

static void no_separator_7(struct fake_boot *boot)
{
    fake_boot_remove(boot, "separator-7");
}

static void error_separator(struct fake_boot *boot)
{
    fake_event_measured(fake_boot_event(boot, "separator-0"), "\x01\0\0\0", 4);
}

static void second_separator(struct fake_boot *boot)
{
    fake_boot_insert(boot, "gpt", "again", 3, RATLS_EV_SEPARATOR, ratls_slice("\0\0\0\0", 4));
}

static void behind_separator(struct fake_boot *boot)
{
    append(boot, 2, RATLS_EV_EFI_BOOT_SERVICES_DRIVER, "option ROM");
}

static void no_exit(struct fake_boot *boot)
{
    fake_boot_remove(boot, "exit");
    fake_boot_remove(boot, "exit-success");
}

static void no_exit_success(struct fake_boot *boot)
{
    fake_boot_remove(boot, "exit-success");
}

static void exit_failure(struct fake_boot *boot)
{
    append(boot, 5, RATLS_EV_EFI_ACTION, "Exit Boot Services Returned with Failure");
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

static void secure_boot_data_swapped(struct fake_boot *boot)
{
    uint8_t data[FAKE_EVENT_MAX];
    size_t len = fake_variable("SecureBoot", ratls_slice("\x01", 1), data);

    secure_boot_off(boot);
    fake_event_data(fake_boot_event(boot, "SecureBoot"), data, len);
}

static void secure_boot_data_left_out(struct fake_boot *boot)
{
    secure_boot_off(boot);
    fake_boot_event(boot, "SecureBoot")->data_len = 0;
}

/* Secure Boot was off, and the machine's owner appends that it was on. */
static void secure_boot_appended(struct fake_boot *boot)
{
    secure_boot_off(boot);
    set_secure_boot(fake_boot_insert(boot, NULL, "appended", 7, CONFIG, ratls_slice("", 0)), 1);
}

static void secure_boot_appended_as_authority(struct fake_boot *boot)
{
    secure_boot_appended(boot);
    fake_boot_event(boot, "appended")->type = RATLS_EV_EFI_VARIABLE_AUTHORITY;
}

static void secure_boot_twice(struct fake_boot *boot)
{
    set_secure_boot(fake_boot_insert(boot, "PK", "again", 7, CONFIG, ratls_slice("", 0)), 1);
}

static void no_dbx(struct fake_boot *boot)
{
    fake_boot_remove(boot, "dbx");
}

static void debug_mode(struct fake_boot *boot)
{
    fake_boot_insert(boot, "separator-7", "debug", 7, RATLS_EV_EFI_ACTION,
                     ratls_slice("UEFI Debug Mode", 15));
}

static void dma_unprotected(struct fake_boot *boot)
{
    fake_boot_insert(boot, "separator-7", "dma", 7, RATLS_EV_EFI_ACTION,
                     ratls_slice("DMA Protection Disabled", 23));
}

static const struct row rows[] = {
    ROW("a separator under another name", BOOT_LABELS, separator_relabelled),
    ROW("the end of boot services under another name", BOOT_LABELS, exit_relabelled),
    ROW("SecureBoot under another name", BOOT_LABELS, secure_boot_relabelled),
    ROW_SAYS("no separator", BOOT_SEPARATORS, no_separator, "boot-log, PCR 2",
             "0, 0 of an error, 0 events behind it"),
    ROW_ALSO("no separator in PCR 7", BOOT_SEPARATORS, BIT(BOOT_SECURE_BOOT) | BIT(BOOT_SIGNERS),
             no_separator_7),
    ROW("the separator of an error", BOOT_SEPARATORS, error_separator),
    ROW("a second separator", BOOT_SEPARATORS, second_separator),
    ROW_SAYS("an event behind the separator", BOOT_SEPARATORS, behind_separator,
             "boot-log[37], PCR 2", "1, 0 of an error, 1 events behind it"),
    ROW_SAYS("no end of boot services", BOOT_EXIT, no_exit, "boot-log, PCR 5", "neither"),
    ROW_SAYS("no success of it", BOOT_EXIT, no_exit_success, NULL, "no success"),
    ROW_SAYS("a failure of it", BOOT_EXIT, exit_failure, NULL, "a failure"),
    ROW_SAYS("Secure Boot is off", BOOT_SECURE_BOOT, secure_boot_off, "boot-log, PCR 7", "off"),
    ROW_SAYS("off, and the log shows on", BOOT_SECURE_BOOT, secure_boot_data_swapped, NULL, "off"),
    ROW_SAYS("off, and the log shows nothing", BOOT_SECURE_BOOT, secure_boot_data_left_out, NULL,
             "off"),
    ROW_SAYS("on is appended", BOOT_SECURE_BOOT, secure_boot_appended, NULL,
             "not known: event 37 of PCR 7 is a variable behind the separator"),
    ROW_ALSO("on is appended as an authority", BOOT_LABELS, BIT(BOOT_SECURE_BOOT),
             secure_boot_appended_as_authority),
    ROW("SecureBoot twice", BOOT_SECURE_BOOT, secure_boot_twice),
    ROW("a variable too few", BOOT_SECURE_BOOT, no_dbx),
    ROW_SAYS("debug mode", BOOT_DEBUG, debug_mode, "boot-log, PCR 7", "UEFI Debug Mode"),
    ROW("no protection against DMA", BOOT_DEBUG, dma_unprotected),
};

const struct rows rows_boot_claims = {rows, sizeof rows / sizeof rows[0]};
