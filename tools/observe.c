#include "observe.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "observe_file.h"
#include "output.h"

static bool is_file(const char *operand)
{
    struct stat info;

    return stat(operand, &info) == 0 && S_ISREG(info.st_mode);
}

int ratls_observe_operands(struct ratls_observe_options *options, int count, char **operands)
{
    const bool has_logs = options->boot_log != NULL || options->ima_list != NULL;

    if (options->is_local && count != 0)
        return ratls_usage("--local and a server or a file exclude each other");
    if (count > 1)
        return ratls_usage("name one server, as HOST:PORT, or one file");
    if (count == 0 && !options->is_local && !has_logs)
        return ratls_usage("name one server, as HOST:PORT, or a capture, or say --local, or "
                           "--boot-log and --ima-list");
    if (count == 1 && is_file(operands[0]))
        options->capture = operands[0];
    else if (count == 1)
        options->session.server = operands[0];
    return RATLS_EXIT_OK;
}

bool ratls_observe_is_raw(const struct ratls_observe_options *options)
{
    return !options->is_local && options->capture == NULL && options->session.server == NULL;
}

static enum ratls_status observe_capture(const struct ratls_observe_options *options,
                                         struct ratls_observation *o, struct ratls_error *err)
{
    enum ratls_status status = ratls_observe_file(options->capture, o, err);

    if (status != RATLS_OK)
        return status;
    if (!o->has_quote)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: a log without a quote; --boot-log and --ima-list take those, and "
                          "nobody vouches for them",
                          options->capture);
    if (o->expectation.now == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: bare evidence proves nothing without its handshake; keep that with "
                          "'ratls probe --save'",
                          options->capture);
    if (options->session.server_name != NULL) {
        snprintf(o->server_name, sizeof o->server_name, "%s", options->session.server_name);
        o->expectation.server_name = o->server_name;
    }
    return RATLS_OK;
}

enum ratls_status ratls_observe(const struct ratls_observe_options *options,
                                const struct ratls_pcr_selection *selection,
                                const struct ratls_log_request *logs, struct ratls_observation *o,
                                struct ratls_error *err)
{
    struct ratls_session_options session = options->session;
    struct ratls_tpm_options tpm = options->tpm;
    enum ratls_status status = RATLS_OK;

    session.selection = selection;
    session.logs = logs;
    if (options->boot_log != NULL)
        tpm.boot_log = options->boot_log;
    if (options->ima_list != NULL)
        tpm.ima_list = options->ima_list;
    if (options->is_local)
        status = ratls_observe_local(&tpm, session.server_name, selection, logs, o, err);
    else if (options->capture != NULL)
        status = observe_capture(options, o, err);
    else if (session.server != NULL)
        status = ratls_observe_server(&session, o, err);
    if (status == RATLS_OK)
        status = ratls_observe_logs(options->boot_log, options->ima_list, o, err);
    if (status == RATLS_OK)
        status = ratls_observation_read(o, RATLS_EVENTLOG_STRICT, err);
    if (status == RATLS_OK && ratls_observe_is_raw(options) && o->boot_why[0] != '\0')
        return ratls_fail(err, RATLS_MALFORMED, "%s: %s", options->boot_log, o->boot_why);
    if (status == RATLS_OK && ratls_observe_is_raw(options) && o->ima_why[0] != '\0')
        return ratls_fail(err, RATLS_MALFORMED, "%s: %s", options->ima_list, o->ima_why);
    return status;
}

struct ratls_log_request ratls_observe_logs_of(const struct ratls_rules *rules)
{
    return (struct ratls_log_request){
        .boot_bank = rules->boot.is_asked ? rules->boot.bank : 0,
        .ima_bank = rules->ima.is_asked ? rules->ima.bank : 0,
    };
}
