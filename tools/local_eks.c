#include "local_eks.h"

#include "ek.h"

enum ratls_status ratls_local_eks(const char *tcti, struct ratls_eks *ret_eks,
                                  struct ratls_error *err)
{
    struct ratls_tpm tpm = {0};
    enum ratls_status status = ratls_tpm_open(tcti, &tpm, err);

    if (status == RATLS_OK)
        status = ratls_eks_read(&tpm, ret_eks, err);
    ratls_tpm_close(&tpm);
    return status;
}
