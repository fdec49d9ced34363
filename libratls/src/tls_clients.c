/* Which rules speak for a client, and what it is asked for before anybody knows who it is. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto.h"
#include "fail.h"
#include "policy_names.h"
#include "request_rules.h"
#include "tls_internal.h"

static enum ratls_status find_policy(const struct ratls_tls *tls, struct ratls_channel *channel)
{
    if (tls->clients == NULL && tls->clients_failure.status == RATLS_OK)
        return ratls_fail(&channel->error, RATLS_USAGE, "no policy for clients was loaded");
    if (tls->clients == NULL)
        return ratls_fail(&channel->error, tls->clients_failure.status, "%s",
                          tls->clients_failure.text);
    ratls_policy_free(channel->policy);
    channel->policy = ratls_policy_up_ref(tls->clients);
    channel->rules = NULL;
    channel->server_name[0] = '\0';
    return RATLS_OK;
}

/* The one client that a policy is for, or NULL: then nobody knows who will come. */
static struct ratls_rules *find_only_client(const struct ratls_policy *policy)
{
    struct ratls_rules *only = NULL;

    for (size_t i = 0; i < policy->count; i++) {
        struct ratls_rules *rules = &policy->rules[i];

        if (!rules->for_clients)
            continue;
        if (only != NULL || rules->servers.count != 1 || rules->servers.names[0][0] == '*')
            return NULL;
        only = rules;
    }
    return only;
}

/* For all of them: an answer that only some take is none to the others. */
static bool is_epoch_enough(const struct ratls_policy *policy)
{
    bool is_enough = true;

    for (size_t i = 0; i < policy->count; i++)
        is_enough &=
            !policy->rules[i].for_clients || policy->rules[i].freshness == RATLS_FRESHNESS_EPOCH;
    return is_enough;
}

/* For some of them is enough: to the others what comes along is nothing. */
static bool is_result_of_use(const struct ratls_policy *policy)
{
    bool is_of_use = false;

    for (size_t i = 0; i < policy->count; i++)
        is_of_use |= policy->rules[i].for_clients && policy->rules[i].results.is_asked;
    return is_of_use;
}

static bool is_tls_key_of_use(const struct ratls_policy *policy)
{
    bool is_of_use = false;

    for (size_t i = 0; i < policy->count; i++)
        is_of_use |= policy->rules[i].for_clients && policy->rules[i].needs_tpm_tls_key;
    return is_of_use;
}

/*
 * What is known of a client spares it certificates, and the begin of its IMA list; for more than
 * one that may come there is no one offset to ask for, so they begin at 0.
 */
static enum ratls_status ask(const struct ratls_tls *tls, struct ratls_channel *channel)
{
    const struct ratls_rules *only = find_only_client(channel->policy);

    channel->demand = (struct ratls_request){0};
    free(channel->known);
    channel->known = NULL;
    if (only != NULL)
        return ratls_channel_ask(channel, only, only->servers.names[0], tls->begins_anew,
                                 &channel->demand);
    if (is_epoch_enough(channel->policy))
        channel->demand.offers |= RATLS_OFFER_EPOCH;
    if (is_result_of_use(channel->policy))
        channel->demand.offers |= RATLS_OFFER_RESULT;
    if (is_tls_key_of_use(channel->policy))
        channel->demand.offers |= RATLS_OFFER_TLS_KEY;
    return ratls_policy_client_claims(channel->policy, &channel->demand.selection,
                                      &channel->demand.logs, &channel->error);
}

enum ratls_status ratls_demand_fill_request(const struct ratls_tls *tls,
                                            struct ratls_channel *channel)
{
    enum ratls_status status = find_policy(tls, channel);

    if (status == RATLS_OK)
        status = ask(tls, channel);
    return status == RATLS_OK
               ? ratls_random(channel->demand.nonce, sizeof channel->demand.nonce, &channel->error)
               : status;
}

