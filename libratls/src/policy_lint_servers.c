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

static void lint_key(const struct ratls_lint *lint, size_t i)
{
    const struct ratls_document_key *key = &lint->document->keys[i];
    bool is_issuer = key->issuer != NULL;
    char at[RATLS_POLICY_AT_MAX];

    if (key->servers_count > 0)
        return;
    snprintf(at, sizeof at, "attestation-keys[%zu].%s", i, is_issuer ? "issuer" : "name");
    if (is_issuer)
        ratls_lint_warn(
            lint, at,
            "no servers: every attestation key is accepted that this issuer certifies for %s",
            lint->rules->servers.count == 0 ? "the name that is meant" : "a server of this policy");
    else if (are_keys_shared(lint->rules))
        ratls_lint_warn(
            lint, at,
            "no servers: this key is accepted for every server of this policy, also for those of "
            "other machines");
}

void ratls_lint_servers(const struct ratls_lint *lint)
{
    const struct ratls_rules *rules = lint->rules;
    char at[RATLS_POLICY_AT_MAX];

    if (rules->servers.count == 0)
        ratls_lint_warn(lint, "", "no servers: this policy speaks for every name");
    for (size_t i = 0; i < rules->servers.count; i++) {
        if (has_key_for(rules, rules->servers.names[i]))
            continue;
        snprintf(at, sizeof at, "servers[%zu]", i);
        ratls_lint_warn(lint, at, "no attestation key is for this server: it is always refused");
    }
    for (size_t i = 0; i < lint->document->keys_count; i++)
        lint_key(lint, i);
}
