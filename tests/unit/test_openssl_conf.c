/* The way through an openssl.cnf to ratls, and where it ends. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "openssl_conf.h"

#define FIRST "openssl_conf = a\n[a]\n"
#define PROVIDERS FIRST "providers = b\n[b]\n"
#define SECTION "[s]\nactivate = 1\nlog = stderr\nrole = client\n"

static enum ratls_status read_text(const char *text, CONF **ret_conf,
                                   char passed[static RATLS_OPENSSL_PASSED_MAX],
                                   struct ratls_error *err)
{
    char path[] = "/tmp/ratls-conf-XXXXXX";
    int fd = mkstemp(path);
    enum ratls_status status;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(close(fd), 0);
    status = ratls_openssl_conf_read(NULL, path, ret_conf, passed, err);
    cr_assert_eq(unlink(path), 0);
    return status;
}

static CONF *read_conf(const char *text)
{
    char passed[RATLS_OPENSSL_PASSED_MAX];
    struct ratls_error err = {0};
    CONF *conf = NULL;

    cr_assert_eq(read_text(text, &conf, passed, &err), RATLS_OK, "%s", err.text);
    cr_expect_str_empty(passed);
    return conf;
}

Test(openssl_conf, where_the_way_ends)
{
    static const char *const rows[][2] = {
        {"", "`openssl_conf = SECTION` is missing before the first section"},
        {"[x]\nopenssl_conf = a\n", "`openssl_conf = SECTION` is missing"},
        {"openssl_conf = a\n", "`openssl_conf = a`, but there is no section [a]"},
        {FIRST "x = y\n", "`providers = SECTION` is missing in [a]"},
        /* Keys before the first section are no keys of a section, though NCONF finds them. */
        {"providers = b\n" FIRST "x = y\n[b]\nratls = s\n" SECTION, "is missing in [a]"},
        {FIRST "providers = b\n", "[a] says `providers = b`, but there is no section [b]"},
        {PROVIDERS "base = s\n" SECTION, "[b] does not name ratls"},
        {PROVIDERS "ratlss = s\n[s]\nmodule = /x/ratlss.so\n", "[b] does not name ratls"},
        {PROVIDERS "ratls = s\n", "[b] says `ratls = s`, but there is no section [s]"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_error err = {0};
        struct ratls_conf_way way;
        CONF *conf = read_conf(rows[i][0]);

        cr_expect_eq(ratls_openssl_conf_find(conf, &way, &err), RATLS_USAGE, "%zu", i);
        cr_expect_not_null(strstr(err.text, rows[i][1]), "%zu: %s", i, err.text);
        NCONF_free(conf);
    }
}

Test(openssl_conf, by_name_or_by_file)
{
    static const char *const rows[][2] = {
        {PROVIDERS "base = c\nratls = s\n" SECTION, "ratls"},
        {PROVIDERS "ratls = s\n[s]\nmodule = /x/other.so\n", "ratls"},
        {PROVIDERS "base = c\nmine = s\n[s]\nmodule = /x/ratls.so\n", "mine"},
        {PROVIDERS "mine = s\n[s]\nmodule = ratls\n", "mine"},
        /* as OpenSSL reads them */
        {PROVIDERS "2.ratls = s\n" SECTION, "ratls"},
        {PROVIDERS "mine = s\n[s]\n2.module = ratls\n", "mine"},
        {PROVIDERS "ratls = s\n[s]\nidentity = other\n", "other"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_error err = {0};
        struct ratls_conf_way way;
        CONF *conf = read_conf(rows[i][0]);

        cr_assert_eq(ratls_openssl_conf_find(conf, &way, &err), RATLS_OK, "%zu: %s", i, err.text);
        cr_expect_str_eq(way.first, "a");
        cr_expect_str_eq(way.providers, "b");
        cr_expect_str_eq(way.name, rows[i][1]);
        cr_expect_str_eq(way.section, "s");
        NCONF_free(conf);
    }
}

Test(openssl_conf, disarmed)
{
    CONF *conf = read_conf(FIRST "ssl_conf = x\nproviders = b\nalg_section = y\n[b]\nbase = s\n"
                                 "ratls = s\n" SECTION);
    struct ratls_conf_way way;

    cr_assert_eq(ratls_openssl_conf_find(conf, &way, NULL), RATLS_OK);
    ratls_openssl_conf_disarm(conf, &way);
    cr_expect_eq(sk_CONF_VALUE_num(NCONF_get_section(conf, "a")), 1);
    cr_expect_eq(sk_CONF_VALUE_num(NCONF_get_section(conf, "b")), 2);
    cr_expect_eq(sk_CONF_VALUE_num(NCONF_get_section(conf, "s")), 2);
    cr_expect_str_eq(NCONF_get_string(conf, "a", "providers"), "b");
    cr_expect_str_eq(NCONF_get_string(conf, "s", "role"), "client");
    cr_expect_null(NCONF_get_string(conf, "s", "activate"));
    cr_expect_null(NCONF_get_string(conf, "s", "2.activate"));
    NCONF_free(conf);
}

Test(openssl_conf, what_cannot_be_read)
{
    static const char *const rows[][2] = {
        {"a = b\nnonsense\n", ":2: missing equal sign"},
        {"a = b\n\n[c\n", ":3: missing close square bracket"},
        {"a = $nothing\n", ":1: variable has no value"},
    };
    char passed[RATLS_OPENSSL_PASSED_MAX];
    struct ratls_error err = {0};
    CONF *conf = NULL;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *found;

        err = (struct ratls_error){0};
        cr_expect_eq(read_text(rows[i][0], &conf, passed, &err), RATLS_USAGE, "%zu", i);
        found = strstr(err.text, rows[i][1]);
        cr_assert_not_null(found, "%zu: %s", i, err.text);
        cr_expect_str_eq(found, rows[i][1]);
    }
    err = (struct ratls_error){0};
    cr_expect_eq(read_text(".include /dev/null\nnonsense\n", &conf, passed, &err), RATLS_USAGE);
    cr_expect_not_null(strstr(err.text, "(OpenSSL counts the lines of what is included before"),
                       "%s", err.text);
    err = (struct ratls_error){0};
    cr_expect_eq(ratls_openssl_conf_read(NULL, "/nosuch/x", &conf, passed, &err), RATLS_IO);
    cr_expect_str_eq(err.text, "/nosuch/x: No such file or directory");
    cr_expect_eq(ERR_peek_error(), 0);
}

Test(openssl_conf, what_is_passed_over)
{
    char passed[RATLS_OPENSSL_PASSED_MAX];
    struct ratls_error err = {0};
    CONF *conf = NULL;

    cr_assert_eq(
        read_text(".include /nosuch/a,(b).cnf\n.include /nosuch/c\nx = y\n", &conf, passed, &err),
        RATLS_OK, "%s", err.text);
    cr_expect_str_eq(passed, "/nosuch/a,(b).cnf: No such file or directory");
    cr_expect_eq(ERR_peek_error(), 0);
    NCONF_free(conf);
}
