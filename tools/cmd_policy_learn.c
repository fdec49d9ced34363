/* ratls policy learn: trust on first use, as far as evidence that holds by itself goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "crypto.h"
#include "fail.h"
#include "file.h"
#include "issue.h"
#include "learned.h"
#include "local.h"
#include "output.h"
#include "selection.h"
#include "session.h"
#include "tls_internal.h"

#define POLICY_MODE 0644
#define TLS_1_3 0x0304
#define TLS_AES_128_GCM_SHA256 0x1301

struct arguments {
    struct ratls_session_options session;
    struct ratls_pcr_selection selection; /* of a server */
    struct ratls_tpm_options tpm;
    const char *pcrs;
    const char *service;
    const char *out_path;
    bool is_local;
    bool replaces;
};

static void warn(const char *source)
{
    const bool colour = ratls_out_colour(stderr);

    fprintf(stderr,
            "%sWARNING: trust on first use.%s The policy accepts what %s proves now, whatever\n"
            "that is. Compare the Name of the attestation key with what 'ratls init' printed on\n"
            "the server, or 'ratls show /var/lib/ratls' says there, and look at the PCR values,\n"
            "before you rely on it.\n",
            colour ? "\033[1;33m" : "", colour ? "\033[0m" : "", source);
}

/* Only where it is well founded: the policy has accepted the evidence that it was made of. */
static enum ratls_status keep(const struct arguments *a, const char *source, const char *text,
                              struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (a->out_path == NULL)
        fputs(text, stdout);
    else
        status = ratls_file_write(a->out_path, ratls_slice(text, strlen(text)), POLICY_MODE,
                                  a->replaces, err);
    if (status != RATLS_OK)
        return status;
    if (a->out_path != NULL)
        printf("Wrote the policy to %s\n", a->out_path);
    fflush(stdout);
    warn(source);
    return RATLS_OK;
}

static void show_refusal(const struct ratls_report *report)
{
    const unsigned colour = ratls_out_colour(stderr) ? RATLS_TEXT_COLOUR : 0;
    char *text = NULL;

    if (ratls_report_text(report, RATLS_TEXT_FAILURES | colour, &text) == RATLS_OK)
        fputs(text, stderr);
    free(text);
}

static enum ratls_status learn(const struct arguments *a, struct ratls_learning *learning,
                               struct ratls_error *err)
{
    struct ratls_report *report = NULL;
    enum ratls_status status;
    char *text = NULL;

    learning->service = a->service;
    status = ratls_learn(learning, &text, &report, err);
    if (status == RATLS_OK)
        status = keep(a, learning->source, text, err);
    if (status == RATLS_REJECTED) {
        show_refusal(report);
        (void)ratls_fail(err, RATLS_REJECTED,
                         "the evidence does not hold by itself: nothing was learned");
    }
    ratls_report_free(report);
    free(text);
    return status;
}

static enum ratls_status learn_from_server(const struct arguments *a, struct ratls_error *err)
{
    struct ratls_expectation expectation;
    struct ratls_learning learning = {.source = a->session.server};
    struct ratls_session session;
    enum ratls_status status;

    status = ratls_session_open(&a->session, &session, err);
    if (status != RATLS_OK)
        goto out;
    learning.evidence.p = ratls_tls_evidence(session.ssl, &learning.evidence.len);
    if (learning.evidence.p == NULL || ratls_tls_expectation(session.ssl) == NULL) {
        status = ratls_fail(err, RATLS_REJECTED, "%s sent no evidence: there is nothing to learn",
                            a->session.server);
        goto out;
    }
    expectation = *ratls_tls_expectation(session.ssl);
    expectation.server_name = session.server_name;
    learning.expectation = &expectation;
    status = learn(a, &learning, err);

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

static enum ratls_status learn_from_tpm(struct arguments *a, struct ratls_error *err)
{
    struct ratls_learning learning = {.source = "the TPM of this machine"};
    struct ratls_attest_request request = {.key_id_count = 0};
    struct ratls_expectation expectation;
    enum ratls_status status;
    uint8_t *evidence = NULL;

