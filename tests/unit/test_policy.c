/* Policy files and folders on disk, and which rules speak for which server. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki.h"
#include "policy_load.h"

#define AA16 "aaaaaaaaaaaaaaaa"
#define AA64 AA16 AA16 AA16 AA16
#define KEYS "attestation-keys: [{name: 000b" AA64 "}]\n"
#define REST "pcrs: [{index: 7, sha256: [" AA64 "]}]\n"
#define POLICY(servers) "policy: ratls-1\n" servers KEYS REST

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/ratls-policy-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    cr_assert(eq(int, chdir(folder), 0));
    umask(022);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void remove_folder(void)
{
    cr_assert(eq(int, chdir("/"), 0));
    cr_assert(eq(int, nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0));
}

TestSuite(policy, .init = make_folder, .fini = remove_folder);

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    cr_assert(ne(ptr, f, NULL));
    cr_assert(ge(int, fputs(text, f), 0));
    cr_assert(eq(int, fclose(f), 0));
}

static void expect_refused(const char *path, enum ratls_status status, const char *text)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_expect(eq(int, ratls_policy_load(path, &policy, &err), (int)status), "%s: %s", path,
              err.text);
    cr_expect(eq(int, (int)err.status, (int)status));
    cr_expect(eq(str, err.text, (char *)text));
    cr_expect(eq(ptr, policy, NULL));
}

static struct ratls_policy *load(const char *path)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_assert(eq(int, ratls_policy_load(path, &policy, &err), RATLS_OK), "%s", err.text);
    return policy;
}

Test(policy, one_file)
{
    struct ratls_policy *policy;

    write_file("a.yaml", POLICY("servers: [bank.example]\n"));
    policy = load("a.yaml");
    cr_expect(eq(sz, policy->count, 1));
    cr_expect(eq(str, policy->rules[0].path, "a.yaml"));
    cr_expect(eq(ptr, ratls_policy_rules(policy, "bank.example"), &policy->rules[0]));
    ratls_policy_free(policy);
}

Test(policy, missing_or_unreadable)
{
    expect_refused("gone.yaml", RATLS_USAGE, "gone.yaml: No such file or directory");
    expect_refused("gone/a.yaml", RATLS_USAGE, "gone/a.yaml: No such file or directory");
    expect_refused("/dev/null", RATLS_USAGE, "/dev/null: not a regular file");
    cr_assert(eq(int, mkfifo("fifo.yaml", 0600), 0));
    expect_refused("fifo.yaml", RATLS_USAGE, "fifo.yaml: not a regular file");
    if (geteuid() == 0)
        return; /* root may read every file */
    write_file("a.yaml", POLICY(""));
    cr_assert(eq(int, chmod("a.yaml", 0), 0));
    expect_refused("a.yaml", RATLS_IO, "a.yaml: Permission denied");
}

Test(policy, mistake_says_where)
{
    write_file("a.yaml", "policy: ratls-1\n" KEYS "pcrs:\n  - index: 7\n    sha256: [123]\n");
    expect_refused("a.yaml", RATLS_USAGE,
                   "a.yaml:5:14: pcrs[0].sha256[0]: expected 64 hex digits, got 3");
    expect_refused("./a.yaml", RATLS_USAGE,
                   "./a.yaml:5:14: pcrs[0].sha256[0]: expected 64 hex digits, got 3");
}

Test(policy, too_long)
{
    write_file("a.yaml", POLICY(""));
    cr_assert(eq(int, truncate("a.yaml", 1024 * 1024 + 1), 0));
    expect_refused("a.yaml", RATLS_USAGE, "a.yaml: longer than 1048576 bytes");
}

