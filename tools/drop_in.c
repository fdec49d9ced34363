#include "drop_in.h"

#include <errno.h>
#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ratls/policy.h>

#include "fail.h"
#include "output.h"
#include "paths.h"

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

/* Likewise. Empty, nobody watches. */
static enum ratls_status set_watch(const char *path, struct ratls_error *err)
{
    if (setenv("RATLS_WATCH", path == NULL ? "" : path, 1) != 0)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    return RATLS_OK;
}

static enum ratls_status check_policy(const struct ratls_drop_in *a, struct ratls_error *err)
{
    struct ratls_policy *policy = NULL;
    enum ratls_status status = ratls_policy_load(a->policy, &policy, err);

    if (status == RATLS_OK && a->state != NULL)
        status = ratls_policy_use_state(policy, a->state, err);
    ratls_policy_free(policy);
    return status;
}

/*
 * Whether the provider will announce connections where they are expected: with a configuration of
 * somebody's own, which does not know of it, the program would run unwatched.
 */
static bool announces(OSSL_LIB_CTX *context)
{
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(context, "ratls");
    const char *wanted = getenv("RATLS_WATCH");
    const char *path = "";
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr("watch", &path, 0), OSSL_PARAM_END};
    bool done = provider != NULL && OSSL_PROVIDER_get_params(provider, params) == 1 &&
                strcmp(path, wanted == NULL ? "" : wanted) == 0;

    if (!done)
        ratls_complain("the configuration lacks `watch = $ENV::RATLS_WATCH` for the provider");
    OSSL_PROVIDER_unload(provider);
    return done;
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
    done = done && announces(context);
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

enum ratls_status ratls_drop_in_prepare(const struct ratls_drop_in *a, struct ratls_error *err)
{
    enum ratls_status status;

    status = check_policy(a, err);
    if (status == RATLS_OK)
        status = set_path("RATLS_POLICY", a->policy, err);
    if (status == RATLS_OK)
        status = set_state(a->state, err);
    if (status == RATLS_OK)
        status = set_watch(a->watch, err);
    if (status == RATLS_OK)
        status = set_path("RATLS_MODULE", a->module, err);
    if (status == RATLS_OK)
        status = set_path("OPENSSL_CONF", a->conf, err);
    if (status == RATLS_OK)
        status = check_module(getenv("OPENSSL_CONF"), err);
    return status;
}
