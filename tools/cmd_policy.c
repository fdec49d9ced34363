/* ratls policy: the commands about policies. */
#include <stddef.h>

#include "command.h"

static const struct ratls_command commands[] = {
    {"learn", "write a policy that accepts what a server proves now", ratls_cmd_policy_learn},
    {"update", "add what changed on a machine that the policy trusts", ratls_cmd_policy_update},
    {"diff", "say in words in what two machines or policies differ", ratls_cmd_policy_diff},
    {"explain", "say in sentences what a policy asks for", ratls_cmd_policy_explain},
    {"lint", "warn about what is weak in a policy", ratls_cmd_policy_lint},
    {"compile", "make a file of reference values that loads at once", ratls_cmd_policy_compile},
    {"crl", "fetch the lists of what issuers have revoked", ratls_cmd_policy_crl},
    {"forget-counters", "let a TPM begin anew that was cleared", ratls_cmd_policy_forget},
    {NULL, NULL, NULL},
};

int ratls_cmd_policy(int argc, char **argv)
{
    return ratls_command_run("ratls policy",
                             "A policy says what a server must prove (ratls-policy(5)).",
                             commands, argc, argv);
}
