/* The provider's section of openssl.cnf (ratls-provider(7)). */
#ifndef RATLS_PROVIDER_CONFIG_H
#define RATLS_PROVIDER_CONFIG_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <stdbool.h>

#include <ratls/error.h>

enum ratls_log {
    RATLS_LOG_NONE,
    RATLS_LOG_STDERR,
    RATLS_LOG_SYSLOG,
};

/* Owns its strings; filled once, when OpenSSL loads the provider, and never changed again. */
struct ratls_config {
    bool server;
    bool client;
    char *policy;   /* client: file or folder */
    char *clients;  /* server: the same, of what clients must prove; NULL: nothing */
    char *agent;    /* server: socket of ratlsd, or NULL: this process has the TPM itself */
    char *state;    /* server: folder of the attestation key; client: of the ledger, or NULL */
    char *tcti;     /* server: NULL: what the state folder says */
    char *service;  /* server: NULL: the attester's default */
    char *boot_log; /* server: NULL: the kernel's; "": none */
    char *ima_list; /* likewise */
    char *epoch;    /* server: where time stamps come from; NULL: no epochs */
    unsigned epoch_s; /* server: how long one is used; 0: the attester's default */
    char *watch;    /* client: socket of who watches, as of `ratls exec --watch`, or NULL */
    char *result;   /* server: file of an attestation result, or NULL */
    bool unlisted_plain;
    enum ratls_log log;
    unsigned extension;
};

/*
 * RATLS_USAGE, with the key in the text, for a value that is not one of the manual's. On failure
 * only `log` is set, if it is right: it says where to tell of the others.
 */
RATLS_MUST_CHECK enum ratls_status ratls_config_read(const OSSL_CORE_HANDLE *handle,
                                                     OSSL_FUNC_core_get_params_fn *get_params,
                                                     struct ratls_config *ret_config,
                                                     struct ratls_error *err);
void ratls_config_clear(struct ratls_config *config);
/* Whether the section may have it. */
bool ratls_config_is_key(const char *name);

#endif
