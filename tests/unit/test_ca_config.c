/* ca.yaml: what it becomes, and each mistake with its place and words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "rules.h"

#define EK "3f2a000000000000000000000000000000000000000000000000000000000001"
#define SMALLEST                                                                                   \
    "ca: 1\nstore: /s\nissuers: [{certificate: ca.crt, key: ca.key}]\nnames: "                     \
    "[\"*.bank.example\"]\n"

static enum ratls_status read_text(const char *text, struct ratls_ca_config **ret,
                                   struct ratls_error *err)
{
    return ratls_ca_config_read("/f/ca.yaml", ratls_slice(text, strlen(text)), ret, err);
}

Test(ca_config, smallest)
{
    struct ratls_ca_config *config = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(read_text(SMALLEST, &config, &err), RATLS_OK, "%s", err.text);
    cr_expect_str_eq(config->store, "/s");
    cr_expect_str_eq(config->roots, "/etc/ratls/roots");
    cr_assert_eq(config->issuer_count, 1);
    cr_expect_str_eq(config->issuers[0].certificate, "/f/ca.crt");
    cr_expect_str_eq(config->issuers[0].key, "/f/ca.key");
    cr_expect_eq(config->provider_count, 0);
    cr_expect_eq(config->validity_s, 365 * 86400);
    cr_expect_eq(config->crl_lifetime_s, 7 * 86400);
    cr_expect_null(config->crl_url);
    cr_expect_not(config->allows_software);
    cr_expect_eq(config->algorithms, RATLS_ALLOW_ECDSA_P256 | RATLS_ALLOW_RSASSA);
    cr_expect_eq(config->rule_count, 0);
    cr_expect_null(config->rules_file);
    cr_expect(config->tokens && config->by_hand && config->renewal);
    cr_expect_eq(config->firmware_count, 0);
    cr_expect_eq(config->limits.requests_per_minute, 600);
    cr_expect_eq(config->limits.per_ek_per_hour, 20);
    cr_expect_eq(config->limits.waiting, 10000);
    cr_expect_eq(config->limits.challenged, 10000);
    cr_expect_eq(config->limits.connections, 256);
    cr_expect_eq(config->challenge_lifetime_s, 300);
    cr_expect_eq(config->challenge_lifetime_files_s, 7 * 86400);
    ratls_ca_config_free(config);
}

static const char every_key[] =
    "comment: all of it\n"
    "ca: 1\n"
    "store: postgresql://ca@db/ca\n"
    "roots: roots\n"
    "issuers:\n"
    "  - {certificate: new.crt, key: \"pkcs11:object=ca\", comment: x}\n"
    "  - {certificate: /old.crt, key: \"handle:0x81000001\"}\n"
    "providers: [default, tpm2]\n"
    "validity: 90d\n"
    "crl-url: http://ca.example/ratls.crl\n"
    "crl-lifetime: 12h\n"
    "names: [\"*.Bank.example\", 2001:DB8::1, bank.example]\n"
    "software-tpm: insecure-allow\n"
    "algorithms: [ecdsa-p384, rsapss]\n"
    "approval:\n"
    "  rules: [{ek: " EK ", names: [WWW.bank.example, a.b.bank.example]}]\n"
    "  rules-file: eks.csv\n"
    "  tokens: refuse\n"
    "  by-hand: refuse\n"
    "  renewal: refuse\n"
    "deny-firmware: [\"0007000200000000\"]\n"
    "limits: {requests-per-minute: 1, per-ek-per-hour: 2, waiting: 3, "
    "challenged: 5, connections: 4}\n"
    "challenge-lifetime: 90s\n"
    "challenge-lifetime-files: 1d\n";

Test(ca_config, every_key)
{
    struct ratls_ca_config *config = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(read_text(every_key, &config, &err), RATLS_OK, "%s", err.text);
    cr_expect_str_eq(config->store, "postgresql://ca@db/ca");
    cr_expect_str_eq(config->roots, "/f/roots");
    cr_assert_eq(config->issuer_count, 2);
    cr_expect_str_eq(config->issuers[0].key, "pkcs11:object=ca");
    cr_expect_str_eq(config->issuers[1].certificate, "/old.crt");
    cr_expect_str_eq(config->issuers[1].key, "handle:0x81000001");
    cr_assert_eq(config->provider_count, 2);
    cr_expect_str_eq(config->providers[1], "tpm2");
    cr_expect_eq(config->validity_s, 90 * 86400);
    cr_expect_eq(config->crl_lifetime_s, 12 * 3600);
    cr_expect_str_eq(config->crl_url, "http://ca.example/ratls.crl");
    cr_assert_eq(config->name_count, 3);
    cr_expect_str_eq(config->names[0], "*.bank.example");
    cr_expect_str_eq(config->names[1], "2001:db8::1");
    cr_expect(config->allows_software);
    cr_expect_eq(config->algorithms, RATLS_ALLOW_ECDSA_P384 | RATLS_ALLOW_RSAPSS);
    cr_assert_eq(config->rule_count, 1);
    cr_expect_eq(config->rules[0].ek_sha256[0], 0x3f);
    cr_expect_eq(config->rules[0].ek_sha256[31], 1);
    cr_assert_eq(config->rules[0].name_count, 2);
    cr_expect_str_eq(config->rules[0].names[0], "www.bank.example");
    cr_expect_str_eq(config->rules_file, "/f/eks.csv");
    cr_expect_not(config->tokens || config->by_hand || config->renewal);
    cr_assert_eq(config->firmware_count, 1);
    cr_expect_eq(config->deny_firmware[0], UINT64_C(0x0007000200000000));
    cr_expect_eq(config->limits.requests_per_minute, 1);
    cr_expect_eq(config->limits.challenged, 5);
    cr_expect_eq(config->limits.connections, 4);
    cr_expect_eq(config->challenge_lifetime_s, 90);
    cr_expect_eq(config->challenge_lifetime_files_s, 86400);
    ratls_ca_config_free(config);
}

#define ISSUERS "issuers: [{certificate: c, key: k}]\n"
#define NAMES "names: [a.example]\n"
#define RULE(rule) SMALLEST "approval: {rules: [" rule "]}\n"

static const struct {
    const char *text;
    const char *words;
} mistakes[] = {
    {"", "/f/ca.yaml:1:1: the file is empty"},
    {"store: /s\n" ISSUERS NAMES, "1:1: the key ca is missing"},
    {"ca: 1\n" ISSUERS NAMES, "1:1: the key store is missing"},
    {"ca: 1\nstore: /s\n" NAMES, "1:1: the key issuers is missing"},
    {"ca: 1\nstore: /s\n" ISSUERS, "1:1: the key names is missing"},
    {"ca: 2\nstore: /s\n" ISSUERS NAMES, "1:5: ca: must be 1"},
    {SMALLEST "port: 1\n", "5:1: port: unknown key"},
    {SMALLEST "store: /t\n", "5:1: duplicate key: store stands already in line 2"},
    {"ca: 1\nstore: mysql://x\n" ISSUERS NAMES, "2:8: store: must be a folder, or postgresql://"},
    {"ca: 1\nstore: /s\nissuers: []\n" NAMES, "3:10: issuers: an empty list"},
    {"ca: 1\nstore: /s\nissuers: [{key: k}]\n" NAMES,
     "3:11: issuers[0]: the key certificate is missing"},
    {"ca: 1\nstore: /s\nissuers: [{certificate: c}]\n" NAMES,
     "3:11: issuers[0]: the key key is missing"},
    {"ca: 1\nstore: /s\nissuers: [{certificate: c, key: k, pin: 1}]\n" NAMES,
     "3:36: issuers[0].pin: unknown key"},
    {"ca: 1\nstore: /s\nissuers: [{certificate: c, key: k}, {certificate: /f/c, key: l}]\n" NAMES,
     "3:51: issuers[1].certificate: this issuer is in the list twice"},
    {"ca: 1\nstore: /s\nissuers: [{certificate: c, key: k}, {certificate: d, key: k},"
     " {certificate: e, key: k}, {certificate: f, key: k}, {certificate: g, key: k}]\n" NAMES,
     "issuers: more than 4 entries"},
    {SMALLEST "validity: 365\n", "5:11: validity: must be a time such as 90s, 5m, 12h or 7d"},
    {SMALLEST "validity: 0d\n", "5:11: validity: must be a time"},
    {SMALLEST "validity: 3651d\n", "5:11: validity: must be a time such as 90s, 5m, 12h or 7d, "
                                   "at most 3650d"},
    {SMALLEST "crl-lifetime: 366d\n", "5:15: crl-lifetime: must be a time"},
    {SMALLEST "crl-url: ldap://ca/crl\n", "5:10: crl-url: must be http://"},
    {SMALLEST "crl-url: \"http://ca/a b\"\n", "5:10: crl-url: must be http://"},
    {SMALLEST "challenge-lifetime: 91d\n", "5:21: challenge-lifetime: must be a time"},
    {SMALLEST "challenge-lifetime-files: x\n", "5:27: challenge-lifetime-files: must be a time"},
    {SMALLEST "software-tpm: allow\n", "5:15: software-tpm: must be insecure-allow or refuse"},
    {SMALLEST "algorithms: [sm2]\n", "5:14: algorithms[0]: must be ecdsa-p256, ecdsa-p384"},
    {SMALLEST "algorithms: []\n", "5:13: algorithms: an empty list"},
    {SMALLEST "providers: []\n", "5:12: providers: an empty list"},
    {SMALLEST "deny-firmware: [\"0x0007000200000000\"]\n",
     "5:17: deny-firmware[0]: must be 16 hex digits"},
    {SMALLEST "limits: {body: 1}\n", "5:10: limits.body: unknown key"},
    {SMALLEST "limits: {waiting: 0}\n", "5:19: limits.waiting: must be a number, 1 to 1000000"},
    {SMALLEST "limits: {challenged: 0}\n",
     "5:22: limits.challenged: must be a number, 1 to 1000000"},
    {SMALLEST "limits: {waiting: 010}\n", "limits.waiting: must be a number"},
    {SMALLEST "limits: {waiting: -1}\n", "limits.waiting: must be a number"},
    {SMALLEST "limits: {waiting: 1.5}\n", "limits.waiting: must be a number"},
    {SMALLEST "limits: {waiting: 99999999999}\n", "limits.waiting: must be a number"},
    {SMALLEST "limits: {requests-per-minute: x}\n",
     "5:31: limits.requests-per-minute: must be a number"},
    {SMALLEST "limits: {per-ek-per-hour: 1000001}\n",
     "limits.per-ek-per-hour: must be a number, 1 to 1000000"},
    {SMALLEST "limits: {connections: 65537}\n", "limits.connections: must be a number, 1 to 65536"},
    {SMALLEST "approval: {tokens: yes}\n", "5:20: "},
    {SMALLEST "approval: {tokens: maybe}\n", "5:20: approval.tokens: must be allow or refuse"},
    {SMALLEST "approval: {by-hand: maybe}\n", "approval.by-hand: must be allow or refuse"},
    {SMALLEST "approval: {renewal: maybe}\n", "approval.renewal: must be allow or refuse"},
    {SMALLEST "approval: {mail: a}\n", "5:12: approval.mail: unknown key"},
    {RULE("{names: [www.bank.example]}"), "5:20: approval.rules[0]: the key ek is missing"},
    {RULE("{ek: " EK "}"), "approval.rules[0]: the key names is missing"},
    {RULE("{ek: 3f2a, names: [www.bank.example]}"),
     "5:25: approval.rules[0].ek: must be the SHA-256 of an endorsement key, 64 hex digits"},
    {RULE("{ek: " EK ", names: [www.shop.example]}"),
     "approval.rules[0].names[0]: never counts: it is outside of names"},
    {RULE("{ek: " EK ", names: [bank.example]}"), "approval.rules[0].names[0]: never counts"},
    {RULE("{ek: " EK ", names: [\"*.bank.example\"]}"),
     "approval.rules[0].names[0]: a rule names one machine"},
    {RULE("{ek: " EK ", names: [a.bank.example, A.bank.example]}"),
     "approval.rules[0].names[1]: stands in this list twice"},
    {RULE("{ek: " EK ", names: [a.bank.example]}, {ek: " EK ", names: [b.bank.example]}"),
     "approval.rules[1].ek: approval.rules[0] is for the same key"},
    {"ca: 1\nstore: /s\n" ISSUERS "names: [\"*\"]\n", "4:9: names[0]: a * stands only for"},
    {"ca: 1\nstore: /s\n" ISSUERS "names: [\"a.*.example\"]\n", "names[0]: a * stands only for"},
    {"ca: 1\nstore: /s\n" ISSUERS "names: [a_b.example, \"a b\"]\n",
     "4:22: names[1]: a character that names do not have"},
    {"ca: 1\nstore: /s\n" ISSUERS "names: [\"a.example:443\"]\n", "names[0]: neither a name nor"},
    {"ca: 1\nstore: /s\n" ISSUERS "names: []\n", "4:8: names: an empty list"},
};

Test(ca_config, mistakes)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct ratls_ca_config *config = NULL;
        struct ratls_error err = {0};

        cr_expect_eq(read_text(mistakes[i].text, &config, &err), RATLS_USAGE, "%s",
                     mistakes[i].text);
        cr_expect_null(config);
        cr_expect(strstr(err.text, mistakes[i].words) != NULL, "%s\ninstead of\n%s", err.text,
                  mistakes[i].words);
    }
}

/* A file in a folder of its own, with these rights. */
static enum ratls_status load_file(mode_t mode, struct ratls_ca_config **ret,
                                   struct ratls_error *err)
{
    char folder[] = "ca_config.XXXXXX", path[sizeof folder + 16];
    enum ratls_status status;
    FILE *file;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/ca.yaml", folder);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(SMALLEST, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
    status = ratls_ca_config_load(path, ret, err);
    unlink(path);
    rmdir(folder);
    return status;
}

