/*
 * The list as ascii_runtime_measurements has it: one entry a line, "PCR digest template field
 * field ...". The kernel has replaced spaces of paths by "_" already in what it hashes, so the
 * template data can be made anew, but for fields that are written as numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "ima_fields.h"
#include "ima_file.h"

#define DIGEST_HEX_MIN 20 /* digits that tell a list from another text */
#define PLAIN_PATH_FIELD 256
#define PCR_DIGITS_MAX 9

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct ratls_slice skip_spaces(struct ratls_slice text)
{
    struct ratls_reader r = ratls_reader(text);

    while (r.rest.len > 0 && is_space(r.rest.p[0]))
        ratls_read_u8(&r);
    return r.rest;
}

/* The text before the next `separator`, which is taken too; all of it if there is none. */
static struct ratls_slice take_word(struct ratls_reader *r, char separator)
{
    const uint8_t *end = r->rest.len > 0 ? memchr(r->rest.p, separator, r->rest.len) : NULL;
    struct ratls_slice word =
        ratls_read_bytes(r, end == NULL ? r->rest.len : (size_t)(end - r->rest.p));

    if (end != NULL)
        ratls_read_u8(r);
    return word;
}

bool ratls_ima_looks_ascii(struct ratls_slice in)
{
    struct ratls_reader r = ratls_reader(skip_spaces(in));
    struct ratls_slice pcr = take_word(&r, ' ');
    size_t digits = 0;

    for (size_t i = 0; i < pcr.len; i++)
        if (i == PCR_DIGITS_MAX || !is_digit(pcr.p[i]))
            return false;
    while (digits < r.rest.len && hex_value(r.rest.p[digits]) >= 0)
        digits++;
    return pcr.len > 0 && digits >= DIGEST_HEX_MIN;
}

/* More than what any line can become: hexadecimal gets shorter, each field gets a length. */
size_t ratls_ima_ascii_scratch(struct ratls_slice in)
{
    struct ratls_reader r = ratls_reader(in);
    size_t longest = 0;

    while (r.rest.len > 0) {
        size_t len = take_word(&r, '\n').len;

        longest = len > longest ? len : longest;
    }
    return longest + PLAIN_PATH_FIELD + 8 * RATLS_IMA_FIELDS_MAX;
}

static void write_le32(struct ratls_writer *w, size_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        ratls_write_u8(w, (uint8_t)(value >> shift));
}

static bool is_hex(struct ratls_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (hex_value(text.p[i]) < 0)
            return false;
    return text.len % 2 == 0;
}

static void write_hex(struct ratls_writer *w, struct ratls_slice hex)
{
    if (!is_hex(hex))
        w->failed = true;
    for (size_t i = 0; !w->failed && i < hex.len; i += 2)
        ratls_write_u8(w, (uint8_t)(hex_value(hex.p[i]) << 4 | hex_value(hex.p[i + 1])));
}

/* "sha256:00aa" to "sha256:" NUL and the digest; "ima:" before it stays. */
static void write_digest(struct ratls_writer *w, struct ratls_slice text)
{
    size_t name_len = text.len;
    struct ratls_reader r = ratls_reader(text);
    struct ratls_slice name;

    while (name_len > 0 && text.p[name_len - 1] != ':')
        name_len--;
    name = ratls_read_bytes(&r, name_len);
    write_le32(w, (name_len > 0 ? name_len : 1) + 1 + r.rest.len / 2);
    if (name_len > 0)
        ratls_write_bytes(w, name);
    else
        ratls_write_u8(w, ':');
    ratls_write_u8(w, '\0');
    write_hex(w, r.rest);
}

/* False for a field that cannot be made anew. */
static bool write_field(struct ratls_writer *w, unsigned field, struct ratls_slice text)
{
    switch (field) {
    case RATLS_IMA_D_MODSIG:
        if (text.len == 0) {
            write_le32(w, 0);
            return true;
        }
        write_digest(w, text);
        return true;
    case RATLS_IMA_D_NG:
    case RATLS_IMA_D_NGV2:
        write_digest(w, text);
        return true;
    case RATLS_IMA_N:
    case RATLS_IMA_N_NG:
        write_le32(w, text.len + 1);
        ratls_write_bytes(w, text);
        ratls_write_u8(w, '\0');
        return true;
    case RATLS_IMA_D:
    case RATLS_IMA_SIG:
    case RATLS_IMA_BUF:
    case RATLS_IMA_MODSIG:
        write_le32(w, text.len / 2);
        write_hex(w, text);
        return true;
    default:
        return false;
    }
}

