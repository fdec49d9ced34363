/* What a build without the attester library says instead (RATLS_ATTESTER=OFF). */
#include "enrolment.h"
#include "fail.h"
#include "local.h"
#include "local_eks.h"
#include "local_seals.h"

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

enum ratls_status ratls_enrolment_request(const struct ratls_enrolment *enrolment,
                                          uint8_t out[static RATLS_ENROLL_REQUEST_MAX],
                                          size_t *ret_len, struct ratls_error *err)
{
    (void)enrolment;
    (void)out;
    (void)ret_len;
    return refuse(err);
}

enum ratls_status ratls_enrolment_answer(const struct ratls_enrolment *enrolment,
                                         struct ratls_slice request, struct ratls_slice challenge,
                                         uint8_t out[static RATLS_ENROLL_ANSWER_MAX],
                                         size_t *ret_len, struct ratls_error *err)
{
    (void)enrolment;
    (void)request;
    (void)challenge;
    (void)out;
    (void)ret_len;
    return refuse(err);
}

enum ratls_status ratls_enrolment_install(const struct ratls_enrolment *enrolment,
                                          const char *ca_file,
                                          const struct ratls_slice *certificates, size_t count,
                                          struct ratls_error *err)
{
    (void)enrolment;
    (void)ca_file;
    (void)certificates;
    (void)count;
    return refuse(err);
}

enum ratls_status ratls_local_seals_read(const char *state_dir, const char *tcti,
                                         struct ratls_local_seals **ret, struct ratls_error *err)
{
    (void)state_dir;
    (void)tcti;
    (void)ret;
    return refuse(err);
}

void ratls_local_seals_free(struct ratls_local_seals *seals)
{
    (void)seals;
}

enum ratls_status ratls_local_pcrs(const char *state_dir, const char *tcti,
                                   const struct ratls_pcr_selection *selection,
                                   struct ratls_pcr_selection *ret_selection,
                                   uint8_t out[static RATLS_PCR_VALUES_MAX], size_t *ret_len,
                                   struct ratls_error *err)
{
    (void)state_dir;
    (void)tcti;
    (void)selection;
    (void)ret_selection;
    (void)out;
    (void)ret_len;
    return refuse(err);
}

enum ratls_status ratls_local_seal_install(const char *state_dir, const char *path,
                                           struct ratls_local_seal *ret, struct ratls_error *err)
{
    (void)state_dir;
    (void)path;
    (void)ret;
    return refuse(err);
}

enum ratls_status ratls_local_seal_remove(const char *state_dir, const char *digits,
                                          char ret_file[static RATLS_LOCAL_SEAL_FILE_MAX],
                                          struct ratls_error *err)
{
    (void)state_dir;
    (void)digits;
    (void)ret_file;
    return refuse(err);
}
