/* ratlsd: one process has the TPM, and attests for all others of a machine. */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ratls/ratls.h>

#include "acceptor.h"
#include "agent.h"
#include "fail.h"
#include "listen.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "privileges.h"
#include "status.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct arguments {
    const char *config;
    const char *socket;
    bool check_config;
    bool status;
    bool json;
    bool version;
};

static bool read_arguments(int argc, char **argv, struct arguments *ret, int *ret_code)
{
    const struct ratls_option rows[] = {
        {"config", RATLS_OPTION_TEXT, &ret->config, "FILE",
         "the configuration; default " RATLS_AGENTD_CONFIG_DEFAULT},
        {"check-config", RATLS_OPTION_FLAG, &ret->check_config, NULL,
         "say whether the configuration is good, and do nothing else"},
        {"status", RATLS_OPTION_FLAG, &ret->status, NULL,
         "print what a running agent counts, as Prometheus reads it"},
        {"json", RATLS_OPTION_FLAG, &ret->json, NULL, "with --status: as one JSON object"},
        {"socket", RATLS_OPTION_TEXT, &ret->socket, "FILE",
         "with --status: of the agent; default " RATLS_AGENTD_SOCKET_DEFAULT},
        {"version", RATLS_OPTION_FLAG, &ret->version, NULL, "show the version"},
    };
    const struct ratls_options options = {
        .synopsis = "[--config FILE]",
        .about = "Attests with the TPM of this machine for its other processes, over a socket.",
        .example = "  ratlsd --check-config --config ./ratlsd.yaml\n  ratlsd --status --json",
        .rows = rows,
        .count = COUNT(rows),
    };
    int first = argc;

    if (!ratls_options_parse(&options, argc, argv, &first, ret_code))
        return false;
    if (first != argc)
        *ret_code = ratls_usage("takes no operands: '%s'", argv[first]);
    else if ((ret->json || ret->socket != NULL) && !ret->status)
        *ret_code = ratls_usage("--json and --socket are for --status");
    else if (ret->status && ret->check_config)
        *ret_code = ratls_usage("--status and --check-config: one of the two");
    else
        return true;
    return false;
}

static void tell(void *ignored, const char *text)
{
    (void)ignored;
    ratls_log(LOG_WARNING, "%s", text);
}

static void tell_missing(const struct ratls_attester *attester, enum ratls_tpm_log log,
                         const char *name)
{
    const char *why = ratls_tpm_log_missing(attester, log);

    if (why != NULL)
        ratls_log(LOG_NOTICE, "%s is not sent: %s", name, why);
}

/* Reads the state folder and opens the logs, with the rights that the process has now. */
static enum ratls_status open_attester(const struct ratls_agentd_config *config,
                                       struct ratls_agentd_services *services,
                                       struct ratls_error *err)
{
    const struct ratls_tpm_options options = {.state_dir = config->state,
                                              .tcti = config->tcti,
                                              .service = config->rules[0].services[0],
                                              .deadline_ms = RATLS_AGENT_DEADLINE_MAX_MS,
                                              .boot_log = config->boot_log,
                                              .ima_list = config->ima_list,
                                              .result = config->result,
                                              .epoch = config->epoch,
                                              .epoch_s = config->epoch_s,
                                              .notice = tell};
    enum ratls_status status = ratls_tpm_attester_new(&options, &services->first, err);

    if (status == RATLS_OK)
        status = ratls_agentd_services_add(services, config, err);
    if (status != RATLS_OK)
        return status;
    tell_missing(services->first, RATLS_TPM_BOOT_LOG, "the boot log");
    tell_missing(services->first, RATLS_TPM_IMA_LIST, "the IMA list");
    tell_missing(services->first, RATLS_TPM_RESULT, "the attestation result");
    return RATLS_OK;
}

/* Who is not root may look, too, and may not see all that ratlsd will see. */
static enum ratls_status check_parts(const char *path, const struct ratls_agentd_config *config,
                                     struct ratls_agentd_services *services,
                                     struct ratls_error *err)
{
    const bool is_guest = geteuid() != 0 && config->user != NULL;
    struct ratls_error why = {.status = RATLS_OK};
    enum ratls_status status = RATLS_OK;

