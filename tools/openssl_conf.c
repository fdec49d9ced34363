#include "openssl_conf.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "../provider/section.h"
#include "fail.h"

#define OWN_PREFIX                                                                                 \
    "attestation failed: " /* tls_errors.c: here it is the configuration that did                  \
                            */

/* What stands behind a reason, if it says more; of DSO: "filename(PATH): " and the words of dlopen.
 */
static const char *find_detail(unsigned long code, const char *reason, const char *data)
{
    const char *words = ERR_GET_LIB(code) == ERR_LIB_DSO ? strstr(data, "): ") : NULL;

    if (words != NULL)
        return words + 3;
    if (strstr(data, reason) != NULL || strncmp(data, "line ", 5) == 0 ||
        strncmp(data, "HERE-->", 7) == 0)
        return "";
    return data;
}

bool ratls_openssl_reason(char *ret, size_t cap)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
    const char *reason = ERR_reason_error_string(code);

    if (code == 0)
        return false;
    if (reason == NULL) /* of the system: no table of OpenSSL */
        reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : "an unknown error";
    if (strncmp(reason, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
        reason += strlen(OWN_PREFIX);
    data = find_detail(code, reason, (flags & ERR_TXT_STRING) == 0 ? "" : data);
    snprintf(ret, cap, "%s%s%s", reason, data[0] == '\0' ? "" : ": ", data);
    ERR_clear_error();
    return true;
}

/* "calling stat(PATH)" and "calling fopen(PATH, r)" are what OpenSSL notes of an .include. */
static void note_passed(char ret[static RATLS_OPENSSL_PASSED_MAX])
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code;

    ret[0] = '\0';
    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        const char *path = (flags & ERR_TXT_STRING) == 0 ? NULL : strchr(data, '(');
        const char *end;

        if (!ERR_SYSTEM_ERROR(code) || path == NULL || ret[0] != '\0')
            continue;
        path++;
        end = strrchr(path, strncmp(data, "calling fopen", 13) == 0 ? ',' : ')');
        snprintf(ret, RATLS_OPENSSL_PASSED_MAX, "%.*s: %s",
                 end == NULL ? (int)strlen(path) : (int)(end - path), path,
                 strerror(ERR_GET_REASON(code)));
    }
}

static bool has_include(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[256];
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line + strspn(line, " \t"), ".include", 8) == 0;
    if (file != NULL)
        fclose(file);
    return found;
}

static enum ratls_status fail_read(const char *path, long line, struct ratls_error *err)
{
    unsigned long code = ERR_peek_error();
    char reason[RATLS_ERROR_TEXT];

    if (line <= 0 && ERR_SYSTEM_ERROR(code)) {
        ERR_clear_error();
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(ERR_GET_REASON(code)));
    }
    if (!ratls_openssl_reason(reason, sizeof reason))
        snprintf(reason, sizeof reason, "OpenSSL does not say why");
    if (line <= 0)
        return ratls_fail(err, RATLS_USAGE, "%s: %s", path, reason);
    return ratls_fail(
        err, RATLS_USAGE, "%s:%ld: %s%s", path, line, reason,
        has_include(path) ? " (OpenSSL counts the lines of what is included before, too)" : "");
}

enum ratls_status ratls_openssl_conf_read(OSSL_LIB_CTX *libctx, const char *path, CONF **ret_conf,
                                          char ret_passed[static RATLS_OPENSSL_PASSED_MAX],
                                          struct ratls_error *err)
{
    CONF *conf = NCONF_new_ex(libctx, NULL);
    long line = 0;

