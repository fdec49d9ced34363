/* The sample policies load, and the documents have every key and every check. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks.h"
#include "policy_lint.h"
#include "policy_load.h"

static void enter_source_folder(void)
{
    const char *folder = getenv("RATLS_SOURCE_DIR");

    cr_assert(ne(ptr, (void *)folder, NULL), "run by ctest");
    cr_assert(eq(int, chdir(folder), 0));
}

TestSuite(policy_samples, .init = enter_source_folder);

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 65536);

    cr_assert(f != NULL && text != NULL, "%s", path);
    cr_assert(gt(sz, fread(text, 1, 65535, f), 1000));
    cr_assert(eq(int, fclose(f), 0));
    return text;
}

struct sample {
    const char *path;
    const char *server;
    const char *other; /* not spoken for */
    size_t pins, issuers, pcrs;
    enum ratls_freshness freshness;
};

static const struct sample samples[] = {
    {"policies/swtpm-demo.yaml", "localhost", "bank.example", 1, 0, 8, RATLS_FRESHNESS_NONCE},
    {"policies/strict.yaml", "vault.bank.example", "bank.example", 1, 0, 9, RATLS_FRESHNESS_NONCE},
    {"policies/debian12-uefi.yaml", "shop.bank.example", "bank.example", 2, 0, 10,
     RATLS_FRESHNESS_NONCE},
    {"policies/epoch.yaml", "pay.bank.example", "bank.example", 1, 0, 5, RATLS_FRESHNESS_EPOCH},
    {"policies/issuer.yaml", "node17.fleet.example", "fleet.example", 0, 1, 5,
     RATLS_FRESHNESS_NONCE},
    {"policies/certificate.yaml", "mail.bank.example", "bank.example", 1, 0, 8,
     RATLS_FRESHNESS_CERTIFICATE},
    {"policies/debian12-measured.yaml", "db.bank.example", "bank.example", 1, 0, 0,
     RATLS_FRESHNESS_NONCE},
};

Test(policy_samples, load)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct sample *s = &samples[i];
        struct ratls_policy *policy = NULL;
        struct ratls_error err = {0};
        const struct ratls_rules *rules;

        cr_assert(eq(int, ratls_policy_load(s->path, &policy, &err), RATLS_OK), "%s", err.text);
        rules = ratls_policy_rules(policy, s->server);
        cr_assert(ne(ptr, (void *)rules, NULL), "%s", s->path);
        cr_expect(eq(sz, rules->pin_count, s->pins), "%s", s->path);
        cr_expect(eq(sz, rules->issuer_count, s->issuers), "%s", s->path);
        cr_expect(eq(sz, rules->pcr_count, s->pcrs), "%s", s->path);
        cr_expect(eq(int, (int)rules->freshness, (int)s->freshness), "%s", s->path);
        cr_expect(eq(ptr, ratls_policy_rules(policy, s->other), NULL), "%s", s->path);
        ratls_policy_free(policy);
    }
}

/* All of them together, and no other file that is not tried here. */
Test(policy_samples, load_as_a_folder)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_assert(eq(int, ratls_policy_load("policies", &policy, &err), RATLS_OK), "%s", err.text);
    cr_expect(eq(sz, policy->count, sizeof samples / sizeof *samples));
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const struct ratls_rules *rules = ratls_policy_rules(policy, samples[i].server);

        cr_assert(ne(ptr, (void *)rules, NULL));
        cr_expect(eq(str, rules->path, (char *)samples[i].path));
    }
    ratls_policy_free(policy);
}

/* Every key of boot and ima that has a list, with a file that is there. */
Test(policy_samples, measured_has_logs)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    const struct ratls_rules *r;

    cr_assert(
        eq(int, ratls_policy_load("policies/debian12-measured.yaml", &policy, &err), RATLS_OK),
        "%s", err.text);
    r = &policy->rules[0];
    cr_expect(r->boot.is_asked && r->boot.secure_boot_required && r->boot.images_signed);
    cr_expect(eq(sz, r->boot.signer_count, 2));
    cr_expect(eq(u32, r->boot.pcrs, 0x7b95)); /* 0, 2, 4, 7, 8, 9, 11 to 14 */
    cr_expect(eq(sz, r->boot.command_lines.count, 8));
    cr_expect(r->ima.is_asked && r->ima.syncs && !r->ima.violations_allowed);
    cr_expect(eq(sz, r->ima.signer_count, 1));
    cr_assert(eq(sz, r->ima.allow.count, 1));
    cr_expect(eq(sz, ratls_refvals_count(r->ima.allow.sets[0]), 3));
    ratls_policy_free(policy);
}

