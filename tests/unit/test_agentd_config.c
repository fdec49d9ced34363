/* ratlsd.yaml: what it becomes, and each mistake with its place and words. */
#include <criterion/criterion.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define SMALLEST "state: /s\nclients: [{user: 0, services: [shop]}]\n"

static enum ratls_status read_text(const char *text, struct ratls_agentd_config **ret,
                                   struct ratls_error *err)
{
    return ratls_agentd_config_read("r.yaml", ratls_slice(text, strlen(text)), ret, err);
}

Test(agentd_config, smallest)
{
    struct ratls_agentd_config *config = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(read_text(SMALLEST, &config, &err), RATLS_OK, "%s", err.text);
    cr_expect_str_eq(config->state, "/s");
    cr_expect_str_eq(config->socket, "/run/ratls/agent.sock");
    cr_expect_eq(config->socket_gid, getegid());
    cr_expect_eq(config->socket_mode, 0660);
    cr_expect_null(config->tcti);
    cr_expect_null(config->boot_log);
    cr_expect_null(config->user);
    cr_expect_null(config->metrics);
    cr_expect_eq(config->queue, 16384);
    cr_expect_eq(config->epoch_s, 0);
    cr_assert_eq(config->rule_count, 1);
    cr_expect_not(config->rules[0].is_group);
    cr_expect_eq(config->rules[0].id, 0);
    cr_expect_eq(config->rules[0].rate, 0);
    cr_expect_eq(config->rules[0].waiting, 4096);
    cr_expect_eq(config->rules[0].service_count, 1);
    cr_expect_str_eq(config->rules[0].services[0], "shop");
    ratls_agentd_config_free(config);
}

Test(agentd_config, every_key)
{
    static const char text[] = "comment: all of it\n"
                               "state: /etc/ratls/server\n"
                               "tcti: device:/dev/tpmrm0\n"
                               "boot-log: none\n"
                               "ima-list: /list\n"
                               "result: /result\n"
                               "epoch: http://tsa.example/\n"
                               "epoch-seconds: 20\n"
                               "socket: /run/x.sock\n"
                               "socket-group: games\n"
                               "socket-mode: 0666\n"
                               "user: daemon\n"
                               "queue: 65536\n"
                               "metrics: /m.prom\n"
                               "clients:\n"
                               "  - user: daemon\n"
                               "    services: [a, b c]\n"
                               "    rate: 2000\n"
                               "    waiting: 1\n"
                               "    comment: x\n"
                               "  - group: daemon\n"
                               "    services: [\"d\\\"\"]\n";
    struct ratls_agentd_config *config = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(read_text(text, &config, &err), RATLS_OK, "%s", err.text);
    cr_expect_str_eq(config->tcti, "device:/dev/tpmrm0");
    cr_expect_str_eq(config->boot_log, "");
    cr_expect_str_eq(config->ima_list, "/list");
    cr_expect_str_eq(config->result, "/result");
    cr_expect_str_eq(config->epoch, "http://tsa.example/");
    cr_expect_eq(config->epoch_s, 20);
    cr_expect_str_eq(config->socket, "/run/x.sock");
    cr_expect_eq(config->socket_gid, getgrnam("games")->gr_gid);
    cr_expect_eq(config->socket_mode, 0666);
    cr_expect_str_eq(config->user, "daemon");
    cr_expect_str_eq(config->metrics, "/m.prom");
    cr_expect_eq(config->queue, 65536);
    cr_assert_eq(config->rule_count, 2);
    cr_expect_eq(config->rules[0].id, 1);
    cr_expect_eq(config->rules[0].rate, 2000);
    cr_expect_eq(config->rules[0].waiting, 1);
    cr_expect_str_eq(config->rules[0].services[1], "b c");
    cr_expect(config->rules[1].is_group);
    cr_expect_eq(config->rules[1].id, 1);
    cr_expect_str_eq(config->rules[1].services[0], "d\"");
    ratls_agentd_config_free(config);
}

/* As a list of the services that the smallest configuration has. */
#define WITH_CLIENT(client) "state: /s\nclients: [" client "]\n"