Test(ca_config, file)
{
    struct ratls_ca_config *config = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(load_file(0640, &config, &err), RATLS_OK, "%s", err.text);
    cr_expect(strstr(config->issuers[0].key, "/ca.key") != NULL);
    ratls_ca_config_free(config);
    config = NULL;
    cr_expect_eq(load_file(0646, &config, &err), RATLS_USAGE);
    cr_expect(strstr(err.text, "chmod o-w") != NULL, "%s", err.text);
    cr_expect_null(config);
    err = (struct ratls_error){0};
    cr_expect_eq(ratls_ca_config_load("no/such.yaml", &config, &err), RATLS_USAGE);
}

Test(ca_config, names)
{
    char wide[] = "*.bank.example", exact[] = "shop.example", address[] = "192.0.2.7";
    char *names[] = {wide, exact, address};
    static const struct {
        const char *name;
        bool fits;
    } rows[] = {
        {"www.bank.example", true},
        {"a.b.bank.example", true},
        {"bank.example", false},
        {".bank.example", false},
        {"xbank.example", false},
        {"shop.example", true},
        {"www.shop.example", false},
        {"192.0.2.7", true},
        {"192.0.2.70", false},
        {"bank.example.evil", false},
        {"*.bank.example", false},
        {".a.bank.example", false},
        {"", false},
        {"www.bank.example.", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_eq(ratls_ca_name_fits(names, 3, ratls_slice(rows[i].name, strlen(rows[i].name))),
                     rows[i].fits, "%s", rows[i].name);
}

Test(ca_config, uris)
{
    cr_expect(ratls_ca_key_is_uri("handle:0x81000001"));
    cr_expect(ratls_ca_key_is_uri("pkcs11:object=ca"));
    cr_expect_not(ratls_ca_key_is_uri("ca.key"));
    cr_expect_not(ratls_ca_key_is_uri("/etc/a:b"));
    cr_expect_not(ratls_ca_key_is_uri("./handle:0x81"));
}
