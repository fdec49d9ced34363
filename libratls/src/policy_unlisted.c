/* For whom the files of a policy do speak, in words for whoever meant a peer that none names. */
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "policy_names.h"

#define SHOWN_MAX 3
#define LIST_SIZE 112
#define PEER_LEN "128" /* so that a text has room for the list behind it */

struct named {
    size_t files, names, shown;
    char list[LIST_SIZE]; /* of those shown */
    size_t len;
};

/* The first few; one for which there is no room is not cut: half a name is another name. */
static void add_name(struct named *named, const char *name)
{
    const char *before = named->shown == 0 ? "" : ", ";

    named->names++;
    if (named->shown == SHOWN_MAX ||
        named->len + strlen(before) + strlen(name) >= sizeof named->list)
        return;
    named->len += (size_t)snprintf(named->list + named->len, sizeof named->list - named->len,
                                   "%s%s", before, name);
    named->shown++;
}

static void find_named(const struct ratls_policy *policy, enum ratls_role peer,
                       struct named *ret_named)
{
    struct named named = {0};

    for (size_t i = 0; i < policy->count; i++) {
        const struct ratls_rules *rules = &policy->rules[i];

        if (rules->for_clients != (peer == RATLS_ROLE_CLIENT))
            continue;
        named.files++;
        for (size_t j = 0; j < rules->servers.count; j++)
            add_name(&named, rules->servers.names[j]);
    }
    *ret_named = named;
}

void ratls_policy_named(const struct ratls_policy *policy, enum ratls_role peer,
                        char out[static RATLS_POLICY_NAMED_MAX])
{
    const bool is_client = peer == RATLS_ROLE_CLIENT;
    struct named named;
    char more[32] = "";
    const char *verb;

    find_named(policy, peer, &named);
    verb = named.files == 1 ? "file speaks" : "files speak";
    if (named.names > named.shown && named.shown > 0)
        (void)snprintf(more, sizeof more, " and %zu more", named.names - named.shown);
    if (named.files == 0)
        (void)snprintf(out, RATLS_POLICY_NAMED_MAX, "there are only files for %s",
                       is_client ? "servers" : "clients");
    else if (named.shown == 0)
        (void)snprintf(out, RATLS_POLICY_NAMED_MAX, "%zu %s for %zu other %s", named.files, verb,
                       named.names, named.names == 1 ? "name" : "names");
    else
        (void)snprintf(out, RATLS_POLICY_NAMED_MAX, "%zu %s for %s%s", named.files, verb,
                       named.list, more);
}

enum ratls_status ratls_policy_fail_unlisted(const struct ratls_policy *policy,
                                             enum ratls_role peer, const char *name,
                                             struct ratls_error *err)
{
    char normal[RATLS_NAME_SIZE], named[RATLS_POLICY_NAMED_MAX];

    /* Then even a policy for everybody does not speak for it. */
    if (name != NULL && !ratls_name_wanted(name, normal))
        return ratls_fail(err, RATLS_USAGE,
                          "no policy speaks for %." PEER_LEN "s: no DNS name and no IP address",
                          name);
    ratls_policy_named(policy, peer, named);
    return ratls_fail(err, RATLS_USAGE, "no policy speaks for %." PEER_LEN "s: %s",
                      name == NULL ? "a peer without a name" : name, named);
}
