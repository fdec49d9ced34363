/* A program outside of the tree: the installed headers and library are enough for it. */
#include <ratls/ratls.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    struct ratls_error error = {0};
    struct ratls_policy *policy = NULL;
    enum ratls_status status = ratls_policy_load("/nonexistent/policy.yaml", &policy, &error);

    printf("%s: %s: %s\n", ratls_version(), ratls_status_name(status), error.text);
    ratls_policy_free(policy);
    return status != RATLS_OK && strcmp(ratls_version(), RATLS_VERSION) == 0 ? 0 : 1;
}