static const struct {
    const char *text;
    const char *words;
} mistakes[] = {
    {"", "r.yaml:1:1: the file is empty"},
    {"clients: [{user: 0, services: [a]}]\n", "r.yaml:1:1: the key state is missing"},
    {"state: /s\n", "r.yaml:1:1: the key clients is missing"},
    {"state: /s\nclients: []\n",
     "r.yaml:2:10: clients: an empty list: nobody could attest; add a rule"},
    {SMALLEST "port: 1\n", "r.yaml:3:1: port: unknown key"},
    {SMALLEST "state: /t\n", "r.yaml:3:1: duplicate key: state stands already in line 1"},
    {"state: s\nclients: [{user: 0, services: [a]}]\n",
     "r.yaml:1:8: state: must be an absolute path"},
    {SMALLEST "socket: agent.sock\n", "r.yaml:3:9: socket: must be an absolute path"},
    {SMALLEST "socket-mode: 660\n", "r.yaml:3:14: socket-mode: must be 0660"},
    {SMALLEST "socket-group: no-such-group\n",
     "r.yaml:3:15: socket-group: no group of the name no-such-group on this machine"},
    {SMALLEST "user: no-such-user\n",
     "r.yaml:3:7: user: no user of the name no-such-user on this machine; `useradd"},
    {SMALLEST "user: root\n", "r.yaml:3:7: user: root is root; name a user of ratlsd's own"},
    {SMALLEST "metrics: m\n", "r.yaml:3:10: metrics: must be an absolute path"},
    {SMALLEST "result: m\n", "r.yaml:3:9: result: must be an absolute path"},
    {SMALLEST "boot-log: b\n", "r.yaml:3:11: boot-log: must be an absolute path, or none"},
    {SMALLEST "queue: 0\n", "r.yaml:3:8: queue: must be a number, 1 to 65536"},
    {SMALLEST "queue: 010\n", "r.yaml:3:8: queue: must be a number, 1 to 65536"},
    {SMALLEST "queue: 65537\n", "r.yaml:3:8: queue: must be a number, 1 to 65536"},
    {SMALLEST "queue: 99999999999999999999\n", "queue: must be a number, 1 to 65536"},
    {SMALLEST "queue: -1\n", "queue: must be a number, 1 to 65536"},
    {SMALLEST "queue: 1.5\n", "queue: must be a number, 1 to 65536"},
    {SMALLEST "epoch: /t\nepoch-seconds: 3601\n", "epoch-seconds: must be a number, 1 to 3600"},
    {SMALLEST "epoch: https://tsa.example/\n", "r.yaml:3:8: epoch: must be http://... of a time"},
    {SMALLEST "epoch: stamp.tsr\n", "or an absolute path"},
    {SMALLEST "epoch-seconds: 30\n", "epoch-seconds: there is no epoch"},
    {WITH_CLIENT("{services: [a]}"), "clients[0]: needs either user or group, and not both"},
    {WITH_CLIENT("{user: 0, group: 0, services: [a]}"), "needs either user or group, and not both"},
    {WITH_CLIENT("{user: 0}"), "r.yaml:2:11: clients[0]: the key services is missing"},
    {WITH_CLIENT("{user: 0, services: []}"),
     "r.yaml:2:31: clients[0].services: an empty list: name what this user may attest as"},
    {WITH_CLIENT("{user: 0, services: a}"), "clients[0].services: expected a list"},
    {WITH_CLIENT("{user: 0, services: [a, a]}"),
     "r.yaml:2:35: clients[0].services[1]: the same service twice"},
    {WITH_CLIENT("{user: 0, services: [\"caf\\u00e9\"]}"),
     "clients[0].services[0]: a service is 1 to 64 characters of printable ASCII"},
    {WITH_CLIENT("{user: no-such-user, services: [a]}"),
     "r.yaml:2:18: clients[0].user: no user of the name no-such-user on this machine"},
    {WITH_CLIENT("{group: no-such-group, services: [a]}"),
     "clients[0].group: no group of the name no-such-group on this machine"},
    {WITH_CLIENT("{user: 4294967295, services: [a]}"), "no user of the name 4294967295"},
    {WITH_CLIENT("{user: 0, services: [a], rate: 0}"),
     "clients[0].rate: must be a number, 1 to 1000000"},
    {WITH_CLIENT("{user: 0, services: [a], waiting: 65537}"),
     "clients[0].waiting: must be a number, 1 to 65536"},
    {WITH_CLIENT("{user: 0, services: [a]}, {user: root, services: [b]}"),
     "clients[1]: never counts: clients[0] is for the same user"},
    {WITH_CLIENT("{user: 0, services: [a], uid: 1}"), "clients[0].uid: unknown key"},
    {WITH_CLIENT("{user: &x 0, services: [a]}"), "anchors (&) and tags (!) are not accepted"},
    {"state: yes\n", "yes is a boolean or null in YAML"},
    {"- a\n", "r.yaml:1:1: expected keys with values"},
};