Test(policy, writable_by_everyone)
{
    struct ratls_policy *policy;
    char *here = realpath(".", NULL), text[RATLS_ERROR_TEXT];

    cr_assert(eq(int, mkdir("open", 0755), 0));
    write_file("open/a.yaml", POLICY(""));
    cr_assert(eq(int, chmod("open/a.yaml", 0666), 0));
    expect_refused("open/a.yaml", RATLS_USAGE,
                   "open/a.yaml: everyone may write to this file and so choose what is trusted: "
                   "take that right away with chmod o-w");
    cr_assert(eq(int, chmod("open/a.yaml", 0664), 0));
    cr_assert(eq(int, chmod("open", 0777), 0));
    expect_refused("open/a.yaml", RATLS_USAGE,
                   "open/a.yaml: everyone may write to the folder open/ and so replace this file: "
                   "take that right away with chmod o-w");
    cr_assert(eq(int, symlink("open/a.yaml", "link.yaml"), 0));
    snprintf(text, sizeof text,
             "link.yaml: everyone may write to the folder %s/open/ and so replace this file: take "
             "that right away with chmod o-w",
             here);
    expect_refused("link.yaml", RATLS_USAGE, text);
    cr_assert(eq(int, chmod("open", 01777), 0)); /* sticky, as /tmp: the file is safe, */
    policy = load("open/a.yaml");
    ratls_policy_free(policy);
    expect_refused("open", RATLS_USAGE, /* but others may add one */
                   "open: everyone may add files to this folder and so choose what is trusted: "
                   "take that right away with chmod o-w");
    free(here);
}

Test(policy, folder)
{
    struct ratls_policy *policy;

    cr_assert(eq(int, mkdir("d", 0755), 0));
    expect_refused("d", RATLS_USAGE, "d: no file *.yaml in this folder");
    write_file("d/README", "not a policy");
    write_file("d/.hidden.yaml", "not a policy");
    write_file("d/a.yaml.bak", "not a policy");
    expect_refused("d", RATLS_USAGE, "d: no file *.yaml in this folder");
    write_file("d/b.yaml", POLICY("servers: [b.example]\n"));
    write_file("d/a.yaml", POLICY("servers: [a.example, \"*.a.example\"]\n"));
    policy = load("d/");
    cr_assert(eq(sz, policy->count, 2));
    cr_expect(eq(str, policy->rules[0].path, "d/a.yaml"));
    cr_expect(eq(str, policy->rules[1].path, "d/b.yaml"));
    ratls_policy_free(policy);
    write_file("d/c.yml", POLICY("servers: [c.example]\n"));
    expect_refused("d", RATLS_USAGE,
                   "d/c.yml: policies end in .yaml: rename this file, or move it away");
    cr_assert(eq(int, rename("d/c.yml", "d/C.YAML"), 0));
    expect_refused("d", RATLS_USAGE,
                   "d/C.YAML: policies end in .yaml: rename this file, or move it away");
}

Test(policy, files_that_contradict_each_other)
{
    cr_assert(eq(int, mkdir("d", 0755), 0));
    write_file("d/a.yaml", POLICY("servers: [x.example, same.example]\n"));
    write_file("d/b.yaml", POLICY("servers: [SAME.example]\n"));
    expect_refused("d", RATLS_USAGE,
                   "d/b.yaml:1:1: servers: same.example is named in d/a.yaml too");
    write_file("d/a.yaml", POLICY(""));
    write_file("d/b.yaml", POLICY(""));
    expect_refused("d", RATLS_USAGE,
                   "d/b.yaml:1:1: speaks for every server, and so does d/a.yaml: "
                   "one of them needs servers");
    write_file("d/b.yaml", "policy: ratls-1\n");
    expect_refused("d", RATLS_USAGE, "d/b.yaml:1:1: the key attestation-keys is missing");
}

struct choice {
    const char *name;
    const char *path; /* NULL: no rules */
};

static const struct choice choices[] = {
    {"www.bank.example", "d/exact.yaml"},
    {"WWW.Bank.Example", "d/exact.yaml"},
    {"www.bank.example.", "d/exact.yaml"},
    {"shop.bank.example", "d/wild.yaml"},
    {"bank.example", "d/every.yaml"},
    {"a.b.bank.example", "d/every.yaml"},
    {"xbank.example", "d/every.yaml"},
    {"www.bank.example.evil", "d/every.yaml"},
    {"192.0.2.1", "d/exact.yaml"},
    {"192.0.2.2", "d/every.yaml"},
    {"2001:db8::1", "d/exact.yaml"},
    {"2001:DB8:0::0:1", "d/exact.yaml"},
    {NULL, "d/every.yaml"},
    {"*.bank.example", NULL},
    {"", NULL},
    {"a b", NULL},
    {"www.bank.example..", NULL},
};

