/* What a policy asks of logs: the sections boot and ima. */
#include <stdio.h>

#include "crypto.h"
#include "describe_rules.h"

void ratls_describe_references(struct ratls_view *v, const char *key, const char *label,
                               const struct ratls_references *references)
{
    char line[320];

    ratls_view_list(v, key);
    for (size_t i = 0; i < references->count; i++) {
        const size_t count = ratls_refvals_count(references->sets[i]);

        if (v->json) {
            ratls_view_section(v, NULL, NULL);
            ratls_view_text(v, "file", NULL, references->paths[i]);
            ratls_view_uint(v, "digests", NULL, count, NULL);
            ratls_view_section_end(v);
            continue;
        }
        snprintf(line, sizeof line, "%zu digest%s of %s", count, count == 1 ? "" : "s",
                 references->paths[i]);
        ratls_view_text(v, NULL, i == 0 ? label : "  or", line);
    }
    ratls_view_list_end(v);
}

static void describe_patterns(struct ratls_view *v, const char *key, const char *label,
                              const struct ratls_patterns *patterns)
{
    ratls_view_list(v, key);
    for (size_t i = 0; i < patterns->count; i++)
        ratls_view_text(v, NULL, i == 0 ? label : "  or", patterns->texts[i]);
    ratls_view_list_end(v);
}

static void describe_pcrs(struct ratls_view *v, uint32_t pcrs)
{
    char line[96] = "";
    size_t len = 0;

    ratls_view_list(v, "pcrs");
    for (unsigned i = 0; i < RATLS_PCR_COUNT; i++) {
        if ((pcrs >> i & 1) == 0)
            continue;
        ratls_view_uint(v, NULL, NULL, i, NULL);
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%u", len == 0 ? "" : " ", i);
    }
    ratls_view_list_end(v);
    if (!v->json)
        ratls_view_text(v, NULL, "explains PCRs", line);
}

static void describe_signers(struct ratls_view *v, const struct ratls_boot_rules *boot)
{
    uint8_t digest[32];

    ratls_view_list(v, "signers");
    for (size_t i = 0; i < boot->signer_count; i++) {
        const struct ratls_boot_signer *signer = &boot->signers[i];

        if (v->json)
            ratls_view_section(v, NULL, NULL);
        ratls_view_text(v, "subject", i == 0 ? "signers" : "  or", signer->name);
        if (v->json &&
            ratls_sha256(ratls_slice(signer->der, signer->len), digest, NULL) == RATLS_OK)
            ratls_view_hex(v, "sha256", NULL, ratls_slice(digest, sizeof digest));
        if (v->json)
            ratls_view_section_end(v);
    }
    ratls_view_list_end(v);
}

void ratls_describe_boot_rules(struct ratls_view *v, const struct ratls_boot_rules *boot)
{
    if (!boot->is_asked)
        return;
    ratls_view_section(v, "boot", "Boot log");
    ratls_view_text(v, "bank", "bank", ratls_tpm_alg_name(boot->bank));
    describe_pcrs(v, boot->pcrs);
    ratls_view_text(v, "secureBoot", "secure-boot",
                    boot->secure_boot_required ? "required" : "ignored");
    describe_signers(v, boot);
    ratls_describe_references(v, "variables", "variables", &boot->variables);
    ratls_view_bool(v, "imagesSigned", NULL, boot->images_signed);
    if (boot->images_signed && !v->json)
        ratls_view_text(v, NULL, "images", "whatever Secure Boot let through");
    ratls_describe_references(v, "images", "images", &boot->images);
    ratls_describe_references(v, "kernels", "kernels", &boot->kernels);
    ratls_describe_references(v, "firmware", "firmware", &boot->firmware);
    ratls_describe_references(v, "settings", "settings", &boot->settings);
    ratls_describe_references(v, "partitions", "partitions", &boot->partitions);
    describe_patterns(v, "commandLines", "command-lines", &boot->command_lines);
    ratls_describe_references(v, "files", "files", &boot->files);
    ratls_describe_references(v, "ownerKeys", "owner-keys", &boot->owner_keys);
    ratls_view_section_end(v);
}

/* Key ids, as they stand in signatures: an IMA signer has no name here. */
static void describe_ima_signers(struct ratls_view *v, const struct ratls_ima_rules *ima)
{
    ratls_view_list(v, "signedBy");
    for (size_t i = 0; i < ima->signer_count; i++)
        ratls_view_hex(v, NULL, i == 0 ? "signed-by" : "  or",
                       ratls_slice(ima->signers[i].ids[0], RATLS_SIGNER_ID_LEN));
    ratls_view_list_end(v);
}

void ratls_describe_ima_rules(struct ratls_view *v, const struct ratls_ima_rules *ima)
{
    static const char *const extends[] = {
        [RATLS_IMA_EITHER] = "either",
        [RATLS_IMA_NATIVE] = "native",
        [RATLS_IMA_PADDED] = "padded",
    };

    if (!ima->is_asked)
        return;
    ratls_view_section(v, "ima", "IMA list");
    ratls_view_text(v, "bank", "bank", ratls_tpm_alg_name(ima->bank));
    ratls_view_text(v, "extend", "extend", extends[ima->extend]);
    ratls_describe_references(v, "allow", "allow", &ima->allow);
    ratls_describe_references(v, "deny", "deny", &ima->deny);
    describe_ima_signers(v, ima);
    describe_patterns(v, "signatureRequired", "signed only", &ima->signature_required);
    describe_patterns(v, "exclude", "exclude", &ima->exclude);
    ratls_view_text(v, "violations", "violations", ima->violations_allowed ? "allow" : "refuse");
    ratls_view_text(v, "sync", "sync", ima->syncs ? "auto" : "never");
    ratls_view_section_end(v);
}

void ratls_describe_result_rules(struct ratls_view *v, const struct ratls_result_rules *results)
{
    const struct ratls_pcr_bank bank = {.hash_alg = results->bank, .pcrs = results->pcrs};
    char pcrs[128];

    if (!results->is_asked)
        return;
    ratls_tpm_selection_text(&bank, 1, pcrs, sizeof pcrs);
    ratls_view_section(v, "results", "Results of other verifiers");
    ratls_view_list(v, "verifiers");
    for (size_t i = 0; i < results->verifier_count; i++)
        ratls_view_text(v, NULL, "verifier", results->verifiers[i].path);
    ratls_view_list_end(v);
    ratls_view_text(v, "pcrs", "about PCRs", pcrs);
    ratls_view_section_end(v);
}
