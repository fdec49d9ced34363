/* The sections boot, ima and results of a policy in sentences. */
#include <stdio.h>
#include <string.h>

#include "explain.h"

#define LIST_MAX 640

static void say_list(const struct ratls_explain *x, const struct ratls_references *references,
                     const char *subject)
{
    char list[LIST_MAX];

    if (references->count == 0)
        return;
    ratls_explain_references(x, references, list, sizeof list);
    ratls_explain_say(x, RATLS_EXPLAIN_BOOT, "%s must be %s.", subject, list);
}

static void explain_secure_boot(const struct ratls_explain *x)
{
    const struct ratls_boot_rules *boot = &x->rules->boot;

    if (!boot->secure_boot_required) {
        ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED,
                          "Whether Secure Boot is on: the policy ignores it.");
        return;
    }
    ratls_explain_say(x, RATLS_EXPLAIN_BOOT, "Secure Boot must have been on (PCR 7).");
    for (size_t i = 0; i < boot->signer_count; i++)
        ratls_explain_say(x, RATLS_EXPLAIN_BOOT, "%s by this authority: %s.",
                          i == 0 ? "What was loaded must be signed" : "Or signed",
                          boot->signers[i].name);
    if (boot->variables.count == 0)
        ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED,
                          "The keys of Secure Boot (PK, KEK, db) and its list of what is revoked "
                          "(dbx): they may be any.");
    say_list(x, &boot->variables,
             "Each key of Secure Boot, its list of what is revoked, and each authority that is no "
             "certificate (PCR 7)");
}

static void explain_loader(const struct ratls_explain *x)
{
    const struct ratls_boot_rules *boot = &x->rules->boot;

    if (boot->images_signed)
        ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                          "Boot loaders and kernels (PCR 4) may be any that Secure Boot let "
                          "through: also old ones with known holes, unless dbx revokes them.");
    say_list(x, &boot->images, "Each image that the firmware started (PCR 4)");
    say_list(x, &boot->kernels, "At least one thing that was loaded, the kernel (PCR 4, 9 or 11),");
    if (boot->command_lines.count > 0)
        ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                          "Each command of the boot loader, and the kernel's command line (PCR 8 "
                          "and 12), must match %s%zu %s.",
                          boot->command_lines.count == 1 ? "the " : "one of ",
                          boot->command_lines.count,
                          boot->command_lines.count == 1 ? "line" : "lines");
    say_list(x, &boot->files, "Each file that the boot loader read (PCR 9, 11 and 13)");
    say_list(x, &boot->owner_keys, "Each key that the machine's owner enrolled in shim (PCR 14)");
}

void ratls_explain_boot(const struct ratls_explain *x)
{
    const struct ratls_boot_rules *boot = &x->rules->boot;

    ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                      "The machine must send the firmware's log, which must lead to the quoted "
                      "PCRs (%s), and in it:",
                      ratls_tpm_hash_name(boot->bank));
    explain_secure_boot(x);
    say_list(x, &boot->firmware, "Each part of the firmware (PCR 0 and 2)");
    say_list(x, &boot->settings, "Each setting of the firmware (PCR 1 and 3)");
    say_list(x, &boot->partitions, "The partition table, and each boot option (PCR 5)");
    explain_loader(x);
}

static void explain_exclusions(const struct ratls_explain *x)
{
    const struct ratls_ima_rules *ima = &x->rules->ima;

    for (size_t i = 0; i < ima->exclude.count; i++)
        ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED, "Files whose path matches %s.",
                          ima->exclude.texts[i]);
    if (ima->violations_allowed)
        ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED,
                          "Files that were changed while they were read (violations of IMA).");
    else
        ratls_explain_say(x, RATLS_EXPLAIN_RUNNING,
                          "A file that was changed while it was read is refused.");
    ratls_explain_say(x, RATLS_EXPLAIN_UNCHECKED,
                      "Files that the kernel's own policy of IMA does not measure.");
}

void ratls_explain_ima(const struct ratls_explain *x)
{
    const struct ratls_ima_rules *ima = &x->rules->ima;
    char list[LIST_MAX];

    ratls_explain_say(x, RATLS_EXPLAIN_RUNNING,
                      "The machine must send the list of files that Linux measured, which must "
                      "lead to the quoted PCR 10 (%s).",
                      ratls_tpm_hash_name(ima->bank));
    if (ima->allow.count > 0) {
        ratls_explain_references(x, &ima->allow, list, sizeof list);
        ratls_explain_say(x, RATLS_EXPLAIN_RUNNING, "Each file must be, under its path, %s%s", list,
                          ima->signer_count > 0 ? ", or be signed." : ".");
    }
    if (ima->signer_count > 0)
        ratls_explain_say(x, RATLS_EXPLAIN_RUNNING,
                          "A file is signed if the key of one of the policy's certificates (%zu) "
                          "signed it.",
                          ima->signer_count);
    for (size_t i = 0; i < ima->signature_required.count; i++)
        ratls_explain_say(x, RATLS_EXPLAIN_RUNNING,
                          "Files whose path matches %s must be signed; being in a list is not "
                          "enough.",
                          ima->signature_required.texts[i]);
    if (ima->deny.count > 0) {
        ratls_explain_references(x, &ima->deny, list, sizeof list);
        ratls_explain_say(x, RATLS_EXPLAIN_RUNNING,
                          "No file may be %s, wherever it lies and whoever signed it.", list);
    }
    explain_exclusions(x);
}

void ratls_explain_results(const struct ratls_explain *x)
{
    const struct ratls_result_rules *results = &x->rules->results;
    const struct ratls_pcr_bank bank = {.hash_alg = results->bank, .pcrs = results->pcrs};
    char pcrs[LIST_MAX];

    ratls_tpm_selection_text(&bank, 1, pcrs, sizeof pcrs);
    for (size_t i = 0; i < results->verifier_count; i++)
        ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                          "%s has judged the machine, by a policy of its own: who has the key of "
                          "%s.",
                          i == 0 ? "A verifier" : "Or another one", results->verifiers[i].path);
    ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                      "The verifier's signed result, which the server brings along, must be "
                      "affirming, not expired, and about this server and its keys.");
    ratls_explain_say(x, RATLS_EXPLAIN_BOOT,
                      "The machine must have had the same values in %s, in the same boot, when the "
                      "verifier looked at it as it has now.",
                      pcrs);
}
