/* What `ratls check` knows the provider by, and asks it for (OSSL_PROVIDER_get_params). */
#ifndef RATLS_PROVIDER_PARAMS_H
#define RATLS_PROVIDER_PARAMS_H

#define RATLS_PROVIDER_NAME "ratls: attested TLS" /* OSSL_PROV_PARAM_NAME */

/* "server", "client" or "both". */
#define RATLS_PROVIDER_PARAM_ROLE "role"

/*
 * Why one of the things that the section names cannot be used: UTF-8 strings of at most
 * RATLS_ERROR_TEXT bytes, "" if it can. Left alone for what this role does not use. Asking loads
 * them as the first SSL_CTX of a program does; and has the attester make evidence, which waits for
 * the TPM or the agent.
 */
#define RATLS_PROVIDER_PARAM_POLICY_FAULT "policy-fault"
#define RATLS_PROVIDER_PARAM_CLIENTS_FAULT "clients-fault"
#define RATLS_PROVIDER_PARAM_ATTESTER_FAULT "attester-fault"

#endif
