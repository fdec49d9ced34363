#include "policy_lint_parts.h"

#include <stdio.h>

#include "policy_names.h"

/* Whether some key is for a server, also if it is only for a part of a wildcard. */
static bool has_key_for(const struct ratls_rules *rules, const char *server)
{
    for (size_t i = 0; i < rules->pin_count + rules->issuer_count; i++) {
        const struct ratls_names *names = i < rules->pin_count
                                              ? &rules->pins[i].servers
                                              : &rules->issuers[i - rules->pin_count].servers;

        if (names->count == 0)
            return true;
        for (size_t j = 0; j < names->count; j++) {
            if (ratls_name_includes(names->names[j], server) ||
                ratls_name_includes(server, names->names[j]))
                return true;
        }
    }
    return false;
}

/* Several machines under several names: one that falls can stand in for the others. */
static bool are_keys_shared(const struct ratls_rules *rules)
{
    return rules->pin_count > 1 &&
           (rules->servers.count > 1 ||
            (rules->servers.count == 1 && rules->servers.names[0][0] == '*'));
}

static const char *peers_of(const struct ratls_lint *lint)
{
    return lint->rules->for_clients ? "client" : "server";
}

static void lint_key(const struct ratls_lint *lint, size_t i)
{
    const struct ratls_document_key *key = &lint->document->keys[i];
    bool is_issuer = key->issuer != NULL;
    char at[RATLS_POLICY_AT_MAX];

    if (key->servers_count + key->clients_count > 0)
        return;
    snprintf(at, sizeof at, "attestation-keys[%zu].%s", i, is_issuer ? "issuer" : "name");
    if (is_issuer)
        ratls_lint_warn(
            lint, at,
            "no %ss: every attestation key is accepted that this issuer certifies for %s%s%s",
            peers_of(lint), lint->rules->servers.count == 0 ? "the name that is meant" : "a ",
            lint->rules->servers.count == 0 ? "" : peers_of(lint),
            lint->rules->servers.count == 0 ? "" : " of this policy");
    else if (are_keys_shared(lint->rules))
        ratls_lint_warn(
            lint, at,
            "no %ss: this key is accepted for every %s of this policy, also for those of "
            "other machines",
            peers_of(lint), peers_of(lint));
}

/* It is meant so while a key is replaced; later the pin is of no use. */
static void lint_denied_pins(const struct ratls_lint *lint)
{
    const struct ratls_rules *rules = lint->rules;
    char at[RATLS_POLICY_AT_MAX];
    size_t pin = 0;

    for (size_t i = 0; i < lint->document->keys_count; i++) {
        if (lint->document->keys[i].name == NULL)
            continue;
        snprintf(at, sizeof at, "attestation-keys[%zu].name", i);
        if (ratls_denied_keys_have(&rules->denied_keys,
                                   ratls_slice(rules->pins[pin].name, rules->pins[pin].name_len)))
            ratls_lint_warn(lint, at, "this key is among deny-keys: it is always refused");
        pin++;
    }
}

void ratls_lint_servers(const struct ratls_lint *lint)
{
    const struct ratls_rules *rules = lint->rules;
    char at[RATLS_POLICY_AT_MAX];

    if (rules->servers.count == 0)
        ratls_lint_warn(lint, rules->for_clients ? "clients" : "", "%s",
                        rules->for_clients ? "this policy speaks for every client"
                                           : "no servers: this policy speaks for every name");
    for (size_t i = 0; i < rules->servers.count; i++) {
        if (has_key_for(rules, rules->servers.names[i]))
            continue;
        snprintf(at, sizeof at, "%ss[%zu]", peers_of(lint), i);
        ratls_lint_warn(lint, at, "no attestation key is for this %s: it is always refused",
                        peers_of(lint));
    }
    for (size_t i = 0; i < lint->document->keys_count; i++)
        lint_key(lint, i);
    lint_denied_pins(lint);
}
