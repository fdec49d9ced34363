#include "policy_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_load.h"

#define SHOWN_PATH "learned policy"
#define LINE_SHOWN_MAX 200

/* TCG PC Client Platform Firmware Profile, 3.3.4; from 8 on the UAPI group's registry of PCRs. */
static const char *const meanings[RATLS_PCR_COUNT] = {
    [0] = "firmware: its code",
    [1] = "firmware: its settings, and which devices are there",
    [2] = "drivers and option ROMs that came with devices",
    [3] = "settings of those drivers",
    [4] = "boot loader, and with a unified image the kernel",
    [5] = "partition table, and settings of the boot loader",
    [6] = "events of the manufacturer",
    [7] = "Secure Boot: its state, its keys",
    [8] = "GRUB: its commands, and the kernel's command line",
    [9] = "files that the boot loader read: kernel and initrd",
    [10] = "Linux IMA: files that ran or were read",
    [11] = "unified kernel image, and how far the boot is",
    [12] = "command line and credentials given to a unified kernel image",
    [13] = "system extension images",
    [14] = "shim: certificates of the machine's owner",
    [15] = "identity of the system: its disk keys and its machine-id",
    [17] = "late launch (DRTM): what it started",
    [18] = "late launch (DRTM): by whose authority",
};

const char *ratls_pcr_meaning(unsigned index)
{
    if (index >= RATLS_PCR_COUNT || meanings[index] == NULL)
        return "no fixed meaning";
    return meanings[index];
}

static void put_hex(FILE *out, struct ratls_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(out, "%02x", bytes.p[i]);
}

/* A scalar in single quotes, in which nothing but they is special. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputc('\'', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

/* A comment ends with its line: no byte of the text may end it before. */
static void put_source(FILE *out, const char *source)
{
    char shown[LINE_SHOWN_MAX];

    ratls_escape(ratls_slice(source, strlen(source)), shown, sizeof shown);
    fprintf(out,
            "# Learned from %s.\n"
            "# Nobody has said yet that these values are good ones: compare them with those of a\n"
            "# machine that you trust, or with those that your vendor publishes.\n",
            shown);
}

static void put_identity(FILE *out, const struct ratls_policy_draft *draft)
{
    fputs("policy: ratls-1\n", out);
    if (draft->server_count > 0)
        fputs(draft->for_clients ? "clients:\n" : "servers:\n", out);
    for (size_t i = 0; i < draft->server_count; i++) {
        fputs("  - ", out);
        put_quoted(out, draft->servers[i]);
        fputc('\n', out);
    }
    if (draft->service != NULL) {
        fputs("service: ", out);
        put_quoted(out, draft->service);
        fputc('\n', out);
    }
    if (draft->max_age_s > 0)
        fprintf(out, "freshness: certificate\nmax-age: %llus\n",
                (unsigned long long)draft->max_age_s);
    fputs("\n# The Name of the TPM key that signs the quotes.\nattestation-keys:\n  - name: ", out);
    put_hex(out, draft->ak_name);
    fputc('\n', out);
}

/* The value of a PCR in a bank; empty if the draft has none. */
static struct ratls_slice find_value(const struct ratls_policy_draft *draft, size_t bank,
                                     unsigned index)
{
    struct ratls_reader values = ratls_reader(draft->values);

    for (size_t i = 0; i <= bank; i++) {
        size_t len = ratls_tpm_hash_len(draft->banks[i].hash_alg);

        for (unsigned j = 0; j < RATLS_PCR_COUNT; j++) {
            struct ratls_slice value;

            if ((draft->banks[i].pcrs & UINT32_C(1) << j) == 0)
                continue;
            value = ratls_read_bytes(&values, len);
            if (i == bank && j == index)
                return value;
        }
    }
    return ratls_slice(NULL, 0);
}

static void put_pcr(FILE *out, const struct ratls_policy_draft *draft, unsigned index)
{
    bool first = true;

    for (size_t i = 0; i < draft->bank_count; i++) {
        const struct ratls_pcr_bank *bank = &draft->banks[i];

        if ((bank->pcrs & UINT32_C(1) << index) == 0)
            continue;
        if (first)
            fprintf(out, "  - index: %u # %s\n", index, ratls_pcr_meaning(index));
        first = false;
        fprintf(out, "    %s:\n      - ", ratls_tpm_hash_name(bank->hash_alg));
        put_hex(out, find_value(draft, i, index));
        fputc('\n', out);
    }
}

/* What the key is about stands behind it, for those who have not read ratls-policy(5). */
static void put_list(FILE *out, const char *key, const struct ratls_draft_list *list,
                     const char *about)
{
    if (list->count == 0)
        return;
    fprintf(out, "%s: # %s\n", key, about);
    for (size_t i = 0; i < list->count; i++) {
        fprintf(out, "%.*s  - ", (int)strspn(key, " "), "  ");
        put_quoted(out, list->items[i]);
        fputc('\n', out);
    }
}

