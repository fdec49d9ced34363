/* One pass of libyaml's events over a policy: its guards, and where each value stands. */
#include "policy_source.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "fail.h"
#include "policy_text.h"

/*
 * libyaml holds a whole scalar, several times, before it says anything: it is fed in small pieces,
 * and not at all when it has said nothing for too long.
 */
#define FEED_BYTES 1024

#define KEYS_MAX 32 /* of one mapping; no mapping of a policy has half as many */

struct frame {
    uint32_t node;
    uint32_t entries;
    bool mapping;
    bool key_read; /* of a mapping: the next event is the value of the key */
    char key[RATLS_POLICY_KEY_MAX + 1];
    yaml_mark_t key_mark;
};

struct pass {
    struct ratls_source *source;
    struct ratls_error *err;
    size_t fed;           /* bytes that libyaml has had */
    size_t fed_at_event;  /* the same when it last said something */
    bool starved;
    size_t documents;
    size_t depth;
    struct frame frames[RATLS_POLICY_DEPTH_MAX];
};

static enum ratls_status refuse(const struct pass *pass, yaml_mark_t mark, const char *what)
{
    return ratls_fail(pass->err, RATLS_USAGE, "%s:%zu:%zu: %s", pass->source->path, mark.line + 1,
                      mark.column + 1, what);
}

static int feed(void *self, unsigned char *out, size_t cap, size_t *ret_len)
{
    struct pass *pass = self;
    struct ratls_slice text = pass->source->text;
    size_t len = text.len - pass->fed;

    if (len > FEED_BYTES)
        len = FEED_BYTES;
    if (len > cap)
        len = cap;
    pass->starved = len > 0 && pass->fed - pass->fed_at_event > RATLS_POLICY_TEXT_MAX;
    if (pass->starved)
        return 0;
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
    if (pass->starved) {
        return ratls_fail(pass->err, RATLS_USAGE,
                          "%s:%zu:%zu: a value, with the comments before it, longer than %d bytes",
                          pass->source->path, parser->mark.line + 1, parser->mark.column + 1,
                          RATLS_POLICY_TEXT_MAX);
    }
    if (parser->error == YAML_READER_ERROR)
        ratls_policy_text_place(pass->source->text, parser->problem_offset, &line, &column);
    return ratls_fail(pass->err, RATLS_USAGE, "%s:%zu:%zu: %s%s%s%s", pass->source->path, line,
                      column, context, *context == '\0' ? "" : ": ", problem,
                      strstr(context, "alias") == NULL ? "" : "; put a name with * in quotes");
}

static enum ratls_status add_node(struct pass *pass, yaml_mark_t mark)
{
    struct ratls_source *source = pass->source;
    struct frame *frame = pass->depth == 0 ? NULL : &pass->frames[pass->depth - 1];
    struct ratls_source_node *node;

    if (source->count == RATLS_POLICY_NODES_MAX)
        return refuse(pass, mark, "more values than one policy may have: split it in several files");
    if (source->count == source->capacity) {
        size_t capacity = source->capacity == 0 ? 64 : 2 * source->capacity;
        void *nodes = reallocarray(source->nodes, capacity, sizeof *source->nodes);
        if (nodes == NULL)
            return ratls_fail(pass->err, RATLS_MEMORY, "out of memory");
        source->nodes = nodes;
        source->capacity = capacity;
    }
    node = &source->nodes[source->count++];
    *node = (struct ratls_source_node){.line = (uint32_t)mark.line + 1,
                                       .column = (uint32_t)mark.column + 1};
    if (frame == NULL)
        return RATLS_OK;
    node->parent = frame->node;
    node->index = frame->entries++;
    if (!frame->mapping)
        return RATLS_OK;
    memcpy(node->key, frame->key, sizeof node->key);
    node->key_line = (uint32_t)frame->key_mark.line + 1;
    node->key_column = (uint32_t)frame->key_mark.column + 1;
    frame->key_read = false;
    return RATLS_OK;
}

static enum ratls_status open_frame(struct pass *pass, const yaml_event_t *event, bool mapping)
{
    enum ratls_status status;

    if (pass->depth == RATLS_POLICY_DEPTH_MAX)
        return refuse(pass, event->start_mark, "nested deeper than any policy is");
    status = add_node(pass, event->start_mark);
    if (status != RATLS_OK)
        return status;
    pass->frames[pass->depth++] =
        (struct frame){.node = (uint32_t)(pass->source->count - 1), .mapping = mapping};
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
    const struct ratls_source *source = pass->source;
    const char *key = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;

    if (!is_word(key, len) || len > RATLS_POLICY_KEY_MAX)
        return refuse(pass, event->start_mark, "unknown key");
    if (frame->entries == KEYS_MAX)
        return refuse(pass, event->start_mark, "more keys than a policy has");
    for (size_t i = frame->node + 1; i < source->count; i++) {
        const struct ratls_source_node *node = &source->nodes[i];
        if (node->parent != frame->node || strcmp(node->key, key) != 0)
            continue;
        return ratls_fail(pass->err, RATLS_USAGE,
                          "%s:%zu:%zu: duplicate key: %s stands already in line %u", source->path,
                          event->start_mark.line + 1, event->start_mark.column + 1, key,
                          (unsigned)node->key_line);
    }
    memcpy(frame->key, key, len + 1);
    frame->key_mark = event->start_mark;
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
                          "%s:%zu:%zu: %s is a boolean or null in YAML, and no key of a policy has "
                          "one; a text that reads so goes in quotes",
                          pass->source->path, event->start_mark.line + 1,
                          event->start_mark.column + 1, (const char *)event->data.scalar.value);
    }
    if (frame != NULL && frame->mapping && !frame->key_read)
        return read_key(pass, event);
    return add_node(pass, event->start_mark);
}

static enum ratls_status check_document(struct pass *pass, const yaml_event_t *event)
{
    if (++pass->documents > 1)
        return refuse(pass, event->start_mark, "a second document: a policy is one document");
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return refuse(pass, event->start_mark, "directives (%YAML, %TAG) are not for policies");
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
                      "aliases (*) are not for policies; put a name with * in quotes");
    if (has_properties(event))
        return refuse(pass, event->start_mark, "anchors (&) and tags (!) are not for policies");
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

enum ratls_status ratls_source_read(const char *path, struct ratls_slice text,
                                    struct ratls_source *ret_source, struct ratls_error *err)
{
    struct ratls_source source = {.path = path, .text = text};
    struct pass pass = {.source = &source, .err = err};
    enum ratls_status status;
    yaml_parser_t parser;

    if (text.len > RATLS_POLICY_BYTES_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: longer than %d bytes", path,
                          RATLS_POLICY_BYTES_MAX);
    status = ratls_policy_text_check(path, text, err);
    if (status != RATLS_OK)
        return status;
    if (!yaml_parser_initialize(&parser))
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input(&parser, feed, &pass);
    status = read_events(&pass, &parser);
    yaml_parser_delete(&parser);
    if (status != RATLS_OK)
        ratls_source_done(&source);
    else
        *ret_source = source;
    return status;
}

void ratls_source_done(struct ratls_source *source)
{
    free(source->nodes);
    *source = (struct ratls_source){0};
}