Test(agentd_config, mistakes)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct ratls_agentd_config *config = NULL;
        struct ratls_error err = {0};

        cr_expect_eq(read_text(mistakes[i].text, &config, &err), RATLS_USAGE, "%s",
                     mistakes[i].text);
        cr_expect_null(config);
        cr_expect_not_null(strstr(err.text, mistakes[i].words), "%s\n\"%s\" has no \"%s\"",
                           mistakes[i].text, err.text, mistakes[i].words);
    }
}

Test(agentd_config, long_names)
{
    char text[512], path[200], service[70];
    struct ratls_agentd_config *config = NULL;
    struct ratls_error err = {0};

    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[107] = '\0';
    snprintf(text, sizeof text, "%ssocket: %s\n", SMALLEST, path);
    cr_assert_eq(read_text(text, &config, &err), RATLS_OK, "%s", err.text);
    ratls_agentd_config_free(config);
    path[107] = 'a';
    path[108] = '\0';
    snprintf(text, sizeof text, "%ssocket: %s\n", SMALLEST, path);
    cr_assert_eq(read_text(text, &config, &err), RATLS_USAGE);
    cr_expect_not_null(strstr(err.text, "socket: more than 107 bytes"), "%s", err.text);
    memset(service, 's', sizeof service);
    service[65] = '\0';
    snprintf(text, sizeof text, WITH_CLIENT("{user: 0, services: [%s]}"), service);
    err = (struct ratls_error){0};
    cr_assert_eq(read_text(text, &config, &err), RATLS_USAGE);
    cr_expect_not_null(strstr(err.text, "1 to 64 characters"), "%s", err.text);
    snprintf(text, sizeof text, WITH_CLIENT("{user: 0, services: [%s]}"), service + 1);
    err = (struct ratls_error){0};
    cr_assert_eq(read_text(text, &config, &err), RATLS_OK, "%s", err.text);
    ratls_agentd_config_free(config);
}

/* The first that matches; a user's own group, and the others. */
Test(agentd_config, rules)
{
    static const char text[] = "state: /s\n"
                               "clients:\n"
                               "  - {user: 10, services: [user]}\n"
                               "  - {group: 20, services: [group]}\n"
                               "  - {user: 11, services: [late]}\n";
    gid_t others[] = {5, 20};
    const struct {
        struct ratls_agentd_peer peer;
        const char *service;
    } cases[] = {
        {{.uid = 10, .gid = 20}, "user"},
        {{.uid = 11, .gid = 20}, "group"},
        {{.uid = 11, .gid = 21}, "late"},
        {{.uid = 12, .gid = 20}, "group"},
        {{.uid = 12, .gid = 21, .group_count = 2, .groups = others}, "group"},
        {{.uid = 12, .gid = 21, .group_count = 1, .groups = others}, NULL},
        {{.uid = 20, .gid = 10}, NULL},
        {{.uid = 0, .gid = 0}, NULL},
    };
    struct ratls_agentd_config *config = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(read_text(text, &config, &err), RATLS_OK, "%s", err.text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct ratls_agentd_rule *rule = ratls_agentd_config_match(config, &cases[i].peer);

        cr_expect_eq(rule == NULL, cases[i].service == NULL, "case %zu", i);
        if (rule != NULL)
            cr_expect_str_eq(rule->services[0], cases[i].service, "case %zu", i);
    }
    ratls_agentd_config_free(config);
}
