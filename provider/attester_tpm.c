#include <ratls/attester_tpm.h>

#include "contexts.h"

enum ratls_status ratls_provider_attester(const struct ratls_config *config,
                                          struct ratls_attester **ret_attester,
                                          struct ratls_error *err)
{
    struct ratls_tpm_options options = {
        .state_dir = config->state, .tcti = config->tcti, .service = config->service};

    return ratls_tpm_attester_new(&options, ret_attester, err);
}
