/* ratls exec: an unmodified program as a verifying client. */
#include <errno.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ratls/policy.h>

#include "command.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "paths.h"
#include "program.h"

#define POLICY_DEFAULT "/etc/ratls/policies"

struct arguments {
    const char *policy;
    const char *state; /* NULL: none */
    const char *module;
    const char *conf;
};

/* A path that holds in whichever folder the program goes to. */
static enum ratls_status make_absolute(const char *path, char ret[static RATLS_PATH_MAX],
                                       struct ratls_error *err)
{
    char *whole = realpath(path, NULL);
    int len;

    if (whole == NULL)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    len = snprintf(ret, RATLS_PATH_MAX, "%s", whole);
    free(whole);
    if (len >= RATLS_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: the path is too long", path);
    if (access(ret, R_OK) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", ret, strerror(errno));
    return RATLS_OK;
}

static enum ratls_status set_path(const char *variable, const char *path, struct ratls_error *err)
{
    char whole[RATLS_PATH_MAX];
    enum ratls_status status = make_absolute(path, whole, err);

    if (status != RATLS_OK)
        return status;
    if (strchr(whole, '$') != NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: OpenSSL cannot read a path with '$'", whole);
    if (setenv(variable, whole, 1) != 0)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    return RATLS_OK;
}

/* The configuration names the variable: it must be there. Empty, there is no folder. */
static enum ratls_status set_state(const char *folder, struct ratls_error *err)
{
    if (folder != NULL)
        return set_path("RATLS_STATE", folder, err);
    if (setenv("RATLS_STATE", "", 1) != 0)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    return RATLS_OK;
}

static enum ratls_status check_policy(const struct arguments *a, struct ratls_error *err)
{
    struct ratls_policy *policy = NULL;
    enum ratls_status status = ratls_policy_load(a->policy, &policy, err);

    if (status == RATLS_OK && a->state != NULL)
        status = ratls_policy_use_state(policy, a->state, err);
    ratls_policy_free(policy);
    return status;
}

/*
 * Whether OpenSSL, told as the program will be, has our provider and through it the algorithms of
 * the default one. OpenSSL itself goes on without a word if a configured provider does not load.
 */
static bool loads(const char *conf)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    EVP_MD *digest = NULL;
    bool done;

    OPENSSL_load_builtin_modules();
    done = context != NULL && OSSL_LIB_CTX_load_config(context, conf) == 1 &&
           OSSL_PROVIDER_available(context, "ratls") == 1;
    if (done)
        digest = EVP_MD_fetch(context, "SHA2-256", NULL);
    done = digest != NULL;
    if (!done) {
        ratls_complain("OpenSSL does not load the ratls provider (%s)", getenv("RATLS_MODULE"));
        ERR_print_errors_fp(stderr);
    }
    EVP_MD_free(digest);
    OSSL_LIB_CTX_free(context);
    return done;
}

/* In a child: what a module does when it is loaded stays out of this process. */
static enum ratls_status check_module(const char *conf, struct ratls_error *err)
{
    int result = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child < 0)
        return ratls_fail(err, RATLS_IO, "cannot start a process: %s", strerror(errno));
    if (child == 0)
        _exit(loads(conf) ? 0 : 1);
    while (waitpid(child, &result, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0)
        return ratls_fail(err, RATLS_IO,
                          "the provider does not load with %s; the program was not started", conf);
    return RATLS_OK;
}

/* The environment that makes the program a verifying client: complete and tried, or an error. */
static enum ratls_status prepare(const struct arguments *a, struct ratls_error *err)
{
    enum ratls_status status;

    status = check_policy(a, err);
    if (status == RATLS_OK)
        status = set_path("RATLS_POLICY", a->policy, err);
    if (status == RATLS_OK)
        status = set_state(a->state, err);
    if (status == RATLS_OK)
        status = set_path("RATLS_MODULE", a->module, err);
    if (status == RATLS_OK)
        status = set_path("OPENSSL_CONF", a->conf, err);
    if (status == RATLS_OK)
        status = check_module(getenv("OPENSSL_CONF"), err);
    return status;
}

static int explain(const struct arguments *a, enum ratls_status status,
                   const struct ratls_error *err)
{
    const int code = ratls_out_error(status, err);

    if (access(a->policy, F_OK) != 0)
        ratls_hint("--policy names a policy; 'ratls policy learn HOST:PORT --out FILE' writes one");
    return code;
}

static int run(const struct arguments *a, char **program)
{
    char path[RATLS_PATH_MAX];
    struct ratls_error err = {0};
    enum ratls_status status;

    status = ratls_program_find(program[0], path, &err);
    if (status == RATLS_OK)
        status = ratls_program_check(path, &err);
    if (status == RATLS_OK)
        status = prepare(a, &err);
    if (status != RATLS_OK)
        return explain(a, status, &err);
    execv(path, program);
    ratls_complain("%s: %s", path, strerror(errno));
    return RATLS_EXIT_FAILED;
}

int ratls_cmd_exec(int argc, char **argv)
{
    char module[RATLS_PATH_MAX];
    char conf[RATLS_PATH_MAX];
    struct arguments a = {.policy = getenv("RATLS_POLICY"), .module = module, .conf = conf};
    const struct ratls_option rows[] = {
        {"policy", RATLS_OPTION_TEXT, &a.policy, "PATH",
         "policy, or folder of policies (default $RATLS_POLICY, else " POLICY_DEFAULT ")"},
        {"state", RATLS_OPTION_TEXT, &a.state, "DIR",
         "where it is kept how far the lists of servers are known (ima)"},
        {"module", RATLS_OPTION_TEXT, &a.module, "FILE",
         "the provider (default: the installed one)"},
        {"conf", RATLS_OPTION_TEXT, &a.conf, "FILE",
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
    if (a.policy == NULL || a.policy[0] == '\0')
        a.policy = POLICY_DEFAULT;
    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a program");
    return run(&a, argv + first);
}
