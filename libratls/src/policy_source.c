/* One pass of libyaml's events over a policy: its guards, and where each value stands. */
#include "policy_source.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "fail.h"
#include "policy_text.h"

/*
 * libyaml holds a whole scalar, several times, before it says anything, and up to 1024 tokens of
 * one line that might be a key. So it is fed in small pieces, and not at all when it has said
 * nothing for too long, or holds more than any policy needs.
 */
#define FEED_BYTES 64
#define TOKENS_MAX 120 /* libyaml doubles its room: 128 of them */

#define KEYS_MAX 24 /* of one mapping; no mapping of a policy has as many */

/* Of "[99999]", or a key and a dot, for each level. */
#define PATH_MAX_BYTES (RATLS_POLICY_DEPTH_MAX * (RATLS_POLICY_KEY_MAX + 2))

struct key {
    char text[RATLS_POLICY_KEY_MAX + 1];
    yaml_mark_t mark;
};

struct frame {
    size_t path_len; /* of its own path, to which those of its values are added */
    size_t entries;
    bool mapping;
    bool key_read; /* of a mapping: the next event is the value of the last key */
    struct key keys[KEYS_MAX];
};

struct pass {
    const struct ratls_source *source;
    struct ratls_error *err;
    size_t fed;          /* bytes that libyaml has had */
    size_t fed_at_event; /* the same when it last said something */
    const char *starved; /* why libyaml gets no more text, or NULL */
    const yaml_parser_t *parser;
    const char *wanted; /* a path whose place is looked for, or NULL */
    struct ratls_source_place found;
    size_t documents;
    size_t values;
    size_t depth;
    char path[PATH_MAX_BYTES]; /* of the value that is read */
    struct frame frames[RATLS_POLICY_DEPTH_MAX];
};

static enum ratls_status refuse(const struct pass *pass, yaml_mark_t mark, const char *what)
{
    return ratls_fail(pass->err, RATLS_USAGE, "%s:%zu:%zu: %s", pass->source->path, mark.line + 1,
                      mark.column + 1, what);
}

static const char *find_excess(const struct pass *pass)
{
    if (pass->parser->flow_level > RATLS_POLICY_DEPTH_MAX)
        return "nested too deep";
    if (pass->parser->tokens.tail - pass->parser->tokens.head > TOKENS_MAX)
        return "too many values in one line";
    if (pass->fed - pass->fed_at_event > RATLS_POLICY_TEXT_MAX)
        return "a value, with the comments before it, longer than 8192 bytes";
    return NULL;
}

static int feed(void *self, unsigned char *out, size_t cap, size_t *ret_len)
{
    struct pass *pass = self;
    struct ratls_slice text = pass->source->text;
    size_t len = text.len - pass->fed;

    if (len > 0)
        pass->starved = find_excess(pass);
    if (pass->starved != NULL)
        return 0;
    if (len > FEED_BYTES)
        len = FEED_BYTES;
    if (len > cap)
        len = cap;
    if (len > 0)
        memcpy(out, text.p + pass->fed, len);
    pass->fed += len;
    *ret_len = len;
    return 1;
}

static enum ratls_status refuse_syntax(const struct pass *pass, const yaml_parser_t *parser)
{
    const char *context = parser->context != NULL ? parser->context : "";
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;

    if (parser->error == YAML_MEMORY_ERROR)
        return ratls_fail(pass->err, RATLS_MEMORY, "out of memory");
    if (pass->starved != NULL)
        return refuse(pass, parser->mark, pass->starved);
    if (parser->error == YAML_READER_ERROR)
        ratls_policy_text_place(pass->source->text, parser->problem_offset, &line, &column);
    return ratls_fail(pass->err, RATLS_USAGE, "%s:%zu:%zu: %s%s%s%s", pass->source->path, line,
                      column, context, *context == '\0' ? "" : ": ", problem,
                      strstr(context, "alias") == NULL ? "" : "; put a name with * in quotes");
}

