#include "edits.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "refvals.h"

static struct ratls_edit *find(const struct ratls_edits *edits, const char *path)
{
    for (size_t i = 0; i < edits->count; i++)
        if (strcmp(edits->items[i].path, path) == 0)
            return &edits->items[i];
    return NULL;
}

static void edit_done(struct ratls_edit *edit)
{
    for (size_t i = 0; i < edit->count; i++)
        free(edit->insertions[i].text);
    free(edit->insertions);
    free(edit->old);
    free(edit->path);
}

static enum ratls_status load(struct ratls_edits *edits, const char *path, struct ratls_error *err)
{
    struct ratls_edit edit = {.count = 0};
    struct ratls_edit *items;
    enum ratls_status status;

    status = ratls_file_read_long(path, RATLS_REFVALS_FILE_MAX, &edit.old, &edit.old_len, err);
    if (status != RATLS_OK)
        return status;
    edit.path = strdup(path);
    items = reallocarray(edits->items, edits->count + 1, sizeof *items);
    if (items != NULL)
        edits->items = items;
    if (items == NULL || edit.path == NULL) {
        edit_done(&edit);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    items[edits->count++] = edit;
    return RATLS_OK;
}

enum ratls_status ratls_edits_read(struct ratls_edits *edits, const char *path,
                                   struct ratls_slice *ret_text, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    const struct ratls_edit *edit;

    if (find(edits, path) == NULL)
        status = load(edits, path, err);
    edit = find(edits, path);
    if (status == RATLS_OK)
        *ret_text = ratls_slice(edit->old, edit->old_len);
    return status;
}

/* Behind what was inserted at the same place before. */
static enum ratls_status insert(struct ratls_edit *edit, size_t at, char *text,
                                struct ratls_error *err)
{
    struct ratls_insertion *items = reallocarray(edit->insertions, edit->count + 1, sizeof *items);
    size_t i = edit->count;

    if (items == NULL || text == NULL) {
        if (items != NULL)
            edit->insertions = items;
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    edit->insertions = items;
    while (i > 0 && items[i - 1].at > at) {
        items[i] = items[i - 1];
        i--;
    }
    items[i] = (struct ratls_insertion){.at = at, .text = text};
    edit->count++;
    return RATLS_OK;
}

enum ratls_status ratls_edits_insert(struct ratls_edits *edits, const char *path, size_t at,
                                     const char *text, struct ratls_error *err)
{
    struct ratls_slice old;
    enum ratls_status status = ratls_edits_read(edits, path, &old, err);
    bool needs_line;
    char *copy = NULL;

    if (status != RATLS_OK)
        return status;
    needs_line = at == RATLS_EDIT_AT_END && old.len > 0 && old.p[old.len - 1] != '\n';
    if (at > old.len)
        at = old.len;
    if (asprintf(&copy, "%s%s", needs_line ? "\n" : "", text) < 0)
        copy = NULL;
    return insert(find(edits, path), at, copy, err);
}

size_t ratls_edits_files(const struct ratls_edits *edits)
{
    size_t files = 0;

    for (size_t i = 0; i < edits->count; i++)
        files += edits->items[i].count > 0;
    return files;
}

enum ratls_status ratls_edit_apply(const struct ratls_edit *edit, uint8_t **ret_text,
                                   size_t *ret_len, struct ratls_error *err)
{
    size_t len = edit->old_len;
    struct ratls_writer w;
    uint8_t *text;
    size_t from = 0;

    for (size_t i = 0; i < edit->count; i++)
        len += strlen(edit->insertions[i].text);
    text = malloc(len + 1);
    if (text == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(text, len);
    for (size_t i = 0; i < edit->count; i++) {
        const struct ratls_insertion *insertion = &edit->insertions[i];

        ratls_write_bytes(&w, ratls_slice(edit->old + from, insertion->at - from));
        ratls_write_bytes(&w, ratls_slice(insertion->text, strlen(insertion->text)));
        from = insertion->at;
    }
    ratls_write_bytes(&w, ratls_slice(edit->old + from, edit->old_len - from));
    *ret_text = text;
    *ret_len = w.len;
    return RATLS_OK;
}

/* Somebody may have edited the file while the machine was asked. */
static enum ratls_status check_unchanged(const struct ratls_edit *edit, struct ratls_error *err)
{
    uint8_t *now = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_file_read_long(edit->path, RATLS_REFVALS_FILE_MAX, &now, &len, err);

    if (status == RATLS_OK &&
        (len != edit->old_len || (len > 0 && memcmp(now, edit->old, len) != 0)))
        status =
            ratls_fail(err, RATLS_IO,
                       "%s was changed meanwhile: nothing is written to it; try again", edit->path);
    free(now);
    return status;
}

enum ratls_status ratls_edits_write(const struct ratls_edits *edits, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < edits->count; i++)
        if (edits->items[i].count > 0)
            status = check_unchanged(&edits->items[i], err);
    for (size_t i = 0; status == RATLS_OK && i < edits->count; i++) {
        const struct ratls_edit *edit = &edits->items[i];
        uint8_t *text = NULL;
        size_t len = 0;

        if (edit->count == 0)
            continue;
        status = ratls_edit_apply(edit, &text, &len, err);
        if (status == RATLS_OK)
            status = ratls_file_rewrite(edit->path, ratls_slice(text, len), err);
        free(text);
    }
    return status;
}

void ratls_edits_done(struct ratls_edits *edits)
{
    for (size_t i = 0; i < edits->count; i++)
        edit_done(&edits->items[i]);
    free(edits->items);
    *edits = (struct ratls_edits){.count = 0};
}
