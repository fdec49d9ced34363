#include "faults.h"

#include <openssl/tls1.h>
#include <stdlib.h>

#include "contexts.h"
#include "crypto.h"
#include "params.h"
#include "tpm_wire.h"

#define CIPHER_SUITE 0x1301 /* TLS_AES_128_GCM_SHA256 */

static enum ratls_status attest(struct ratls_attester *attester, uint16_t bank,
                                struct ratls_error *err)
{
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = TLS1_3_VERSION,
        .cipher_suite = CIPHER_SUITE,
        .selection = {.count = 1, .banks = {{.hash_alg = bank, .pcrs = 1}}},
    };
    uint8_t *evidence = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_random(request.nonce, sizeof request.nonce, err);

    if (status == RATLS_OK)
        status = ratls_random(request.binder, sizeof request.binder, err);
    if (status == RATLS_OK)
        status = attester->attest(attester, &request, &evidence, &len, err);
    free(evidence);
    return status;
}

/*
 * Evidence about a session that there is not, which nobody gets: all that a handshake needs is
 * tried, be it a key that is sealed or the agent's rules. Few TPMs have no bank of SHA-256.
 */
static void ask(struct ratls_attester *attester, struct ratls_error *ret_failure)
{
    ret_failure->status = attest(attester, RATLS_ALG_SHA256, ret_failure);
    if (ret_failure->status == RATLS_TPM && attest(attester, RATLS_ALG_SHA384, NULL) == RATLS_OK)
        *ret_failure = (struct ratls_error){0};
}

/* A failure without words is one, too. */
static const char *describe(const struct ratls_error *failure)
{
    if (failure->status == RATLS_OK)
        return "";
    return failure->text[0] == '\0' ? ratls_status_name(failure->status) : failure->text;
}

static const char *describe_role(const struct ratls_found *found)
{
    if (!found->server)
        return "client";
    return found->client ? "both" : "server";
}

static bool set_text(OSSL_PARAM *param, const char *text)
{
    return param == NULL || OSSL_PARAM_set_utf8_string(param, text) == 1;
}

bool ratls_faults_get_params(OSSL_PARAM params[])
{
    OSSL_PARAM *role = OSSL_PARAM_locate(params, RATLS_PROVIDER_PARAM_ROLE);
    OSSL_PARAM *policy = OSSL_PARAM_locate(params, RATLS_PROVIDER_PARAM_POLICY_FAULT);
    OSSL_PARAM *clients = OSSL_PARAM_locate(params, RATLS_PROVIDER_PARAM_CLIENTS_FAULT);
    OSSL_PARAM *attester = OSSL_PARAM_locate(params, RATLS_PROVIDER_PARAM_ATTESTER_FAULT);
    struct ratls_found found;
    bool done;

    if (role == NULL && policy == NULL && clients == NULL && attester == NULL)
        return true; /* nothing is loaded for who asks for something else */
    ratls_contexts_find(&found);
    if (attester != NULL && found.attester != NULL)
        ask(found.attester, &found.attester_failure);
    done = set_text(role, describe_role(&found)) &&
           (!found.client || set_text(policy, describe(&found.policy_failure))) &&
           (!found.has_clients || set_text(clients, describe(&found.clients_failure))) &&
           (!found.server || set_text(attester, describe(&found.attester_failure)));
    if (found.attester != NULL)
        found.attester->free(found.attester);
    return done;
}
