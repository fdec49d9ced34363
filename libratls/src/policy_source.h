/*
 * The text of a policy, read for its shape only: refuses what YAML allows and a policy must not
 * have, and finds where a value stands, so that every mistake is reported with file, line and
 * column. Nothing is kept: a place is found by reading again, as far as it is.
 */
#ifndef RATLS_POLICY_SOURCE_H
#define RATLS_POLICY_SOURCE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_POLICY_BYTES_MAX (1024 * 1024)
#define RATLS_POLICY_DEPTH_MAX 8
#define RATLS_POLICY_VALUES_FREE 256    /* values of which a text of any length may have so many */
#define RATLS_POLICY_BYTES_PER_VALUE 16 /* and more only if they are so long on average */
#define RATLS_POLICY_TEXT_MAX 8192      /* of one value, with the comments before it */
#define RATLS_POLICY_KEY_MAX 24
#define RATLS_POLICY_AT_MAX 128

struct ratls_source {
    const char *path;        /* borrowed, as it is shown in messages */
    struct ratls_slice text; /* borrowed */
};

/*
 * RATLS_USAGE unless the text is one YAML document in UTF-8 without aliases, anchors, tags,
 * directives, duplicate keys, characters that hide text, and words that YAML takes for a boolean
 * or null.
 */
RATLS_MUST_CHECK enum ratls_status ratls_source_check(const struct ratls_source *source,
                                                      struct ratls_error *err);

/* From 1. Those of the key are 0 in a list. */
struct ratls_source_place {
    size_t line, column;
    size_t key_line, key_column;
};

/*
 * Where the value at a path such as "pcrs[0].sha256" stands, or "" for the document; of what is
 * around it if there is nothing at that path. The text was checked before.
 */
struct ratls_source_place ratls_source_find(const struct ratls_source *source, const char *at);

/* RATLS_USAGE with the text "file:line:column: at: …". */
enum ratls_status ratls_source_fail(const struct ratls_source *source, struct ratls_error *err,
                                    const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, with the place of the key and not of its value. */
enum ratls_status ratls_source_fail_key(const struct ratls_source *source, struct ratls_error *err,
                                        const char *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "file:line:column: at: " for a warning. */
void ratls_source_place_text(const struct ratls_source *source, const char *at, char *out,
                             size_t cap);

#endif
