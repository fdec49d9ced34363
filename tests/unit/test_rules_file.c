/* The rules for a fleet: what a file says, each mistake with its line, and files that change. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules_file.h"

#define EK(last) "00000000000000000000000000000000000000000000000000000000000000" last

static enum ratls_status read_text(const char *text, struct ratls_rules_file **ret,
                                   struct ratls_error *err)
{
    return ratls_rules_file_read("eks.csv", ratls_slice(text, strlen(text)), ret, err);
}

static bool covers(const struct ratls_rules_file *file, uint8_t last, const char *name,
                   const char *second)
{
    const uint8_t ek[32] = {[31] = last};
    const struct ratls_slice names[] = {
        ratls_slice(name, strlen(name)),
        second == NULL ? ratls_slice(NULL, 0) : ratls_slice(second, strlen(second)),
    };

    return ratls_rules_file_covers(file, ek, names, second == NULL ? 1 : 2);
}

Test(rules_file, covers)
{
    static const char text[] =
        "# key,names\n" EK("09") ",c.example\r\n\n" EK("02") ",A.example 1::2:3:4:5:6:7\n" EK(
            "0a") ",\tz.example \n" EK("02") ",b.example\n" EK("FF") ",last.example";
    struct ratls_rules_file *file = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(read_text(text, &file, &err), RATLS_OK, "%s", err.text);
    cr_expect(covers(file, 2, "a.example", NULL));
    cr_expect(covers(file, 2, "1:0:2:3:4:5:6:7", NULL));
    cr_expect(covers(file, 2, "b.example", "a.example"), "both lines of the key");
    cr_expect(covers(file, 9, "c.example", NULL));
    cr_expect(covers(file, 10, "z.example", NULL));
    cr_expect(covers(file, 255, "last.example", NULL));
    cr_expect_not(covers(file, 2, "a.example", "c.example"), "a name of another key");
    cr_expect_not(covers(file, 9, "a.example", NULL));
    cr_expect_not(covers(file, 2, "a.exampl", NULL));
    cr_expect_not(covers(file, 2, "", NULL));
    cr_expect_not(covers(file, 3, "a.example", NULL), "no such key");
    cr_expect_not(ratls_rules_file_covers(file, (const uint8_t[32]){[31] = 2}, NULL, 0));
    ratls_rules_file_free(file);
}

static const struct {
    const char *text;
    const char *words;
} mistakes[] = {
    {"\n" EK("01") "\n", "eks.csv:2: must be the SHA-256 of an endorsement key"},
    {EK("01") " a.example\n", "eks.csv:1: must be the SHA-256"},
    {EK("0") ",aa.example\n", "eks.csv:1: must be the SHA-256"},
    {"ek,names\n", "eks.csv:1: must be the SHA-256"},
    {EK("0x") ",a.example\n", "eks.csv:1: does not begin with 64 hex digits"},
    {EK("01") ",\n", "eks.csv:1: no name behind the comma"},
    {EK("01") ", \n", "eks.csv:1: no name behind the comma"},
    {EK("01") ",a.example\n" EK("01") ",*.example\n", "eks.csv:2: a rule names one machine"},
    {EK("01") ",a.example,b.example\n", "eks.csv:1: a character that names do not have"},
    {EK("01") ",a.example \"b.example\"\n", "eks.csv:1: a character that names do not have"},
};

Test(rules_file, mistakes)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct ratls_rules_file *file = NULL;
        struct ratls_error err = {0};

        cr_expect_eq(read_text(mistakes[i].text, &file, &err), RATLS_USAGE, "%s", mistakes[i].text);
        cr_expect_null(file);
        cr_expect(strstr(err.text, mistakes[i].words) != NULL, "%s\ninstead of\n%s", err.text,
                  mistakes[i].words);
    }
}

/* lines of the same length; the last one of a file need not end. */
static enum ratls_status read_lines(size_t lines, size_t line_len, struct ratls_error *err)
{
    struct ratls_rules_file *file = NULL;
    const size_t len = lines * (line_len + 1);
    char *text = malloc(len);
    enum ratls_status status;

    cr_assert_not_null(text);
    memset(text, '#', len);
    for (size_t i = 1; i <= lines; i++)
        text[i * (line_len + 1) - 1] = '\n';
    status = ratls_rules_file_read("eks.csv", ratls_slice(text, len), &file, err);
    ratls_rules_file_free(file);
    free(text);
    return status;
}

Test(rules_file, limits)
{
    struct ratls_error err = {0};
    char line[RATLS_RULES_FILE_LINE_MAX + 2];
    struct ratls_rules_file *file = NULL;

    cr_expect_eq(read_lines(RATLS_RULES_FILE_LINES_MAX, 1, &err), RATLS_OK, "%s", err.text);
    cr_expect_eq(read_lines(RATLS_RULES_FILE_LINES_MAX + 1, 1, &err), RATLS_USAGE);
    cr_expect_eq(read_lines(RATLS_RULES_FILE_MAX / 4096, 4096, &err), RATLS_USAGE);
    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = '\0';
    err = (struct ratls_error){0};
    cr_expect_eq(read_text(line, &file, &err), RATLS_USAGE);
    cr_expect(strstr(err.text, "too long") != NULL, "%s", err.text);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

Test(rules_file, changes)
{
    char folder[] = "rules_file.XXXXXX", path[sizeof folder + 16];
    struct ratls_rules_file *file = NULL;
    struct ratls_error err = {0};

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/eks.csv", folder);
    cr_expect_eq(ratls_rules_file_open(path, &file, &err), RATLS_USAGE, "it is not there");
    err = (struct ratls_error){0};
    write_file(path, EK("01") ",a.example\n", 0640);
    cr_assert_eq(ratls_rules_file_open(path, &file, &err), RATLS_OK, "%s", err.text);
    cr_expect(covers(file, 1, "a.example", NULL));
    write_file(path, EK("01") ",bb.example\n", 0640);
    cr_expect_eq(ratls_rules_file_refresh(file, &err), RATLS_OK, "%s", err.text);
    cr_expect(covers(file, 1, "bb.example", NULL));
    cr_expect_not(covers(file, 1, "a.example", NULL));
    write_file(path, EK("01") ",b b b b,\n", 0640);
    cr_expect_eq(ratls_rules_file_refresh(file, &err), RATLS_USAGE);
    cr_expect_not(covers(file, 1, "bb.example", NULL), "what cannot be read allows nothing");
    cr_expect_eq(ratls_rules_file_refresh(file, NULL), RATLS_USAGE, "also the next time");
    write_file(path, EK("01") ",c.example\n", 0646);
    cr_expect_eq(ratls_rules_file_refresh(file, NULL), RATLS_USAGE, "everybody may write it");
    write_file(path, EK("01") ",c.example\n", 0640);
    cr_expect_eq(ratls_rules_file_refresh(file, NULL), RATLS_OK);
    cr_expect(covers(file, 1, "c.example", NULL));
    unlink(path);
    cr_expect_eq(ratls_rules_file_refresh(file, NULL), RATLS_USAGE, "it is gone");
    cr_expect_not(covers(file, 1, "c.example", NULL));
    ratls_rules_file_free(file);
    rmdir(folder);
}
