/* boot of a policy: what the firmware's log must say. */
#include <stdlib.h>
#include <string.h>

#include "policy_build.h"

#define SIGNED "signed" /* images: [signed] */

#define LISTS 8 /* of digests */
#define PCR(index) (UINT32_C(1) << (index))

static enum ratls_status take_signers(struct ratls_build *b,
                                      struct ratls_build_certificates *certificates)
{
    struct ratls_boot_rules *rules = &b->rules->boot;

    rules->signers = calloc(certificates->count, sizeof *rules->signers);
    if (rules->signers == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; i < certificates->count; i++) {
        struct ratls_pem_certificate *from = &certificates->items[i];

        rules->signers[rules->signer_count++] =
            (struct ratls_boot_signer){.name = from->subject, .der = from->der, .len = from->len};
        from->subject = NULL;
        from->der = NULL;
    }
    return RATLS_OK;
}

static enum ratls_status build_secure_boot(struct ratls_build *b)
{
    const struct ratls_document_boot *boot = b->document->boot;
    struct ratls_build_certificates certificates = {0};
    bool is_required = boot->secure_boot == RATLS_SECURE_BOOT_REQUIRED;
    enum ratls_status status;

    b->rules->boot.secure_boot_required = is_required;
    if (is_required && boot->signers.count == 0)
        return ratls_build_refuse(b,
                                  "without signers, the certificates by which may be signed what "
                                  "is loaded: give them, or say secure-boot: ignored");
    if (!is_required && boot->signers.count > 0) {
        ratls_build_at(b, "boot.signers");
        return ratls_build_refuse(b,
                                  "compares nothing: with secure-boot: ignored nothing has to be "
                                  "signed");
    }
    if (!is_required)
        return RATLS_OK;
    b->rules->boot.pcrs |= PCR(7);
    status = ratls_build_certificates(b, "boot.signers", &boot->signers, &certificates);
    if (status == RATLS_OK)
        status = take_signers(b, &certificates);
    ratls_pem_certificates_free(certificates.items, certificates.count);
    return status;
}

/* *ret_signed: it is the word, and not a list of files. */
static enum ratls_status find_signed(struct ratls_build *b, bool *ret_signed)
{
    const struct ratls_document_list *images = &b->document->boot->images;

    *ret_signed = false;
    for (size_t i = 0; i < images->count; i++) {
        if (strcmp(images->items[i], SIGNED) != 0)
            continue;
        ratls_build_at(b, "boot.images[%zu]", i);
        if (images->count > 1)
            return ratls_build_refuse(b, "signed allows whatever Secure Boot lets through: no file "
                                         "beside it compares anything");
        if (b->document->boot->secure_boot != RATLS_SECURE_BOOT_REQUIRED)
            return ratls_build_refuse(b, "compares nothing: signed needs secure-boot: required");
        *ret_signed = true;
    }
    return RATLS_OK;
}

/* kernels stands for PCR 4; in the PCRs of files it is looked for if these are asked. */
static enum ratls_status build_lists(struct ratls_build *b)
{
    static const struct ratls_document_list none = {0};
    const struct ratls_document_boot *boot = b->document->boot;
    struct ratls_boot_rules *rules = &b->rules->boot;
    const struct {
        const char *key;
        const struct ratls_document_list *list;
        struct ratls_references *references;
        uint32_t pcrs;
    } parts[LISTS] = {
        {"boot.variables", &boot->variables, &rules->variables, PCR(7)},
        {"boot.images", rules->images_signed ? &none : &boot->images, &rules->images, PCR(4)},
        {"boot.kernels", &boot->kernels, &rules->kernels, PCR(4)},
        {"boot.firmware", &boot->firmware, &rules->firmware, PCR(0) | PCR(2)},
        {"boot.settings", &boot->settings, &rules->settings, PCR(1) | PCR(3)},
        {"boot.partitions", &boot->partitions, &rules->partitions, PCR(5)},
        {"boot.files", &boot->files, &rules->files, PCR(9) | PCR(11) | PCR(13)},
        {"boot.owner-keys", &boot->owner_keys, &rules->owner_keys, PCR(14)},
    };
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < LISTS; i++) {
        if (parts[i].list->count > 0)
            rules->pcrs |= parts[i].pcrs;
        status = ratls_build_references(b, parts[i].key, parts[i].list, rules->bank,
                                        parts[i].references);
    }
    if (rules->images_signed)
        rules->pcrs |= PCR(4);
    return status;
}

static enum ratls_status build_known(struct ratls_build *b)
{
    struct ratls_boot_rules *rules = &b->rules->boot;
    struct ratls_hasher hasher;
    enum ratls_status status = ratls_hasher_begin(rules->bank, &hasher, b->err);

    if (status == RATLS_OK)
        status = ratls_boot_known(&hasher, &rules->known, b->err);
    ratls_hasher_end(&hasher);
    return status;
}

enum ratls_status ratls_build_boot(struct ratls_build *b)
{
    const struct ratls_document_boot *boot = b->document->boot;
    struct ratls_boot_rules *rules = &b->rules->boot;
    enum ratls_status status;

    if (boot == NULL)
        return RATLS_OK;
    rules->is_asked = true;
    rules->bank = boot->bank == 0 ? RATLS_ALG_SHA256 : (uint16_t)boot->bank;
    ratls_build_at(b, "boot");
    status = build_secure_boot(b);
    if (status == RATLS_OK)
        status = find_signed(b, &rules->images_signed);
    if (status == RATLS_OK)
        status = build_lists(b);
    if (status == RATLS_OK)
        status = build_known(b);
    if (status == RATLS_OK && boot->command_lines.count > 0) {
        rules->pcrs |= PCR(8) | PCR(12);
        status =
            ratls_build_lines(b, "boot.command-lines", &boot->command_lines, &rules->command_lines);
        if (status == RATLS_OK)
            status = ratls_boot_lines(rules->command_lines.items, rules->command_lines.count,
                                      rules->bank, &rules->exact_lines, b->err);
    }
    if (status != RATLS_OK || rules->pcrs != 0)
        return status;
    ratls_build_at(b, "boot");
    return ratls_build_refuse(b, "compares nothing: leave the key out, or say what must have been "
                                 "started");
}

void ratls_boot_rules_done(struct ratls_boot_rules *rules)
{
    struct ratls_references *const references[LISTS] = {
        &rules->variables, &rules->images,     &rules->kernels, &rules->firmware,
        &rules->settings,  &rules->partitions, &rules->files,   &rules->owner_keys,
    };

    for (size_t i = 0; i < rules->signer_count; i++) {
        free(rules->signers[i].name);
        free(rules->signers[i].der);
    }
    free(rules->signers);
    for (size_t i = 0; i < LISTS; i++)
        ratls_references_done(references[i]);
    ratls_patterns_done(&rules->command_lines);
    ratls_boot_lines_done(&rules->exact_lines);
    *rules = (struct ratls_boot_rules){0};
}
