#include "conf_check.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../provider/params.h"
#include "openssl_conf.h"
#include "paths.h"

static void __attribute__((format(printf, 4, 5)))
tell(struct ratls_conf_report *report, const char *subject, enum ratls_conf_result result,
     const char *format, ...)
{
    struct ratls_conf_finding *finding = &report->findings[report->count];
    va_list args;

    if (result > report->result)
        report->result = result;
    if (report->count == RATLS_CONF_FINDINGS_MAX)
        return;
    finding->subject = subject;
    finding->result = result;
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
    report->count++;
}

static bool has_algorithms(OSSL_LIB_CTX *libctx)
{
    EVP_MD *digest = EVP_MD_fetch(libctx, "SHA2-256", NULL);

    EVP_MD_free(digest);
    ERR_clear_error();
    return digest != NULL;
}

/* The file without ratls, in a library context of its own; NULL if it cannot be had. */
static OSSL_LIB_CTX *load_disarmed(const char *path, struct ratls_error *err)
{
    char passed[RATLS_OPENSSL_PASSED_MAX];
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    struct ratls_conf_way way;
    CONF *conf = NULL;
    bool done = libctx != NULL &&
                ratls_openssl_conf_read(libctx, path, &conf, passed, err) == RATLS_OK &&
                ratls_openssl_conf_find(conf, &way, err) == RATLS_OK;

    if (done) {
        ratls_openssl_conf_disarm(conf, &way);
        (void)CONF_modules_load(conf, NULL, 0);
    }
    ERR_clear_error();
    NCONF_free(conf);
    if (done)
        return libctx;
    OSSL_LIB_CTX_free(libctx);
    return NULL;
}

/* The provider says its reason where `log` wants it: it has done so before. */
static OSSL_PROVIDER *load_quietly(OSSL_LIB_CTX *libctx, const char *name)
{
    const int before = dup(STDERR_FILENO);
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    OSSL_PROVIDER *provider;

    fflush(stderr);
    if (before >= 0 && nothing >= 0)
        (void)dup2(nothing, STDERR_FILENO);
    provider = OSSL_PROVIDER_load(libctx, name);
    fflush(stderr);
    if (before >= 0)
        (void)dup2(before, STDERR_FILENO);
    close(nothing);
    close(before);
    return provider;
}

/* OpenSSL throws the reason away where a file activates a provider: it is tried once more. */
static void explain_module(const char *path, const struct ratls_conf_way *way,
                           struct ratls_conf_report *report)
{
    OSSL_LIB_CTX *libctx = load_disarmed(path, NULL);
    OSSL_PROVIDER *provider = libctx == NULL ? NULL : load_quietly(libctx, way->name);
    const bool is_missing = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_DSO;
    char module[RATLS_PATH_MAX];
    char reason[RATLS_CONF_TEXT];

    ratls_path_module(module);
    if (provider != NULL)
        tell(report, "ratls", RATLS_CONF_WRONG,
             "[%s] does not activate it: `activate = 1` is missing", way->section);
    else if (!ratls_openssl_reason(reason, sizeof reason))
        tell(report, "ratls", RATLS_CONF_WRONG, "OpenSSL does not load it, and does not say why");
    else if (is_missing)
        tell(report, "ratls", RATLS_CONF_WRONG,
             "%.320s; `module` in [%s] must name the provider, such as %.160s", reason,
             way->section, module);
    else
        tell(report, "ratls", RATLS_CONF_WRONG, "[%s]: %.480s", way->section, reason);
    OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(libctx);
}

/* stopped: what OpenSSL ended with, or NULL. */
static void explain(const char *path, const CONF *conf, const char *stopped,
                    struct ratls_conf_report *report)
{
    struct ratls_error err = {0};
    struct ratls_conf_way way;

    if (ratls_openssl_conf_find(conf, &way, &err) != RATLS_OK)
        tell(report, "ratls", RATLS_CONF_WRONG, "%s", err.text);
    else if (stopped != NULL)
        tell(report, "ratls", RATLS_CONF_WRONG, "OpenSSL stops before it comes to ratls: %.480s",
             stopped);
    else
        explain_module(path, &way, report);
}

static void sum_up_unloaded(struct ratls_conf_report *report)
{
    snprintf(report->summary, sizeof report->summary, "%s",
             has_algorithms(NULL)
                 ? "not good: ratls is not loaded, and programs go on UNATTESTED with this file"
                 : "not good: ratls is not loaded, and programs have no algorithms with this file: "
                   "they fail");
}

static int take_ratls(OSSL_PROVIDER *provider, void *ret)
{
    const char *name = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, &name, 0), OSSL_PARAM_END};

    if (OSSL_PROVIDER_get_params(provider, params) == 1 && name != NULL &&
        strcmp(name, RATLS_PROVIDER_NAME) == 0)
        *(OSSL_PROVIDER **)ret = provider;
    return 1;
}

/* Whether a module that goes missing one day stops programs, or leaves them unattested. */
static void check_without(const char *path, struct ratls_conf_report *report)
{
    struct ratls_error err = {0};
    OSSL_LIB_CTX *libctx = load_disarmed(path, &err);

    if (libctx == NULL)
        tell(report, "without ratls", RATLS_CONF_WARNING,
             "not known, for OpenSSL came to it by a way that this command does not follow: %s",
             err.text[0] == '\0' ? "out of memory" : err.text);
    else if (has_algorithms(libctx))
        tell(
            report, "without ratls", RATLS_CONF_WARNING,
            "programs would go on UNATTESTED if its module were missing: activate `base` and "
            "`ratls`, and no provider with algorithms such as `default`, which ratls loads itself");
    else
        tell(report, "without ratls", RATLS_CONF_GOOD, "programs would have no algorithms");
    OSSL_LIB_CTX_free(libctx);
}

