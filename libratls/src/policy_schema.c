/* libcyaml's tables. */
#include "policy_schema.h"

#include <cyaml/cyaml.h>

#define TEXT_MAX RATLS_POLICY_VALUE_MAX
#define LIST (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define WORD (CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL)

/* A struct ratls_document_list. */
#define LIST_FIELD(key, structure, member, max)                                                    \
    CYAML_FIELD_SEQUENCE_COUNT(key, LIST, structure, member.items, member.count, &text_schema, 1,  \
                               max)
#define FILES_FIELD(key, structure, member)                                                        \
    LIST_FIELD(key, structure, member, RATLS_POLICY_FILES_MAX)
#define ENUM_FIELD(key, structure, member, words)                                                  \
    CYAML_FIELD_ENUM(key, WORD, structure, member, words, CYAML_ARRAY_LEN(words))

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TEXT_MAX),
};

static const cyaml_schema_field_t key_fields[] = {
    CYAML_FIELD_STRING_PTR("name", LIST, struct ratls_document_key, name, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("issuer", LIST, struct ratls_document_key, issuer, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("crl", LIST, struct ratls_document_key, crl, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("crl-url", LIST, struct ratls_document_key, crl_url, 1, TEXT_MAX),
    CYAML_FIELD_SEQUENCE("servers", LIST, struct ratls_document_key, servers, &text_schema, 1,
                         RATLS_POLICY_SERVERS_MAX),
    CYAML_FIELD_SEQUENCE("clients", LIST, struct ratls_document_key, clients, &text_schema, 1,
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
    {"nonce", RATLS_FRESHNESS_NONCE},
    {"epoch", RATLS_FRESHNESS_EPOCH},
    {"certificate", RATLS_FRESHNESS_CERTIFICATE},
};

static const cyaml_schema_field_t epoch_fields[] = {
    CYAML_FIELD_STRING_PTR("within", CYAML_FLAG_POINTER, struct ratls_document_epoch, within, 1,
                           TEXT_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("authorities", CYAML_FLAG_POINTER, struct ratls_document_epoch,
                               authorities.items, authorities.count, &text_schema, 1,
                               RATLS_POLICY_FILES_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_strval_t bindings[] = {
    {"handshake", RATLS_BINDING_HANDSHAKE},
    {"exporter", RATLS_BINDING_EXPORTER},
};

static const cyaml_strval_t clocks[] = {
    {"safe", RATLS_CLOCK_SAFE},
    {"ignored", RATLS_CLOCK_IGNORED},
};

static const cyaml_strval_t software_rules[] = {
    {"refuse", RATLS_SOFTWARE_REFUSED},
    {"insecure-allow", RATLS_SOFTWARE_ALLOWED},
};

static const cyaml_strval_t tls_keys[] = {
    {"any", RATLS_TLS_KEY_ANY},
    {"tpm", RATLS_TLS_KEY_TPM},
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

static const cyaml_strval_t banks[] = {
    {"sha256", RATLS_ALG_SHA256},
    {"sha384", RATLS_ALG_SHA384},
    {"sha512", RATLS_ALG_SHA512},
};

static const cyaml_strval_t secure_boots[] = {
    {"required", RATLS_SECURE_BOOT_REQUIRED},
    {"ignored", RATLS_SECURE_BOOT_IGNORED},
};

static const cyaml_schema_field_t boot_fields[] = {
    ENUM_FIELD("bank", struct ratls_document_boot, bank, banks),
    ENUM_FIELD("secure-boot", struct ratls_document_boot, secure_boot, secure_boots),
    FILES_FIELD("signers", struct ratls_document_boot, signers),
    FILES_FIELD("variables", struct ratls_document_boot, variables),
    FILES_FIELD("images", struct ratls_document_boot, images),
    FILES_FIELD("kernels", struct ratls_document_boot, kernels),
    FILES_FIELD("firmware", struct ratls_document_boot, firmware),
    FILES_FIELD("settings", struct ratls_document_boot, settings),
    FILES_FIELD("partitions", struct ratls_document_boot, partitions),
    FILES_FIELD("command-lines", struct ratls_document_boot, command_lines),
    FILES_FIELD("files", struct ratls_document_boot, files),
    FILES_FIELD("owner-keys", struct ratls_document_boot, owner_keys),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_strval_t extends[] = {
    {"either", RATLS_IMA_EITHER},
    {"native", RATLS_IMA_NATIVE},
    {"padded", RATLS_IMA_PADDED},
};

static const cyaml_strval_t violations[] = {
    {"refuse", RATLS_VIOLATIONS_REFUSED},
    {"allow", RATLS_VIOLATIONS_ALLOWED},
};

static const cyaml_strval_t syncs[] = {
    {"auto", RATLS_SYNC_AUTO},
    {"never", RATLS_SYNC_NEVER},
};

static const cyaml_schema_field_t ima_fields[] = {
    ENUM_FIELD("bank", struct ratls_document_ima, bank, banks),
    ENUM_FIELD("extend", struct ratls_document_ima, extend, extends),
    FILES_FIELD("allow", struct ratls_document_ima, allow),
    FILES_FIELD("deny", struct ratls_document_ima, deny),
    FILES_FIELD("signed-by", struct ratls_document_ima, signed_by),
    LIST_FIELD("signature-required", struct ratls_document_ima, signature_required,
               RATLS_POLICY_PATTERNS_MAX),
    LIST_FIELD("exclude", struct ratls_document_ima, exclude, RATLS_POLICY_PATTERNS_MAX),
    ENUM_FIELD("violations", struct ratls_document_ima, violations, violations),
    ENUM_FIELD("sync", struct ratls_document_ima, sync, syncs),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t result_fields[] = {
    ENUM_FIELD("bank", struct ratls_document_results, bank, banks),
    CYAML_FIELD_SEQUENCE_COUNT("verifiers", CYAML_FLAG_POINTER, struct ratls_document_results,
                               verifiers.items, verifiers.count, &text_schema, 1,
                               RATLS_POLICY_FILES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("pcrs", CYAML_FLAG_POINTER, struct ratls_document_results,
                               pcrs.items, pcrs.count, &text_schema, 1, RATLS_PCR_COUNT),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t document_fields[] = {
    CYAML_FIELD_ENUM("policy", CYAML_FLAG_STRICT, struct ratls_document, policy, versions,
                     CYAML_ARRAY_LEN(versions)),
    CYAML_FIELD_SEQUENCE("servers", LIST, struct ratls_document, servers, &text_schema, 1,
                         RATLS_POLICY_SERVERS_MAX),
    CYAML_FIELD_SEQUENCE("clients", LIST, struct ratls_document, clients, &text_schema, 1,
                         RATLS_POLICY_SERVERS_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("attestation-keys", CYAML_FLAG_POINTER, struct ratls_document, keys,
                               keys_count, &key_schema, 1, RATLS_POLICY_KEYS_MAX),
    CYAML_FIELD_SEQUENCE("pcrs", LIST, struct ratls_document, pcrs, &pcr_schema, 1,
                         RATLS_PCR_COUNT *RATLS_BANKS_MAX),
    FILES_FIELD("reference-values", struct ratls_document, reference_values),
    CYAML_FIELD_MAPPING_PTR("boot", LIST, struct ratls_document, boot, boot_fields),
    CYAML_FIELD_MAPPING_PTR("ima", LIST, struct ratls_document, ima, ima_fields),
    CYAML_FIELD_MAPPING_PTR("results", LIST, struct ratls_document, results, result_fields),
    CYAML_FIELD_STRING_PTR("service", LIST, struct ratls_document, service, 1, TEXT_MAX),
    ENUM_FIELD("freshness", struct ratls_document, freshness, freshness),
    CYAML_FIELD_MAPPING_PTR("epoch", LIST, struct ratls_document, epoch, epoch_fields),
    CYAML_FIELD_STRING_PTR("max-age", LIST, struct ratls_document, max_age, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("renew", LIST, struct ratls_document, renew, 1, TEXT_MAX),
    ENUM_FIELD("binding", struct ratls_document, binding, bindings),
    CYAML_FIELD_SEQUENCE("algorithms", LIST, struct ratls_document, algorithms, &algorithm_schema,
                         1, CYAML_ARRAY_LEN(algorithms)),
    ENUM_FIELD("clock", struct ratls_document, clock, clocks),
    ENUM_FIELD("software-tpm", struct ratls_document, software, software_rules),
    ENUM_FIELD("tls-key", struct ratls_document, tls_key, tls_keys),
    CYAML_FIELD_SEQUENCE_COUNT("deny-firmware", LIST, struct ratls_document, denied, denied_count,
                               &text_schema, 1, RATLS_POLICY_FIRMWARE_MAX),
    LIST_FIELD("deny-keys", struct ratls_document, denied_keys, RATLS_POLICY_DENIED_KEYS_MAX),
    CYAML_FIELD_IGNORE("comment", CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t document_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct ratls_document, document_fields),
};

const char *ratls_freshness_name(enum ratls_freshness value)
{
    return freshness[value].str;
}

const struct cyaml_schema_value *ratls_document_schema(void)
{
    return &document_schema;
}
