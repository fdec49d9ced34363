#include <stdio.h>

#include "ak_state.h"
#include "local.h"

enum ratls_status ratls_local_tcti(const char *state_dir, char out[static RATLS_LOCAL_TCTI_MAX],
                                   struct ratls_error *err)
{
    struct ratls_ak_state state;
    enum ratls_status status = ratls_ak_state_load(state_dir, &state, err);

    if (status != RATLS_OK)
        return status;
    snprintf(out, RATLS_LOCAL_TCTI_MAX, "%s", state.tcti);
    ratls_ak_state_clear(&state);
    return RATLS_OK;
}