Test(policy_samples, placeholders_say_so)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char *text = read_text(samples[i].path);

        cr_expect(ne(ptr, strstr(text, "PLACEHOLDERS"), NULL), "%s", samples[i].path);
        free(text);
    }
}

static void count_warning(void *self, const char *text)
{
    (void)text;
    ++*(size_t *)self;
}

Test(policy_samples, strict_has_no_warnings)
{
    struct ratls_error err = {0};
    size_t warnings = 0;

    cr_assert(eq(int, ratls_policy_lint("policies/strict.yaml", count_warning, &warnings, &err),
                 RATLS_OK),
              "%s", err.text);
    cr_expect(eq(sz, warnings, 0));
    cr_assert(eq(int, ratls_policy_lint("policies/swtpm-demo.yaml", count_warning, &warnings, &err),
                 RATLS_OK),
              "%s", err.text);
    cr_expect(eq(sz, warnings, 8)); /* each PCR has only zeros */
}

static const char *const keys[] = {
    "policy",    "servers",     "attestation-keys",
    "name",      "issuer",      "epoch",
    "within",    "authorities", "pcrs",
    "index",     "sha256",      "sha384",
    "sha512",    "service",     "freshness",
    "max-age",   "algorithms",  "renew",
    "binding",   "clock",       "deny-firmware",
    "deny-keys", "crl",         "software-tpm",
    "tls-key",   "comment",
};

static const char *const log_keys[] = {
    "reference-values", "boot",   "bank",          "secure-boot", "signers",
    "variables",        "images", "kernels",       "firmware",    "settings",
    "partitions",       "files",  "command-lines", "owner-keys",  "ima",
    "extend",           "allow",  "deny",          "signed-by",   "signature-required",
    "exclude",          "sync",   "violations",
};

static void expect_keys(const char *page, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char heading[64];

        snprintf(heading, sizeof heading, "\n*%s:* ", words[i]);
        cr_expect(ne(ptr, strstr(page, heading), NULL), "%s", words[i]);
    }
}

Test(policy_samples, manual_page_has_every_key)
{
    char *page = read_text("libratls/man/ratls-policy.5.scd");

    expect_keys(page, keys, sizeof keys / sizeof *keys);
    expect_keys(page, log_keys, sizeof log_keys / sizeof *log_keys);
    free(page);
}

Test(policy_samples, manual_page_has_every_check)
{
    static const char *const checks[] = {
#define CHECK_NAME(id, name, meaning, source) name,
        RATLS_CHECKS(CHECK_NAME)
#undef CHECK_NAME
    };
    char *page = read_text("libratls/man/ratls-policy.5.scd");

    for (size_t i = 0; i < RATLS_CHECK_COUNT; i++) {
        char row[64];

        snprintf(row, sizeof row, "\n*%s*\n", checks[i]);
        cr_expect(ne(ptr, strstr(page, row), NULL), "%s", checks[i]);
    }
    free(page);
}

Test(policy_samples, example_of_the_readme_loads)
{
    char *readme = read_text("policies/README.md");
    char *text = strstr(readme, "policy: ratls-1\n");
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_assert(ne(ptr, text, NULL));
    cr_assert(eq(int,
                 ratls_policy_parse("policies/README.md",
                                    ratls_slice(text, (size_t)(strstr(text, "```") - text)),
                                    &policy, &err),
                 RATLS_OK),
              "%s", err.text);
    cr_expect(eq(sz, policy->rules[0].pin_count + policy->rules[0].issuer_count, 2));
    ratls_policy_free(policy);
    free(readme);
}
