#include "view.h"

#include <inttypes.h>
#include <string.h>

#include "output.h"

#define LABEL_WIDTH 17
#define HEX_SHOWN_MAX 36 /* bytes that people see in full: a Name with SHA-256 is 34 */
#define HEX_PIECE 256
#define CUT_MARK "..."
#define HEX_HEAD 12
#define HEX_TAIL 4
#define PRINTABLE_FIRST 0x20
#define PRINTABLE_LAST 0x7e

static void indent(const struct ratls_view *v)
{
    fprintf(v->out, "%*s", (int)(v->depth == 0 ? 0 : 2 * (v->depth - 1)), "");
}

/* Logs have a lot of it: in pieces, and not byte by byte. */
static void put_hex(FILE *out, const uint8_t *p, size_t len)
{
    char text[2 * HEX_PIECE + 1];

    while (len > 0) {
        size_t piece = len < HEX_PIECE ? len : HEX_PIECE;

        ratls_hex(ratls_slice(p, piece), text, sizeof text);
        fputs(text, out);
        p += piece;
        len -= piece;
    }
}

/* RFC 8259, 7; bytes that are not ASCII become the code points of the same number. */
static void put_json_string(FILE *out, struct ratls_slice text)
{
    fputc('"', out);
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.p[i];

        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < PRINTABLE_FIRST || c > PRINTABLE_LAST)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_escaped(FILE *out, struct ratls_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.p[i];

        if (c < PRINTABLE_FIRST || c > PRINTABLE_LAST)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

static void put_title(const struct ratls_view *v, const char *title)
{
    fputs(v->colour ? "\033[1m" : "", v->out);
    put_escaped(v->out, ratls_slice(title, strlen(title)));
    fputs(v->colour ? "\033[0m\n" : "\n", v->out);
}

/* A line of JSON begins, where it has lines. */
static void break_line(const struct ratls_view *v)
{
    if (!v->one_line)
        fprintf(v->out, "\n%*s", (int)(2 * v->depth), "");
}

/* The comma, the line and the key before a JSON value. */
static void begin_member(struct ratls_view *v, const char *key)
{
    if (v->depth > 0) {
        fputs(!v->has_items[v->depth] ? "" : v->one_line ? ", " : ",", v->out);
        v->has_items[v->depth] = true;
        break_line(v);
    }
    if (key != NULL)
        fprintf(v->out, "\"%s\": ", key);
}

static void open_level(struct ratls_view *v)
{
    if (v->depth + 1 < RATLS_VIEW_DEPTH_MAX)
        v->depth++;
    v->has_items[v->depth] = false;
}

static void close_level(struct ratls_view *v, char bracket)
{
    const bool had_items = v->has_items[v->depth];

    v->depth--;
    if (!v->json)
        return;
    if (had_items)
        break_line(v);
    fputc(bracket, v->out);
}

/* Starts a line of the text, unless the field is for JSON only. */
static bool begin_line(struct ratls_view *v, const char *label)
{
    if (label == NULL)
        return false;
    indent(v);
    fprintf(v->out, "%-*s ", LABEL_WIDTH, label);
    return true;
}

void ratls_view_begin(struct ratls_view *v, FILE *out, bool json, const char *title)
{
    *v = (struct ratls_view){.out = out,
                             .json = json,
                             .colour = ratls_out_colour(out),
                             .columns = ratls_out_columns(out)};
    if (json)
        fputc('{', v->out);
    else if (title != NULL)
        put_title(v, title);
    open_level(v);
}

void ratls_view_end(struct ratls_view *v)
{
    close_level(v, '}');
    if (v->json)
        fputc('\n', v->out);
}

void ratls_view_section(struct ratls_view *v, const char *key, const char *title)
{
    if (v->json) {
        begin_member(v, key);
        fputc('{', v->out);
    } else if (title != NULL) {
        if (v->depth == 1)
            fputc('\n', v->out);
        indent(v);
        put_title(v, title);
    }
    open_level(v);
}

void ratls_view_section_end(struct ratls_view *v)
{
    close_level(v, '}');
}

void ratls_view_list(struct ratls_view *v, const char *key)
{
    if (v->json) {
        begin_member(v, key);
        fputc('[', v->out);
        open_level(v);
    }
}

void ratls_view_list_end(struct ratls_view *v)
{
    if (v->json)
        close_level(v, ']');
}

void ratls_view_slice(struct ratls_view *v, const char *key, const char *label,
                      struct ratls_slice value)
{
    if (v->json) {
        begin_member(v, key);
        put_json_string(v->out, value);
    } else if (begin_line(v, label)) {
        put_escaped(v->out, value);
        fputc('\n', v->out);
    }
}

void ratls_view_text(struct ratls_view *v, const char *key, const char *label, const char *value)
{
    ratls_view_slice(v, key, label, ratls_slice(value, strlen(value)));
}

static void put_short_hex(FILE *out, struct ratls_slice value)
{
    if (value.len <= HEX_SHOWN_MAX) {
        put_hex(out, value.p, value.len);
        fputs(value.len == 0 ? "(empty)\n" : "\n", out);
        return;
    }
    put_hex(out, value.p, HEX_HEAD);
    fputs("...", out);
    put_hex(out, value.p + value.len - HEX_TAIL, HEX_TAIL);
    fprintf(out, "  (%zu bytes)\n", value.len);
}

void ratls_view_hex(struct ratls_view *v, const char *key, const char *label,
                    struct ratls_slice value)
{
    if (v->json) {
        begin_member(v, key);
        fputc('"', v->out);
        put_hex(v->out, value.p, value.len);
        fputc('"', v->out);
    } else if (begin_line(v, label)) {
        put_short_hex(v->out, value);
    }
}

void ratls_view_digest(struct ratls_view *v, const char *key, const char *label,
                       struct ratls_slice value)
{
    if (v->json) {
        ratls_view_hex(v, key, label, value);
    } else if (begin_line(v, label)) {
        put_hex(v->out, value.p, value.len);
        fputc('\n', v->out);
    }
}

void ratls_view_uint(struct ratls_view *v, const char *key, const char *label, uint64_t value,
                     const char *words)
{
    if (v->json) {
        begin_member(v, key);
        fprintf(v->out, "%" PRIu64, value);
    } else if (begin_line(v, label)) {
        fprintf(v->out, "%" PRIu64 "%s%s\n", value, words == NULL ? "" : "  ",
                words == NULL ? "" : words);
    }
}

void ratls_view_bool(struct ratls_view *v, const char *key, const char *label, bool value)
{
    if (v->json) {
        begin_member(v, key);
        fputs(value ? "true" : "false", v->out);
    } else if (begin_line(v, label)) {
        fputs(value ? "yes\n" : "no\n", v->out);
    }
}

void ratls_view_note(struct ratls_view *v, const char *text)
{
    if (v->json)
        return;
    indent(v);
    put_escaped(v->out, ratls_slice(text, strlen(text)));
    fputc('\n', v->out);
}

void ratls_view_row(struct ratls_view *v, const char *text)
{
    const size_t indented = v->depth == 0 ? 0 : 2 * (v->depth - 1);
    const size_t len = strlen(text);
    const bool fits = v->columns == 0 || indented + len <= v->columns;

    if (v->json)
        return;
    if (fits || v->columns <= indented + strlen(CUT_MARK)) {
        ratls_view_note(v, text);
        return;
    }
    indent(v);
    put_escaped(v->out, ratls_slice(text, v->columns - indented - strlen(CUT_MARK)));
    fputs(CUT_MARK "\n", v->out);
}

void ratls_view_json(struct ratls_view *v, const char *key, const char *json)
{
    size_t len = strlen(json);

    if (!v->json)
        return;
    while (len > 0 && json[len - 1] == '\n')
        len--;
    begin_member(v, key);
    fwrite(json, 1, len, v->out);
}
