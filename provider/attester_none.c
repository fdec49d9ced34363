#include "contexts.h"
#include "fail.h"

enum ratls_status ratls_provider_tpm_attester(const struct ratls_config *config,
                                              struct ratls_attester **ret_attester,
                                              struct ratls_error *err)
{
    (void)config, (void)ret_attester;
    return ratls_fail(err, RATLS_USAGE,
                      "this build of ratls has no attester: role = client only, or agent = SOCKET");
}
