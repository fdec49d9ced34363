/* ratls ca serve: enrolment over HTTP. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "ca_command.h"
#include "ca_listen.h"
#include "log.h"
#include "output.h"
#include "service.h"

#define US_PER_MS 1000

static void log_line(int level, const char *text)
{
    ratls_log(level, "%s", text);
}

static int64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / US_PER_MS;
}

/* Of a configuration that is not read again: it counts when the service begins. */
static void warn_of_restart(unsigned before, unsigned now)
{
    if (before != now)
        ratls_log(LOG_WARNING, "limits: connections was changed: that counts after a restart");
}

/* The command line stays, the rest is read again. */
static void reload(const struct ratls_ca_command *command, struct ratls_service *service,
                   unsigned connections)
{
    struct ratls_ca_command again = {.config_path = command->config_path,
                                     .store_url = command->store_url};
    struct ratls_error error = {.status = RATLS_OK};
    enum ratls_status status;

    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)monotonic_us());
    status = ratls_ca_command_config(&again, &error);
    if (status == RATLS_OK) {
        warn_of_restart(connections, again.config->limits.connections);
        status = ratls_service_reload(service, again.config, &error);
    } else {
        ratls_service_count_failed_reload(service);
    }
    if (status == RATLS_OK)
        ratls_log(LOG_INFO, "the configuration was read again");
    else
        ratls_log(LOG_ERR, "%s; the configuration stays as it was", error.text);
    (void)sd_notify(0, "READY=1");
}

/* Until it is told to end. */
static void wait_for_signals(const struct ratls_ca_command *command, struct ratls_service *service,
                             const sigset_t *signals, unsigned connections)
{
    int signal = 0;

    (void)sd_notify(0, "READY=1");
    ratls_log(LOG_INFO, "serving");
    while (sigwait(signals, &signal) != 0 || signal == SIGHUP)
        if (signal == SIGHUP)
            reload(command, service, connections);
    (void)sd_notify(0, "STOPPING=1");
    ratls_log(LOG_INFO, "ends: what is being answered may take %d s more",
              RATLS_SERVICE_DRAIN_MS / 1000);
}

static enum ratls_status serve(struct ratls_ca_command *command, const char *where,
                               const char *group, struct ratls_error *err)
{
    struct ratls_service_options options = {.log = log_line};
    struct ratls_service *service = NULL;
    struct ratls_unix_mark mark;
    struct ratls_ca_config *config;
    unsigned connections;
    sigset_t signals;
    enum ratls_status status = ratls_ca_command_config(command, err);

    if (status == RATLS_OK)
        status = ratls_ca_listen(where, group, &options.listener, &mark, err);
    if (status != RATLS_OK)
        return status;
    /* Before there are threads: the signals are for this one. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    config = command->config;
    command->config = NULL; /* the service's */
    connections = config->limits.connections;
    status = ratls_service_start(config, &options, &service, err);
    if (status == RATLS_OK)
        wait_for_signals(command, service, &signals, connections);
    /* Before it is drained: who comes now is told so at once. */
    ratls_unix_remove(&mark);
    ratls_service_stop(service);
    return status;
}

int ratls_cmd_ca_serve(int argc, char **argv)
{
    struct ratls_ca_command command = ratls_ca_command();
    const char *where = NULL;
    const char *group = NULL;
    const struct ratls_option rows[] = {
        {"config", RATLS_OPTION_TEXT, &command.config_path, "FILE",
         "configuration of the CA (default " RATLS_CA_CONFIG_DEFAULT ")"},
        {"store", RATLS_OPTION_TEXT, &command.store_url, "WHERE",
         "folder, or postgresql://..., instead of that of the configuration"},
        {"listen", RATLS_OPTION_TEXT, &where, "WHERE",
         "unix:/PATH, 127.0.0.1:PORT or [::1]:PORT (default: the socket of systemd, "
         "else " RATLS_CA_LISTEN_DEFAULT ")"},
        {"group", RATLS_OPTION_TEXT, &group, "GROUP",
         "who may connect to the UNIX socket (default: the group of this process)"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about =
            "Serves enrolment over HTTP, for 'ratls enroll'. TLS is the work of a web server in\n"
            "front: ratls-ca(1) has an example.",
        .example = "  ratls ca serve --listen unix:/run/ratls/ca.sock --group www-data",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {.status = RATLS_OK};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    status = serve(&command, where, group, &err);
    ratls_ca_command_done(&command);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