    if (is_guest)
        ratls_log(LOG_NOTICE,
                  "ratlsd begins as root, and this is another user, who may not see the "
                  "key and the logs");
    else
        status = ratls_agentd_check_user(config->user, err);
    if (status == RATLS_OK)
        status = open_attester(config, services, &why);
    if (why.status == RATLS_OK)
        return status;
    if (is_guest && status == RATLS_IO)
        return ratls_fail(err, status, "%.220s; %.80s itself is good", why.text, path);
    return ratls_fail(err, status, "%s", why.text);
}

static enum ratls_status check_config(const char *path, struct ratls_error *err)
{
    struct ratls_agentd_services services = {.count = 0};
    struct ratls_agentd_config *config = NULL;
    enum ratls_status status = ratls_agentd_config_load(path, &config, err);

    if (status == RATLS_OK)
        status = check_parts(path, config, &services, err);
    if (status == RATLS_OK)
        printf("%s is good: rules: %zu, services: %zu, key in %s; the TPM was not asked\n", path,
               config->rule_count, services.count, config->state);
    ratls_agentd_services_clear(&services);
    ratls_agentd_config_free(config);
    return status;
}

/* What needs root comes before the rights are given up, all else behind it. */
static enum ratls_status prepare(struct ratls_agentd *agent, struct ratls_error *err)
{
    enum ratls_status status = ratls_agentd_config_load(agent->config_path, &agent->config, err);

    if (status == RATLS_OK)
        status = ratls_agentd_check_user(agent->config->user, err);
    if (status == RATLS_OK)
        status = open_attester(agent->config, &agent->services, err);
    if (status == RATLS_OK)
        status = ratls_agentd_listen(agent->config, &agent->listener, err);
    if (status != RATLS_OK)
        return status;
    agent->session_max = ratls_agentd_session_max();
    return ratls_agentd_drop(agent->config->user, err);
}

/* Signals are taken by the loop, and by no thread of the attester. */
static void block_signals(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

static enum ratls_status serve(const char *path, struct ratls_error *err)
{
    struct ratls_agentd *agent = calloc(1, sizeof *agent);
    enum ratls_status status;

    if (agent == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    agent->config_path = path;
    agent->listener = -1;
    block_signals();
    status = ratls_agentd_init(agent, err);
    if (status == RATLS_OK) {
        status = prepare(agent, err);
        if (status == RATLS_OK)
            status = ratls_agentd_run(agent, err);
        else
            ratls_agentd_clear(agent);
    }
    free(agent);
    return status;
}

/* Else a connection or the TPM would come to have the number of stderr, and be sent the log. */
static void open_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", O_RDWR | O_NOCTTY);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.config = RATLS_AGENTD_CONFIG_DEFAULT};
    struct ratls_error error = {.status = RATLS_OK};
    enum ratls_status status = RATLS_OK;
    int code;

    open_streams();
    /* An OPENSSL_CONF of the environment may load our own provider, which would ask us. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    /* tpm2-tss would print its own log between our lines; who wants it sets the variable. */
    setenv("TSS2_LOG", "all+NONE", 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* disposal.h */
    ratls_out_command("ratlsd");
    if (!read_arguments(argc, argv, &arguments, &code))
        return ratls_out_close(code);
    code = RATLS_EXIT_OK;
    if (arguments.version)
        printf("ratlsd %s (%s)\n", ratls_version(), OpenSSL_version(OPENSSL_VERSION));
    else if (arguments.status)
        status = ratls_agentd_status(arguments.socket == NULL ? RATLS_AGENTD_SOCKET_DEFAULT
                                                              : arguments.socket,
                                     arguments.json, &error);
    else if (arguments.check_config)
        status = check_config(arguments.config, &error);
    else
        status = serve(arguments.config, &error);
    if (status != RATLS_OK)
        code = ratls_out_error(status, &error);
    return ratls_out_close(code);
}
