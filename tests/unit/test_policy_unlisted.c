/* Who meant a name that no policy has sees those that there are, the first few of them. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "rules.h"

#define LABEL60 "a23456789012345678901234567890123456789012345678901234567890"
#define RULES_MAX 4
#define NAMES_MAX 3

struct file {
    bool for_clients;
    const char *names[NAMES_MAX];
};

static void expect(const struct file *files, size_t count, enum ratls_role peer, const char *name,
                   const char *text)
{
    struct ratls_rules *rules = calloc(RULES_MAX, sizeof *rules);
    const struct ratls_policy policy = {.rules = rules, .count = count};
    struct ratls_error err = {0};

    cr_assert_not_null(rules);
    for (size_t i = 0; i < count; i++) {
        rules[i].for_clients = files[i].for_clients;
        rules[i].servers.names = (char **)files[i].names;
        while (rules[i].servers.count < NAMES_MAX && files[i].names[rules[i].servers.count] != NULL)
            rules[i].servers.count++;
    }
    cr_expect_eq(ratls_policy_fail_unlisted(&policy, peer, name, &err), RATLS_USAGE);
    cr_expect_str_eq(err.text, text);
    free(rules);
}

static const struct file files[] = {{false, {"a.example"}},
                                    {false, {"b.example", "*.c.example"}},
                                    {true, {"client.example"}},
                                    {false, {"d.example", "192.0.2.1"}}};

Test(policy_unlisted, server)
{
    expect(files, 1, RATLS_ROLE_SERVER, "x.example",
           "no policy speaks for x.example: 1 file speaks for a.example");
    expect(files, 2, RATLS_ROLE_SERVER, "x.example",
           "no policy speaks for x.example: 2 files speak for a.example, b.example, *.c.example");
    expect(files, 4, RATLS_ROLE_SERVER, "x.example",
           "no policy speaks for x.example: 3 files speak for a.example, b.example, *.c.example "
           "and 2 more");
}

Test(policy_unlisted, client)
{
    expect(files, 4, RATLS_ROLE_CLIENT, "x.example",
           "no policy speaks for x.example: 1 file speaks for client.example");
}

Test(policy_unlisted, other_role)
{
    expect(files, 2, RATLS_ROLE_CLIENT, "x.example",
           "no policy speaks for x.example: there are only files for servers");
    expect(&files[2], 1, RATLS_ROLE_SERVER, "x.example",
           "no policy speaks for x.example: there are only files for clients");
}

Test(policy_unlisted, without_a_name)
{
    expect(files, 1, RATLS_ROLE_SERVER, NULL,
           "no policy speaks for a peer without a name: 1 file speaks for a.example");
}

/* For which not even a policy for every server speaks. */
Test(policy_unlisted, no_name)
{
    expect(files, 1, RATLS_ROLE_SERVER, "x example",
           "no policy speaks for x example: no DNS name and no IP address");
}

/* However long they are: none is cut, and how many there are is not lost. */
Test(policy_unlisted, long_names)
{
    const struct file one = {false, {LABEL60 "." LABEL60 ".example"}};
    const struct file two = {false, {LABEL60 "." LABEL60 ".example", "b.example"}};
    const struct file three = {false, {LABEL60 ".example", LABEL60 ".test", "b.example"}};

    expect(&one, 1, RATLS_ROLE_SERVER, "x.example",
           "no policy speaks for x.example: 1 file speaks for 1 other name");
    expect(&two, 1, RATLS_ROLE_SERVER, "x.example",
           "no policy speaks for x.example: 1 file speaks for b.example and 1 more");
    expect(&three, 1, RATLS_ROLE_SERVER, LABEL60 "." LABEL60 ".x.example",
           "no policy speaks for " LABEL60 "." LABEL60 ".x.exam: 1 file speaks for " LABEL60
           ".example, b.example and 1 more");
}
