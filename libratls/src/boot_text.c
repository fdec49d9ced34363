#include "boot_text.h"

#include <string.h>

#define PCR_GRUB 8
#define PCR_STUB 12
#define UTF16_UNIT 2

static const char *const LABELS[] = {"grub_cmd", "grub_kernel_cmdline", "kernel_cmdline",
                                     "module_cmdline"};

/* Whether the digest is over these parts. */
static enum ratls_status compare(struct ratls_hasher *hasher, const struct ratls_slice parts[2],
                                 struct ratls_slice digest, bool *ret_same, struct ratls_error *err)
{
    uint8_t computed[RATLS_DIGEST_MAX];
    enum ratls_status status = ratls_hasher_digest(hasher, parts, 2, computed, err);

    if (status == RATLS_OK)
        *ret_same = ratls_slice_equal(ratls_slice(computed, hasher->len), digest);
    return status;
}

/* The length of a label and of ": " behind it, or of " " as GRUB of Red Hat 8 has it; else 0. */
static size_t find_label(struct ratls_slice data, size_t *ret_label_len)
{
    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++) {
        size_t len = strlen(LABELS[i]);

        if (data.len < len + 2 || memcmp(data.p, LABELS[i], len) != 0)
            continue;
        *ret_label_len = len;
        if (data.p[len] == ' ')
            return len + 1;
        if (data.p[len] == ':' && data.p[len + 1] == ' ')
            return len + 2;
    }
    return 0;
}

/* GRUB: the text without its NUL; older ones with it. */
static enum ratls_status read_labelled(struct ratls_hasher *hasher, struct ratls_slice data,
                                       struct ratls_slice digest, struct ratls_boot_text *text,
                                       struct ratls_error *err)
{
    struct ratls_reader r = ratls_reader(data);
    size_t label_len = 0;
    struct ratls_slice parts[2];
    enum ratls_status status;

    ratls_read_bytes(&r, find_label(data, &label_len));
    text->label = ratls_slice(data.p, label_len);
    text->text = r.rest;
    if (text->text.len == 0 || text->text.p[text->text.len - 1] != '\0')
        return RATLS_OK;
    text->text.len--;
    parts[0] = text->text;
    parts[1] = ratls_slice(NULL, 0);
    status = compare(hasher, parts, digest, &text->is_measured, err);
    if (status != RATLS_OK || text->is_measured)
        return status;
    parts[1] = ratls_slice("", 1);
    return compare(hasher, parts, digest, &text->is_measured, err);
}

/*
 * systemd: UTF-16 with its NUL. Older versions wrote one byte less to the log than they
 * measured, the second one of the NUL (seen with systemd-boot).
 */
static enum ratls_status read_utf16(struct ratls_hasher *hasher, struct ratls_slice data,
                                    struct ratls_slice digest, struct ratls_boot_text *text,
                                    struct ratls_error *err)
{
    size_t missing = data.len % UTF16_UNIT;
    const struct ratls_slice parts[2] = {data, ratls_slice("", missing)};

    if (data.len + missing < UTF16_UNIT || data.p[data.len - 1] != 0 ||
        (missing == 0 && data.p[data.len - 2] != 0))
        return RATLS_OK;
    text->is_utf16 = true;
    text->text = ratls_slice(data.p, data.len + missing - UTF16_UNIT);
    return compare(hasher, parts, digest, &text->is_measured, err);
}

enum ratls_status ratls_boot_text(struct ratls_hasher *hasher, const struct ratls_event *event,
                                  struct ratls_slice digest, struct ratls_boot_text *ret_text,
                                  struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    struct ratls_boot_text text = {.is_measured = false};
    struct ratls_boot_text none = {.is_measured = false};

    if (event->pcr == PCR_GRUB)
        status = read_labelled(hasher, event->data, digest, &text, err);
    if (status == RATLS_OK && !text.is_measured &&
        (event->pcr == PCR_GRUB || event->pcr == PCR_STUB)) {
        text = none;
        status = read_utf16(hasher, event->data, digest, &text, err);
    }
    if (status == RATLS_OK)
        *ret_text = text.is_measured ? text : none;
    return status;
}

/* Unicode 15, 3.9, table 3-6. Surrogates are joined before. */
static void write_utf8(struct ratls_writer *w, uint32_t c)
{
    if (c < 0x80) {
        ratls_write_u8(w, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        ratls_write_u8(w, (uint8_t)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            ratls_write_u8(w, (uint8_t)(0xe0 | c >> 12));
        } else {
            ratls_write_u8(w, (uint8_t)(0xf0 | c >> 18));
            ratls_write_u8(w, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        }
        ratls_write_u8(w, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    }
    ratls_write_u8(w, (uint8_t)(0x80 | (c & 0x3f)));
}

/* Fails the reader at half a pair of surrogates. */
static uint32_t read_utf16_char(struct ratls_reader *r)
{
    uint32_t high = ratls_read_le16(r);
    uint32_t low;

    if (high < 0xd800 || high > 0xdfff)
        return high;
    low = ratls_read_le16(r);
    if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        r->failed = true;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

bool ratls_boot_text_utf8(const struct ratls_boot_text *text, char *out, size_t cap,
                          size_t *ret_len)
{
    struct ratls_writer w = ratls_writer((uint8_t *)out, cap);
    struct ratls_reader r = ratls_reader(text->text);

    if (!text->is_utf16)
        ratls_write_bytes(&w, text->text);
    while (text->is_utf16 && !r.failed && !w.failed && r.rest.len > 0) {
        uint32_t c = read_utf16_char(&r);

        if (!r.failed)
            write_utf8(&w, c);
    }
    if (r.failed || w.failed)
        return false;
    *ret_len = w.len;
    return true;
}