static void put_bank(FILE *out, uint16_t bank)
{
    const char *name = ratls_tpm_hash_name(bank);

    if (bank != 0)
        fprintf(out, "  bank: %s\n", name == NULL ? "unknown" : name);
}

static void put_boot(FILE *out, const struct ratls_draft_boot *boot)
{
    fputs("\n# What the firmware's log must say, and with it each event of the PCRs named here.\n"
          "boot:\n",
          out);
    put_bank(out, boot->bank);
    fprintf(out, "  secure-boot: %s\n", boot->secure_boot_ignored ? "ignored" : "required");
    put_list(out, "  signers", &boot->signers, "who may have signed what was loaded (PCR 7)");
    put_list(out, "  variables", &boot->variables,
             "Secure Boot's keys and lists: PK, KEK, db, dbx (PCR 7)");
    if (boot->images_signed)
        fputs("  images: [signed] # whatever Secure Boot let through (PCR 4)\n", out);
    put_list(out, "  images", &boot->images,
             "what the firmware started: boot loaders, kernel (PCR 4)");
    put_list(out, "  kernels", &boot->kernels, "one of these must have been loaded");
    put_list(out, "  firmware", &boot->firmware, "firmware and option ROMs (PCR 0, 2)");
    put_list(out, "  settings", &boot->settings, "settings of firmware and devices (PCR 1, 3)");
    put_list(out, "  partitions", &boot->partitions, "partition table, boot options (PCR 5)");
    put_list(out, "  command-lines", &boot->command_lines,
             "GRUB's commands, the kernel's command line (PCR 8, 12)");
    put_list(out, "  files", &boot->files,
             "what the boot loader read: kernel, initrd (PCR 9, 11, 13)");
    put_list(out, "  owner-keys", &boot->owner_keys,
             "shim's lists of the machine's owner (PCR 14)");
}

static void put_ima(FILE *out, const struct ratls_draft_ima *ima)
{
    static const char *const extends[] = {
        [RATLS_IMA_EITHER] = "either",
        [RATLS_IMA_NATIVE] = "native",
        [RATLS_IMA_PADDED] = "padded",
    };

    fputs("\n# What the list of Linux IMA must say.\nima:\n", out);
    put_bank(out, ima->bank);
    fprintf(out, "  extend: %s\n  violations: %s\n", extends[ima->extend],
            ima->violations_allowed ? "allow" : "refuse");
    if (ima->never_syncs)
        fputs("  sync: never\n", out);
    put_list(out, "  allow", &ima->allow, "files that may run or be read, each with its path");
    put_list(out, "  deny", &ima->deny, "files that may not, whoever signed them");
    put_list(out, "  signed-by", &ima->signed_by, "who may sign files");
    put_list(out, "  signature-required", &ima->signature_required, "where allow is not enough");
    put_list(out, "  exclude", &ima->exclude, "where anything is allowed");
}

static void put_pcrs(FILE *out, const struct ratls_policy_draft *draft)
{
    if (draft->reference_values.count > 0)
        fputc('\n', out);
    put_list(out, "reference-values", &draft->reference_values, "allowed values of PCRs");
    if (draft->bank_count == 0)
        return;
    fputs("\n# What must be measured, and its allowed values: add those of new software, and take\n"
          "# those of old software away.\npcrs:\n",
          out);
    for (unsigned i = 0; i < RATLS_PCR_COUNT; i++)
        put_pcr(out, draft, i);
}

static enum ratls_status check_draft(const struct ratls_policy_draft *draft,
                                     struct ratls_error *err)
{
    size_t len = ratls_tpm_selection_values_len(draft->banks, draft->bank_count);

    if ((len == 0 && draft->bank_count > 0) || len != draft->values.len)
        return ratls_fail(err, RATLS_USAGE, "%s: %zu bytes of PCR values for a selection of %zu",
                          SHOWN_PATH, draft->values.len, len);
    return RATLS_OK;
}

static enum ratls_status write_text(const struct ratls_policy_draft *draft, char **ret_text,
                                    size_t *ret_len, struct ratls_error *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_len);
    bool failed;

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (draft->source != NULL)
        put_source(out, draft->source);
    put_identity(out, draft);
    put_pcrs(out, draft);
    if (draft->boot != NULL)
        put_boot(out, draft->boot);
    if (draft->ima != NULL)
        put_ima(out, draft->ima);
    failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    if (failed) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_text = text;
    return RATLS_OK;
}

enum ratls_status ratls_policy_write(const struct ratls_policy_draft *draft, char **ret_text,
                                     struct ratls_error *err)
{
    struct ratls_rules rules = {0};
    enum ratls_status status = check_draft(draft, err);
    char *text = NULL;
    size_t len = 0;

    if (status == RATLS_OK)
        status = write_text(draft, &text, &len, err);
    if (status == RATLS_OK)
        status = ratls_rules_parse(draft->path == NULL ? SHOWN_PATH : draft->path,
                                   ratls_slice(text, len), &rules, err);
    ratls_rules_done(&rules);
    if (status != RATLS_OK)
        free(text);
    else
        *ret_text = text;
    return status;
}