    if (conf == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ERR_clear_error();
    if (NCONF_load(conf, path, &line) <= 0) {
        NCONF_free(conf);
        return fail_read(path, line, err);
    }
    note_passed(ret_passed);
    *ret_conf = conf;
    return RATLS_OK;
}

/* Only in the section itself: NCONF_get_string() would look among the keys of the file, too. */
static const char *get_value(const CONF *conf, const char *section, const char *key)
{
    const STACK_OF(CONF_VALUE) *values = NCONF_get_section(conf, section);

    for (int i = 0; i < sk_CONF_VALUE_num(values); i++)
        if (strcmp(sk_CONF_VALUE_value(values, i)->name, key) == 0)
            return sk_CONF_VALUE_value(values, i)->value;
    return NULL;
}

static bool has_section(const CONF *conf, const char *section)
{
    return NCONF_get_section(conf, section) != NULL;
}

/* By its name, or by its file: the name is free. */
static bool is_ratls(const CONF_VALUE *listed, const STACK_OF(CONF_VALUE) *section)
{
    const char *module = ratls_section_find(section, "module");
    const char *slash = module == NULL ? NULL : strrchr(module, '/');
    const char *file = slash == NULL ? module : slash + 1;

    return strcmp(ratls_section_word(listed->name), "ratls") == 0 ||
           (file != NULL && (strcmp(file, "ratls.so") == 0 || strcmp(file, "ratls") == 0));
}

static enum ratls_status find_provider(const CONF *conf, struct ratls_conf_way *way,
                                       struct ratls_error *err)
{
    const STACK_OF(CONF_VALUE) *values = NCONF_get_section(conf, way->providers);

    for (int i = 0; i < sk_CONF_VALUE_num(values); i++) {
        const CONF_VALUE *listed = sk_CONF_VALUE_value(values, i);
        const STACK_OF(CONF_VALUE) *section = NCONF_get_section(conf, listed->value);

        if (!is_ratls(listed, section))
            continue;
        way->name = ratls_section_provider(listed->name, section);
        way->section = listed->value;
        if (section == NULL)
            return ratls_fail(err, RATLS_USAGE, "[%s] says `%s = %s`, but there is no section [%s]",
                              way->providers, listed->name, way->section, way->section);
        return RATLS_OK;
    }
    return ratls_fail(err, RATLS_USAGE, "[%s] does not name ratls: `ratls = SECTION` is missing",
                      way->providers);
}

enum ratls_status ratls_openssl_conf_find(const CONF *conf, struct ratls_conf_way *ret,
                                          struct ratls_error *err)
{
    *ret = (struct ratls_conf_way){.first = get_value(conf, "default", "openssl_conf")};
    if (ret->first == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "`openssl_conf = SECTION` is missing before the first section");
    if (!has_section(conf, ret->first))
        return ratls_fail(err, RATLS_USAGE,
                          "it says `openssl_conf = %s`, but there is no section [%s]", ret->first,
                          ret->first);
    ret->providers = get_value(conf, ret->first, "providers");
    if (ret->providers == NULL)
        return ratls_fail(err, RATLS_USAGE, "`providers = SECTION` is missing in [%s]", ret->first);
    if (!has_section(conf, ret->providers))
        return ratls_fail(err, RATLS_USAGE,
                          "[%s] says `providers = %s`, but there is no section [%s]", ret->first,
                          ret->providers, ret->providers);
    return find_provider(conf, ret, err);
}

static void forget(CONF *conf, STACK_OF(CONF_VALUE) *values, int at)
{
    CONF_VALUE *value = sk_CONF_VALUE_delete(values, at);

    (void)lh_CONF_VALUE_delete(conf->data, value);
    OPENSSL_free(value->name);
    OPENSSL_free(value->value);
    OPENSSL_free(value);
}

void ratls_openssl_conf_disarm(CONF *conf, const struct ratls_conf_way *way)
{
    STACK_OF(CONF_VALUE) *first = NCONF_get_section(conf, way->first);
    STACK_OF(CONF_VALUE) *section = NCONF_get_section(conf, way->section);

    for (int i = sk_CONF_VALUE_num(first); i-- > 0;)
        if (strcmp(sk_CONF_VALUE_value(first, i)->name, "providers") != 0)
            forget(conf, first, i);
    for (int i = sk_CONF_VALUE_num(section); i-- > 0;)
        if (strcmp(ratls_section_word(sk_CONF_VALUE_value(section, i)->name), "activate") == 0)
            forget(conf, section, i);
}
