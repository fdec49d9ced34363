/* ratls watch: a server is appraised again and again, beside programs that use it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ratls/policy.h>

#include "command.h"
#include "options.h"
#include "output.h"
#include "reaction.h"
#include "vigil.h"
#include "vigil_line.h"

struct arguments {
    struct ratls_vigil_options vigil;
    struct ratls_endpoint endpoint;
    const char *policy_path;
    const char *state_path;
    const char *command;      /* NULL: none */
    const char *once_refused; /* "stop" or "continue" */
    bool goes_on;
    bool json;
};

/* Nothing is under way that could be left half done: lines are whole, the ledger is SQLite's. */
static void end(int signal)
{
    (void)signal;
    _exit(RATLS_EXIT_OK);
}

static void catch_ends(void)
{
    struct sigaction action = {.sa_handler = end};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static int react(const struct arguments *a, const struct ratls_vigil_verdict *verdict)
{
    struct ratls_error err = {0};
    enum ratls_status status;

    if (verdict->text != NULL && !a->json)
        fputs(verdict->text, stdout);
    fflush(stdout);
    if (a->command == NULL)
        return RATLS_EXIT_REFUSED;
    status = ratls_react(a->command, a->vigil.session.server, verdict, &err);
    return status == RATLS_OK ? RATLS_EXIT_REFUSED : ratls_out_error(status, &err);
}

/*
 * Until the server falls, or for ever. Who goes on after a fall begins anew with the machine that
 * is accepted next, and says of each fall only once.
 */
static int watch(const struct arguments *a, struct ratls_vigil *vigil)
{
    struct ratls_vigil_verdict verdict;
    bool has_fallen = false;
    int code = RATLS_EXIT_REFUSED;

    for (;;) {
        ratls_vigil_look(vigil, &verdict);
        ratls_vigil_line(vigil, &verdict, a->json);
        /* Later it may be the server's doing, and counts as no answer. */
        if (verdict.status == RATLS_USAGE && !vigil->is_tied && !has_fallen) {
            ratls_vigil_verdict_clear(&verdict);
            return RATLS_EXIT_USAGE;
        }
        if (ratls_vigil_fallen(verdict.end)) {
            if (!has_fallen)
                code = react(a, &verdict);
            has_fallen = true;
            vigil->is_tied = false;
        } else if (verdict.end == RATLS_VIGIL_ACCEPTED) {
            has_fallen = false;
        }
        ratls_vigil_verdict_clear(&verdict);
        if (has_fallen && !a->goes_on)
            return code;
        ratls_vigil_wait(vigil, verdict.end);
    }
}

static int load_and_watch(struct arguments *a)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    struct ratls_vigil vigil;
    enum ratls_status status = ratls_policy_load(a->policy_path, &policy, &err);
    int code;

    if (status == RATLS_OK && a->state_path != NULL)
        status = ratls_policy_use_state(policy, a->state_path, &err);
    a->vigil.session.policy = policy;
    if (status == RATLS_OK)
        status = ratls_vigil_begin(&a->vigil, NULL, ratls_vigil_now_ms(), &vigil, &err);
    if (status == RATLS_OK) {
        catch_ends();
        code = watch(a, &vigil);
    } else {
        code = ratls_out_error(status, &err);
    }
    ratls_policy_free(policy);
    return code;
}

static int run(struct arguments *a)
{
    struct ratls_session_options *session = &a->vigil.session;
    struct ratls_error err = {0};
    enum ratls_status status;

    if (strcmp(a->once_refused, "stop") != 0 && strcmp(a->once_refused, "continue") != 0)
        return ratls_usage("--once-refused: 'stop' or 'continue'");
    if (a->policy_path == NULL)
        return ratls_usage("--policy says what to appraise by");
    status = ratls_endpoint_parse(session->server, &a->endpoint, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    if (session->server_name == NULL)
        session->server_name = a->endpoint.host;
    a->goes_on = a->once_refused[0] == 'c';
    return load_and_watch(a);
}

int ratls_cmd_watch(int argc, char **argv)
{
    struct arguments a = {.vigil.session = {.timeout_s = RATLS_TIMEOUT_DEFAULT_S},
                          .once_refused = "stop"};
    const struct ratls_option rows[] = {
        {"policy", RATLS_OPTION_TEXT, &a.policy_path, "PATH", "policy, or folder of policies"},
        {"interval", RATLS_OPTION_DURATION, &a.vigil.interval_s, "TIME",
         "how often, for example 30s or 5m (default: renew of the policy, else 60s)"},
        {"max-age", RATLS_OPTION_DURATION, &a.vigil.max_age_s, "TIME",
         "how long a verdict holds if no new one is to be had (default: max-age of the policy, "
         "else two intervals)"},
        {"on-refused", RATLS_OPTION_TEXT, &a.command, "COMMAND",
         "what sh is to run once the server is not to be trusted any more"},
        {"once-refused", RATLS_OPTION_TEXT, &a.once_refused, "WORD",
         "whether to end then, or to go on: stop (default) or continue"},
        {"state", RATLS_OPTION_TEXT, &a.state_path, "DIR",
         "where it is kept how far the list of the server is known (ima)"},
        {"server-name", RATLS_OPTION_TEXT, &a.vigil.session.server_name, "NAME",
         "the server that is meant (default HOST)"},
        {"ca", RATLS_OPTION_TEXT, &a.vigil.session.ca, "FILE",
         "certificate authorities (default: those of the system)"},
        {"insecure-no-pki", RATLS_OPTION_FLAG, &a.vigil.session.pki_ignored, NULL,
         "do not verify the certificate, only the evidence"},
        {"timeout", RATLS_OPTION_UINT, &a.vigil.session.timeout_s, "SECONDS",
         "how long to wait for the server each time (default 10)"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object a line"},
    };
    const struct ratls_options options = {
        .synopsis = "HOST:PORT --policy PATH [OPTION...]",
        .about = "Appraises a server again and again, and prints a line for each verdict. Ends\n"
                 "with 1 when the server is refused, has booted again, is another machine than\n"
                 "before, or gave no evidence for max-age; and runs a command then.",
        .example = "  ratls watch bank.example:443 --policy bank.yaml --interval 30s \\\n"
                   "      --on-refused 'systemctl stop payments'",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    code = ratls_session_operand(&a.vigil.session, argc - first, argv + first);
    if (code != RATLS_EXIT_OK)
        return code;
    return run(&a);
}
