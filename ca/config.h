/* The configuration of a CA: ratls-ca.yaml(5). */
#ifndef RATLS_CA_CONFIG_H
#define RATLS_CA_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_CA_CONFIG_DEFAULT "/etc/ratls/ca.yaml"
#define RATLS_CA_ISSUERS_MAX 4
#define RATLS_CA_PROVIDERS_MAX 8
#define RATLS_CA_NAMES_MAX 256
#define RATLS_CA_RULES_MAX 1024
#define RATLS_CA_RULE_NAMES_MAX 16 /* as many as a request may have */
#define RATLS_CA_FIRMWARE_MAX 256
#define RATLS_CA_WAITING_MAX 1000000
#define RATLS_CA_CONNECTIONS_MAX 65536
#define RATLS_CA_RATE_MAX 1000000

struct ratls_ca_issuer_config {
    char *certificate; /* path */
    char *key;         /* path, or a URI: ratls_ca_key_is_uri() */
};

/* The endorsement key that may have these names. */
struct ratls_ca_rule {
    uint8_t ek_sha256[32];
    size_t name_count;
    char **names; /* without wildcards */
};

/* Texts are NULL where the file has none; paths are absolute, if that of the file is. */
struct ratls_ca_config {
    char *store; /* folder, or postgresql://... */
    char *roots;
    size_t issuer_count;
    struct ratls_ca_issuer_config *issuers; /* the first issues, all sign CRLs */
    size_t provider_count;
    char **providers; /* of OpenSSL */
    unsigned validity_s;
    unsigned crl_lifetime_s;
    char *crl_url;
    size_t name_count;
    char **names; /* normalised: ratls_ca_name_fits() */
    bool allows_software;
    unsigned algorithms; /* bits RATLS_ALLOW_... of rules.h */
    size_t rule_count;
    struct ratls_ca_rule *rules;
    char *rules_file;
    bool tokens, by_hand, renewal;
    size_t firmware_count;
    uint64_t *deny_firmware;
    struct {
        unsigned requests_per_minute, per_ek_per_hour, waiting, challenged, connections;
    } limits;
    unsigned challenge_lifetime_s, challenge_lifetime_files_s;
};

/*
 * RATLS_USAGE with file, line and column for what is wrong. No other file is opened. The caller
 * frees *ret_config.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_config_load(const char *path,
                                                        struct ratls_ca_config **ret_config,
                                                        struct ratls_error *err);
/* The same of a text; relative paths in it are relative to the folder of path. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_config_read(const char *path, struct ratls_slice text,
                                                        struct ratls_ca_config **ret_config,
                                                        struct ratls_error *err);
void ratls_ca_config_free(struct ratls_ca_config *config); /* accepts NULL */

/*
 * Whether a name, as ratls_name_normalise() makes it, is one of a list such as that of the
 * configuration: the same name or address, or one with one or more labels in front of what follows
 * "*." there.
 */
bool ratls_ca_name_fits(char *const *names, size_t count, struct ratls_slice name);

/* Whether a key is named by the URI of a store (handle:0x81000001, pkcs11:...), not by a path. */
bool ratls_ca_key_is_uri(const char *key);

#endif
