/* Texts of boot loaders against the policy's command lines. */
#include <stdlib.h>
#include <string.h>

#include "boot_compact.h"
#include "boot_text.h"
#include "check_boot.h"
#include "fail.h"

/* The forms that a text is measured in: by GRUB, and by systemd and the kernel's EFI stub. */
enum form { FORM_TEXT, FORM_TEXT_NUL, FORM_UTF16, FORM_UTF16_NUL, FORM_COUNT };

/* In UTF-16, if the text is ASCII; what else there is has no other form. Returns its length. */
static size_t widen(struct ratls_slice text, uint8_t *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] >= 0x80)
            return 0;
        out[2 * i] = text.p[i];
        out[2 * i + 1] = 0;
    }
    return 2 * text.len;
}

static enum ratls_status hash_forms(struct ratls_boot_judge *judge, struct ratls_slice text,
                                    uint8_t *out, struct ratls_error *err)
{
    static const size_t nul_len[FORM_COUNT] = {0, 1, 0, 2};
    uint8_t *wide = malloc(2 * text.len + 1);
    enum ratls_status status = RATLS_OK;
    size_t wide_len;

    if (wide == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    wide_len = widen(text, wide);
    for (int form = 0; status == RATLS_OK && form < FORM_COUNT; form++) {
        bool is_wide = form >= FORM_UTF16 && wide_len > 0;
        struct ratls_slice parts[2] = {is_wide ? ratls_slice(wide, wide_len) : text,
                                       ratls_slice("\0", nul_len[form])};

        status = ratls_hasher_digest(&judge->hasher, parts, 2,
                                     out + (size_t)form * judge->hasher.len, err);
    }
    free(wide);
    return status;
}

/* Made once, and only if there is a text that cannot be read. */
static enum ratls_status make_exact(struct ratls_boot_judge *judge, struct ratls_error *err)
{
    const struct ratls_patterns *patterns = &judge->rules->command_lines;
    enum ratls_status status = RATLS_OK;

    if (judge->exact != NULL)
        return RATLS_OK;
    judge->exact = calloc(patterns->count + 1, FORM_COUNT * judge->hasher.len);
    if (judge->exact == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; status == RATLS_OK && i < patterns->count; i++) {
        if (!patterns->items[i].is_exact)
            continue;
        status =
            hash_forms(judge, patterns->items[i].text,
                       judge->exact + judge->exact_count * FORM_COUNT * judge->hasher.len, err);
        judge->exact_count++;
    }
    return status;
}

/* Whether the digest is that of an exact line, in one of these forms. */
static enum ratls_status find_exact(struct ratls_boot_judge *judge, struct ratls_slice digest,
                                    unsigned forms, bool *ret_found, struct ratls_error *err)
{
    enum ratls_status status = make_exact(judge, err);
    bool is_found = false;

    if (status != RATLS_OK)
        return status;
    for (size_t i = 0; i < judge->exact_count * FORM_COUNT && !is_found; i++)
        is_found = (forms >> i % FORM_COUNT & 1) != 0 &&
                   memcmp(judge->exact + i * judge->hasher.len, digest.p, digest.len) == 0;
    *ret_found = is_found;
    return RATLS_OK;
}

static bool matches(const struct ratls_patterns *patterns, struct ratls_slice text)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (ratls_pattern_match(&patterns->items[i], text))
            return true;
    return false;
}

enum ratls_status ratls_boot_text_allowed(struct ratls_boot_judge *judge,
                                          const struct ratls_event *event,
                                          struct ratls_slice digest, bool *ret_allowed,
                                          struct ratls_error *err)
{
    char utf8[RATLS_BOOT_TEXT_MAX];
    struct ratls_boot_text text = {.is_measured = false};
    size_t len;
    enum ratls_status status = RATLS_OK;

    /* The compact log has no longer ones, and the verdict on both is the same. */
    if (event->data.len <= RATLS_BOOT_TEXT_MAX)
        status = ratls_boot_text(&judge->hasher, event, digest, &text, err);
    if (status != RATLS_OK)
        return status;
    if (text.is_measured && ratls_boot_text_utf8(&text, utf8, sizeof utf8, &len) &&
        matches(&judge->rules->command_lines, ratls_slice(utf8, len))) {
        *ret_allowed = true;
        return RATLS_OK;
    }
    return find_exact(judge, digest, 1u << FORM_TEXT | 1u << FORM_TEXT_NUL | 1u << FORM_UTF16_NUL,
                      ret_allowed, err);
}

enum ratls_status ratls_boot_options_allowed(struct ratls_boot_judge *judge,
                                             struct ratls_slice digest, bool *ret_allowed,
                                             struct ratls_error *err)
{
    return find_exact(judge, digest, 1u << FORM_UTF16 | 1u << FORM_UTF16_NUL, ret_allowed, err);
}
