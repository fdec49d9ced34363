/* Puts attestation on every SSL_CTX that the program makes. */
#ifndef RATLS_PROVIDER_CONTEXTS_H
#define RATLS_PROVIDER_CONTEXTS_H

#include "config.h"

/*
 * From now on every new SSL_CTX of the process is hooked. Takes over the strings of config. Policy
 * and attestation key are read when the first SSL_CTX is made, and again for a later one if their
 * files have changed; the TPM is not touched before a client asks for evidence. Once per process:
 * a second call is RATLS_USAGE.
 */
RATLS_MUST_CHECK enum ratls_status ratls_contexts_hook(const struct ratls_config *config,
                                                       struct ratls_error *err);

/* Parameter of the provider: where connections are announced; "" if they are not. */
#define RATLS_PROVIDER_PARAM_WATCH "watch"
const char *ratls_contexts_watch(void);

struct ratls_attester;

/* What an SSL_CTX that is made now would get: what could not be loaded has a failure. */
struct ratls_found {
    bool server;
    bool client;
    bool has_clients; /* a policy for them */
    struct ratls_error policy_failure;
    struct ratls_error clients_failure;
    struct ratls_error attester_failure;
    struct ratls_attester *attester; /* a reference, or NULL */
};

/* Loads it as for an SSL_CTX. */
void ratls_contexts_find(struct ratls_found *ret);

/* attester_tpm.c, or attester_none.c where the build has no TPM stack: without an agent. */
RATLS_MUST_CHECK enum ratls_status ratls_provider_tpm_attester(const struct ratls_config *config,
                                                               struct ratls_attester **ret_attester,
                                                               struct ratls_error *err);

#endif
