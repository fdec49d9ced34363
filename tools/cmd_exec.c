/* ratls exec: an unmodified program as a verifying client. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "drop_in.h"
#include "guard.h"
#include "options.h"
#include "output.h"
#include "paths.h"
#include "program.h"

#define POLICY_DEFAULT "/etc/ratls/policies"

struct arguments {
    struct ratls_drop_in drop_in;
    struct ratls_optional watch;
    unsigned max_age_s; /* 0: as the policy says */
};

static int explain(const struct arguments *a, enum ratls_status status,
                   const struct ratls_error *err)
{
    const int code = ratls_out_error(status, err);

    if (access(a->drop_in.policy, F_OK) != 0 && strstr(err->text, a->drop_in.policy) != NULL)
        ratls_hint("--policy names a policy; 'ratls policy learn HOST:PORT --out FILE' writes one");
    return code;
}

/* In place of this process. */
static int become(const struct arguments *a, const char *path, char **program,
                  struct ratls_error *err)
{
    enum ratls_status status = ratls_drop_in_prepare(&a->drop_in, err);

    if (status != RATLS_OK)
        return explain(a, status, err);
    signal(SIGPIPE, SIG_DFL); /* as the program expects it */
    execv(path, program);
    ratls_complain("%s: %s", path, strerror(errno));
    return RATLS_EXIT_FAILED;
}

/* Beside this process. */
static int run_guarded(struct arguments *a, const char *path, char **program,
                       struct ratls_error *err)
{
    const struct ratls_guard_options options = {.policy = a->drop_in.policy,
                                                .state = a->drop_in.state,
                                                .interval_s = a->watch.seconds,
                                                .max_age_s = a->max_age_s};
    struct ratls_guard *guard = NULL;
    enum ratls_status status = ratls_guard_new(&options, &guard, err);
    int code;

    if (status != RATLS_OK)
        return explain(a, status, err);
    a->drop_in.watch = guard->path;
    status = ratls_drop_in_prepare(&a->drop_in, err);
    if (status == RATLS_OK)
        code = ratls_guard_run(guard, path, program);
    else
        code = explain(a, status, err);
    ratls_guard_free(guard);
    return code;
}

static int run(struct arguments *a, char **program)
{
    char path[RATLS_PATH_MAX];
    struct ratls_error err = {0};
    enum ratls_status status;

    status = ratls_program_find(program[0], path, &err);
    if (status == RATLS_OK)
        status = ratls_program_check(path, &err);
    if (status != RATLS_OK) {
        const int code = explain(a, status, &err);

        if (a->watch.is_given && a->watch.seconds == 0)
            ratls_hint("if %s is the time of --watch, write --watch=%s", program[0], program[0]);
        return code;
    }
    return a->watch.is_given ? run_guarded(a, path, program, &err) : become(a, path, program, &err);
}

int ratls_cmd_exec(int argc, char **argv)
{
    char module[RATLS_PATH_MAX];
    char conf[RATLS_PATH_MAX];
    struct arguments a = {
        .drop_in = {.policy = getenv("RATLS_POLICY"), .module = module, .conf = conf}};
    const struct ratls_option rows[] = {
        {"policy", RATLS_OPTION_TEXT, &a.drop_in.policy, "PATH",
         "policy, or folder of policies (default $RATLS_POLICY, else " POLICY_DEFAULT ")"},
        {"state", RATLS_OPTION_TEXT, &a.drop_in.state, "DIR",
         "where it is kept how far the lists of servers are known (ima)"},
        {"watch", RATLS_OPTION_OPTIONAL, &a.watch, "[=TIME]",
         "appraise the servers in use again, each TIME (default: renew of the policy, else 60s), "
         "and end the connections to one that is refused"},
        {"max-age", RATLS_OPTION_DURATION, &a.max_age_s, "TIME",
         "with --watch: how long a verdict holds if no new one is to be had (default: max-age of "
         "the policy, else two times TIME)"},
        {"module", RATLS_OPTION_TEXT, &a.drop_in.module, "FILE",
         "the provider (default: the installed one)"},
        {"conf", RATLS_OPTION_TEXT, &a.drop_in.conf, "FILE",
         "OpenSSL configuration (default: the installed client.cnf)"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] [--] PROGRAM [ARGUMENT...]",
        .about = "Runs a program that uses OpenSSL 3 so that each of its TLS connections fails\n"
                 "unless the policy accepts the server, before a byte of the program leaves.\n"
                 "Policy, provider and program are checked before. Exits as the program does.\n"
                 "Programs with a TLS library of their own (Go, Java, browsers, git of Debian)\n"
                 "are out of reach: try a program once against a server without evidence.",
        .example = "  ratls exec --policy bank.yaml -- curl https://bank.example/",
        .ends_at_operand = true,
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    ratls_path_module(module);
    ratls_path_conf("client.cnf", conf);
    if (a.drop_in.policy == NULL || a.drop_in.policy[0] == '\0')
        a.drop_in.policy = POLICY_DEFAULT;
    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a program");
    if (a.max_age_s != 0 && !a.watch.is_given)
        return ratls_usage("--max-age is of use with --watch only");
    if (a.max_age_s != 0 && a.max_age_s <= a.watch.seconds)
        return ratls_usage("--max-age must be longer than the time of --watch");
    return run(&a, argv + first);
}