/* A DNS name as text; false for a name of another kind, and for one that is none. */
static bool read_name(const GENERAL_NAME *name, char out[static RATLS_SERVER_NAME_MAX])
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    size_t len;

    if (type != GEN_DNS)
        return false;
    len = (size_t)ASN1_STRING_length(value);
    if (len == 0 || len >= RATLS_SERVER_NAME_MAX ||
        memchr(ASN1_STRING_get0_data(value), '\0', len) != NULL)
        return false;
    memcpy(out, ASN1_STRING_get0_data(value), len);
    out[len] = '\0';
    return true;
}

/*
 * Two names that policies speak for: the program will take the client for one of them, and nobody
 * here knows for which.
 */
static enum ratls_status take_name(struct ratls_channel *channel, const char *name)
{
    struct ratls_rules *rules = ratls_policy_client_rules(channel->policy, name);

    if (rules == NULL || rules->servers.count == 0)
        return RATLS_OK;
    if (channel->rules != NULL && strcasecmp(channel->server_name, name) != 0)
        return ratls_fail(&channel->error, RATLS_USAGE,
                          "policies speak for two names of the client's certificate, %.64s and "
                          "%.64s: which is meant?",
                          channel->server_name, name);
    channel->rules = rules;
    memcpy(channel->server_name, name, strlen(name) + 1);
    return RATLS_OK;
}

static enum ratls_status take_names(struct ratls_channel *channel, const GENERAL_NAMES *names)
{
    enum ratls_status status = RATLS_OK;
    char name[RATLS_SERVER_NAME_MAX];

    for (int i = 0; status == RATLS_OK && i < sk_GENERAL_NAME_num(names); i++) {
        if (read_name(sk_GENERAL_NAME_value(names, i), name))
            status = take_name(channel, name);
    }
    return status;
}

/*
 * Where no policy names it: a certificate with one name still says for whom a key must be. It is
 * printed and kept, so it must be one that a policy could have: no wildcard, no other characters.
 */
static void take_only_name(struct ratls_channel *channel, const GENERAL_NAMES *names)
{
    char name[RATLS_SERVER_NAME_MAX], normal[RATLS_NAME_SIZE];
    size_t count = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (read_name(sk_GENERAL_NAME_value(names, i), name) && count++ == 0)
            memcpy(channel->server_name, name, strlen(name) + 1);
    }
    if (count != 1 || channel->server_name[0] == '*' ||
        ratls_name_normalise(channel->server_name, normal) != NULL)
        channel->server_name[0] = '\0';
}

static enum ratls_status fail_unlisted(struct ratls_channel *channel, int verified)
{
    char named[RATLS_POLICY_NAMED_MAX];

    if (verified != X509_V_OK)
        return ratls_fail(&channel->error, RATLS_USAGE,
                          "the client's certificate is not verified (%s), so its names do not "
                          "count, and no policy speaks for every client",
                          X509_verify_cert_error_string(verified));
    ratls_policy_named(channel->policy, RATLS_ROLE_CLIENT, named);
    return ratls_fail(&channel->error, RATLS_USAGE,
                      "no policy for clients speaks for a name of the client's certificate: %s",
                      named);
}

/*
 * A program may go on although the chain does not verify: its callback then returns 1, and the
 * error stays. The names of such a certificate are what the client likes them to be.
 */
enum ratls_status ratls_demand_choose_rules(struct ratls_channel *channel, X509_STORE_CTX *store,
                                            int chain)
{
    const int verified = X509_STORE_CTX_get_error(store);
    const bool is_verified = chain == 1 && verified == X509_V_OK;
    GENERAL_NAMES *names = NULL;
    enum ratls_status status = RATLS_OK;

    channel->rules = NULL;
    channel->server_name[0] = '\0';
    if (is_verified)
        names = X509_get_ext_d2i(X509_STORE_CTX_get0_cert(store), NID_subject_alt_name, NULL, NULL);
    if (names != NULL)
        status = take_names(channel, names);
    if (status == RATLS_OK && channel->rules == NULL) {
        channel->rules = ratls_policy_client_rules(channel->policy, NULL);
        if (names != NULL)
            take_only_name(channel, names);
    }
    GENERAL_NAMES_free(names);
    if (status == RATLS_OK && channel->rules == NULL)
        status = fail_unlisted(channel, verified);
    return status;
}