/* The path of the next value; returns its key, or NULL. */
static const struct key *write_path(struct pass *pass)
{
    struct frame *frame = pass->depth == 0 ? NULL : &pass->frames[pass->depth - 1];
    size_t index = frame == NULL ? 0 : frame->entries++, len = frame == NULL ? 0 : frame->path_len;
    char *out = pass->path + len;
    size_t cap = sizeof pass->path - len;

    if (frame == NULL) {
        pass->path[0] = '\0';
        return NULL;
    }
    if (!frame->mapping) {
        snprintf(out, cap, "[%zu]", index);
        return NULL;
    }
    frame->key_read = false;
    snprintf(out, cap, "%s%s", len == 0 ? "" : ".", frame->keys[index].text);
    return &frame->keys[index];
}

/*
 * Remembers a place if it is the one that is looked for, or is around it: what is around comes
 * before it.
 */
static void note_place(struct pass *pass, yaml_mark_t mark, const struct key *key)
{
    size_t len = strlen(pass->path);

    if (pass->wanted == NULL || strncmp(pass->wanted, pass->path, len) != 0 ||
        (len > 0 && pass->wanted[len] != '\0' && strchr(".[", pass->wanted[len]) == NULL))
        return;
    pass->found = (struct ratls_source_place){.line = mark.line + 1, .column = mark.column + 1};
    if (key == NULL)
        return;
    pass->found.key_line = key->mark.line + 1;
    pass->found.key_column = key->mark.column + 1;
}

/* A value costs more memory than it has bytes, if it has few. */
static enum ratls_status read_value(struct pass *pass, yaml_mark_t mark)
{
    size_t max = RATLS_POLICY_VALUES_FREE + pass->source->text.len / RATLS_POLICY_BYTES_PER_VALUE;

    if (++pass->values > max)
        return refuse(pass, mark, "more values than a text of this length may have");
    note_place(pass, mark, write_path(pass));
    return RATLS_OK;
}

static enum ratls_status open_frame(struct pass *pass, const yaml_event_t *event, bool mapping)
{
    enum ratls_status status;
    struct frame *frame;

    if (pass->depth == RATLS_POLICY_DEPTH_MAX)
        return refuse(pass, event->start_mark, "nested too deep");
    status = read_value(pass, event->start_mark);
    if (status != RATLS_OK)
        return status;
    frame = &pass->frames[pass->depth++];
    frame->path_len = strlen(pass->path);
    frame->entries = 0;
    frame->mapping = mapping;
    frame->key_read = false;
    return RATLS_OK;
}

/* Only such keys are shown in messages. */
static bool is_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    }
    return len > 0;
}

static enum ratls_status read_key(struct pass *pass, const yaml_event_t *event)
{
    struct frame *frame = &pass->frames[pass->depth - 1];
    const char *key = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;

    if (!is_word(key, len) || len > RATLS_POLICY_KEY_MAX)
        return refuse(pass, event->start_mark, "unknown key");
    if (frame->entries == KEYS_MAX)
        return refuse(pass, event->start_mark, "too many keys");
    for (size_t i = 0; i < frame->entries; i++) {
        if (strcmp(frame->keys[i].text, key) != 0)
            continue;
        return ratls_fail(pass->err, RATLS_USAGE,
                          "%s:%zu:%zu: duplicate key: %s stands already in line %zu",
                          pass->source->path, event->start_mark.line + 1,
                          event->start_mark.column + 1, key, frame->keys[i].mark.line + 1);
    }
    memcpy(frame->keys[frame->entries].text, key, len + 1);
    frame->keys[frame->entries].mark = event->start_mark;
    frame->key_read = true;
    return RATLS_OK;
}

/* YAML 1.1 reads these, in any case, as booleans and null; a policy has neither. */
static bool is_boolean_or_null(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "null", "~"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

/* Line ends and tabs are left: comments of several lines have them. */
static bool has_control_character(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((p[i] < 0x20 && p[i] != '\n' && p[i] != '\t') || p[i] == 0x7f)
            return true;
        if (p[i] == 0xc2 && i + 1 < len && p[i + 1] < 0xa0) /* U+0080 to U+009F */
            return true;
    }
    return false;
}

static enum ratls_status read_scalar(struct pass *pass, const yaml_event_t *event)
{
    const struct frame *frame = pass->depth == 0 ? NULL : &pass->frames[pass->depth - 1];

