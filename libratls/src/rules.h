/* A loaded policy: what <ratls/policy.h> hides. One struct ratls_rules is one file. */
#ifndef RATLS_RULES_H
#define RATLS_RULES_H

#include <openssl/types.h>
#include <pthread.h>
#include <stdatomic.h>

#include <ratls/attester.h>
#include <ratls/policy.h>

#include "bytes.h"
#include "crypto.h"
#include "tpm_wire.h"

struct ratls_names { /* of servers; count 0: every name, also none */
    char **names;    /* lower case; "*.example.org" stands for one label; IP addresses as text */
    size_t count;
};

/* Allowed values of one PCR in one bank. */
struct ratls_pcr_rule {
    uint16_t bank;
    uint8_t index;
    size_t count;                       /* at least 1 */
    uint8_t (*values)[RATLS_DIGEST_MAX]; /* each as long as a digest of the bank */
};

/* An attestation key, pinned by its Name. */
struct ratls_pin {
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t name_len;
    struct ratls_names servers; /* narrower than those of the file */
};

/* An issuer of certificates of attestation keys. */
struct ratls_issuer {
    char *path;
    X509 *certificate;
    struct ratls_names servers;
};

enum ratls_freshness {
    RATLS_FRESHNESS_SESSION = 0, /* handshake mode: bound to this session */
    RATLS_FRESHNESS_CERTIFICATE, /* certificate mode is enough */
};

/* Algorithms of attestation keys, a bit set. */
enum ratls_algorithms {
    RATLS_ALLOW_ECDSA_P256 = 1,
    RATLS_ALLOW_ECDSA_P384 = 2,
    RATLS_ALLOW_ECDSA_P521 = 4,
    RATLS_ALLOW_RSASSA = 8, /* 2048 bits or more */
    RATLS_ALLOW_RSAPSS = 16,
    RATLS_ALLOW_ALL = 31,
};

struct ratls_key_cache; /* keys.h: attestation keys that were seen before */

struct ratls_rules {
    char *path;
    struct ratls_names servers;
    struct ratls_pin *pins;
    size_t pin_count;
    struct ratls_issuer *issuers;
    size_t issuer_count;
    struct ratls_pcr_rule *pcrs; /* ascending by bank, then index; no duplicates; at least one */
    size_t pcr_count;
    struct ratls_pcr_selection selection; /* of pcrs */
    char service[RATLS_SERVICE_MAX + 1];
    enum ratls_freshness freshness;
    uint64_t max_age_s; /* of certificate mode */
    unsigned algorithms;
    bool clock_ignored; /* clock: ignored; else the clock must be safe */
    uint64_t *denied_firmware;
    size_t denied_firmware_count;
    struct ratls_key_cache *keys; /* has its own lock */
};

struct ratls_policy {
    atomic_uint references;
    struct ratls_rules *rules;
    size_t count;
};

/*
 * The rules for a server's name (DNS name or IP address, any case), or NULL if the policy does not
 * speak for it. An exact name goes before a wildcard, a wildcard before a file without names.
 * name == NULL: only a file without names.
 */
struct ratls_rules *ratls_policy_rules(const struct ratls_policy *policy, const char *name);

/* Whether a list of names covers a name; an empty list covers everything. */
bool ratls_names_cover(const struct ratls_names *names, const char *name);

#endif
