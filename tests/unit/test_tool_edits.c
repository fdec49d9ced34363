/* Edits: what is inserted, how it is shown, and what is written. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edits.h"

static struct ratls_error err;

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *stream = fopen(path, "w");

    cr_assert(ne(ptr, stream, NULL));
    fputs(text, stream);
    fclose(stream);
    cr_assert(eq(int, chmod(path, mode), 0));
}

static void expect_file(const char *path, const char *text)
{
    char content[512];
    FILE *stream = fopen(path, "r");
    size_t len;

    cr_assert(ne(ptr, stream, NULL));
    len = fread(content, 1, sizeof content - 1, stream);
    content[len] = '\0';
    fclose(stream);
    cr_expect(eq(str, content, (char *)text));
}

/* A file in a folder of its own, which is the current one. */
static void begin(char folder[static 32], const char *text)
{
    snprintf(folder, 32, "/tmp/ratls-edits-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    cr_assert(eq(int, chdir(folder), 0));
    write_file("list", text, 0640);
}

static void end(const char *folder)
{
    unlink("list");
    cr_assert(eq(int, chdir("/"), 0));
    cr_expect(eq(int, rmdir(folder), 0), "a file was left behind");
}

static char *show(const struct ratls_edits *edits)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    cr_assert(eq(int, ratls_edits_print(edits, out, &err), RATLS_OK));
    fclose(out);
    return text;
}

struct edit_case {
    const char *old;
    size_t at[2];            /* SIZE_MAX: at the end */
    const char *inserted[2]; /* NULL: none */
    const char *now;
    const char *diff;
};

static const struct edit_case CASES[] = {
    {"a\nb\n",
     {SIZE_MAX},
     {"c\n"},
     "a\nb\nc\n",
     "--- list\n+++ list\n@@ -1,2 +1,3 @@\n a\n b\n+c\n"},
    {"a\nb",
     {SIZE_MAX},
     {"c\n"},
     "a\nb\nc\n",
     "--- list\n+++ list\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n"},
    {"", {SIZE_MAX}, {"c\n"}, "c\n", "--- list\n+++ list\n@@ -0,0 +1,1 @@\n+c\n"},
    {"a\nb\n", {0}, {"c\n"}, "c\na\nb\n", "--- list\n+++ list\n@@ -1,2 +1,3 @@\n+c\n a\n b\n"},
    {"[a]\nb\n",
     {2},
     {", c"},
     "[a, c]\nb\n",
     "--- list\n+++ list\n@@ -1,2 +1,2 @@\n-[a]\n+[a, c]\n b\n"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n",
     {SIZE_MAX, 0},
     {"x\n", "y\n"},
     "y\n1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n",
     "--- list\n+++ list\n@@ -1,3 +1,4 @@\n+y\n 1\n 2\n 3\n@@ -7,3 +8,4 @@\n 7\n 8\n 9\n+x\n"},
    {"a\nb\n",
     {2, 2},
     {"x\n", "y\n"},
     "a\nx\ny\nb\n",
     "--- list\n+++ list\n@@ -1,2 +1,4 @@\n a\n+x\n+y\n b\n"},
};

Test(tool_edits, shown_and_written)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct edit_case *c = &CASES[i];
        struct ratls_edits edits = {0};
        struct stat info;
        char folder[32];
        char *text;

        begin(folder, c->old);
        for (size_t j = 0; j < 2 && c->inserted[j] != NULL; j++)
            cr_assert(eq(int, ratls_edits_insert(&edits, "list", c->at[j], c->inserted[j], &err),
                         RATLS_OK));
        cr_expect(eq(sz, ratls_edits_files(&edits), 1));
        text = show(&edits);
        cr_expect(eq(str, text, (char *)c->diff), "%zu", i);
        free(text);
        expect_file("list", c->old);
        cr_assert(eq(int, ratls_edits_write(&edits, &err), RATLS_OK), "%s", err.text);
        expect_file("list", c->now);
        cr_assert(eq(int, stat("list", &info), 0));
        cr_expect(eq(uint, info.st_mode & 07777, 0640));
        ratls_edits_done(&edits);
        end(folder);
    }
}

Test(tool_edits, what_is_only_read_is_left_alone)
{
    struct ratls_edits edits = {0};
    struct ratls_slice content;
    char folder[32];
    char *text;

    begin(folder, "a\n");
    cr_assert(eq(int, ratls_edits_read(&edits, "list", &content, &err), RATLS_OK));
    cr_expect(eq(sz, content.len, 2));
    cr_expect(eq(sz, ratls_edits_files(&edits), 0));
    text = show(&edits);
    cr_expect(eq(str, text, (char *)""));
    free(text);
    cr_expect(eq(int, ratls_edits_write(&edits, &err), RATLS_OK));
    ratls_edits_done(&edits);
    end(folder);
}

Test(tool_edits, a_file_that_was_changed_meanwhile_is_kept)
{
    struct ratls_edits edits = {0};
    char folder[32];

    begin(folder, "a\n");
    cr_assert(
        eq(int, ratls_edits_insert(&edits, "list", RATLS_EDIT_AT_END, "b\n", &err), RATLS_OK));
    write_file("list", "other\n", 0640);
    cr_expect(eq(int, ratls_edits_write(&edits, &err), RATLS_IO));
    cr_expect(ne(ptr, strstr(err.text, "was changed meanwhile"), NULL));
    expect_file("list", "other\n");
    ratls_edits_done(&edits);
    end(folder);
}

Test(tool_edits, a_file_that_is_not_there)
{
    struct ratls_edits edits = {0};

    cr_expect(eq(int,
                 ratls_edits_insert(&edits, "/nonexistent/list", RATLS_EDIT_AT_END, "b\n", &err),
                 RATLS_IO));
    cr_expect(eq(sz, ratls_edits_files(&edits), 0));
    ratls_edits_done(&edits);
}
