/* Policies for clients: never mistaken for those for servers, nor the other way round. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "policy_folder.h"
#include "policy_load.h"

#define POLICY(peers) "policy: ratls-1\n" peers KEY("") REST
#define KEY(more) "attestation-keys: [{name: 000b" AA64 more "}]\n"
#define REST "pcrs: [{index: 7, sha256: [" AA64 "]}]\n"

TestSuite(policy_clients, .init = policy_folder_enter, .fini = policy_folder_leave);

static void expect_refused(const char *path, const char *text)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_expect(eq(int, ratls_policy_load(path, &policy, &err), RATLS_USAGE), "%s", err.text);
    cr_expect(eq(str, err.text, (char *)text));
    ratls_policy_free(policy);
}

static struct ratls_policy *load(const char *path)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_assert(eq(int, ratls_policy_load(path, &policy, &err), RATLS_OK), "%s", err.text);
    return policy;
}

Test(policy_clients, choice)
{
    struct ratls_policy *policy;

    policy_folder_write("server.yaml", POLICY("servers: [a.example]\n"));
    policy_folder_write("servers.yaml", POLICY(""));
    policy_folder_write("client.yaml", POLICY("clients: [A.example, b.example]\n"));
    policy = load(".");
    cr_expect(eq(str, ratls_policy_client_rules(policy, "a.example")->path, "./client.yaml"));
    cr_expect(eq(str, ratls_policy_rules(policy, "a.example")->path, "./server.yaml"));
    cr_expect(eq(str, ratls_policy_rules(policy, "b.example")->path, "./servers.yaml"));
    cr_expect(eq(ptr, ratls_policy_client_rules(policy, "c.example"), NULL));
    cr_expect(eq(ptr, ratls_policy_client_rules(policy, NULL), NULL));
    ratls_policy_free(policy);
    policy_folder_write("every.yaml", POLICY("clients: [\"*\"]\n"));
    policy = load(".");
    cr_expect(eq(str, ratls_policy_client_rules(policy, "c.example")->path, "./every.yaml"));
    cr_expect(eq(str, ratls_policy_client_rules(policy, NULL)->path, "./every.yaml"));
    ratls_policy_free(policy);
}

Test(policy_clients, files_that_contradict_each_other)
{
    policy_folder_write("a.yaml", POLICY("clients: [b.example]\n"));
    policy_folder_write("b.yaml", POLICY("clients: [b.example]\n"));
    expect_refused(".", "./b.yaml:1:1: clients: b.example is named in ./a.yaml too");
    policy_folder_write("a.yaml", POLICY("clients: [\"*\"]\n"));
    policy_folder_write("b.yaml", POLICY("clients: [\"*\"]\n"));
    expect_refused(".", "./b.yaml:1:1: speaks for every client, and so does ./a.yaml: one of them "
                        "needs clients");
}

Test(policy_clients, refusals)
{
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {POLICY("servers: [a.example]\nclients: [a.example]\n"),
         "p.yaml:3:10: clients: servers or clients, not both: make it two files"},
        {POLICY("clients: []\n"),
         "p.yaml:2:10: clients: an empty list: leave the key out, or say what is meant"},
        {POLICY("clients: [\"*\", a.example]\n"),
         "p.yaml:2:11: clients[0]: *: a * stands only for the whole first part, as in "
         "*.example.org"},
        {"policy: ratls-1\n" KEY(", clients: [a]") REST,
         "p.yaml:2:106: attestation-keys[0].clients: this policy is for servers: name them under "
         "servers here too"},
        {"policy: ratls-1\nclients: [a]\n" KEY(", servers: [a]") REST,
         "p.yaml:3:106: attestation-keys[0].servers: this policy is for clients: name them under "
         "clients here too"},
        {"policy: ratls-1\nclients: [a]\n" KEY(", clients: [b]") REST,
         "p.yaml:3:107: attestation-keys[0].clients[0]: b is not among the clients of this "
         "policy"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        policy_folder_write("p.yaml", rows[i].text);
        expect_refused("p.yaml", rows[i].error);
    }
}
