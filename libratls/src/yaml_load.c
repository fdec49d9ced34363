#include "yaml_load.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* What libcyaml said: its first message, and the path that its backtrace spells from the inside. */
struct complaint {
    char words[128];
    char at[RATLS_POLICY_AT_MAX];
    char innermost[32];
};

static void prepend_part(struct complaint *complaint, const char *part)
{
    char rest[RATLS_POLICY_AT_MAX];
    bool joined = complaint->at[0] == '\0' || complaint->at[0] == '[';

    memcpy(rest, complaint->at, sizeof rest);
    if (snprintf(complaint->at, sizeof complaint->at, "%s%s%s", part, joined ? "" : ".", rest) < 0)
        complaint->at[0] = '\0';
}

/* Lines such as "  in mapping field 'pcrs' (line: 3, column: 3)"; entries count from 1 in them. */
static void read_backtrace(struct complaint *complaint, const char *line)
{
    char part[RATLS_POLICY_KEY_MAX + 8] = "";
    unsigned entry;
    bool first = complaint->innermost[0] == '\0';

    if (sscanf(line, "  in mapping field '%24[^']'", part) != 1) {
        if (sscanf(line, "  in sequence entry '%u'", &entry) == 1)
            snprintf(part, sizeof part, "[%u]", entry == 0 ? 0 : entry - 1);
        else if (strncmp(line, "  in mapping (", 14) != 0)
            return;
    }
    if (first)
        snprintf(complaint->innermost, sizeof complaint->innermost, "%s", *part ? part : "{}");
    if (part[0] != '\0')
        prepend_part(complaint, part);
}

static void hear(cyaml_log_t level, void *self, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

static void hear(cyaml_log_t level, void *self, const char *format, va_list args)
{
    struct complaint *complaint = self;
    char line[256];

    (void)level;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "  in ", 5) == 0)
        read_backtrace(complaint, line);
    else if (complaint->words[0] == '\0' && strncmp(line, "Load: ", 6) == 0)
        snprintf(complaint->words, sizeof complaint->words, "%.127s", line + 6);
}

/* Takes the innermost part off: libcyaml names the value before the one that is missing. */
static void drop_innermost(struct complaint *complaint)
{
    size_t len = strlen(complaint->at), part = strlen(complaint->innermost);

    if (part > len || strcmp(complaint->at + len - part, complaint->innermost) != 0)
        return;
    len -= part;
    if (len > 0 && complaint->at[len - 1] == '.')
        len--;
    complaint->at[len] = '\0';
}

struct words {
    const char *yaml;
    const char *plain;
};

/* libcyaml says "Expecting SEQUENCE, got event: SCALAR". */
static const struct words kinds[] = {
    {"SEQUENCE", "a list, such as [a, b]"},
    {"MAPPING", "keys with values"},
    {"STRING", "one value"},
    {"ENUM", "one word"},
    {"SEQUENCE_START", "a list"},
    {"MAPPING_START", "keys with values"},
    {"SCALAR", "one value"},
};

static const char *find_kind(const char *yaml)
{
    for (size_t i = 0; i < CYAML_ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].yaml, yaml) == 0)
            return kinds[i].plain;
    }
    return "something else";
}

static enum ratls_status refuse_value(const struct ratls_yaml *yaml,
                                      const struct ratls_source *source,
                                      const struct complaint *complaint, struct ratls_error *err)
{
    static const char choice[] = "Invalid ENUM value: ";
    char wanted[32], got[32];

    if (sscanf(complaint->words, "Expecting %31[A-Z_], got event: %31[A-Z_]", wanted, got) == 2)
        return ratls_source_fail(source, err, complaint->at, "expected %s, got %s",
                                 find_kind(wanted), find_kind(got));
    for (size_t i = 0; i < yaml->choice_count; i++) {
        const struct ratls_yaml_choice *one = &yaml->choices[i];
        char shown[64];
        const char *value = complaint->words + strlen(choice);
        bool is_old = one->old != NULL && strcmp(value, one->old) == 0;

        if (strncmp(complaint->words, choice, strlen(choice)) != 0 ||
            strncmp(complaint->at, one->at, strlen(one->at)) != 0)
            continue;
        ratls_escape(ratls_slice(value, strlen(value)), shown, sizeof shown);
        return ratls_source_fail(source, err, complaint->at, "expected %s, got %s%s", one->words,
                                 shown, is_old ? one->hint : "");
    }
    return ratls_source_fail(source, err, complaint->at, "%s", complaint->words);
}

