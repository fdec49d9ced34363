/* libcyaml's tables, and its messages in words that name the place. */
#include "policy_schema.h"

#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define TEXT_MAX 4096

#define LIST (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TEXT_MAX),
};

static const cyaml_schema_field_t key_fields[] = {
    CYAML_FIELD_STRING_PTR("name", LIST, struct ratls_document_key, name, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("issuer", LIST, struct ratls_document_key, issuer, 1, TEXT_MAX),
    CYAML_FIELD_SEQUENCE("servers", LIST, struct ratls_document_key, servers, &text_schema, 1,
                         RATLS_POLICY_SERVERS_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t key_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct ratls_document_key, key_fields),
};

static const cyaml_schema_field_t pcr_fields[] = {
    CYAML_FIELD_STRING_PTR("index", CYAML_FLAG_POINTER, struct ratls_document_pcr, index, 1,
                           TEXT_MAX),
    CYAML_FIELD_SEQUENCE("sha256", LIST, struct ratls_document_pcr, sha256, &text_schema, 1,
                         RATLS_POLICY_VALUES_MAX),
    CYAML_FIELD_SEQUENCE("sha384", LIST, struct ratls_document_pcr, sha384, &text_schema, 1,
                         RATLS_POLICY_VALUES_MAX),
    CYAML_FIELD_SEQUENCE("sha512", LIST, struct ratls_document_pcr, sha512, &text_schema, 1,
                         RATLS_POLICY_VALUES_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t pcr_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct ratls_document_pcr, pcr_fields),
};

static const cyaml_strval_t versions[] = {{"ratls-1", RATLS_DOCUMENT_1}};

static const cyaml_strval_t freshness[] = {
    {"session", RATLS_FRESHNESS_SESSION},
    {"certificate", RATLS_FRESHNESS_CERTIFICATE},
};

static const cyaml_strval_t clocks[] = {
    {"safe", RATLS_CLOCK_SAFE},
    {"ignored", RATLS_CLOCK_IGNORED},
};

static const cyaml_strval_t algorithms[] = {
    {"ecdsa-p256", RATLS_ALLOW_ECDSA_P256}, {"ecdsa-p384", RATLS_ALLOW_ECDSA_P384},
    {"ecdsa-p521", RATLS_ALLOW_ECDSA_P521}, {"rsassa", RATLS_ALLOW_RSASSA},
    {"rsapss", RATLS_ALLOW_RSAPSS},
};

static const cyaml_schema_value_t algorithm_schema = {
    CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, enum ratls_algorithms, algorithms,
                     CYAML_ARRAY_LEN(algorithms)),
};

static const cyaml_schema_field_t document_fields[] = {
    CYAML_FIELD_ENUM("policy", CYAML_FLAG_STRICT, struct ratls_document, policy, versions,
                     CYAML_ARRAY_LEN(versions)),
    CYAML_FIELD_SEQUENCE("servers", LIST, struct ratls_document, servers, &text_schema, 1,
                         RATLS_POLICY_SERVERS_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("attestation-keys", CYAML_FLAG_POINTER, struct ratls_document, keys,
                               keys_count, &key_schema, 1, RATLS_POLICY_KEYS_MAX),
    CYAML_FIELD_SEQUENCE("pcrs", CYAML_FLAG_POINTER, struct ratls_document, pcrs, &pcr_schema, 1,
                         RATLS_PCR_COUNT *RATLS_BANKS_MAX),
    CYAML_FIELD_STRING_PTR("service", LIST, struct ratls_document, service, 1, TEXT_MAX),
    CYAML_FIELD_ENUM("freshness", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct ratls_document,
                     freshness, freshness, CYAML_ARRAY_LEN(freshness)),
    CYAML_FIELD_STRING_PTR("max-age", LIST, struct ratls_document, max_age, 1, TEXT_MAX),
    CYAML_FIELD_SEQUENCE("algorithms", LIST, struct ratls_document, algorithms, &algorithm_schema,
                         1, CYAML_ARRAY_LEN(algorithms)),
    CYAML_FIELD_ENUM("clock", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct ratls_document, clock,
                     clocks, CYAML_ARRAY_LEN(clocks)),
    CYAML_FIELD_SEQUENCE_COUNT("deny-firmware", LIST, struct ratls_document, denied, denied_count,
                               &text_schema, 1, RATLS_POLICY_FIRMWARE_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t document_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct ratls_document, document_fields),
};

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

static const struct words choices[] = {
    {"policy", "ratls-1, the version of this format"},
    {"freshness", "session or certificate"},
    {"clock", "safe or ignored"},
    {"algorithms", "ecdsa-p256, ecdsa-p384, ecdsa-p521, rsassa or rsapss"},
};

static enum ratls_status refuse_value(const struct ratls_source *source,
                                      const struct complaint *complaint, struct ratls_error *err)
{
    static const char choice[] = "Invalid ENUM value: ";
    char wanted[32], got[32];

    if (sscanf(complaint->words, "Expecting %31[A-Z_], got event: %31[A-Z_]", wanted, got) == 2)
        return ratls_source_fail(source, err, complaint->at, "expected %s, got %s",
                                 find_kind(wanted), find_kind(got));
    for (size_t i = 0; i < CYAML_ARRAY_LEN(choices); i++) {
        char shown[64];
        const char *value = complaint->words + strlen(choice);

        if (strncmp(complaint->words, choice, strlen(choice)) != 0 ||
            strncmp(complaint->at, choices[i].yaml, strlen(choices[i].yaml)) != 0)
            continue;
        ratls_escape(ratls_slice(value, strlen(value)), shown, sizeof shown);
        return ratls_source_fail(source, err, complaint->at, "expected %s, got %s",
                                 choices[i].plain, shown);
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
        return ratls_source_fail(source, err, complaint->at, "longer than %d bytes", TEXT_MAX);
    drop_innermost(complaint);
    if (code == CYAML_ERR_SEQUENCE_ENTRIES_MIN)
        return ratls_source_fail(source, err, complaint->at, "an empty list: %s",
                                 "leave the key out, or say what is meant");
    if (sscanf(complaint->words, "Excessive entries (%u max)", &max) != 1)
        return ratls_source_fail(source, err, complaint->at, "too many entries");
    return ratls_source_fail(source, err, complaint->at, "more than %u entries", max);
}

static enum ratls_status refuse_document(const struct ratls_source *source, cyaml_err_t code,
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
        return refuse_value(source, complaint, err);
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

enum ratls_status ratls_document_load(const struct ratls_source *source,
                                      struct ratls_document **ret_document, struct ratls_error *err)
{
    struct complaint complaint = {0};
    struct ratls_document *document = NULL;
    cyaml_err_t code;
    cyaml_config_t config = {
        .log_fn = hear,
        .log_ctx = &complaint,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };

    code = cyaml_load_data(source->text.p, source->text.len, &config, &document_schema,
                           (cyaml_data_t **)&document, NULL);
    if (code != CYAML_OK)
        return refuse_document(source, code, &complaint, err);
    if (document == NULL)
        return ratls_source_fail(source, err, "", "the file is empty");
    *ret_document = document;
    return RATLS_OK;
}

void ratls_document_free(struct ratls_document *document)
{
    if (document != NULL)
        (void)cyaml_free(&free_config, &document_schema, document, 0);
}
