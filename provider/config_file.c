/*
 * OpenSSL shows a provider the keys that it asks for, and no others: of one that is misspelt nobody
 * would know, and the default of the right one would hold. So the file is read once more.
 */
#include "config_file.h"

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"
#include "fail.h"
#include "section.h"

struct search {
    const CONF *conf;
    const OSSL_CORE_HANDLE *handle;
    OSSL_FUNC_core_get_params_fn *get_params;
    const char *provider; /* as OpenSSL calls us */
    bool is_ours;
    struct ratls_error *err;
};

/* NULL: OpenSSL does not show it. */
static const char *show(const struct search *search, const char *key)
{
    char *value = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_ptr(key, &value, 0), OSSL_PARAM_END};

    return search->get_params(search->handle, params) != 0 ? value : NULL;
}

static bool is_of_openssl(const char *name)
{
    static const char *const words[] = {"identity", "soft_load", "module", "activate"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(ratls_section_word(name), words[i]) == 0)
            return true;
    return false;
}

static bool is_section(const struct search *search, const char *value)
{
    return NCONF_get_section(search->conf, value) != NULL;
}

/* Whether OpenSSL shows what the section says. */
static bool is_shown(const struct search *search, const STACK_OF(CONF_VALUE) *section)
{
    for (int i = 0; i < sk_CONF_VALUE_num(section); i++) {
        const CONF_VALUE *pair = sk_CONF_VALUE_value(section, i);
        const char *shown;

        if (!ratls_config_is_key(pair->name) || is_section(search, pair->value))
            continue;
        shown = show(search, pair->name);
        if (shown == NULL || strcmp(shown, pair->value) != 0)
            return false;
    }
    return true;
}

static enum ratls_status check_section(struct search *search, const STACK_OF(CONF_VALUE) *section)
{
    if (!is_shown(search, section))
        return RATLS_OK;
    search->is_ours = true;
    for (int i = 0; i < sk_CONF_VALUE_num(section); i++) {
        const CONF_VALUE *pair = sk_CONF_VALUE_value(section, i);

        if (is_of_openssl(pair->name))
            continue;
        if (!ratls_config_is_key(pair->name))
            return ratls_fail(search->err, RATLS_USAGE,
                              "%.32s: unknown key; ratls-provider(7) has all that there are",
                              pair->name);
        if (is_section(search, pair->value))
            return ratls_fail(search->err, RATLS_USAGE,
                              "%.32s = %.64s: OpenSSL takes that for the section [%.64s] of the "
                              "file: give the section another name",
                              pair->name, pair->value, pair->value);
    }
    return RATLS_OK;
}

static enum ratls_status check_providers(struct search *search, const char *list)
{
    const STACK_OF(CONF_VALUE) *providers = NCONF_get_section(search->conf, list);
    enum ratls_status status = RATLS_OK;

    for (int i = 0; i < sk_CONF_VALUE_num(providers) && status == RATLS_OK; i++) {
        const CONF_VALUE *pair = sk_CONF_VALUE_value(providers, i);
        const STACK_OF(CONF_VALUE) *section = NCONF_get_section(search->conf, pair->value);

        if (section != NULL &&
            strcmp(ratls_section_provider(pair->name, section), search->provider) == 0)
            status = check_section(search, section);
    }
    return status;
}

static bool is_list_of_providers(const char *module)
{
    static const char word[] = "providers";
    const char *dot = strrchr(module, '.');
    const size_t len = dot == NULL ? strlen(module) : (size_t)(dot - module);

    return len == sizeof word - 1 && memcmp(module, word, len) == 0;
}

static enum ratls_status check_program(struct search *search, const char *name)
{
    const STACK_OF(CONF_VALUE) *modules = NCONF_get_section(search->conf, name);
    enum ratls_status status = RATLS_OK;

    for (int i = 0; i < sk_CONF_VALUE_num(modules) && status == RATLS_OK; i++) {
        const CONF_VALUE *pair = sk_CONF_VALUE_value(modules, i);

        if (is_list_of_providers(pair->name))
            status = check_providers(search, pair->value);
    }
    return status;
}

/* openssl_conf, or the name that a program has instead (nodejs_conf): all that there are. */
static enum ratls_status check_file(struct search *search)
{
    const STACK_OF(CONF_VALUE) *programs = NCONF_get_section(search->conf, "default");
    enum ratls_status status = RATLS_OK;

    for (int i = 0; i < sk_CONF_VALUE_num(programs) && status == RATLS_OK; i++)
        status = check_program(search, sk_CONF_VALUE_value(programs, i)->value);
    return status;
}

/* What is read of a pipe is gone, and to read one again could wait for ever. */
static bool is_file(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

enum ratls_status ratls_config_file_check(const char *path, const OSSL_CORE_HANDLE *handle,
                                          OSSL_FUNC_core_get_params_fn *get_params,
                                          bool *ret_is_ours, struct ratls_error *err)
{
    struct search search = {.handle = handle, .get_params = get_params, .err = err};
    enum ratls_status status = RATLS_OK;
    CONF *conf;

    *ret_is_ours = false;
    ERR_set_mark();
    conf = NCONF_new(NULL);
    search.conf = conf;
    search.provider = show(&search, OSSL_PROV_PARAM_CORE_PROV_NAME);
    if (conf == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    else if (search.provider != NULL && is_file(path) && NCONF_load(conf, path, NULL) > 0)
        status = check_file(&search);
    NCONF_free(conf);
    ERR_pop_to_mark();
    *ret_is_ours = search.is_ours;
    return status;
}