    a->tpm.service = a->service;
    status = invent_session(a->session.server_name, &expectation, err);
    if (status == RATLS_OK)
        status = ratls_local_selection(a->pcrs, &a->tpm, &request.selection, err);
    if (status != RATLS_OK)
        return status;
    evidence = malloc(RATLS_EVIDENCE_MAX);
    if (evidence == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ask_for(&expectation, &request);
    status = ratls_local_attest(&a->tpm, &request, evidence, &learning.evidence.len, err);
    if (status == RATLS_OK) {
        learning.evidence.p = evidence;
        learning.expectation = &expectation;
        status = learn(a, &learning, err);
    }
    free(evidence);
    return status;
}

static int run(struct arguments *a)
{
    struct ratls_error err = {0};
    enum ratls_status status = RATLS_OK;

    if (a->session.server_name != NULL) {
        const struct ratls_list names = {.count = 1, .items = {a->session.server_name}};

        if (ratls_names_check(&names, NULL) != RATLS_OK)
            return ratls_usage("--server-name: '%s' is no DNS name and no IP address",
                               a->session.server_name);
    }
    if (a->out_path != NULL)
        status = ratls_file_may_write(a->out_path, a->replaces, &err);
    if (status == RATLS_OK && a->is_local) {
        status = learn_from_tpm(a, &err);
    } else if (status == RATLS_OK) {
        status = ratls_selection_parse(a->pcrs == NULL ? RATLS_SELECTION_DEFAULT : a->pcrs,
                                       &a->selection, &err);
        a->session.selection = &a->selection;
        if (status == RATLS_OK)
            status = learn_from_server(a, &err);
    }
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}

static int check_arguments(struct arguments *a, int count, char **operands)
{
    if (a->is_local && count != 0)
        return ratls_usage("--local and a server exclude each other");
    if (!a->is_local && count != 1)
        return ratls_usage("name one server, as HOST:PORT, or say --local");
    if (a->is_local && a->session.server_name == NULL)
        return ratls_usage("--local needs --server-name: the server that the policy is for");
    a->session.server = a->is_local ? NULL : operands[0];
    return RATLS_EXIT_OK;
}

int ratls_cmd_policy_learn(int argc, char **argv)
{
    struct arguments a = {
        .session = {.timeout_s = RATLS_TIMEOUT_DEFAULT_S},
        .tpm = {.state_dir = RATLS_STATE_DEFAULT},
    };
    const struct ratls_option rows[] = {
        {"local", RATLS_OPTION_FLAG, &a.is_local, NULL, "learn from the TPM of this machine"},
        {"state", RATLS_OPTION_TEXT, &a.tpm.state_dir, "DIR",
         "with --local: folder of 'ratls init' (default " RATLS_STATE_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &a.tpm.tcti, "CONF",
         "with --local: the TPM (default: that of 'ratls init')"},
        {"server-name", RATLS_OPTION_TEXT, &a.session.server_name, "NAME",
         "the server that the policy is for (default HOST)"},
        {"pcrs", RATLS_OPTION_TEXT, &a.pcrs, "SELECTION",
         "what to learn (default " RATLS_SELECTION_DEFAULT ")"},
        {"service", RATLS_OPTION_TEXT, &a.service, "NAME",
         "the service that it must be for (default: as in the evidence)"},
        {"timeout", RATLS_OPTION_UINT, &a.session.timeout_s, "SECONDS",
         "how long to wait for the server (default 10)"},
        {"out", RATLS_OPTION_TEXT, &a.out_path, "FILE", "the policy (default: standard output)"},
        {"force", RATLS_OPTION_FLAG, &a.replaces, NULL, "replace the file if it exists"},
    };
    const struct ratls_options options = {
        .synopsis = "(HOST:PORT | --local) [OPTION...]",
        .about = "Writes a policy that accepts exactly what a server, or this machine, proves\n"
                 "now: trust on first use. The evidence must hold by itself: it is appraised\n"
                 "by the policy that was made of it, and nothing is written if that refuses.",
        .example = "  ratls policy learn bank.example:443 --out bank.yaml\n"
                   "  ratls policy learn --local --server-name bank.example --out bank.yaml",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    code = check_arguments(&a, argc - first, argv + first);
    return code != RATLS_EXIT_OK ? code : run(&a);
}
