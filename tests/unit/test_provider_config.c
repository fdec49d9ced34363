/* What the provider's section of openssl.cnf may say: the keys of one who attests. */
#include <criterion/criterion.h>
#include <openssl/params.h>
#include <string.h>

#include "../../provider/config.h"

#define KEYS_MAX 6

struct section {
    const char *keys[KEYS_MAX][2]; /* name, value */
};

/* As OpenSSL's core shows the section of a provider: what is not there is left alone. */
static int show(const OSSL_CORE_HANDLE *handle, OSSL_PARAM params[])
{
    const struct section *section = (const struct section *)handle;

    for (size_t i = 0; i < KEYS_MAX && section->keys[i][0] != NULL; i++) {
        OSSL_PARAM *param = OSSL_PARAM_locate(params, section->keys[i][0]);

        cr_assert_not_null(param, "the provider does not know %s", section->keys[i][0]);
        cr_assert_eq(OSSL_PARAM_set_utf8_ptr(param, section->keys[i][1]), 1);
    }
    return 1;
}

static enum ratls_status read_section(const struct section *section, struct ratls_config *config,
                                      struct ratls_error *err)
{
    return ratls_config_read((const OSSL_CORE_HANDLE *)section, show, config, err);
}

#define SOCKET "/run/ratls/agent.sock"
#define LONG_40 "0123456789012345678901234567890123456789"

Test(provider_config, agent)
{
    static const struct section sections[] = {
        {{{"role", "server"}, {"agent", SOCKET}}},
        {{{"role", "server"}, {"agent", SOCKET}, {"state", ""}}},
        {{{"role", "server"}, {"agent", SOCKET}, {"service", "web"}, {"clients", "/p"}}},
        {{{"role", "server"}, {"agent", SOCKET}, {"clients", "/p"}, {"state", "/s"}}},
        {{{"role", "both"}, {"agent", SOCKET}, {"policy", "/p"}}},
        {{{"role", "both"}, {"agent", SOCKET}, {"policy", "/p"}, {"state", "/s"}}},
    };

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        struct ratls_config config = {0};
        struct ratls_error err = {0};

        cr_expect_eq(read_section(&sections[i], &config, &err), RATLS_OK, "%zu: %s", i, err.text);
        cr_expect_str_eq(config.agent, SOCKET, "%zu", i);
        cr_expect(config.server, "%zu", i);
        ratls_config_clear(&config);
        cr_expect_null(config.agent);
    }
}

Test(provider_config, what_does_not_go_together)
{
    static const struct {
        struct section section;
        const char *text;
    } cases[] = {
        {{{{"role", "server"}}}, "needs state = FOLDER, as made by `ratls init`, or agent ="},
        {{{{"role", "both"}, {"policy", "/p"}}}, "needs state = FOLDER"},
        {{{{"role", "both"}, {"agent", SOCKET}}}, "needs policy ="},
        {{{{"role", "client"}, {"policy", ""}}}, "role = client needs policy = FILE or FOLDER"},
        {{{{"role", "server"}, {"state", "/s"}, {"clients", ""}}}, "clients is empty"},
        {{{{"role", "client"}, {"policy", "/p"}, {"agent", SOCKET}}},
         "agent is for role = server or both"},
        {{{{"role", "server"}, {"agent", ""}}}, "agent = : must be the absolute path"},
        {{{{"role", "server"}, {"agent", "agent.sock"}}}, "agent = agent.sock: must be"},
        {{{{"role", "server"}, {"agent", "/" LONG_40 LONG_40 LONG_40}}}, "at most 107 bytes"},
        {{{{"role", "server"}, {"agent", SOCKET}, {"state", "/s"}}}, "state beside agent"},
        {{{{"role", "server"}, {"agent", SOCKET}, {"tcti", "swtpm"}}}, "tcti beside agent"},
        {{{{"role", "server"}, {"agent", SOCKET}, {"boot-log", "none"}}}, "boot-log beside"},
        {{{{"role", "server"}, {"agent", SOCKET}, {"ima-list", "/i"}}}, "ima-list beside agent"},
        {{{{"role", "server"}, {"agent", SOCKET}, {"result", "/r"}}}, "result beside agent"},
        {{{{"role", "server"}, {"agent", SOCKET}, {"epoch", "/e"}}}, "epoch beside agent"},
        {{{{"role", "both"}, {"policy", "/p"}, {"agent", SOCKET}, {"epoch-seconds", "30"}}},
         "epoch-seconds beside agent: the agent has the TPM, so it goes into the configuration of "
         "ratlsd"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_config config = {0};
        struct ratls_error err = {0};

        cr_expect_eq(read_section(&cases[i].section, &config, &err), RATLS_USAGE, "%zu", i);
        cr_expect_not_null(strstr(err.text, cases[i].text), "%zu: %s", i, err.text);
        cr_expect(config.agent == NULL && config.state == NULL, "%zu", i);
    }
}

#define SERVER                                                                                     \
    {"role", "server"},                                                                            \
    {                                                                                              \
        "state", "/s"                                                                              \
    }
#define LONG_400 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40

/* What the attester takes, and what is refused before a program has an SSL_CTX. */
Test(provider_config, values_of_a_server)
{
    static const struct {
        struct section section;
        const char *text; /* NULL: it is taken */
    } cases[] = {
        {{{SERVER, {"epoch", "http://tsa.example/"}, {"epoch-seconds", "30"}}}, NULL},
        {{{SERVER, {"epoch", "/run/stamp.tsr"}}}, NULL},
        {{{SERVER, {"epoch", "https://tsa.example/"}}},
         "epoch = https://tsa.example/: must be http://... of a time stamp authority"},
        {{{SERVER, {"epoch", "stamp.tsr"}}}, "epoch = stamp.tsr: must be"},
        {{{SERVER, {"epoch", ""}}}, "epoch = : must be"},
        {{{SERVER, {"epoch", "/" LONG_400 LONG_400 LONG_400}}}, "must have less than 1024 bytes"},
        {{{SERVER, {"epoch-seconds", "30"}}}, "epoch-seconds without epoch"},
        {{{SERVER, {"epoch", "/e"}, {"epoch-seconds", "0"}}}, "epoch-seconds = 0: must be"},
        {{{SERVER, {"service", "web shop"}}}, NULL},
        {{{SERVER, {"service", ""}}}, "service: must be 1 to 64 printable characters"},
        {{{SERVER, {"service", LONG_40 LONG_40}}}, "service: must be 1 to 64 printable"},
        {{{SERVER, {"service", "caf\xc3\xa9"}}}, "service: must be 1 to 64 printable"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_config config = {0};
        struct ratls_error err = {0};

        cr_expect_eq(read_section(&cases[i].section, &config, &err),
                     cases[i].text == NULL ? RATLS_OK : RATLS_USAGE, "%zu: %s", i, err.text);
        if (cases[i].text != NULL)
            cr_expect_not_null(strstr(err.text, cases[i].text), "%zu: %s", i, err.text);
        ratls_config_clear(&config);
    }
}
