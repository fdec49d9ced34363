/* A policy file as libcyaml loads it: every value of the right kind, none of them checked. */
#ifndef RATLS_POLICY_SCHEMA_H
#define RATLS_POLICY_SCHEMA_H

#include "policy_source.h"
#include "rules.h"
#include "yaml_load.h"

#define RATLS_POLICY_VALUE_MAX RATLS_YAML_VALUE_MAX
#define RATLS_POLICY_SERVERS_MAX 1024
#define RATLS_POLICY_KEYS_MAX 4096
#define RATLS_POLICY_VALUES_MAX 1024 /* of one PCR in one bank */
#define RATLS_POLICY_FIRMWARE_MAX 256
#define RATLS_POLICY_DENIED_KEYS_MAX 1024 /* entries: more Names go into a file */
#define RATLS_POLICY_FILES_MAX 64 /* of one key */
#define RATLS_POLICY_PATTERNS_MAX 1024

/* Names of files, or patterns. */
struct ratls_document_list {
    char **items;
    uint32_t count;
};

/* Numbers are text until policy_rules.c: 010 must not become 8. */
struct ratls_document_key {
    char *name;
    char *issuer;
    char *crl;
    char *crl_url;
    char **servers;
    uint32_t servers_count;
    char **clients;
    uint32_t clients_count;
};

struct ratls_document_pcr {
    char *index;
    char **sha256, **sha384, **sha512;
    uint32_t sha256_count, sha384_count, sha512_count;
};

enum ratls_document_version {
    RATLS_DOCUMENT_1 = 1,
};

enum ratls_document_clock {
    RATLS_CLOCK_SAFE = 0,
    RATLS_CLOCK_IGNORED,
};

enum ratls_document_software {
    RATLS_SOFTWARE_REFUSED = 0,
    RATLS_SOFTWARE_ALLOWED,
};

enum ratls_document_tls_key {
    RATLS_TLS_KEY_ANY = 0,
    RATLS_TLS_KEY_TPM,
};

enum ratls_document_secure_boot {
    RATLS_SECURE_BOOT_REQUIRED = 0,
    RATLS_SECURE_BOOT_IGNORED,
};

enum ratls_document_violations {
    RATLS_VIOLATIONS_REFUSED = 0,
    RATLS_VIOLATIONS_ALLOWED,
};

enum ratls_document_sync {
    RATLS_SYNC_AUTO = 0,
    RATLS_SYNC_NEVER,
};

enum ratls_document_binding {
    RATLS_BINDING_HANDSHAKE = 0,
    RATLS_BINDING_EXPORTER,
};

struct ratls_document_boot {
    enum ratls_tpm_alg bank; /* 0: not said */
    enum ratls_document_secure_boot secure_boot;
    struct ratls_document_list signers;
    struct ratls_document_list variables;
    struct ratls_document_list images;
    struct ratls_document_list kernels;
    struct ratls_document_list firmware;
    struct ratls_document_list settings;
    struct ratls_document_list partitions;
    struct ratls_document_list command_lines;
    struct ratls_document_list files;
    struct ratls_document_list owner_keys;
};

struct ratls_document_ima {
    enum ratls_tpm_alg bank;
    enum ratls_ima_mode extend;
    struct ratls_document_list allow;
    struct ratls_document_list deny;
    struct ratls_document_list signed_by;
    struct ratls_document_list signature_required;
    struct ratls_document_list exclude;
    enum ratls_document_violations violations;
    enum ratls_document_sync sync;
};

struct ratls_document_epoch {
    char *within;
    struct ratls_document_list authorities;
};

struct ratls_document_results {
    enum ratls_tpm_alg bank;
    struct ratls_document_list verifiers;
    struct ratls_document_list pcrs;
};

struct ratls_document {
    enum ratls_document_version policy;
    char **servers;
    uint32_t servers_count;
    char **clients;
    uint32_t clients_count;
    struct ratls_document_key *keys;
    uint32_t keys_count;
    struct ratls_document_pcr *pcrs;
    uint32_t pcrs_count;
    struct ratls_document_list reference_values;
    struct ratls_document_boot *boot; /* NULL: not asked */
    struct ratls_document_ima *ima;
    struct ratls_document_results *results;
    char *service;
    enum ratls_freshness freshness;
    struct ratls_document_epoch *epoch; /* NULL: not said */
    char *max_age;
    char *renew;
    enum ratls_document_binding binding;
    enum ratls_algorithms *algorithms;
    uint32_t algorithms_count;
    enum ratls_document_clock clock;
    enum ratls_document_software software;
    enum ratls_document_tls_key tls_key;
    char **denied;
    uint32_t denied_count;
    struct ratls_document_list denied_keys; /* Names, and names of files with Names */
};

/* The source was read before: ratls_source_check() refuses what libcyaml would let through. */
RATLS_MUST_CHECK enum ratls_status ratls_document_load(const struct ratls_source *source,
                                                       struct ratls_document **ret_document,
                                                       struct ratls_error *err);
void ratls_document_free(struct ratls_document *document);

/* libcyaml's tables for it: for policy_document.c. */
struct cyaml_schema_value;
const struct cyaml_schema_value *ratls_document_schema(void);

#endif
