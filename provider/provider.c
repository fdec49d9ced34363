/*
 * The provider has no algorithms. It is a door: openssl.cnf lets OpenSSL load this module into
 * unmodified programs, and from here it puts attestation on their TLS contexts.
 */
#include <openssl/conf.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <stdlib.h>

#include <ratls/ratls.h>

#include "config_file.h"
#include "contexts.h"
#include "fail.h"
#include "faults.h"
#include "log.h"
#include "params.h"
#include "tls_internal.h"

struct provider {
    OSSL_PROVIDER *fallback; /* the default provider, which openssl.cnf does not activate */
};

static OSSL_FUNC_provider_teardown_fn teardown;
static OSSL_FUNC_provider_gettable_params_fn gettable_params;
static OSSL_FUNC_provider_get_params_fn get_params;

static void teardown(void *context)
{
    free(context);
}

static const OSSL_PARAM *gettable_params(void *context)
{
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_utf8_ptr(RATLS_PROVIDER_PARAM_WATCH, NULL, 0),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_ROLE, NULL, 0),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_POLICY_FAULT, NULL, 0),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_CLIENTS_FAULT, NULL, 0),
        OSSL_PARAM_utf8_string(RATLS_PROVIDER_PARAM_ATTESTER_FAULT, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)context;
    return params;
}

static int get_params(void *context, OSSL_PARAM params[])
{
    OSSL_PARAM *name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
    OSSL_PARAM *version = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_VERSION);
    OSSL_PARAM *status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    OSSL_PARAM *watch = OSSL_PARAM_locate(params, RATLS_PROVIDER_PARAM_WATCH);

    (void)context;
    return (name == NULL || OSSL_PARAM_set_utf8_ptr(name, RATLS_PROVIDER_NAME)) &&
           (version == NULL || OSSL_PARAM_set_utf8_ptr(version, RATLS_VERSION)) &&
           (status == NULL || OSSL_PARAM_set_int(status, 1)) &&
           (watch == NULL || OSSL_PARAM_set_utf8_ptr(watch, ratls_contexts_watch())) &&
           ratls_faults_get_params(params);
}

static const OSSL_DISPATCH dispatch[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable_params},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params},
    {0, NULL},
};

/* The functions of OpenSSL that the provider needs. */
struct core {
    OSSL_FUNC_core_get_params_fn *get_params;
    OSSL_FUNC_core_get_libctx_fn *get_libctx;
};

static struct core find_core(const OSSL_DISPATCH *in)
{
    struct core core = {0};

    for (; in->function_id != 0; in++) {
        if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS)
            core.get_params = OSSL_FUNC_core_get_params(in);
        else if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX)
            core.get_libctx = OSSL_FUNC_core_get_libctx(in);
    }
    return core;
}

/* What OpenSSL shows, and then what it does not. */
static enum ratls_status read_config(const OSSL_CORE_HANDLE *handle, const struct core *core,
                                     struct ratls_config *config, struct ratls_error *err)
{
    enum ratls_status status = ratls_config_read(handle, core->get_params, config, err);
    struct ratls_error notice = {0};
    char *path;
    bool is_ours = false;

    if (status != RATLS_OK)
        return status;
    path = CONF_get1_default_config_file();
    if (path != NULL)
        status = ratls_config_file_check(path, handle, core->get_params, &is_ours, err);
    if (status == RATLS_OK && !is_ours) {
        ratls_fail(&notice, RATLS_USAGE,
                   "not known whether the provider's section has keys that are misspelt: OpenSSL "
                   "read another file than %.200s, or one that cannot be read twice",
                   path == NULL ? "openssl.cnf" : path);
        ratls_log_notice(config->log, &notice);
    }
    OPENSSL_free(path);
    return status;
}

RATLS_API OSSL_provider_init_fn OSSL_provider_init; /* NOLINT: declared again to be exported */

/*
 * On failure OpenSSL goes on without this provider. Then nobody has loaded `default`: there are no
 * algorithms, and the program fails closed.
 */
int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                       const OSSL_DISPATCH **out, void **provctx)
{
    struct core core = find_core(in);
    struct ratls_error err = {0};
    struct ratls_config config = {0};
    struct provider *provider = calloc(1, sizeof *provider);

    if (provider == NULL || core.get_libctx == NULL ||
        read_config(handle, &core, &config, &err) != RATLS_OK)
        goto out;
    provider->fallback = OSSL_PROVIDER_load((OSSL_LIB_CTX *)core.get_libctx(handle), "default");
    if (provider->fallback == NULL || ratls_contexts_hook(&config, &err) != RATLS_OK)
        goto out;
    *out = dispatch;
    *provctx = provider;
    return 1;
out:
    if (err.text[0] != '\0') {
        ratls_log_mistake(config.log, &err);
        ratls_raise_error(&err);
    }
    if (provider != NULL && provider->fallback != NULL)
        OSSL_PROVIDER_unload(provider->fallback);
    ratls_config_clear(&config);
    free(provider);
    return 0;
}