Test(policy, choice)
{
    struct ratls_policy *policy;

    cr_assert(eq(int, mkdir("d", 0755), 0));
    write_file("d/every.yaml", POLICY(""));
    write_file("d/exact.yaml", POLICY("servers: [www.bank.example, 192.0.2.1, \"2001:db8::1\"]\n"));
    write_file("d/wild.yaml", POLICY("servers: [\"*.bank.example\"]\n"));
    policy = load("d");
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        const struct ratls_rules *rules = ratls_policy_rules(policy, choices[i].name);
        const char *path = rules == NULL ? "none" : rules->path;

        cr_expect(eq(str, (char *)path, choices[i].path == NULL ? "none" : (char *)choices[i].path),
                  "%s", choices[i].name == NULL ? "no name" : choices[i].name);
    }
    ratls_policy_free(policy);
    cr_assert(eq(int, unlink("d/every.yaml"), 0));
    policy = load("d");
    cr_expect(eq(ptr, ratls_policy_rules(policy, NULL), NULL));
    cr_expect(eq(ptr, ratls_policy_rules(policy, "bank.example"), NULL));
    ratls_policy_free(policy);
}

Test(policy, names_cover)
{
    char one[] = "www.bank.example", two[] = "*.shop.example";
    char *list[] = {one, two};
    struct ratls_names none = {0}, names = {.names = list, .count = 2};

    cr_expect(ratls_names_cover(&none, "any.example"));
    cr_expect(ratls_names_cover(&none, NULL));
    cr_expect(ratls_names_cover(&names, "WWW.bank.example"));
    cr_expect(ratls_names_cover(&names, "a.shop.example"));
    cr_expect_not(ratls_names_cover(&names, "shop.example"));
    cr_expect_not(ratls_names_cover(&names, ".shop.example"));
    cr_expect_not(ratls_names_cover(&names, "a.b.shop.example"));
    cr_expect_not(ratls_names_cover(&names, NULL));
    cr_expect_not(ratls_names_cover(&names, "bank.example"));
}

Test(policy, references)
{
    struct ratls_policy *policy;

    write_file("a.yaml", POLICY(""));
    policy = load("a.yaml");
    cr_expect(eq(ptr, ratls_policy_up_ref(policy), policy));
    ratls_policy_free(policy);
    cr_expect(eq(str, ratls_policy_rules(policy, "any.example")->path, "a.yaml"));
    ratls_policy_free(policy);
    ratls_policy_free(NULL);
}

/* All rules of a policy share one ledger: in memory, or in the folder. */
Test(policy, state)
{
    struct ratls_ledger_row row = {.ak_name_len = 34,
                                   .ima = {.list_alg = RATLS_ALG_SHA1, .bank = RATLS_ALG_SHA256}};
    struct ratls_policy *policy;
    struct ratls_error err = {0};

    cr_assert(eq(int, mkdir("p", 0755), 0));
    cr_assert(eq(int, mkdir("state", 0700), 0));
    write_file("p/a.yaml", POLICY("servers: [a.example]\n"));
    write_file("p/b.yaml", POLICY("servers: [b.example]\n"));
    policy = load("p");
    cr_assert(policy->ledger != NULL);
    cr_expect(policy->rules[0].ledger == policy->ledger);
    cr_expect(policy->rules[1].ledger == policy->ledger);
    cr_expect(eq(int, ratls_policy_use_state(policy, "nowhere", &err), RATLS_IO));
    cr_expect(strstr(err.text, "nowhere: No such") != NULL, "%s", err.text);
    cr_expect(eq(int, ratls_ledger_put(policy->ledger, "", &row, NULL), RATLS_OK));
    cr_expect(eq(int, access("state/" RATLS_LEDGER_FILE, F_OK), -1));
    cr_expect(eq(int, ratls_policy_use_state(policy, "state", NULL), RATLS_OK));
    cr_expect(policy->rules[0].ledger == policy->ledger);
    cr_expect(policy->rules[1].ledger == policy->ledger);
    cr_expect(eq(int, ratls_ledger_put(policy->rules[1].ledger, "", &row, NULL), RATLS_OK));
    cr_expect(eq(int, access("state/" RATLS_LEDGER_FILE, F_OK), 0));
    ratls_policy_free(policy);
}

