/* libcyaml's tables. */
#include "config_document.h"

#include <cyaml/cyaml.h>

#include "config.h"

#define NEEDED CYAML_FLAG_POINTER
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT_FIELD(key, flags, structure, member)                                                  \
    CYAML_FIELD_STRING_PTR(key, flags, structure, member, 1, RATLS_YAML_VALUE_MAX)
#define LIST_FIELD(key, flags, structure, member, max)                                             \
    CYAML_FIELD_SEQUENCE(key, flags, structure, member, &text_schema, 1, max)

#define ALGORITHMS_MAX 5

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, RATLS_YAML_VALUE_MAX),
};

static const cyaml_schema_field_t issuer_fields[] = {
    TEXT_FIELD("certificate", NEEDED, struct ratls_ca_document_issuer, certificate),
    TEXT_FIELD("key", NEEDED, struct ratls_ca_document_issuer, key),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t issuer_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct ratls_ca_document_issuer, issuer_fields),
};

static const cyaml_schema_field_t rule_fields[] = {
    TEXT_FIELD("ek", NEEDED, struct ratls_ca_document_rule, ek),
    LIST_FIELD("names", NEEDED, struct ratls_ca_document_rule, names, RATLS_CA_RULE_NAMES_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct ratls_ca_document_rule, rule_fields),
};

static const cyaml_schema_field_t approval_fields[] = {
    CYAML_FIELD_SEQUENCE("rules", OPTIONAL, struct ratls_ca_document_approval, rules, &rule_schema,
                         0, RATLS_CA_RULES_MAX),
    TEXT_FIELD("rules-file", OPTIONAL, struct ratls_ca_document_approval, rules_file),
    TEXT_FIELD("tokens", OPTIONAL, struct ratls_ca_document_approval, tokens),
    TEXT_FIELD("by-hand", OPTIONAL, struct ratls_ca_document_approval, by_hand),
    TEXT_FIELD("renewal", OPTIONAL, struct ratls_ca_document_approval, renewal),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
    TEXT_FIELD("requests-per-minute", OPTIONAL, struct ratls_ca_document_limits,
               requests_per_minute),
    TEXT_FIELD("per-ek-per-hour", OPTIONAL, struct ratls_ca_document_limits, per_ek_per_hour),
    TEXT_FIELD("waiting", OPTIONAL, struct ratls_ca_document_limits, waiting),
    TEXT_FIELD("challenged", OPTIONAL, struct ratls_ca_document_limits, challenged),
    TEXT_FIELD("connections", OPTIONAL, struct ratls_ca_document_limits, connections),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t document_fields[] = {
    TEXT_FIELD("ca", NEEDED, struct ratls_ca_document, version),
    TEXT_FIELD("store", NEEDED, struct ratls_ca_document, store),
    TEXT_FIELD("roots", OPTIONAL, struct ratls_ca_document, roots),
    CYAML_FIELD_SEQUENCE("issuers", NEEDED, struct ratls_ca_document, issuers, &issuer_schema, 1,
                         RATLS_CA_ISSUERS_MAX),
    LIST_FIELD("providers", OPTIONAL, struct ratls_ca_document, providers, RATLS_CA_PROVIDERS_MAX),
    TEXT_FIELD("validity", OPTIONAL, struct ratls_ca_document, validity),
    TEXT_FIELD("crl-url", OPTIONAL, struct ratls_ca_document, crl_url),
    TEXT_FIELD("crl-lifetime", OPTIONAL, struct ratls_ca_document, crl_lifetime),
    LIST_FIELD("names", NEEDED, struct ratls_ca_document, names, RATLS_CA_NAMES_MAX),
    TEXT_FIELD("software-tpm", OPTIONAL, struct ratls_ca_document, software_tpm),
    LIST_FIELD("algorithms", OPTIONAL, struct ratls_ca_document, algorithms, ALGORITHMS_MAX),
    CYAML_FIELD_MAPPING_PTR("approval", OPTIONAL, struct ratls_ca_document, approval,
                            approval_fields),
    LIST_FIELD("deny-firmware", OPTIONAL, struct ratls_ca_document, deny_firmware,
               RATLS_CA_FIRMWARE_MAX),
    CYAML_FIELD_MAPPING_PTR("limits", OPTIONAL, struct ratls_ca_document, limits, limit_fields),
    TEXT_FIELD("challenge-lifetime", OPTIONAL, struct ratls_ca_document, challenge_lifetime),
    TEXT_FIELD("challenge-lifetime-files", OPTIONAL, struct ratls_ca_document,
               challenge_lifetime_files),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t document_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct ratls_ca_document, document_fields),
};

static const struct ratls_yaml yaml = {.schema = &document_schema};

enum ratls_status ratls_ca_document_load(const struct ratls_source *source,
                                         struct ratls_ca_document **ret_document,
                                         struct ratls_error *err)
{
    void *document = NULL;
    enum ratls_status status = ratls_yaml_load(&yaml, source, &document, err);

    if (status == RATLS_OK)
        *ret_document = document;
    return status;
}

void ratls_ca_document_free(struct ratls_ca_document *document)
{
    ratls_yaml_free(&yaml, document);
}
