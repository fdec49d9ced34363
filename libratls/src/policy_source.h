/*
 * The text of a policy, read once for its shape only: refuses what YAML allows and a policy must
 * not have, and remembers where each value stands, so that every mistake is reported with file,
 * line and column.
 */
#ifndef RATLS_POLICY_SOURCE_H
#define RATLS_POLICY_SOURCE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_POLICY_BYTES_MAX (1024 * 1024)
#define RATLS_POLICY_DEPTH_MAX 8
#define RATLS_POLICY_NODES_MAX 16384
#define RATLS_POLICY_TEXT_MAX 16384 /* of one value, with the comments before it */
#define RATLS_POLICY_KEY_MAX 24
#define RATLS_POLICY_AT_MAX 128

/* A value: of a key in a mapping, or an entry of a list. Lines and columns count from 1. */
struct ratls_source_node {
    uint32_t parent;
    uint32_t index; /* in its list, from 0 */
    uint32_t line, column;
    uint32_t key_line, key_column;
    char key[RATLS_POLICY_KEY_MAX + 1]; /* empty in a list */
};

struct ratls_source {
    const char *path;        /* borrowed, as it is shown in messages */
    struct ratls_slice text; /* borrowed */
    struct ratls_source_node *nodes; /* the first one is the document */
    size_t count;
    size_t capacity;
};

/*
 * RATLS_USAGE unless text is one YAML document in UTF-8 without aliases, anchors, tags, directives,
 * duplicate keys, characters that hide text, and words that YAML takes for a boolean or null.
 */
RATLS_MUST_CHECK enum ratls_status ratls_source_read(const char *path, struct ratls_slice text,
                                                     struct ratls_source *ret_source,
                                                     struct ratls_error *err);
void ratls_source_done(struct ratls_source *source);

/*
 * RATLS_USAGE with the text "file:line:column: at: …". `at` is a path such as "pcrs[0].sha256", or
 * "" for the document. If there is nothing at that path, what is around it is shown instead.
 */
enum ratls_status ratls_source_fail(const struct ratls_source *source, struct ratls_error *err,
                                    const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, with the place of the key and not of its value. */
enum ratls_status ratls_source_fail_key(const struct ratls_source *source, struct ratls_error *err,
                                        const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "file:line:column: at: " for a warning. */
void ratls_source_place(const struct ratls_source *source, const char *at, char *out, size_t cap);

#endif