    if (has_control_character(event->data.scalar.value, event->data.scalar.length))
        return refuse(pass, event->start_mark, "a value with a control character");
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        is_boolean_or_null((const char *)event->data.scalar.value)) {
        return ratls_fail(pass->err, RATLS_USAGE,
                          "%s:%zu:%zu: %s is a boolean or null in YAML, and no key has "
                          "one; a text that reads so goes in quotes",
                          pass->source->path, event->start_mark.line + 1,
                          event->start_mark.column + 1, (const char *)event->data.scalar.value);
    }
    if (frame != NULL && frame->mapping && !frame->key_read)
        return read_key(pass, event);
    return read_value(pass, event->start_mark);
}

static enum ratls_status check_document(struct pass *pass, const yaml_event_t *event)
{
    if (++pass->documents > 1)
        return refuse(pass, event->start_mark, "a second document: there is only one in a file");
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return refuse(pass, event->start_mark, "directives (%YAML, %TAG) are not accepted");
    return RATLS_OK;
}

/* Whether an event has an anchor or a tag. */
static bool has_properties(const yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    if (event->type == YAML_MAPPING_START_EVENT)
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    return false;
}

static enum ratls_status read_event(struct pass *pass, const yaml_event_t *event)
{
    const struct frame *frame = pass->depth == 0 ? NULL : &pass->frames[pass->depth - 1];
    bool collection =
        event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;

    if (event->type == YAML_ALIAS_EVENT)
        return refuse(pass, event->start_mark,
                      "aliases (*) are not accepted; put a name with * in quotes");
    if (has_properties(event))
        return refuse(pass, event->start_mark, "anchors (&) and tags (!) are not accepted");
    if (collection && frame != NULL && frame->mapping && !frame->key_read)
        return refuse(pass, event->start_mark, "a key must be one word");
    if (event->type == YAML_DOCUMENT_START_EVENT)
        return check_document(pass, event);
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(pass, event);
    if (collection)
        return open_frame(pass, event, event->type == YAML_MAPPING_START_EVENT);
    if (event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT)
        pass->depth--;
    return RATLS_OK;
}

static enum ratls_status read_events(struct pass *pass, yaml_parser_t *parser)
{
    enum ratls_status status = RATLS_OK;
    bool end = false;

    while (status == RATLS_OK && !end) {
        yaml_event_t event;

        if (!yaml_parser_parse(parser, &event))
            return refuse_syntax(pass, parser);
        pass->fed_at_event = pass->fed;
        end = event.type == YAML_STREAM_END_EVENT;
        status = read_event(pass, &event);
        yaml_event_delete(&event);
    }
    if (status == RATLS_OK && pass->documents == 0)
        return ratls_fail(pass->err, RATLS_USAGE, "%s:1:1: the file is empty", pass->source->path);
    return status;
}

/* wanted == NULL: only the guards. */
static enum ratls_status read_source(const struct ratls_source *source, const char *wanted,
                                     struct ratls_source_place *ret_place, struct ratls_error *err)
{
    enum ratls_status status;
    yaml_parser_t parser;
    struct pass *pass = calloc(1, sizeof *pass);

    if (pass == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    pass->source = source;
    pass->err = err;
    pass->wanted = wanted;
    pass->parser = &parser;
    if (!yaml_parser_initialize(&parser)) {
        free(pass);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input(&parser, feed, pass);
    status = read_events(pass, &parser);
    yaml_parser_delete(&parser);
    if (ret_place != NULL && pass->found.line > 0)
        *ret_place = pass->found;
    free(pass);
    return status;
}

enum ratls_status ratls_source_check(const struct ratls_source *source, struct ratls_error *err)
{
    enum ratls_status status;

    if (source->text.len > RATLS_POLICY_BYTES_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: longer than %d bytes", source->path,
                          RATLS_POLICY_BYTES_MAX);
    status = ratls_policy_text_check(source->path, source->text, err);
    return status != RATLS_OK ? status : read_source(source, NULL, NULL, err);
}

struct ratls_source_place ratls_source_find(const struct ratls_source *source, const char *at)
{
    struct ratls_source_place place = {.line = 1, .column = 1};

    /* If memory is short the words are shown all the same, with the first line. */
    (void)!read_source(source, at, &place, NULL);
    return place;
}
