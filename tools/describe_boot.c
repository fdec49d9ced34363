/* What a firmware's log claims of the boot. The log is read as it is for a verdict, but unproven.
 */
#include <openssl/bio.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot.h"
#include "boot_text.h"
#include "boot_words.h"
#include "describe_logs.h"
#include "efi_signatures.h"
#include "utf16_text.h"

#define NAME_TEXT_MAX 512
#define LINE_TEXT_MAX 4096
#define EVENT_TEXT_MAX 32
/* RFC 4514, with everything that is not printable ASCII escaped. */
#define NAME_FLAGS (XN_FLAG_RFC2253 | ASN1_STRFLGS_ESC_QUOTE)

static const char *const variable_names[RATLS_BOOT_VARIABLES] = {
    [RATLS_BOOT_SECURE_BOOT] = "SecureBoot",
    [RATLS_BOOT_PK] = "PK",
    [RATLS_BOOT_KEK] = "KEK",
    [RATLS_BOOT_DB] = "db",
    [RATLS_BOOT_DBX] = "dbx",
    [RATLS_BOOT_DBT] = "dbt",
    [RATLS_BOOT_DBR] = "dbr",
};

/* "event 12", as the table of events numbers it. */
static void event_label(size_t event, char out[static EVENT_TEXT_MAX])
{
    snprintf(out, EVENT_TEXT_MAX, "  event %zu", event);
}

static void describe_state(struct ratls_view *v, const struct ratls_boot *boot)
{
    ratls_view_text(v, "secure-boot", "Secure Boot", ratls_secure_boot_word(boot->secure_boot));
    if (boot->secure_boot_why[0] != '\0')
        ratls_view_text(v, "secure-boot-why", "  because", boot->secure_boot_why);
    ratls_view_bool(v, "debug-mode", boot->is_debug_mode ? "debug mode" : NULL,
                    boot->is_debug_mode);
    ratls_view_bool(v, "dma-unprotected", boot->is_dma_unprotected ? "DMA unprotected" : NULL,
                    boot->is_dma_unprotected);
    ratls_view_bool(v, "exit-boot-services", "OS took over",
                    boot->has_exit_invocation && boot->has_exit_success);
    if (boot->relabelled > 0)
        ratls_view_uint(v, "relabelled-events", "relabelled events", boot->relabelled, NULL);
}

/* How many certificates and digests a variable holds. */
static void describe_variable(struct ratls_view *v, const char *name,
                              const struct ratls_boot_variable *variable)
{
    struct ratls_efi_signatures signatures = ratls_efi_signatures(variable->content);
    size_t counts[RATLS_EFI_SHA256 + 1] = {0};
    struct ratls_efi_signature signature;
    char text[128];

    while (ratls_efi_signatures_next(&signatures, &signature))
        counts[signature.kind]++;
    snprintf(text, sizeof text, "certificates %zu, digests %zu, others %zu%s  (event %zu)",
             counts[RATLS_EFI_X509], counts[RATLS_EFI_SHA256], counts[RATLS_EFI_OTHER],
             ratls_efi_signatures_done(&signatures) ? "" : ", then unreadable", variable->event);
    ratls_view_section(v, name, NULL);
    ratls_view_uint(v, "event", NULL, variable->event, NULL);
    ratls_view_hex(v, "digest", NULL, variable->digest);
    ratls_view_uint(v, "certificates", NULL, counts[RATLS_EFI_X509], NULL);
    ratls_view_uint(v, "digests", NULL, counts[RATLS_EFI_SHA256], NULL);
    ratls_view_uint(v, "others", NULL, counts[RATLS_EFI_OTHER], NULL);
    ratls_view_bool(v, "readable", NULL, ratls_efi_signatures_done(&signatures));
    ratls_view_section_end(v);
    if (!v->json)
        ratls_view_text(v, NULL, name, text);
}

static void describe_variables(struct ratls_view *v, const struct ratls_boot *boot)
{
    if (v->json)
        ratls_view_section(v, "variables", NULL);
    for (size_t i = RATLS_BOOT_PK; i < RATLS_BOOT_VARIABLES; i++)
        if (boot->variables[i].is_measured)
            describe_variable(v, variable_names[i], &boot->variables[i]);
    if (v->json)
        ratls_view_section_end(v);
}

/* Its subject, escaped; the empty string if OpenSSL cannot read it. */
static void subject_text(struct ratls_slice der, char *out, size_t cap)
{
    const uint8_t *p = der.p;
    X509 *certificate = der.len == 0 ? NULL : d2i_X509(NULL, &p, (long)der.len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;

    out[0] = '\0';
    if (certificate != NULL && bio != NULL &&
        X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, NAME_FLAGS) >= 0)
        len = BIO_get_mem_data(bio, &text);
    if (len > 0)
        ratls_escape(ratls_slice(text, (size_t)len), out, cap);
    BIO_free(bio);
    X509_free(certificate);
}

static void describe_authority(struct ratls_view *v, const struct ratls_boot_authority *authority)
{
    char subject[NAME_TEXT_MAX];
    char name[NAME_TEXT_MAX / 4];
    char text[NAME_TEXT_MAX + sizeof name + 2];
    char label[EVENT_TEXT_MAX];

    ratls_utf16_text(authority->name, name, sizeof name);
    subject_text(authority->certificate, subject, sizeof subject);
    event_label(authority->event, label);
    snprintf(text, sizeof text, "%s%s%s", name, subject[0] == '\0' ? "" : ": ", subject);
    ratls_view_section(v, NULL, NULL);
    ratls_view_uint(v, "event", NULL, authority->event, NULL);
    ratls_view_text(v, "name", NULL, name);
    ratls_view_hex(v, "digest", NULL, authority->digest);
    ratls_view_text(v, "subject", NULL, subject);
    ratls_view_section_end(v);
    if (!v->json)
        ratls_view_text(v, NULL, label, text);
}

