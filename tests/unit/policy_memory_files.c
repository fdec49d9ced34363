/* Memory for the files that a policy names: what ratls-policy(5) says of it, LIMITS. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "counted_memory.h"
#include "policy_folder.h"
#include "policy_load.h"

#define HEAD "policy: ratls-1\nattestation-keys: [{name: 000b" AA64 "}]\n"
#define OPEN HEAD "boot:\n  secure-boot: ignored\n"

/* Of a policy that names a file, and what libyaml needs for any. */
#define OVERHEAD (96 * 1024)

static size_t file_size(const char *path)
{
    struct stat st;

    cr_assert(eq(int, stat(path, &st), 0));
    return (size_t)st.st_size;
}

/* The peak of loading the policy, above that overhead, with this many bytes in its file. */
static void expect_peak(const char *text, size_t max, enum ratls_status expected)
{
    struct ratls_rules rules = {0};
    struct ratls_error err = {0};

    counted_reset();
    cr_expect(eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &rules, &err),
                 (int)expected),
              "%s", err.text);
    ratls_rules_done(&rules);
    cr_expect(eq(sz, counted_live(), 0));
    cr_expect(le(sz, counted_peak(), max + OVERHEAD), "%s", text);
}

TestSuite(policy_memory_files, .init = policy_folder_enter, .fini = policy_folder_leave);

static void write_lines(const char *path, const char *line, size_t count)
{
    FILE *f = fopen(path, "w");

    cr_assert(ne(ptr, f, NULL));
    for (size_t i = 0; i < count; i++)
        cr_assert(ge(int, fprintf(f, "%s%zx\n", line, i), 0));
    cr_assert(eq(int, fclose(f), 0));
}

static void write_names(const char *path, size_t count)
{
    FILE *f = fopen(path, "w");

    cr_assert(ne(ptr, f, NULL));
    for (size_t i = 0; i < count; i++)
        cr_assert(ge(int, fprintf(f, "000b%064zx\n", i), 0));
    cr_assert(eq(int, fclose(f), 0));
}

/* Beside its text each line has its digests, as GRUB, systemd and the EFI stub measure it. */
#define LINE_LEN (96 + 4 * RATLS_DIGEST_MAX)

/* Many short lines, few long ones, and one more than there may be. */
Test(policy_memory_files, patterns)
{
    static const char text[] = OPEN "  command-lines: [many.txt]\n";
    static char line[60000];

    write_lines("many.txt", "", 16384);
    expect_peak(text, 6 * file_size("many.txt") + 16384 * LINE_LEN, RATLS_OK);
    memset(line, 'a', sizeof line - 1);
    write_lines("many.txt", line, 17);
    expect_peak(text, 6 * file_size("many.txt"), RATLS_OK);
    write_lines("many.txt", "", 16385);
    expect_peak(text, 16384 * LINE_LEN, RATLS_USAGE);
}

static void write_digests(const char *path, size_t count)
{
    FILE *f = fopen(path, "w");

    cr_assert(ne(ptr, f, NULL));
    for (size_t i = 0; i < count; i++)
        cr_assert(ge(int, fprintf(f, "%064zx  /usr/bin/program-%zu\n", i, i), 0));
    cr_assert(eq(int, fclose(f), 0));
}

Test(policy_memory_files, digests)
{
    write_digests("many.sha256", 20000);
    expect_peak(OPEN "  files: [many.sha256]\n", 4 * file_size("many.sha256"), RATLS_OK);
}

Test(policy_memory_files, certificates)
{
    FILE *f = fopen("one.pem", "a");

    cr_assert(ne(ptr, f, NULL));
    for (size_t i = 0; i < 200000; i++)
        cr_assert(ge(int, fputs("# a comment\n", f), 0));
    cr_assert(eq(int, fclose(f), 0));
    expect_peak(HEAD "boot:\n  signers: [one.pem]\n", 0, RATLS_USAGE); /* longer than 1 MiB */
    expect_peak(HEAD "boot:\n  signers: [both.pem]\n", 4 * file_size("both.pem") + 2 * 4096,
                RATLS_OK);
}

Test(policy_memory_files, failing_allocations)
{
    counted_fail_each("p.yaml",
                      HEAD "reference-values: [pcrs.sha256]\nboot:\n  signers: [both.pem]\n"
                           "  variables: [all.sha256]\n  command-lines: [lines.txt]\n"
                           "ima:\n  allow: [a.sha256, b.sha256]\n  signed-by: [both.pem]\n"
                           "  exclude: [/a, /b, /c]\n",
                      RATLS_OK);
    counted_fail_each("p.yaml", OPEN "  files: [a.sha384]\n", RATLS_USAGE);
    counted_fail_each("p.yaml", OPEN "  command-lines: [a.sha256, a.sha256]\n", RATLS_USAGE);
    counted_fail_each("p.yaml", HEAD "boot:\n  signers: [a.sha256]\n", RATLS_USAGE);
}

/* The Names of a file, in a list that doubles when it is full. */
Test(policy_memory_files, denied_keys)
{
    static const char text[] = HEAD "pcrs: [{index: 7, sha256: [" AA64 "]}]\n"
                                    "deny-keys: [denied.txt]\n";

    write_names("denied.txt", 20);
    counted_fail_each("p.yaml", text, RATLS_OK);
    write_names("denied.txt", 65536);
    expect_peak(text, file_size("denied.txt") + 3 * 65536 * RATLS_TPM_NAME_MAX, RATLS_OK);
}