static enum ratls_status refuse_key(const struct ratls_source *source,
                                    const struct complaint *complaint, struct ratls_error *err)
{
    char key[RATLS_POLICY_KEY_MAX + 1], at[RATLS_POLICY_AT_MAX + sizeof key + 1];

    if (sscanf(complaint->words, "Unexpected key: %24s", key) != 1)
        return ratls_source_fail(source, err, complaint->at, "unknown key");
    snprintf(at, sizeof at, "%s%s%s", complaint->at, complaint->at[0] == '\0' ? "" : ".", key);
    return ratls_source_fail_key(source, err, at, "unknown key%s",
                                 strcmp(key, "sha1") == 0 ? ": SHA-1 is not accepted, use sha256"
                                                          : "");
}

static enum ratls_status refuse_length(const struct ratls_source *source, cyaml_err_t code,
                                       struct complaint *complaint, struct ratls_error *err)
{
    unsigned max = 0;

    if (code == CYAML_ERR_STRING_LENGTH_MIN)
        return ratls_source_fail(source, err, complaint->at, "expected a value, got nothing");
    if (code == CYAML_ERR_STRING_LENGTH_MAX)
        return ratls_source_fail(source, err, complaint->at, "longer than %d bytes",
                                 RATLS_YAML_VALUE_MAX);
    drop_innermost(complaint);
    if (code == CYAML_ERR_SEQUENCE_ENTRIES_MIN)
        return ratls_source_fail(source, err, complaint->at, "an empty list: %s",
                                 "leave the key out, or say what is meant");
    if (sscanf(complaint->words, "Excessive entries (%u max)", &max) != 1)
        return ratls_source_fail(source, err, complaint->at, "too many entries");
    return ratls_source_fail(source, err, complaint->at, "more than %u entries", max);
}

static enum ratls_status refuse_document(const struct ratls_yaml *yaml,
                                         const struct ratls_source *source, cyaml_err_t code,
                                         struct complaint *complaint, struct ratls_error *err)
{
    char key[RATLS_POLICY_KEY_MAX + 1] = "";

    switch (code) {
    case CYAML_ERR_OOM:
    case CYAML_ERR_LIBYAML_PARSER_INIT:
    case CYAML_ERR_LIBYAML_PARSER: /* libyaml has read this text before: only memory is new */
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    case CYAML_ERR_INVALID_KEY:
        return refuse_key(source, complaint, err);
    case CYAML_ERR_INVALID_VALUE:
        return refuse_value(yaml, source, complaint, err);
    case CYAML_ERR_STRING_LENGTH_MIN:
    case CYAML_ERR_STRING_LENGTH_MAX:
    case CYAML_ERR_SEQUENCE_ENTRIES_MIN:
    case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
        return refuse_length(source, code, complaint, err);
    case CYAML_ERR_MAPPING_FIELD_MISSING:
        drop_innermost(complaint);
        if (sscanf(complaint->words, "Missing required mapping field: %24s", key) == 1)
            return ratls_source_fail(source, err, complaint->at, "the key %s is missing", key);
        break;
    default:
        break;
    }
    return ratls_source_fail(source, err, complaint->at, "%s",
                             complaint->words[0] == '\0' ? cyaml_strerror(code) : complaint->words);
}

static const cyaml_config_t free_config = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

enum ratls_status ratls_yaml_load(const struct ratls_yaml *yaml, const struct ratls_source *source,
                                  void **ret_data, struct ratls_error *err)
{
    struct complaint complaint = {0};
    cyaml_data_t *data = NULL;
    cyaml_err_t code;
    cyaml_config_t config = {
        .log_fn = hear,
        .log_ctx = &complaint,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };

    code = cyaml_load_data(source->text.p, source->text.len, &config, yaml->schema, &data, NULL);
    if (code != CYAML_OK)
        return refuse_document(yaml, source, code, &complaint, err);
    if (data == NULL)
        return ratls_source_fail(source, err, "", "the file is empty");
    *ret_data = data;
    return RATLS_OK;
}

void ratls_yaml_free(const struct ratls_yaml *yaml, void *data)
{
    if (data != NULL)
        (void)cyaml_free(&free_config, yaml->schema, data, 0);
}
