#include "observe_machine.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "observe_file.h"
#include "output.h"
#include "pieces.h"
#include "tls_internal.h"

#define TLS_1_3 0x0304
#define TLS_AES_128_GCM_SHA256 0x1301
#define KERNEL_BOOT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"
#define KERNEL_IMA_LIST "/sys/kernel/security/ima/binary_runtime_measurements"

/* The list in one piece; the evidence has only its begin. */
static enum ratls_status fetch_list(struct ratls_session *session, uint16_t bank,
                                    struct ratls_observation *o, struct ratls_error *err)
{
    enum ratls_status status;

    free(o->ima_list);
    o->ima_list = NULL;
    o->ima_list_len = 0;
    ratls_progress("Fetching the IMA list");
    status = ratls_fetch_list(ratls_session_more(session), &o->evidence.ima, bank, &o->ima_list,
                              &o->ima_list_len, err);
    ratls_progress_done();
    o->ima_alg = o->evidence.ima.list_alg;
    return status;
}

enum ratls_status ratls_observe_server(const struct ratls_session_options *options,
                                       struct ratls_observation *o, struct ratls_error *err)
{
    struct ratls_session session;
    struct ratls_expectation expectation;
    struct ratls_slice evidence = {0};
    enum ratls_status status = ratls_session_open(options, &session, err);

    if (status != RATLS_OK)
        goto out;
    evidence.p = ratls_tls_evidence(session.ssl, &evidence.len);
    if (evidence.p == NULL || ratls_tls_expectation(session.ssl) == NULL) {
        status = ratls_fail(err, RATLS_REJECTED, "%s sent no evidence: there is nothing to learn",
                            options->server);
        goto out;
    }
    expectation = *ratls_tls_expectation(session.ssl);
    expectation.server_name = session.server_name;
    status = ratls_observe_evidence(o, &expectation, evidence, NULL, 0, err);
    if (status == RATLS_OK && o->evidence.has_ima && options->logs != NULL)
        status = fetch_list(&session, options->logs->ima_bank, o, err);
    snprintf(o->source, sizeof o->source, "%s", options->server);

out:
    ratls_session_close(&session);
    return status;
}

/* What stands for a handshake where there is none: values that nobody else knows. */
static enum ratls_status invent_session(const char *server_name, struct ratls_expectation *ret,
                                        struct ratls_error *err)
{
    enum ratls_status status;

    *ret = (struct ratls_expectation){
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = TLS_1_3,
        .cipher_suite = TLS_AES_128_GCM_SHA256,
        .server_name = server_name,
        .now = (int64_t)time(NULL),
    };
    status = ratls_random(ret->nonce, sizeof ret->nonce, err);
    if (status == RATLS_OK)
        status = ratls_random(ret->binder, sizeof ret->binder, err);
    if (status == RATLS_OK)
        status = ratls_random(ret->spki_sha256, sizeof ret->spki_sha256, err);
    return status;
}

static void ask_for(const struct ratls_expectation *e, struct ratls_attest_request *ret)
{
    ret->mode = e->mode;
    ret->role = e->role;
    ret->tls_version = e->tls_version;
    ret->cipher_suite = e->cipher_suite;
    memcpy(ret->nonce, e->nonce, sizeof ret->nonce);
    memcpy(ret->binder, e->binder, sizeof ret->binder);
    memcpy(ret->spki_sha256, e->spki_sha256, sizeof ret->spki_sha256);
}

/* After the quote: the lists only grow. What "" is for the attester is nothing here either. */
static const char *readable(const char *path, const char *if_unset)
{
    if (path == NULL)
        path = if_unset;
    return *path != '\0' && access(path, R_OK) == 0 ? path : NULL;
}

static enum ratls_status attest(const struct ratls_tpm_options *tpm,
                                const struct ratls_expectation *expectation,
                                const struct ratls_attest_request *request,
                                struct ratls_observation *o, struct ratls_error *err)
{
    uint8_t *evidence = malloc(RATLS_EVIDENCE_MAX);
    enum ratls_status status;
    size_t len = 0;

    if (evidence == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_local_attest(tpm, request, evidence, &len, err);
    if (status == RATLS_OK)
        status = ratls_observe_evidence(o, expectation, ratls_slice(evidence, len), NULL, 0, err);
    free(evidence);
    return status;
}

enum ratls_status ratls_observe_local(const struct ratls_tpm_options *tpm, const char *server_name,
                                      const struct ratls_pcr_selection *selection,
                                      const struct ratls_log_request *logs,
                                      struct ratls_observation *o, struct ratls_error *err)
{
    struct ratls_attest_request request = {.selection = *selection};
    struct ratls_expectation expectation;
    enum ratls_status status = invent_session(server_name, &expectation, err);

    if (status != RATLS_OK)
        return status;
    if (logs != NULL)
        request.logs = *logs;
    ask_for(&expectation, &request);
    status = attest(tpm, &expectation, &request, o, err);
    if (status == RATLS_OK && logs != NULL)
        status = ratls_observe_logs(
            logs->boot_bank == 0 ? NULL : readable(tpm->boot_log, KERNEL_BOOT_LOG),
            logs->ima_bank == 0 ? NULL : readable(tpm->ima_list, KERNEL_IMA_LIST), o, err);
    snprintf(o->source, sizeof o->source, "the TPM of this machine");
    return status;
}
