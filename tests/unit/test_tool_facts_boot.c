/* Names of the events of a boot log: of what is at hand, and of what a peer sent. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "facts_boot.h"
#include "fake_boot.h"

static struct ratls_error err;

/* The name of the first fact of a PCR. The caller frees it. */
static char *name_of(struct ratls_slice log, bool is_of_peer, unsigned pcr)
{
    struct ratls_facts facts = {0};
    struct ratls_boot *boot = calloc(1, sizeof *boot);
    char *name = NULL;

    cr_assert(ne(ptr, boot, NULL));
    cr_assert(eq(int,
                 ratls_facts_of_boot(log, RATLS_ALG_SHA256, RATLS_EVENTLOG_STRICT, is_of_peer,
                                     &facts, boot, &err),
                 RATLS_OK));
    cr_assert(eq(str, boot->why, (char *)""));
    for (size_t i = 0; i < facts.count && name == NULL; i++)
        if (facts.items[i].pcr == pcr)
            name = strndup((const char *)facts.items[i].name.p, facts.items[i].name.len);
    cr_assert(ne(ptr, name, NULL));
    ratls_facts_done(&facts);
    free(boot);
    return name;
}

static void expect_name(struct ratls_slice log, bool is_of_peer, unsigned pcr, const char *expected)
{
    char *name = name_of(log, is_of_peer, pcr);

    cr_expect(eq(str, name, (char *)expected), "PCR %u", pcr);
    free(name);
}

/* A file that the log calls by a good one's name: no digest covers that. */
Test(tool_facts_boot, a_peer_gives_no_names)
{
    struct fake_boot *boot = fake_boot_new();
    struct ratls_slice log;

    fake_event_measured(fake_boot_event(boot, "grub-cfg"), "evil", 4);
    log = fake_boot_log(boot);
    expect_name(log, false, 9, "/boot/grub/grub.cfg");
    expect_name(log, true, 9, "file of the boot loader 1");
    expect_name(log, true, 4, "image 1");
    fake_boot_free(boot);
}

/* A file without a name that counts is called by the command for which GRUB read it. */
static void expect_command(const char *logged, const char *expected)
{
    const char *command = strchr(logged, ' ') + 1;
    struct fake_boot *boot = fake_boot_new();
    struct fake_event *event;
    struct ratls_slice log;

    fake_boot_insert(boot, "grub-cfg", "before", 8, RATLS_EV_IPL,
                     ratls_slice("grub_cmd: linux /vmlinuz", 25));
    fake_event_measured(fake_boot_event(boot, "before"), "linux /vmlinuz", 14);
    fake_event_measured(fake_boot_event(boot, "grub-cfg"), "evil", 4);
    event = fake_boot_insert(boot, "grub-cfg", "command", 8, RATLS_EV_IPL,
                             ratls_slice(logged, strlen(logged) + 1));
    fake_event_measured(event, command, strlen(command));
    log = fake_boot_log(boot);
    expect_name(log, false, 9, "/boot/grub/grub.cfg");
    expect_name(log, true, 9, expected);
    expect_name(log, true, 4, "image 1");
    fake_boot_free(boot);
}

Test(tool_facts_boot, a_command_names_a_file)
{
    const char number[] = "file of the boot loader 1";

    expect_command("grub_cmd: configfile (hd0,gpt2)/grub.cfg again",
                   "configfile (hd0,gpt2)/grub.cfg");
    expect_command("grub_cmd: initrd /initrd.img", "initrd /initrd.img");
    expect_command("grub_cmd: insmod gzio", number);
    expect_command("grub_cmd: set prefix=(hd0)/boot/grub", number);
    expect_command("kernel_cmdline: /vmlinuz root=/dev/vda1", number);
    expect_command("grub_cmd: linux \\/a", number);
}

/* What a digest covers is nobody's word but the TPM's. */
Test(tool_facts_boot, a_name_that_was_measured_is_one)
{
    struct fake_boot *boot = fake_boot_new();
    struct ratls_slice log;

    fake_boot_insert(boot, NULL, "list", 13, RATLS_EV_IPL, ratls_slice("an extension", 12));
    log = fake_boot_log(boot);
    expect_name(log, false, 13, "an extension");
    expect_name(log, true, 13, "an extension");
    fake_boot_free(boot);
}
