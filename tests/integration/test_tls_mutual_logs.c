/* A server that demands evidence of its clients, and reads their boot log and IMA list. */
#include <criterion/criterion.h>
#include <string.h>

#include "fake_boot.h"
#include "fake_ima.h"
#include "mutual_assert.h"

static struct mutual_world *world;
static struct fake_boot *boot;
static struct fake_ima list;
static EVP_PKEY *key;

/* The client's machine has booted, and has run two programs, all of which is allowed. */
static void set_up(void)
{
    world = mutual_world_new();
    boot = fake_boot_new();
    fake_boot_extend(boot, world->tpm);
    fake_boot_allow(boot, world->policy);
    world->tpm->boot_log = fake_boot_log(boot);
    key = fake_ima_allow(fake_policy_rules(world->policy));
    fake_ima_begin(&list, RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    fake_ima_boot(&list, world->tpm, RATLS_ALG_SHA256);
    fake_ima_file(&list, "/usr/bin/ls", FILL_LS);
    fake_ima_file(&list, "/usr/bin/cat", FILL_CAT);
    fake_ima_install(&list, world->tpm);
}

static void tear_down(void)
{
    fake_ima_forget(fake_policy_rules(world->policy));
    fake_boot_forget(world->policy);
    EVP_PKEY_free(key);
    fake_boot_free(boot);
    mutual_world_free(world);
}

TestSuite(tls_mutual_logs, .init = set_up, .fini = tear_down, .timeout = 60);

static enum ratls_verdict verdict_on_client(const struct tls_pair *pair, const char *check)
{
    const struct ratls_report *report = ratls_tls_report(pair->server.ssl);
    struct ratls_finding finding;

    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++)
        if (strcmp(finding.check, check) == 0)
            return finding.verdict;
    cr_assert_fail("the report has no %s", check);
    return RATLS_FAIL;
}

/* A connection whose client is refused by this check alone. */
static void expect_refused(const char *check)
{
    struct tls_pair *pair = mutual_pair(world->client, world->server);

    assert_client_refused(pair, check);
    tls_pair_free(pair);
}

Test(tls_mutual_logs, what_the_policy_allows)
{
    static const char *const checks[] = {"boot.replay", "ima.replay", "ima.allow"};
    struct tls_pair *pair = mutual_pair(world->client, world->server);

    assert_mutual(pair);
    cr_assert_eq(world->asked.logs.boot_bank, RATLS_ALG_SHA256);
    cr_assert_eq(world->asked.logs.ima_bank, RATLS_ALG_SHA256);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        cr_assert_eq(verdict_on_client(pair, checks[i]), RATLS_PASS, "%s", checks[i]);
    tls_pair_free(pair);
}

/* It ran after the first connection was accepted. */
Test(tls_mutual_logs, file_that_is_not_allowed)
{
    struct tls_pair *pair = mutual_pair(world->client, world->server);

    assert_mutual(pair);
    tls_pair_free(pair);
    fake_ima_file(&list, "/usr/bin/miner", FILL_UNKNOWN);
    fake_ima_install(&list, world->tpm);
    expect_refused("ima.allow");
}

/* The client keeps back what PCR 10 knows of. */
Test(tls_mutual_logs, file_that_is_left_out)
{
    fake_ima_file(&list, "/usr/bin/miner", FILL_UNKNOWN);
    fake_ima_install(&list, world->tpm);
    world->tpm->ima_list.len = list.ends[list.count - 2];
    expect_refused("ima.replay");
}

/* A log that shows another boot than the quoted PCRs. */
Test(tls_mutual_logs, boot_that_the_log_does_not_show)
{
    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 4)[0] ^= 1;
    expect_refused("boot.replay");
}