static void write_certificate(const char *path, const char *mode, EVP_PKEY *key, const char *ca)
{
    struct pki_spec spec = {.subject = "AK issuer", .key = key, .ca = ca};
    X509 *certificate = pki_certificate(&spec);
    FILE *f = fopen(path, mode);

    cr_assert(ne(ptr, f, NULL));
    cr_assert(eq(int, PEM_write_X509(f, certificate), 1));
    cr_assert(eq(int, fclose(f), 0));
    X509_free(certificate);
}

#define ISSUERS(keys) "policy: ratls-1\nattestation-keys:\n" keys REST

Test(policy, issuer)
{
    struct ratls_policy *policy;
    EVP_PKEY *key = pki_key(PKI_P256);

    cr_assert(eq(int, mkdir("d", 0755), 0));
    write_certificate("d/ca.pem", "w", key, "critical,CA:TRUE");
    write_file("d/a.yaml", ISSUERS("  - {issuer: ca.pem, servers: [a.example]}\n"));
    policy = load("d/a.yaml");
    cr_assert(eq(sz, policy->rules[0].issuer_count, 1));
    cr_expect(eq(str, policy->rules[0].issuers[0].path, "d/ca.pem"));
    cr_expect(ne(ptr, policy->rules[0].issuers[0].certificate, NULL));
    cr_expect(eq(str, policy->rules[0].issuers[0].servers.names[0], "a.example"));
    cr_expect(eq(sz, policy->rules[0].pin_count, 0));
    ratls_policy_free(policy);

    write_file("d/a.yaml", ISSUERS("  - issuer: ca.pem\n  - issuer: ./ca.pem\n"));
    expect_refused("d/a.yaml", RATLS_USAGE,
                   "d/a.yaml:4:13: attestation-keys[1].issuer: this issuer stands in the list "
                   "twice");
    write_certificate("d/ca.pem", "a", key, "critical,CA:TRUE");
    write_file("d/a.yaml", ISSUERS("  - issuer: ca.pem\n"));
    expect_refused("d/a.yaml", RATLS_USAGE,
                   "d/a.yaml:3:13: attestation-keys[0].issuer: d/ca.pem: more than one "
                   "certificate: one file, one issuer");
    write_certificate("d/ca.pem", "w", key, NULL);
    expect_refused("d/a.yaml", RATLS_USAGE,
                   "d/a.yaml:3:13: attestation-keys[0].issuer: d/ca.pem: not the certificate of a "
                   "CA (basicConstraints, keyUsage)");
    write_file("d/ca.pem", "nothing");
    expect_refused("d/a.yaml", RATLS_USAGE,
                   "d/a.yaml:3:13: attestation-keys[0].issuer: d/ca.pem: no certificate in PEM");
    cr_assert(eq(int, chmod("d/ca.pem", 0666), 0));
    expect_refused("d/a.yaml", RATLS_USAGE,
                   "d/a.yaml:3:13: attestation-keys[0].issuer: d/ca.pem: everyone may write to "
                   "this file and so choose what is trusted: take that right away with chmod o-w");
    cr_assert(eq(int, unlink("d/ca.pem"), 0));
    expect_refused("d/a.yaml", RATLS_USAGE,
                   "d/a.yaml:3:13: attestation-keys[0].issuer: d/ca.pem: No such file or "
                   "directory");
    EVP_PKEY_free(key);
}
