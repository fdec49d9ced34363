/* Texts of boot loaders against the policy's command lines. */
#include "boot_compact.h"
#include "boot_text.h"
#include "check_boot.h"

static bool matches(const struct ratls_patterns *patterns, struct ratls_slice text)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (ratls_pattern_match(&patterns->items[i], text))
            return true;
    return false;
}

enum ratls_status ratls_boot_text_allowed(struct ratls_boot_judge *judge,
                                          const struct ratls_event *event,
                                          struct ratls_slice digest, bool *ret_allowed)
{
    char utf8[RATLS_BOOT_TEXT_MAX];
    struct ratls_boot_text text = {.is_measured = false};
    size_t len;
    enum ratls_status status = RATLS_OK;

    *ret_allowed = ratls_boot_lines_has(&judge->rules->exact_lines, digest);
    /* The compact log has no longer ones, and the verdict on both is the same. */
    if (*ret_allowed || event->data.len > RATLS_BOOT_TEXT_MAX)
        return RATLS_OK;
    status = ratls_boot_text(&judge->hasher, event, digest, &text, judge->a->err);
    if (status == RATLS_OK && text.is_measured &&
        ratls_boot_text_utf8(&text, utf8, sizeof utf8, &len))
        *ret_allowed = matches(&judge->rules->command_lines, ratls_slice(utf8, len));
    return status;
}
