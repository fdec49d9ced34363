/* Messages about a policy that say where. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "policy_source.h"

/* Room for the words after it in a struct ratls_error. */
#define PATH_SHOWN_MAX 128

static void write_place(const struct ratls_source *source, const char *at, bool of_key, char *out,
                        size_t cap)
{
    struct ratls_source_place place = ratls_source_find(source, at);
    size_t path_len = strlen(source->path);
    bool cut = path_len > PATH_SHOWN_MAX;
    bool key = of_key && place.key_line > 0;

    snprintf(out, cap, "%s%s:%zu:%zu: %s%s", cut ? "..." : "",
             source->path + (cut ? path_len - PATH_SHOWN_MAX : 0),
             key ? place.key_line : place.line, key ? place.key_column : place.column, at,
             *at == '\0' ? "" : ": ");
}

void ratls_source_place_text(const struct ratls_source *source, const char *at, char *out,
                             size_t cap)
{
    write_place(source, at, false, out, cap);
}

static enum ratls_status fail_at(struct ratls_error *err, const char *place, const char *format,
                                 va_list args) __attribute__((format(printf, 3, 0)));

static enum ratls_status fail_at(struct ratls_error *err, const char *place, const char *format,
                                 va_list args)
{
    char words[RATLS_ERROR_TEXT];

    vsnprintf(words, sizeof words, format, args);
    return ratls_fail(err, RATLS_USAGE, "%s%s", place, words);
}

enum ratls_status ratls_source_fail(const struct ratls_source *source, struct ratls_error *err,
                                    const char *at, const char *format, ...)
{
    char place[RATLS_ERROR_TEXT];
    enum ratls_status status;
    va_list args;

    write_place(source, at, false, place, sizeof place);
    va_start(args, format);
    status = fail_at(err, place, format, args);
    va_end(args);
    return status;
}

enum ratls_status ratls_source_fail_key(const struct ratls_source *source, struct ratls_error *err,
                                        const char *at, const char *format, ...)
{
    char place[RATLS_ERROR_TEXT];
    enum ratls_status status;
    va_list args;

    write_place(source, at, true, place, sizeof place);
    va_start(args, format);
    status = fail_at(err, place, format, args);
    va_end(args);
    return status;
}
