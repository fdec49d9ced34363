/* What a build without the attester library says instead (RATLS_ATTESTER=OFF). */
#include "fail.h"
#include "local.h"
#include "local_eks.h"

static enum ratls_status refuse(struct ratls_error *err)
{
    return ratls_fail(err, RATLS_TPM,
                      "this build of ratls has no attester: it can verify, but not use a TPM; "
                      "build it with -DRATLS_ATTESTER=ON");
}

enum ratls_status ratls_tpm_attester_new(const struct ratls_tpm_options *options,
                                         struct ratls_attester **ret_attester,
                                         struct ratls_error *ret_error)
{
    (void)options;
    (void)ret_attester;
    return refuse(ret_error);
}

enum ratls_status ratls_tpm_init(const struct ratls_tpm_init_options *options,
                                 struct ratls_error *ret_error)
{
    (void)options;
    return refuse(ret_error);
}

enum ratls_status ratls_tpm_ak_public(const char *state_dir, uint8_t *out, size_t cap,
                                      size_t *ret_len, struct ratls_error *ret_error)
{
    (void)state_dir;
    (void)out;
    (void)cap;
    (void)ret_len;
    return refuse(ret_error);
}

enum ratls_status ratls_tpm_pcr_selection(const char *tcti,
                                          struct ratls_pcr_selection *ret_selection,
                                          struct ratls_error *ret_error)
{
    (void)tcti;
    (void)ret_selection;
    return refuse(ret_error);
}

enum ratls_status ratls_local_tcti(const char *state_dir, char out[static RATLS_LOCAL_TCTI_MAX],
                                   struct ratls_error *err)
{
    (void)state_dir;
    (void)out;
    return refuse(err);
}

enum ratls_status ratls_local_eks(const char *tcti, struct ratls_eks *ret_eks,
                                  struct ratls_error *err)
{
    (void)tcti;
    (void)ret_eks;
    return refuse(err);
}