static void describe_authorities(struct ratls_view *v, const struct ratls_boot *boot)
{
    if (boot->authority_count > 0)
        ratls_view_note(v, "What was loaded was allowed by:");
    ratls_view_list(v, "authorities");
    for (size_t i = 0; i < boot->authority_count; i++)
        describe_authority(v, &boot->authorities[i]);
    ratls_view_list_end(v);
}

static void describe_images(struct ratls_view *v, const struct ratls_boot *boot)
{
    if (boot->image_count > 0)
        ratls_view_note(v, "Images that were started (Authenticode digests):");
    ratls_view_list(v, "images");
    for (size_t i = 0; i < boot->image_count; i++) {
        const struct ratls_boot_image *image = &boot->images[i];
        char hex[2 * RATLS_DIGEST_MAX + 1];
        char row[EVENT_TEXT_MAX + sizeof hex];

        ratls_view_section(v, NULL, NULL);
        ratls_view_uint(v, "event", NULL, image->event, NULL);
        ratls_view_hex(v, "digest", NULL, image->digest);
        ratls_view_section_end(v);
        ratls_hex(image->digest, hex, sizeof hex);
        snprintf(row, sizeof row, "  event %-3zu %s", image->event, hex);
        ratls_view_note(v, row);
    }
    ratls_view_list_end(v);
}

/* Windows measures binary data where systemd-stub measures a text. */
static bool has_nul_unit(struct ratls_slice utf16)
{
    struct ratls_reader r = ratls_reader(utf16);

    while (r.rest.len > 0)
        if (ratls_read_le16(&r) == 0)
            return true;
    return false;
}

/* GRUB labels what is a command line; systemd measures no other text there. */
static bool is_command_line(const struct ratls_boot_text *text)
{
    static const char end[] = "cmdline";
    struct ratls_slice label = text->label;
    size_t end_len = sizeof end - 1;

    if (!text->is_measured)
        return false;
    if (text->is_utf16)
        return text->text.len > 0 && !has_nul_unit(text->text);
    return label.len >= end_len && memcmp(label.p + label.len - end_len, end, end_len) == 0;
}

static void describe_command_line(struct ratls_view *v, size_t event,
                                  const struct ratls_boot_text *text)
{
    char *words = malloc(LINE_TEXT_MAX);
    char label[EVENT_TEXT_MAX];

    if (words == NULL)
        return;
    if (text->is_utf16)
        ratls_utf16_text(text->text, words, LINE_TEXT_MAX);
    else
        ratls_escape(text->text, words, LINE_TEXT_MAX);
    event_label(event, label);
    ratls_view_section(v, NULL, NULL);
    ratls_view_uint(v, "event", NULL, event, NULL);
    ratls_view_text(v, "text", NULL, words);
    ratls_view_section_end(v);
    if (!v->json)
        ratls_view_text(v, NULL, label, words);
    free(words);
}

static void describe_command_lines(struct ratls_view *v, struct ratls_slice bytes, uint16_t bank)
{
    struct ratls_hasher hasher;
    struct ratls_boot_text text = {.is_measured = false};
    struct ratls_eventlog log;
    struct ratls_event event;
    bool is_good = ratls_hasher_begin(bank, &hasher, NULL) == RATLS_OK;
    bool is_first = true;
    size_t index;

    ratls_eventlog_open(bytes, RATLS_EVENTLOG_SHOW, &log);
    index = ratls_eventlog_find_alg(&log, bank);
    ratls_view_list(v, "command-lines");
    while (is_good && index < log.alg_count && ratls_eventlog_next(&log, &event)) {
        is_good = event.digests[index].len == 0 ||
                  ratls_boot_text(&hasher, &event, event.digests[index], &text, NULL) == RATLS_OK;
        if (!is_good || event.digests[index].len == 0 || !is_command_line(&text))
            continue;
        if (is_first)
            ratls_view_note(v, "Command lines:");
        is_first = false;
        describe_command_line(v, event.number, &text);
    }
    ratls_view_list_end(v);
    ratls_hasher_end(&hasher);
}

void ratls_describe_boot(struct ratls_view *v, struct ratls_slice bytes, uint16_t bank)
{
    struct ratls_boot *boot = malloc(sizeof *boot);
    struct ratls_eventlog log;

    if (boot == NULL)
        return;
    ratls_view_section(v, "claims", "What the log says of the boot");
    ratls_view_note(v, "UNAUTHENTICATED: a file proves nothing. 'ratls verify' and 'ratls probe'");
    ratls_view_note(v, "trust a log as far as it gives the PCRs of a quote.");
    ratls_view_bool(v, "authenticated", NULL, false);
    ratls_view_text(v, "bank", NULL, ratls_bank_name(bank));
    ratls_eventlog_open(bytes, RATLS_EVENTLOG_SHOW, &log);
    if (ratls_boot_read(&log, bank, boot, NULL) == RATLS_OK) {
        if (boot->why[0] != '\0')
            ratls_view_text(v, "error", "read only up to", boot->why);
        describe_state(v, boot);
        describe_variables(v, boot);
        describe_images(v, boot);
        describe_authorities(v, boot);
    }
    describe_command_lines(v, bytes, bank);
    ratls_view_section_end(v);
    free(boot);
}
