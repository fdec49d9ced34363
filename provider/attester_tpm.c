#include <ratls/attester_tpm.h>

#include <stdio.h>

#include "contexts.h"
#include "log.h"

/* A policy may need it; without `log` nobody here would learn why it is refused. */
static void tell_missing(enum ratls_log log, const struct ratls_attester *attester,
                         enum ratls_tpm_log which, const char *name)
{
    const char *why = ratls_tpm_log_missing(attester, which);
    struct ratls_error notice = {.status = RATLS_IO};

    if (why == NULL)
        return;
    snprintf(notice.text, sizeof notice.text, "%s is not sent: %.260s", name, why);
    ratls_log_notice(log, &notice);
}

static void tell(enum ratls_log log, const char *text)
{
    struct ratls_error notice = {.status = RATLS_IO};

    snprintf(notice.text, sizeof notice.text, "%s", text);
    ratls_log_notice(log, &notice);
}

static void tell_stderr(void *ignored, const char *text)
{
    (void)ignored;
    tell(RATLS_LOG_STDERR, text);
}

static void tell_syslog(void *ignored, const char *text)
{
    (void)ignored;
    tell(RATLS_LOG_SYSLOG, text);
}

enum ratls_status ratls_provider_tpm_attester(const struct ratls_config *config,
                                              struct ratls_attester **ret_attester,
                                              struct ratls_error *err)
{
    static void (*const notices[])(void *, const char *) = {
        [RATLS_LOG_STDERR] = tell_stderr, [RATLS_LOG_SYSLOG] = tell_syslog};
    struct ratls_tpm_options options = {.state_dir = config->state,
                                        .tcti = config->tcti,
                                        .service = config->service,
                                        .boot_log = config->boot_log,
                                        .ima_list = config->ima_list,
                                        .result = config->result,
                                        .epoch = config->epoch,
                                        .epoch_s = config->epoch_s,
                                        .notice = notices[config->log]};
    enum ratls_status status = ratls_tpm_attester_new(&options, ret_attester, err);

    if (status != RATLS_OK)
        return status;
    tell_missing(config->log, *ret_attester, RATLS_TPM_BOOT_LOG, "the boot log");
    tell_missing(config->log, *ret_attester, RATLS_TPM_IMA_LIST, "the IMA list");
    tell_missing(config->log, *ret_attester, RATLS_TPM_RESULT, "the attestation result");
    return RATLS_OK;
}
