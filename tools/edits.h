/* Edits: text that is inserted into files, shown as a unified diff before it is written. */
#ifndef RATLS_TOOL_EDITS_H
#define RATLS_TOOL_EDITS_H

#include <stdio.h>
#include <sys/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_EDIT_AT_END SIZE_MAX

struct ratls_insertion {
    size_t at; /* in the text as it is */
    char *text;
};

/* One file. */
struct ratls_edit {
    char *path;
    uint8_t *old;
    size_t old_len;
    struct ratls_insertion *insertions; /* ascending */
    size_t count;
};

struct ratls_edits {
    struct ratls_edit *items;
    size_t count;
};

/* The file, read once: *ret_text belongs to the edits. RATLS_IO if it cannot be read. */
RATLS_MUST_CHECK enum ratls_status ratls_edits_read(struct ratls_edits *edits, const char *path,
                                                    struct ratls_slice *ret_text,
                                                    struct ratls_error *err);
/* Copies the text. At the end it begins a line of its own. */
RATLS_MUST_CHECK enum ratls_status ratls_edits_insert(struct ratls_edits *edits, const char *path,
                                                      size_t at, const char *text,
                                                      struct ratls_error *err);
/* How many files change. */
size_t ratls_edits_files(const struct ratls_edits *edits);
/* What patch(1) reads. RATLS_MEMORY only. */
RATLS_MUST_CHECK enum ratls_status ratls_edits_print(const struct ratls_edits *edits, FILE *out,
                                                     struct ratls_error *err);
/*
 * Each file as ratls_file_rewrite() does it. RATLS_IO if one was changed since it was read; then
 * nothing was written to it and to those after it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_edits_write(const struct ratls_edits *edits,
                                                     struct ratls_error *err);
void ratls_edits_done(struct ratls_edits *edits);

/* The text with its insertions. The caller frees *ret_text. */
RATLS_MUST_CHECK enum ratls_status ratls_edit_apply(const struct ratls_edit *edit,
                                                    uint8_t **ret_text, size_t *ret_len,
                                                    struct ratls_error *err);

#endif
