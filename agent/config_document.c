/* libcyaml's tables. */
#include "config_document.h"

#include <cyaml/cyaml.h>

#include "config.h"

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT_FIELD(key, structure, member)                                                         \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL, structure, member, 1, RATLS_YAML_VALUE_MAX)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, RATLS_YAML_VALUE_MAX),
};

/* Empty lists are taken here, so that config_rules.c says what to do about them. */
static const cyaml_schema_field_t client_fields[] = {
    TEXT_FIELD("user", struct ratls_agentd_document_client, user),
    TEXT_FIELD("group", struct ratls_agentd_document_client, group),
    CYAML_FIELD_SEQUENCE("services", CYAML_FLAG_POINTER, struct ratls_agentd_document_client,
                         services, &text_schema, 0, RATLS_AGENTD_SERVICES_MAX),
    TEXT_FIELD("rate", struct ratls_agentd_document_client, rate),
    TEXT_FIELD("waiting", struct ratls_agentd_document_client, waiting),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t client_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct ratls_agentd_document_client, client_fields),
};

static const cyaml_schema_field_t document_fields[] = {
    CYAML_FIELD_STRING_PTR("state", CYAML_FLAG_POINTER, struct ratls_agentd_document, state, 1,
                           RATLS_YAML_VALUE_MAX),
    TEXT_FIELD("tcti", struct ratls_agentd_document, tcti),
    TEXT_FIELD("boot-log", struct ratls_agentd_document, boot_log),
    TEXT_FIELD("ima-list", struct ratls_agentd_document, ima_list),
    TEXT_FIELD("result", struct ratls_agentd_document, result),
    TEXT_FIELD("epoch", struct ratls_agentd_document, epoch),
    TEXT_FIELD("epoch-seconds", struct ratls_agentd_document, epoch_seconds),
    TEXT_FIELD("socket", struct ratls_agentd_document, socket),
    TEXT_FIELD("socket-group", struct ratls_agentd_document, socket_group),
    TEXT_FIELD("socket-mode", struct ratls_agentd_document, socket_mode),
    TEXT_FIELD("user", struct ratls_agentd_document, user),
    TEXT_FIELD("metrics", struct ratls_agentd_document, metrics),
    TEXT_FIELD("queue", struct ratls_agentd_document, queue),
    CYAML_FIELD_SEQUENCE("clients", CYAML_FLAG_POINTER, struct ratls_agentd_document, clients,
                         &client_schema, 0, RATLS_AGENTD_RULES_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t document_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct ratls_agentd_document, document_fields),
};

static const struct ratls_yaml yaml = {.schema = &document_schema};

enum ratls_status ratls_agentd_document_load(const struct ratls_source *source,
                                             struct ratls_agentd_document **ret_document,
                                             struct ratls_error *err)
{
    void *document = NULL;
    enum ratls_status status = ratls_yaml_load(&yaml, source, &document, err);

    if (status == RATLS_OK)
        *ret_document = document;
    return status;
}

void ratls_agentd_document_free(struct ratls_agentd_document *document)
{
    ratls_yaml_free(&yaml, document);
}
