/* The provider's section as the file has it: keys that OpenSSL shows to nobody. */
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../provider/config_file.h"

#define KEYS_MAX 4
#define FILE_TEXT(provider, section)                                                               \
    "openssl_conf = conf\n[conf]\nproviders = list\n[list]\nbase = other\n" provider               \
    "\n[other]\nactivate = 1\nunheard-of = 1\n" section

/* The core: what it calls us, and what it shows. */
struct core {
    const char *name;
    const char *keys[KEYS_MAX][2]; /* name, value */
};

#define SERVER                                                                                     \
    {                                                                                              \
        "ratls",                                                                                   \
        {                                                                                          \
            {"role", "server"},                                                                    \
            {                                                                                      \
                "state", "/s"                                                                      \
            }                                                                                      \
        }                                                                                          \
    }

static int show(const OSSL_CORE_HANDLE *handle, OSSL_PARAM params[])
{
    const struct core *core = (const struct core *)handle;
    OSSL_PARAM *param = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_CORE_PROV_NAME);

    if (param != NULL)
        cr_assert_eq(OSSL_PARAM_set_utf8_ptr(param, core->name), 1);
    for (size_t i = 0; i < KEYS_MAX && core->keys[i][0] != NULL; i++) {
        param = OSSL_PARAM_locate(params, core->keys[i][0]);
        if (param != NULL)
            cr_assert_eq(OSSL_PARAM_set_utf8_ptr(param, core->keys[i][1]), 1);
    }
    return 1;
}

static enum ratls_status check(const char *text, const struct core *core, bool *ret_is_ours,
                               struct ratls_error *err)
{
    char path[] = "/tmp/ratls-config-XXXXXX";
    int fd = mkstemp(path);
    enum ratls_status status;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    status = ratls_config_file_check(path, (const OSSL_CORE_HANDLE *)core, show, ret_is_ours, err);
    unlink(path);
    return status;
}

/* Each of them says role = server and state = /s, in one of the ways that OpenSSL follows. */
Test(provider_config_file, good)
{
    static const struct core core = SERVER;
    static const char *const files[] = {
        FILE_TEXT("ratls = r", "[r]\nrole = server\nstate = /s\n"),
        FILE_TEXT("ratls = r", "[r]\nmodule = m\nactivate = 1\nrole = server\nstate = /s\n"),
        FILE_TEXT("1.ratls = r", "[r]\n1.module = m\nsoft_load = 1\nrole = server\nstate = /s\n"),
        FILE_TEXT("x = r", "[r]\nidentity = ratls\nrole = server\nstate = /s\n"),
        "nodejs_conf = c\n[c]\nproviders.2 = l\n[l]\nratls = r\n[r]\nrole = server\nstate = /s\n",
        /* what OpenSSL has from elsewhere: the last one counts */
        FILE_TEXT("ratls = r", "[r]\nrole = client\nstate = /s\n[x]\n[r]\nrole = server\n"),
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct ratls_error err = {0};
        bool is_ours = false;

        cr_expect_eq(check(files[i], &core, &is_ours, &err), RATLS_OK, "%zu: %s", i, err.text);
        cr_expect(is_ours, "%zu", i);
    }
    cr_expect_eq(ERR_peek_error(), 0);
}

Test(provider_config_file, keys_that_openssl_does_not_show)
{
    static const struct core core = SERVER;
    static const struct {
        const char *file;
        const char *text;
    } cases[] = {
        {FILE_TEXT("ratls = r", "[r]\nrole = server\nstate = /s\nclints = /p\n"),
         "clints: unknown key"},
        {FILE_TEXT("ratls = r", "[r]\nclients.x = /p\nrole = server\nstate = /s\n"),
         "clients.x: unknown key"},
        {FILE_TEXT("ratls = r", "[r]\nrole = server\nstate = /s\nClients = /p\n"),
         "Clients: unknown key"},
        {FILE_TEXT("ratls = r", "[r]\nrole = server\nstate = /s\nclients = strict\n[strict]\n"),
         "clients = strict: OpenSSL takes that for the section [strict]"},
        {FILE_TEXT("ratls = r", "[r]\nrole = server\nstate = /s\nservice = default\n"),
         "service = default: OpenSSL takes that for the section [default]"},
        {FILE_TEXT("x = r", "[r]\nidentity = ratls\nrole = server\nstate = /s\nlgo = stderr\n"),
         "lgo: unknown key"},
        {"nodejs_conf = c\n[c]\nproviders.2 = l\n[l]\nratls = r\n[r]\nrole = server\nlgo = x\n",
         "lgo: unknown key"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_error err = {0};
        bool is_ours = false;

        cr_expect_eq(check(cases[i].file, &core, &is_ours, &err), RATLS_USAGE, "%zu", i);
        cr_expect_not_null(strstr(err.text, cases[i].text), "%zu: %s", i, err.text);
        cr_expect(is_ours, "%zu", i);
    }
    cr_expect_eq(ERR_peek_error(), 0);
}

/* The program reads another file: what this one says is not for it. */
Test(provider_config_file, of_another)
{
    static const struct core core = SERVER;
    static const char *const files[] = {
        "",
        "[r]\nrole = server\nstate = /s\nclints = /p\n",
        "this is no configuration",
        "openssl_conf = conf\n",
        "openssl_conf = conf\n[conf]\nproviders = list\n",
        FILE_TEXT("ratls = nowhere", ""),
        FILE_TEXT("ratls = r", "[r]\nrole = client\nstate = /s\nclints = /p\n"),
        FILE_TEXT("ratls = r", "[r]\nrole = server\nstate = /s\nservice = x\nclints = /p\n"),
        FILE_TEXT("stlar = r", "[r]\nrole = server\nstate = /s\nclints = /p\n"),
        FILE_TEXT("ratls = r", "[r]\nidentity = x\nrole = server\nstate = /s\nclints = /p\n"),
    };
    struct ratls_error err = {0};
    bool is_ours = true;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        is_ours = true;
        cr_expect_eq(check(files[i], &core, &is_ours, &err), RATLS_OK, "%zu: %s", i, err.text);
        cr_expect_not(is_ours, "%zu", i);
    }
    is_ours = true;
    cr_expect_eq(
        ratls_config_file_check("/nowhere", (const OSSL_CORE_HANDLE *)&core, show, &is_ours, &err),
        RATLS_OK);
    cr_expect_not(is_ours);
    cr_expect_eq(ERR_peek_error(), 0);
}

/* OpenSSL has read it to its end: nobody writes it again. */
Test(provider_config_file, pipe, .timeout = 30)
{
    static const struct core core = SERVER;
    char folder[] = "/tmp/ratls-config-XXXXXX", path[64];
    struct ratls_error err = {0};
    bool is_ours = true;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(
        ratls_config_file_check(path, (const OSSL_CORE_HANDLE *)&core, show, &is_ours, &err),
        RATLS_OK);
    cr_expect_not(is_ours);
    unlink(path);
    rmdir(folder);
}
