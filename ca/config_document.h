/* ca.yaml as libcyaml loads it: every value of the right kind, none of them checked. */
#ifndef RATLS_CA_CONFIG_DOCUMENT_H
#define RATLS_CA_CONFIG_DOCUMENT_H

#include <stdint.h>

#include "yaml_load.h"

struct ratls_ca_document_issuer {
    char *certificate;
    char *key;
};

struct ratls_ca_document_rule {
    char *ek;
    char **names;
    uint32_t names_count;
};

struct ratls_ca_document_approval {
    struct ratls_ca_document_rule *rules;
    uint32_t rules_count;
    char *rules_file;
    char *tokens;
    char *by_hand;
    char *renewal;
};

/* Numbers are text: 010 must not become 8. */
struct ratls_ca_document_limits {
    char *requests_per_minute;
    char *per_ek_per_hour;
    char *waiting;
    char *challenged;
    char *connections;
};

struct ratls_ca_document {
    char *version;
    char *store;
    char *roots;
    struct ratls_ca_document_issuer *issuers;
    uint32_t issuers_count;
    char **providers;
    uint32_t providers_count;
    char *validity;
    char *crl_url;
    char *crl_lifetime;
    char **names;
    uint32_t names_count;
    char *software_tpm;
    char **algorithms;
    uint32_t algorithms_count;
    struct ratls_ca_document_approval *approval;
    char **deny_firmware;
    uint32_t deny_firmware_count;
    struct ratls_ca_document_limits *limits;
    char *challenge_lifetime;
    char *challenge_lifetime_files;
};

RATLS_MUST_CHECK enum ratls_status ratls_ca_document_load(const struct ratls_source *source,
                                                          struct ratls_ca_document **ret_document,
                                                          struct ratls_error *err);
void ratls_ca_document_free(struct ratls_ca_document *document); /* accepts NULL */

#endif