/* A path may have spaces where it is the last field, or the last but one and that is no path. */
static struct ratls_slice take_field(struct ratls_reader *r, size_t left)
{
    size_t len = r->rest.len;
    struct ratls_slice path;

    if (left > 2)
        return take_word(r, ' ');
    if (left == 1)
        return ratls_read_bytes(r, len);
    while (len > 0 && r->rest.p[len - 1] != ' ')
        len--;
    if (len == 0 || !is_hex(ratls_slice(r->rest.p + len, r->rest.len - len)))
        return ratls_read_bytes(r, r->rest.len);
    path = ratls_read_bytes(r, len - 1);
    ratls_read_u8(r);
    return path;
}

/* Template "ima": hashed without lengths, the name with zeros behind it. */
static void write_plain(struct ratls_writer *w, struct ratls_reader *r, struct ratls_ima_line *line)
{
    size_t end;

    write_hex(w, take_word(r, ' '));
    line->file =
        (struct ratls_ima_digest){.hash = RATLS_IMA_HASH_SHA1, .value = ratls_writer_slice(w)};
    line->path = r->rest;
    end = w->len + PLAIN_PATH_FIELD;
    ratls_write_bytes(
        w, ratls_slice(r->rest.p, r->rest.len < PLAIN_PATH_FIELD ? r->rest.len : PLAIN_PATH_FIELD));
    while (!w->failed && w->len < end)
        ratls_write_u8(w, 0);
    line->has_data = true;
}

static void write_template(struct ratls_writer *w, struct ratls_reader *r,
                           struct ratls_ima_line *line)
{
    struct ratls_ima_layout layout;

    if (line->template_name.len == 3 && memcmp(line->template_name.p, "ima", 3) == 0) {
        write_plain(w, r, line);
        return;
    }
    if (ratls_ima_layout(line->template_name, &layout) != NULL)
        return;
    line->has_data = true;
    for (size_t i = 0; line->has_data && i < layout.count; i++) {
        unsigned field = layout.fields[i];
        bool is_path = field == RATLS_IMA_N || field == RATLS_IMA_N_NG;
        struct ratls_slice text = is_path ? take_field(r, layout.count - i) : take_word(r, ' ');

        line->has_data = write_field(w, field, text);
    }
}

/* PCR and digest; false if the line does not begin so. */
static bool read_begin(struct ratls_ima_file *file, struct ratls_reader *r,
                       struct ratls_ima_line *line)
{
    struct ratls_writer digest = ratls_writer(file->digest, sizeof file->digest);
    struct ratls_slice pcr = take_word(r, ' ');

    write_hex(&digest, take_word(r, ' '));
    if (pcr.len < 1 || pcr.len > PCR_DIGITS_MAX || digest.failed || digest.len == 0)
        return false;
    for (size_t i = 0; i < pcr.len; i++) {
        if (!is_digit(pcr.p[i]))
            return false;
        line->pcr = line->pcr * 10 + (uint32_t)(pcr.p[i] - '0');
    }
    line->digest = ratls_writer_slice(&digest);
    line->is_violation = true;
    for (size_t i = 0; i < line->digest.len; i++)
        line->is_violation = line->is_violation && line->digest.p[i] == 0;
    line->template_name = take_word(r, ' ');
    line->text = r->rest;
    return line->template_name.len > 0;
}

bool ratls_ima_ascii_next(struct ratls_ima_file *file, struct ratls_ima_line *ret_line)
{
    struct ratls_writer w = ratls_writer(file->scratch, file->scratch_cap);
    struct ratls_reader after = file->reader;
    struct ratls_ima_line line = {.number = file->entries + 1};
    struct ratls_reader r;

    do {
        file->reader = after;
        r = ratls_reader(skip_spaces(take_word(&after, '\n')));
    } while (r.rest.len == 0 && after.rest.len > 0);
    if (r.rest.len == 0)
        return false;
    if (r.rest.p[r.rest.len - 1] == '\r')
        r.rest.len--;
    line.offset = file->len - file->reader.rest.len;
    if (!read_begin(file, &r, &line))
        return ratls_ima_file_stop(file, "is no line of such a list");
    write_template(&w, &r, &line);
    if (w.failed)
        return ratls_ima_file_stop(file, "has a field that is not hexadecimal");
    if (line.has_data && line.data.p == NULL)
        line.data = ratls_writer_slice(&w);
    if (line.path.len == 0)
        ratls_ima_line_explain(&line);
    if (file->entries == 0)
        file->digest_len = line.digest.len;
    file->reader = after;
    file->entries++;
    *ret_line = line;
    return true;
}
