/* The endorsement keys of this machine's TPM. */
#ifndef RATLS_TOOL_LOCAL_EKS_H
#define RATLS_TOOL_LOCAL_EKS_H

#include <ratls/error.h>

#include "ek_list.h"

/* tcti NULL: the default of tpm2-tss. The caller frees with ratls_eks_done(). */
RATLS_MUST_CHECK enum ratls_status ratls_local_eks(const char *tcti, struct ratls_eks *ret_eks,
                                                   struct ratls_error *err);

#endif
