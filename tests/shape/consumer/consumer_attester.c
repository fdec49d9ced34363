/* The same for libratls-attester. */
#include <ratls/attester_tpm.h>
#include <stdio.h>

int main(void)
{
    struct ratls_error error = {0};
    struct ratls_tpm_options options = {.state_dir = "/nonexistent/state"};
    struct ratls_attester *attester = NULL;
    enum ratls_status status = ratls_tpm_attester_new(&options, &attester, &error);

    printf("%s: %s\n", ratls_status_name(status), error.text);
    if (attester != NULL)
        attester->free(attester);
    return status != RATLS_OK ? 0 : 1;
}
