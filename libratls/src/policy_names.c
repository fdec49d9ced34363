#include "policy_names.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 1123, 2.1, and the underscore that is in use. */
static const char *check_label(const char *label, size_t len)
{
    if (len == 0)
        return "an empty part between two dots, or a dot at the end";
    if (len > LABEL_MAX)
        return "a part longer than 63 characters";
    if (label[0] == '-' || label[len - 1] == '-')
        return "a part that begins or ends with -";
    for (size_t i = 0; i < len; i++) {
        if (label[i] == '*')
            return "a * stands only for the whole first part, as in *.example.org";
        if (!is_lower_or_digit(label[i]) && label[i] != '-' && label[i] != '_')
            return "a character that names do not have (other scripts are written as xn--...)";
    }
    return NULL;
}

static const char *check_labels(const char *name)
{
    const char *label = name, *why;
    size_t len;

    for (;;) {
        len = strcspn(label, ".");
        why = check_label(label, len);
        if (why != NULL)
            return why;
        if (label[len] == '\0')
            break;
        label += len + 1;
    }
    if (strspn(label, "0123456789") == len) /* programs take such a name for an IPv4 address */
        return "neither a name nor an IP address";
    return NULL;
}

/* Most names are none at the first glance: each handshake of a client looks its name up. */
static bool may_be_address(const char *text)
{
    return strchr(text, ':') != NULL || text[strspn(text, "0123456789.")] == '\0';
}

static bool normalise_address(const char *text, char out[static RATLS_NAME_SIZE])
{
    struct in6_addr v6;
    struct in_addr v4;

    if (!may_be_address(text))
        return false;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return inet_ntop(AF_INET, &v4, out, RATLS_NAME_SIZE) != NULL;
    if (inet_pton(AF_INET6, text, &v6) == 1)
        return inet_ntop(AF_INET6, &v6, out, RATLS_NAME_SIZE) != NULL;
    return false;
}

const char *ratls_name_normalise(const char *text, char out[static RATLS_NAME_SIZE])
{
    size_t len = strlen(text);

    if (normalise_address(text, out))
        return NULL;
    if (len == 0)
        return "an empty name";
    if (len > RATLS_NAME_SIZE - 3)
        return "longer than 253 characters";
    if (strchr(text, ':') != NULL)
        return "neither a name nor an IP address: a port or a scheme does not belong here";
    for (size_t i = 0; i <= len; i++)
        out[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    return check_labels(strncmp(out, "*.", 2) == 0 ? out + 2 : out);
}

bool ratls_name_includes(const char *wide, const char *narrow)
{
    const char *dot = strchr(narrow, '.');

    if (strcmp(wide, narrow) == 0)
        return true;
    return strncmp(wide, "*.", 2) == 0 && dot != NULL && strcmp(wide + 1, dot) == 0;
}

bool ratls_name_wanted(const char *name, char out[static RATLS_NAME_SIZE])
{
    char text[RATLS_NAME_SIZE];
    size_t len = strlen(name);

    if (len > 1 && name[len - 1] == '.') /* the root, which is never in a certificate */
        len--;
    if (len >= sizeof text || name[0] == '*')
        return false;
    memcpy(text, name, len);
    text[len] = '\0';
    return ratls_name_normalise(text, out) == NULL;
}

/* How well names speak for a name: 3 exactly, 2 by a wildcard, 1 because there are none, 0 not. */
static int rank_names(const struct ratls_names *names, const char *name)
{
    int rank = names->count == 0 ? 1 : 0;

    for (size_t i = 0; name != NULL && i < names->count; i++) {
        if (strcmp(names->names[i], name) == 0)
            return 3;
        if (ratls_name_includes(names->names[i], name))
            rank = 2;
    }
    return rank;
}

bool ratls_names_cover(const struct ratls_names *names, const char *name)
{
    char wanted[RATLS_NAME_SIZE] = "";

    if (names->count == 0)
        return true;
    return name != NULL && ratls_name_wanted(name, wanted) && rank_names(names, wanted) > 0;
}

static struct ratls_rules *find_rules(const struct ratls_policy *policy, bool for_clients,
                                      const char *name)
{
    char wanted[RATLS_NAME_SIZE] = "";
    struct ratls_rules *best = NULL;
    int best_rank = 0;

    if (name != NULL && !ratls_name_wanted(name, wanted))
        return NULL;
    for (size_t i = 0; i < policy->count; i++) {
        int rank = rank_names(&policy->rules[i].servers, name == NULL ? NULL : wanted);

        if (rank <= best_rank || policy->rules[i].for_clients != for_clients)
            continue;
        best_rank = rank;
        best = &policy->rules[i];
    }
    return best;
}

struct ratls_rules *ratls_policy_rules(const struct ratls_policy *policy, const char *name)
{
    return find_rules(policy, false, name);
}

struct ratls_rules *ratls_policy_client_rules(const struct ratls_policy *policy, const char *name)
{
    return find_rules(policy, true, name);
}

void ratls_names_done(struct ratls_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct ratls_names){0};
}
