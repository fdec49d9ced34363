/* Whether what lies at a path has changed, as the provider asks before it makes a context. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../provider/watch.h"
#include "ledger.h"

static char folder[] = "/tmp/ratls-test-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "a");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

static void remove_file(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    cr_assert_eq(unlink(path), 0);
}

Test(watch, files_of_a_folder)
{
    struct ratls_watch watch = {.is_known = false};

    cr_assert_not_null(mkdtemp(folder));
    put("one", "1");
    cr_assert(ratls_watch_changed(&watch, folder), "the first time");
    cr_assert_not(ratls_watch_changed(&watch, folder));
    put("one", "2");
    cr_assert(ratls_watch_changed(&watch, folder));
    put("two", "1");
    cr_assert(ratls_watch_changed(&watch, folder));
    cr_assert_not(ratls_watch_changed(&watch, folder));
    remove_file("two");
    cr_assert(ratls_watch_changed(&watch, folder));
    cr_assert_eq(chmod(folder, 0750), 0);
    cr_assert(ratls_watch_changed(&watch, folder));
    remove_file("one");
    cr_assert(ratls_watch_changed(&watch, folder));
    cr_assert_eq(rmdir(folder), 0);
    cr_assert(ratls_watch_changed(&watch, folder), "it is gone");
    cr_assert_not(ratls_watch_changed(&watch, folder));
}

/* A client's ledger beside a server's key is written to at every turn. */
Test(watch, ledger_is_passed_over)
{
    static const char *const names[] = {RATLS_LEDGER_FILE, RATLS_LEDGER_FILE "-journal",
                                        RATLS_LEDGER_FILE "-wal", ".hidden"};
    struct ratls_watch watch = {.is_known = false};

    cr_assert_not_null(mkdtemp(folder));
    put("ak", "1");
    cr_assert(ratls_watch_changed(&watch, folder));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put(names[i], "1");
        cr_expect_not(ratls_watch_changed(&watch, folder), "%s was made", names[i]);
        put(names[i], "2");
        cr_expect_not(ratls_watch_changed(&watch, folder), "%s was written", names[i]);
        remove_file(names[i]);
        cr_expect_not(ratls_watch_changed(&watch, folder), "%s was removed", names[i]);
    }
    remove_file("ak");
    cr_assert_eq(rmdir(folder), 0);
}

Test(watch, file)
{
    struct ratls_watch watch = {.is_known = false};
    char path[128];

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/policy", folder);
    cr_assert(ratls_watch_changed(&watch, path), "missing, the first time");
    cr_assert_not(ratls_watch_changed(&watch, path));
    put("policy", "1");
    cr_assert(ratls_watch_changed(&watch, path));
    put("policy", "2");
    cr_assert(ratls_watch_changed(&watch, path));
    cr_assert_not(ratls_watch_changed(&watch, path));
    remove_file("policy");
    cr_assert_eq(rmdir(folder), 0);
}
