/*
 * Patterns of a policy, for paths and command lines. "*" stands for any bytes within one name or
 * one word, none included; "**" for any bytes at all. Everything else stands for itself, and the
 * whole text must match. Time is linear in the text: states are bits, nothing is tried twice.
 */
#ifndef RATLS_PATTERN_H
#define RATLS_PATTERN_H

#include "bytes.h"

#define RATLS_PATTERN_MAX 2048

enum ratls_pattern_kind {
    RATLS_PATTERN_PATH, /* "*": any bytes but "/" and NUL */
    RATLS_PATTERN_TEXT, /* "*": any but those that end a word for Linux: blanks, NUL and '"' */
};

struct ratls_pattern {
    enum ratls_pattern_kind kind;
    bool is_exact;           /* nothing in it is a wildcard */
    struct ratls_slice text; /* borrowed, as it is written */
};

/* Returns NULL, or why the text is no pattern: empty, too long, NUL in it, "***". */
const char *ratls_pattern_init(enum ratls_pattern_kind kind, struct ratls_slice text,
                               struct ratls_pattern *ret_pattern);
/* What stands for exactly this text, also if it is longer, or has a star that is meant so. */
struct ratls_pattern ratls_pattern_exact(enum ratls_pattern_kind kind, struct ratls_slice text);
bool ratls_pattern_match(const struct ratls_pattern *pattern, struct ratls_slice text);

#endif
