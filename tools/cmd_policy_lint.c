/* ratls policy lint: mistakes and weak points of policies. */
#include <stdio.h>

#include <ratls/policy.h>

#include "command.h"
#include "options.h"
#include "output.h"

static int lint(const char *path)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    enum ratls_status status = ratls_policy_load(path, &policy, &err);

    ratls_policy_free(policy);
    if (status == RATLS_OK)
        return RATLS_EXIT_OK;
    printf("%s\n", err.text);
    return status == RATLS_USAGE ? RATLS_EXIT_USAGE : RATLS_EXIT_FAILED;
}

int ratls_cmd_policy_lint(int argc, char **argv)
{
    const struct ratls_options options = {
        .synopsis = "FILE...",
        .about = "Loads policies, or folders of them, and prints a line for each mistake and\n"
                 "for each thing that is allowed but weak. Exits with 0 if there are none,\n"
                 "with 1 if there are warnings, with 2 if a policy is wrong.",
        .example = "  ratls policy lint /etc/ratls/policies",
    };
    int worst = RATLS_EXIT_OK;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a policy");
    for (int i = first; i < argc; i++) {
        code = lint(argv[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}
