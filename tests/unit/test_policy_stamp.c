/* Changes of the files that a policy names. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_folder.h"
#include "policy_load.h"
#include "policy_stamp.h"

static const char text[] = "policy: ratls-1\n"
                           "attestation-keys: [{issuer: two.pem}]\n"
                           "reference-values: [pcrs.sha256]\n"
                           "boot:\n"
                           "  signers: [one.pem]\n"
                           "  images: [a.sha256]\n"
                           "  command-lines: [lines.txt]\n";

TestSuite(policy_stamp, .init = policy_folder_enter, .fini = policy_folder_leave);

static struct ratls_policy *load(void)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_assert(eq(int, ratls_policy_load("p.yaml", &policy, &err), RATLS_OK), "%s", err.text);
    return policy;
}

/* Loaded, changed in place, and loaded again. */
static void expect_seen(const char *path)
{
    struct ratls_policy *policy = load();
    FILE *f;

    cr_expect(not(ratls_policy_files_changed(policy)), "%s", path);
    f = fopen(path, "a");
    cr_assert(ne(ptr, f, NULL));
    cr_assert(ge(int, fputs("\n", f), 0));
    cr_assert(eq(int, fclose(f), 0));
    cr_expect(ratls_policy_files_changed(policy), "%s", path);
    ratls_policy_free(policy);
}

Test(policy_stamp, each_file)
{
    policy_folder_write("p.yaml", text);
    expect_seen("two.pem");
    expect_seen("one.pem");
    expect_seen("a.sha256");
    expect_seen("lines.txt");
    expect_seen("pcrs.sha256");
}

/* By a rename the content may be as old as it likes. */
Test(policy_stamp, other_ways_to_change)
{
    struct ratls_policy *policy;

    policy_folder_write("p.yaml", text);
    policy = load();
    cr_assert(eq(int, rename("b.sha256", "a.sha256"), 0));
    cr_expect(ratls_policy_files_changed(policy));
    ratls_policy_free(policy);
    policy = load();
    cr_assert(eq(int, chmod("a.sha256", 0600), 0));
    cr_expect(ratls_policy_files_changed(policy));
    ratls_policy_free(policy);
    policy = load();
    cr_assert(eq(int, unlink("lines.txt"), 0));
    cr_expect(ratls_policy_files_changed(policy));
    ratls_policy_free(policy);
}