struct answers {
    char role[16];
    char policy[RATLS_ERROR_TEXT];
    char clients[RATLS_ERROR_TEXT];
    char attester[RATLS_ERROR_TEXT];
};

/* behind: what is to be known beside a fault. */
static void tell_use(struct ratls_conf_report *report, const char *subject, const OSSL_PARAM *param,
                     const char *good, const char *behind)
{
    const char *fault = param->data;

    if (OSSL_PARAM_modified(param) == 0)
        return;
    if (fault[0] == '\0')
        tell(report, subject, RATLS_CONF_GOOD, "%s%s", good, behind);
    else
        tell(report, subject, RATLS_CONF_WRONG, "%s%s", fault, behind);
}

/* An agent answers by user, and the rights to a TPM are those of users, too. */
static void describe_user(char *ret, size_t cap)
{
    const struct passwd *user = getpwuid(geteuid());

    if (user == NULL)
        snprintf(ret, cap, " (asked as user %u)", (unsigned)geteuid());
    else
        snprintf(ret, cap, " (asked as user %s)", user->pw_name);
}

static void sum_up(const char *role, struct ratls_conf_report *report)
{
    const char *what = "attest to their clients, and verify their servers";

    if (strcmp(role, "server") == 0)
        what = "attest to their clients";
    else if (strcmp(role, "client") == 0)
        what = "verify their servers";
    if (report->result == RATLS_CONF_WRONG)
        snprintf(report->summary, sizeof report->summary,
                 "not good: ratls is loaded, but handshakes fail until what is wrong is mended");
    else
        snprintf(report->summary, sizeof report->summary, "good%s: programs %s with this file",
                 report->result == RATLS_CONF_WARNING ? ", but for the warnings" : "", what);
}

static void ask(OSSL_PROVIDER *provider, struct answers *a, struct ratls_conf_report *report)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_ROLE, a->role, sizeof a->role),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_POLICY_FAULT, a->policy, sizeof a->policy),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_CLIENTS_FAULT, a->clients, sizeof a->clients),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_ATTESTER_FAULT, a->attester,
                               sizeof a->attester),
        OSSL_PARAM_END,
    };
    char user[128];

    if (OSSL_PROVIDER_get_params(provider, params) != 1 || a->role[0] == '\0')
        tell(report, "role", RATLS_CONF_WRONG, "the provider does not say: is it of this version?");
    else
        tell(report, "role", RATLS_CONF_GOOD, "%s", a->role);
    describe_user(user, sizeof user);
    tell_use(report, "policy", params + 1, "can be used", "");
    tell_use(report, "clients", params + 2, "their policy can be used", "");
    tell_use(report, "attester", params + 3, "makes evidence", user);
    sum_up(a->role, report);
}

/* stopped: as of explain(). */
static void check_loaded(const char *path, OSSL_PROVIDER *provider, const char *stopped,
                         struct ratls_conf_report *report)
{
    struct answers *answers = calloc(1, sizeof *answers); /* too much for the stack */

    tell(report, "ratls", RATLS_CONF_GOOD, "is loaded");
    if (stopped != NULL)
        tell(report, "other sections", RATLS_CONF_WARNING,
             "OpenSSL stops behind ratls, and passes over the rest: %.480s", stopped);
    check_without(path, report);
    if (answers != NULL) {
        ask(provider, answers, report);
    } else {
        tell(report, "role", RATLS_CONF_WRONG, "not asked: out of memory");
        sum_up("", report);
    }
    free(answers);
}

/* As OPENSSL_init_crypto() does it for a program, but for the errors, which that throws away. */
static void load(const char *path, CONF *conf, struct ratls_conf_report *report)
{
    OSSL_PROVIDER *provider = NULL;
    char reason[RATLS_CONF_TEXT];
    bool stopped;

    stopped = CONF_modules_load(conf, NULL, CONF_MFLAGS_DEFAULT_SECTION) <= 0 &&
              ratls_openssl_reason(reason, sizeof reason);
    (void)OSSL_PROVIDER_do_all(NULL, take_ratls, &provider);
    if (provider == NULL) {
        explain(path, conf, stopped ? reason : NULL, report);
        sum_up_unloaded(report);
        return;
    }
    check_loaded(path, provider, stopped ? reason : NULL, report);
}

void ratls_conf_check(const char *path, struct ratls_conf_report *report)
{
    char passed[RATLS_OPENSSL_PASSED_MAX];
    struct ratls_error err = {0};
    CONF *conf = NULL;

    OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_ALL_BUILTIN, NULL);
    OPENSSL_load_builtin_modules();
    if (setenv("OPENSSL_CONF", path, 1) != 0 || /* the provider names the file by it */
        ratls_openssl_conf_read(NULL, path, &conf, passed, &err) != RATLS_OK) {
        tell(report, "file", RATLS_CONF_WRONG, "%s",
             err.text[0] == '\0' ? "out of memory" : err.text);
        sum_up_unloaded(report);
        return;
    }
    tell(report, "file", RATLS_CONF_GOOD, "OpenSSL can read it");
    if (passed[0] != '\0')
        tell(report, ".include", RATLS_CONF_WARNING, "OpenSSL passes over %s", passed);
    load(path, conf, report);
    NCONF_free(conf);
}
