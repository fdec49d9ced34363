/*
 * A document with named fields, written once and shown twice: aligned text for people, with long
 * values shortened, or JSON with everything. Keys are for JSON, labels for people; a field whose
 * label is NULL is in JSON only.
 */
#ifndef RATLS_TOOL_VIEW_H
#define RATLS_TOOL_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bytes.h"

#define RATLS_VIEW_DEPTH_MAX 16

struct ratls_view {
    FILE *out;
    bool json;
    bool one_line; /* JSON without line feeds; may be set once the document has begun */
    bool colour;
    size_t columns; /* of the terminal; 0: there is none */
    unsigned depth;
    bool has_items[RATLS_VIEW_DEPTH_MAX];
};

/* The document is one object; the title is shown to people only. */
void ratls_view_begin(struct ratls_view *v, FILE *out, bool json, const char *title);
void ratls_view_end(struct ratls_view *v);

/* An object inside the object, a heading for people. key is NULL inside a list. */
void ratls_view_section(struct ratls_view *v, const char *key, const char *title);
void ratls_view_section_end(struct ratls_view *v);

/* A list of objects or of texts. */
void ratls_view_list(struct ratls_view *v, const char *key);
void ratls_view_list_end(struct ratls_view *v);

/* Text is escaped here: it may come from anywhere. */
void ratls_view_text(struct ratls_view *v, const char *key, const char *label, const char *value);
void ratls_view_slice(struct ratls_view *v, const char *key, const char *label,
                      struct ratls_slice value);
void ratls_view_hex(struct ratls_view *v, const char *key, const char *label,
                    struct ratls_slice value);
/* As hex, but people see all of it too: for digests that they compare. */
void ratls_view_digest(struct ratls_view *v, const char *key, const char *label,
                       struct ratls_slice value);
/* `words` follows the number in the text; NULL: the number alone. */
void ratls_view_uint(struct ratls_view *v, const char *key, const char *label, uint64_t value,
                     const char *words);
void ratls_view_bool(struct ratls_view *v, const char *key, const char *label, bool value);
/* A sentence for people. */
void ratls_view_note(struct ratls_view *v, const char *text);
/* A line of a table for people, cut to the width of their terminal. */
void ratls_view_row(struct ratls_view *v, const char *text);
/* A member that is JSON already. */
void ratls_view_json(struct ratls_view *v, const char *key, const char *json);

#endif
