/* Lists as sha256sum, sha384sum and sha512sum write them. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "refvals_image.h"
#include "refvals_import.h"

#define HEX_MAX 128 /* SHA-512 */
/* Backslash, digits, blank, mark, and each byte of the name as two. */
#define LINE_LEN_MAX (1 + HEX_MAX + 2 + 2 * RATLS_REFVALS_NAME_MAX)

/* One line, and where it is. */
struct line {
    const char *path;
    size_t number;
    struct ratls_slice text;
};

static enum ratls_status fail_line(const struct line *line, struct ratls_error *err,
                                   const char *why)
{
    return ratls_fail(err, RATLS_USAGE, "%s:%zu: %s", line->path, line->number, why);
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

static struct ratls_slice skip(struct ratls_slice text, size_t len)
{
    return ratls_slice(text.p + len, text.len - len);
}

/* The digest at the beginning of text. */
static enum ratls_status take_digest(const struct line *line, struct ratls_slice *text,
                                     uint8_t *digest, size_t *ret_len, struct ratls_error *err)
{
    char hex[HEX_MAX + 1];
    size_t len = 0;

    while (len < text->len && is_hex(text->p[len]))
        len++;
    if (len < text->len && text->p[len] != ' ')
        return fail_line(line, err, "expected a digest in hex, two blanks and a name");
    if (len == 40)
        return fail_line(line, err, "a digest of SHA-1 proves nothing: take SHA-256");
    if (len != 64 && len != 96 && len != 128)
        return ratls_fail(err, RATLS_USAGE, "%s:%zu: expected 64, 96 or 128 hex digits, got %zu",
                          line->path, line->number, len);
    memcpy(hex, text->p, len);
    hex[len] = '\0';
    if (!ratls_unhex(hex, digest, len / 2))
        return fail_line(line, err, "not hexadecimal");
    *text = skip(*text, len);
    *ret_len = len / 2;
    return RATLS_OK;
}

/* What sha256sum makes of a newline, a backslash and a carriage return. 0: of nothing. */
static uint8_t unescape(uint8_t byte)
{
    switch (byte) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

/* scratch has RATLS_REFVALS_NAME_MAX bytes. */
static enum ratls_status unescape_name(const struct line *line, struct ratls_slice *name,
                                       uint8_t *scratch, struct ratls_error *err)
{
    size_t len = 0;

    for (size_t i = 0; i < name->len; i++) {
        uint8_t byte = name->p[i];

        if (byte == '\\') {
            i++;
            byte = i < name->len ? unescape(name->p[i]) : 0;
            if (byte == 0)
                return fail_line(line, err, "a backslash in the name, and not \\n, \\r or \\\\");
        }
        if (len == RATLS_REFVALS_NAME_MAX)
            return fail_line(line, err, "the name is longer than 4095 bytes");
        scratch[len++] = byte;
    }
    *name = ratls_slice(scratch, len);
    return RATLS_OK;
}

_Static_assert(RATLS_REFVALS_NAME_MAX == 4095, "the words of unescape_name() say so");

/* A list that was made in the root folder: "./usr/bin/ls" is "/usr/bin/ls". */
static struct ratls_slice root_name(struct ratls_slice name)
{
    return name.len >= 2 && name.p[0] == '.' && name.p[1] == '/' ? skip(name, 1) : name;
}

static enum ratls_status read_line(struct ratls_refvals_input *input, const struct line *line,
                                   uint8_t *scratch, struct ratls_error *err)
{
    struct ratls_slice text = line->text;
    bool is_escaped = text.p[0] == '\\';
    uint8_t digest[HEX_MAX / 2];
    enum ratls_status status;
    size_t digest_len = 0;

    if (text.len > LINE_LEN_MAX)
        return fail_line(line, err, "the line is longer than 8321 bytes");
    if (memchr(text.p, '\0', text.len) != NULL)
        return fail_line(line, err, "a NUL byte: this is no text");
    if (text.p[text.len - 1] == '\r')
        return fail_line(line, err, "a carriage return at the end of the line");
    if (is_escaped)
        text = skip(text, 1);
    status = take_digest(line, &text, digest, &digest_len, err);
    if (status != RATLS_OK)
        return status;
    if (text.len < 3)
        return fail_line(line, err, "no name behind the digest");
    if (text.p[1] != ' ' && text.p[1] != '*')
        return fail_line(line, err, "expected two blanks, or a blank and *, before the name");
    text = skip(text, 2);
    if (is_escaped)
        status = unescape_name(line, &text, scratch, err);
    else if (text.len > RATLS_REFVALS_NAME_MAX)
        status = fail_line(line, err, "the name is longer than 4095 bytes");
    if (status != RATLS_OK)
        return status;
    return ratls_refvals_add(&input->builder, ratls_slice(digest, digest_len), root_name(text),
                             err);
}

_Static_assert(LINE_LEN_MAX == 8321, "the words of read_line() say so");

static bool is_comment(struct ratls_slice text)
{
    size_t i = 0;

    while (i < text.len && (text.p[i] == ' ' || text.p[i] == '\t'))
        i++;
    return i == text.len || text.p[i] == '#';
}

enum ratls_status ratls_refvals_read_text(struct ratls_refvals_input *input,
                                          struct ratls_error *err)
{
    struct line line = {.path = input->path};
    struct ratls_slice rest = input->text;
    uint8_t *scratch = malloc(RATLS_REFVALS_NAME_MAX);
    enum ratls_status status = RATLS_OK;

    if (scratch == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    while (status == RATLS_OK && rest.len > 0) {
        const uint8_t *end = memchr(rest.p, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.p);

        line.text = ratls_slice(rest.p, len);
        line.number++;
        rest = skip(rest, end == NULL ? len : len + 1);
        if (!is_comment(line.text))
            status = read_line(input, &line, scratch, err);
    }
    free(scratch);
    return status;
}
