/* Unified diffs of edits: what patch(1) and people read. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edits.h"
#include "fail.h"

#define CONTEXT 3

struct line {
    char mark;               /* ' ', '-' or '+' */
    struct ratls_slice text; /* with the newline, if it has one */
};

struct script {
    struct line *lines;
    size_t count;
};

/* Up to the newline, which belongs to it. */
static struct ratls_slice take_line(struct ratls_slice *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->p, '\n', rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->p) + 1;
    const struct ratls_slice line = ratls_slice(rest->p, len);

    *rest = ratls_slice(rest->p + len, rest->len - len);
    return line;
}

static size_t count_lines(struct ratls_slice text)
{
    size_t count = 0;

    while (text.len > 0) {
        take_line(&text);
        count++;
    }
    return count;
}

static void add(struct script *script, char mark, struct ratls_slice text)
{
    script->lines[script->count++] = (struct line){.mark = mark, .text = text};
}

static void add_lines(struct script *script, char mark, struct ratls_slice text)
{
    while (text.len > 0)
        add(script, mark, take_line(&text));
}

/* What comes before an old line, or into it, and how much of that is lines of their own. */
struct inserted {
    size_t len;
    bool is_inside; /* the line itself becomes another */
};

/* Takes the insertions of the line from `begin` to `end` of the old text. */
static struct inserted take_inserted(const struct ratls_edit *edit, size_t *next, size_t begin,
                                     size_t end)
{
    const bool is_open = end == edit->old_len && edit->old[end - 1] != '\n';
    struct inserted inserted = {.len = 0};

    for (; *next < edit->count; (*next)++) {
        const struct ratls_insertion *insertion = &edit->insertions[*next];
        const size_t len = strlen(insertion->text);

        if (insertion->at > end || (insertion->at == end && !is_open))
            break;
        if (insertion->at != begin || len == 0 || insertion->text[len - 1] != '\n')
            inserted.is_inside = true;
        inserted.len += len;
    }
    return inserted;
}

static void write_script(const struct ratls_edit *edit, struct ratls_slice now,
                         struct script *script)
{
    struct ratls_slice old = ratls_slice(edit->old, edit->old_len);
    struct ratls_reader r = ratls_reader(now);
    size_t next = 0, begin = 0;

    while (old.len > 0) {
        const struct ratls_slice line = take_line(&old);
        const struct inserted inserted = take_inserted(edit, &next, begin, begin + line.len);

        if (inserted.is_inside) {
            add(script, '-', line);
            add_lines(script, '+', ratls_read_bytes(&r, inserted.len + line.len));
        } else {
            add_lines(script, '+', ratls_read_bytes(&r, inserted.len));
            add(script, ' ', ratls_read_bytes(&r, line.len));
        }
        begin += line.len;
    }
    add_lines(script, '+', r.rest);
}

static bool is_near_change(const struct script *script, size_t i)
{
    const size_t from = i < CONTEXT ? 0 : i - CONTEXT;

    for (size_t j = from; j < script->count && j <= i + CONTEXT; j++)
        if (script->lines[j].mark != ' ')
            return true;
    return false;
}

/* Paths of a machine may have anything in them, also what a terminal obeys. */
static void print_text(FILE *out, struct ratls_slice text)
{
    const bool is_terminal = fileno(out) >= 0 && isatty(fileno(out)) == 1;

    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.p[i];

        if (is_terminal && (c < ' ' || c == 0x7f) && c != '\n' && c != '\t')
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
}

static void print_line(FILE *out, const struct line *line)
{
    fputc(line->mark, out);
    print_text(out, line->text);
    if (line->text.p[line->text.len - 1] != '\n')
        fputs("\n\\ No newline at end of file\n", out);
}

/* From one line that is near a change to the last of them in a row. */
static size_t print_hunk(FILE *out, const struct script *script, size_t from, size_t line_old,
                         size_t line_now)
{
    size_t to = from, old = 0, now = 0;

    while (to < script->count && is_near_change(script, to)) {
        old += script->lines[to].mark != '+';
        now += script->lines[to].mark != '-';
        to++;
    }
    fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", old == 0 ? line_old - 1 : line_old, old, line_now,
            now);
    for (size_t i = from; i < to; i++)
        print_line(out, &script->lines[i]);
    return to;
}

static void print_script(FILE *out, const char *path, const struct script *script)
{
    size_t line_old = 1, line_now = 1, i = 0;

    fprintf(out, "--- %s\n+++ %s\n", path, path);
    while (i < script->count) {
        const size_t to =
            is_near_change(script, i) ? print_hunk(out, script, i, line_old, line_now) : i + 1;

        for (; i < to; i++) {
            line_old += script->lines[i].mark != '+';
            line_now += script->lines[i].mark != '-';
        }
    }
}

static enum ratls_status print_edit(const struct ratls_edit *edit, FILE *out,
                                    struct ratls_error *err)
{
    struct script script = {.count = 0};
    enum ratls_status status;
    uint8_t *text = NULL;
    size_t len = 0;

    status = ratls_edit_apply(edit, &text, &len, err);
    if (status != RATLS_OK)
        return status;
    script.lines = calloc(count_lines(ratls_slice(text, len)) +
                              count_lines(ratls_slice(edit->old, edit->old_len)) + 1,
                          sizeof *script.lines);
    if (script.lines == NULL) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    write_script(edit, ratls_slice(text, len), &script);
    print_script(out, edit->path, &script);
    free(script.lines);
    free(text);
    return RATLS_OK;
}

enum ratls_status ratls_edits_print(const struct ratls_edits *edits, FILE *out,
                                    struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < edits->count; i++)
        if (edits->items[i].count > 0)
            status = print_edit(&edits->items[i], out, err);
    return status;
}
