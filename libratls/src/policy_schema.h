/* A policy file as libcyaml loads it: every value of the right kind, none of them checked. */
#ifndef RATLS_POLICY_SCHEMA_H
#define RATLS_POLICY_SCHEMA_H

#include "policy_source.h"
#include "rules.h"

#define RATLS_POLICY_SERVERS_MAX 1024
#define RATLS_POLICY_KEYS_MAX 4096
#define RATLS_POLICY_VALUES_MAX 1024 /* of one PCR in one bank */
#define RATLS_POLICY_FIRMWARE_MAX 256

/* Numbers are text until policy_rules.c: 010 must not become 8. */
struct ratls_document_key {
    char *name;
    char *issuer;
    char **servers;
    uint32_t servers_count;
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

struct ratls_document {
    enum ratls_document_version policy;
    char **servers;
    uint32_t servers_count;
    struct ratls_document_key *keys;
    uint32_t keys_count;
    struct ratls_document_pcr *pcrs;
    uint32_t pcrs_count;
    char *service;
    enum ratls_freshness freshness;
    char *max_age;
    enum ratls_algorithms *algorithms;
    uint32_t algorithms_count;
    enum ratls_document_clock clock;
    char **denied;
    uint32_t denied_count;
};

/* The source was read before: ratls_source_check() refuses what libcyaml would let through. */
RATLS_MUST_CHECK enum ratls_status ratls_document_load(const struct ratls_source *source,
                                                       struct ratls_document **ret_document,
                                                       struct ratls_error *err);
void ratls_document_free(struct ratls_document *document);

#endif
