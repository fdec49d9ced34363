/* boot, and files of digests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_lint_parts.h"

#define PCRS_OF_COMMAND_LINES 0x00001100u /* 8 and 12 */
#define PCR_OF_SHIM 0x00004000u           /* 14 */

/* What values or the log are compared with. */
static uint32_t find_judged(const struct ratls_lint *lint)
{
    uint32_t judged = lint->rules->boot.pcrs;

    for (size_t i = 0; i < lint->rules->pcr_count; i++)
        judged |= UINT32_C(1) << lint->rules->pcrs[i].index;
    return judged;
}

/* What is in one PCR says nothing of when it came there: the system that runs can extend PCR 4. */
static void lint_signed(const struct ratls_lint *lint)
{
    const struct ratls_boot_rules *boot = &lint->rules->boot;

    if (boot->files.count == 0 && boot->kernels.count == 0)
        ratls_lint_warn(lint, "boot.images",
                        "signed, without kernels or files: any kernel is accepted that the signers "
                        "ever signed, also old ones with known holes");
    else if (boot->files.count == 0)
        ratls_lint_warn(lint, "boot.images",
                        "signed, with kernels but without files: any other kernel that the signers "
                        "ever signed may have been started, if the digest of one of kernels is put "
                        "beside it later");
    if ((find_judged(lint) & PCR_OF_SHIM) == 0)
        ratls_lint_warn(lint, "boot.images",
                        "signed, without owner-keys: where shim was told to let everything "
                        "through (mokutil --disable-validation), only PCR 14 says so");
}

static void lint_signers(const struct ratls_lint *lint)
{
    const struct ratls_boot_rules *boot = &lint->rules->boot;

    if (!boot->secure_boot_required) {
        if (boot->variables.count > 0)
            ratls_lint_warn(lint, "boot.secure-boot",
                            "ignored: its keys are looked at, but not whether Secure Boot is on");
        return;
    }
    if (boot->variables.count == 0)
        ratls_lint_warn(lint, "boot",
                        "without variables: db and dbx may be anything, and with an old dbx boot "
                        "loaders with known holes are let through%s",
                        boot->images_signed ? ", which images: [signed] then accepts" : "");
    if (boot->images_signed)
        lint_signed(lint);
}

static void lint_kernels(const struct ratls_lint *lint)
{
    const struct ratls_boot_rules *boot = &lint->rules->boot;

    if (boot->kernels.count > 0 && boot->images.count == 0 && !boot->images_signed)
        ratls_lint_warn(lint, "boot.kernels",
                        "without images: whatever is started before the kernel, such as shim and "
                        "the boot loader, must be one of these too");
    if ((find_judged(lint) & PCRS_OF_COMMAND_LINES) == 0)
        ratls_lint_warn(lint, "boot",
                        "without command-lines: what the kernel was told, such as init=/bin/sh, is "
                        "not looked at");
}

static int compare_texts(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;

    return strcmp(*a, *b);
}

/* Sorted, so that equal ones are side by side. Without memory nothing is said of them. */
static void lint_duplicates(const struct ratls_lint *lint, const struct ratls_patterns *lines)
{
    char **sorted = calloc(lines->count + 1, sizeof *sorted);
    char shown[64];

    if (sorted == NULL)
        return;
    for (size_t i = 0; i < lines->count; i++)
        sorted[i] = lines->texts[i];
    qsort(sorted, lines->count, sizeof *sorted, compare_texts);
    for (size_t i = 1; i < lines->count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) != 0 ||
            (i > 1 && strcmp(sorted[i - 2], sorted[i]) == 0))
            continue;
        ratls_escape(ratls_slice(sorted[i], strlen(sorted[i])), shown, sizeof shown);
        ratls_lint_warn(lint, "boot.command-lines", "stands there twice: %s", shown);
    }
    free(sorted);
}

/*
 * A kernel that is started without its boot loader takes such a line as its load options, and its
 * EFI stub then reads the file by itself: Linux measures only what a boot loader hands to the stub
 * (drivers/firmware/efi/libstub, efi_load_initrd). The stub looks for the letters alone, also in
 * the middle of a word: "noinitrd=" (find_file_option).
 */
static void lint_initrd(const struct ratls_lint *lint, const char *line)
{
    char shown[64];

    if (strstr(line, "initrd=") == NULL)
        return;
    ratls_escape(ratls_slice(line, strlen(line)), shown, sizeof shown);
    ratls_lint_warn(lint, "boot.command-lines",
                    "initrd=: a kernel that is started with this line as its load options reads "
                    "the initrd itself, and any initrd may be there, for it is not measured: %s",
                    shown);
}

static void lint_lines(const struct ratls_lint *lint)
{
    const struct ratls_patterns *lines = &lint->rules->boot.command_lines;
    char shown[64];

    for (size_t i = 0; i < lines->count; i++) {
        lint_initrd(lint, lines->texts[i]);
        if (lines->items[i].is_exact || strstr(lines->texts[i], "**") == NULL)
            continue;
        ratls_escape(lines->items[i].text, shown, sizeof shown);
        ratls_lint_warn(lint, "boot.command-lines",
                        "** lets anything be added, also init=/bin/sh: %s", shown);
    }
    lint_duplicates(lint, lines);
}

/* Digests of other lengths than those of the bank are never looked at. */
static size_t count_others(const struct ratls_refvals *set, uint16_t bank)
{
    size_t count = 0;

    for (size_t i = 0; i < ratls_refvals_count(set); i++) {
        struct ratls_slice digest, name;

        ratls_refvals_get(set, i, &digest, &name);
        count += digest.len != ratls_tpm_hash_len(bank);
    }
    return count;
}

static void lint_set(const struct ratls_lint *lint, const char *at, const struct ratls_refvals *set,
                     uint16_t bank)
{
    const char *unused = ratls_refvals_unused(set);
    size_t others = bank == 0 ? 0 : count_others(set, bank);
    struct ratls_error damage = {0};

    if (ratls_refvals_check(set, &damage) != RATLS_OK)
        ratls_lint_warn(lint, at, "%s", damage.text);
    if (*unused != '\0')
        ratls_lint_warn(lint, at, "it has what is not heeded: %s", unused);
    if (others > 0)
        ratls_lint_warn(lint, at, "%zu of its digests are not of %s, and never looked at", others,
                        ratls_tpm_hash_name(bank));
}

void ratls_lint_references(const struct ratls_lint *lint, const char *key,
                           const struct ratls_references *references, uint16_t bank)
{
    for (size_t i = 0; i < references->count; i++) {
        char at[RATLS_POLICY_AT_MAX];

        snprintf(at, sizeof at, "%s[%zu]", key, i);
        lint_set(lint, at, references->sets[i], bank);
    }
}

void ratls_lint_boot(const struct ratls_lint *lint)
{
    const struct ratls_boot_rules *boot = &lint->rules->boot;
    const struct {
        const char *key;
        const struct ratls_references *references;
    } parts[] = {
        {"boot.variables", &boot->variables}, {"boot.images", &boot->images},
        {"boot.kernels", &boot->kernels},     {"boot.firmware", &boot->firmware},
        {"boot.settings", &boot->settings},   {"boot.partitions", &boot->partitions},
        {"boot.files", &boot->files},         {"boot.owner-keys", &boot->owner_keys},
    };

    if (!boot->is_asked)
        return;
    lint_signers(lint);
    lint_kernels(lint);
    lint_lines(lint);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        ratls_lint_references(lint, parts[i].key, parts[i].references, boot->bank);
}
