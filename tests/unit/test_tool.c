/* The nouns of the tool: servers, selections, captures, files, options and what is shown. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connect.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "selection.h"
#include "view.h"

struct endpoint_case {
    const char *text;
    const char *host; /* NULL: refused */
    const char *port;
    bool is_address;
};

static const struct endpoint_case endpoints[] = {
    {"bank.example:8443", "bank.example", "8443", false},
    {"bank.example", "bank.example", "443", false},
    {"192.0.2.7:1", "192.0.2.7", "1", true},
    {"[::1]:65535", "::1", "65535", true},
    {"[::1]", "::1", "443", true},
    {"2001:db8::7", "2001:db8::7", "443", true},
    {"", NULL, NULL, false},
    {":443", NULL, NULL, false},
    {"a:", NULL, NULL, false},
    {"a:0", NULL, NULL, false},
    {"a:65536", NULL, NULL, false},
    {"a:99999999999999999999", NULL, NULL, false},
    {"a:443x", NULL, NULL, false},
    {"a:-1", NULL, NULL, false},
    {"[::1", NULL, NULL, false},
    {"[]:443", NULL, NULL, false},
    {"[::1]443", NULL, NULL, false},
};

Test(tool, endpoints)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        const struct endpoint_case *c = &endpoints[i];
        struct ratls_endpoint endpoint = {.port = "unset"};
        struct ratls_error err = {0};
        enum ratls_status status = ratls_endpoint_parse(c->text, &endpoint, &err);

        if (c->host == NULL) {
            cr_assert(eq(int, status, RATLS_USAGE), "%s", c->text);
            cr_assert(eq(str, endpoint.port, (char *)"unset"), "%s", c->text);
            cr_assert(strstr(err.text, "is no server") != NULL);
            continue;
        }
        cr_assert(eq(int, status, RATLS_OK), "%s", c->text);
        cr_assert(eq(str, endpoint.host, (char *)c->host), "%s", c->text);
        cr_assert(eq(str, endpoint.port, (char *)c->port), "%s", c->text);
        cr_assert(eq(int, endpoint.is_address, c->is_address), "%s", c->text);
    }
}

Test(tool, endpoint_of_a_long_name)
{
    char text[RATLS_HOST_MAX + 5];
    struct ratls_endpoint endpoint;

    memset(text, 'a', sizeof text);
    text[RATLS_HOST_MAX - 1] = '\0';
    cr_assert(eq(int, ratls_endpoint_parse(text, &endpoint, NULL), RATLS_OK));
    text[RATLS_HOST_MAX - 1] = 'a';
    text[RATLS_HOST_MAX] = '\0';
    cr_assert(eq(int, ratls_endpoint_parse(text, &endpoint, NULL), RATLS_USAGE));
}

Test(tool, endpoint_is_written_as_it_was)
{
    char text[RATLS_ENDPOINT_TEXT_MAX];
    struct ratls_endpoint endpoint;

    cr_assert(eq(int, ratls_endpoint_parse("[::1]:9", &endpoint, NULL), RATLS_OK));
    ratls_endpoint_text(&endpoint, text);
    cr_assert(eq(str, text, (char *)"[::1]:9"));
    cr_assert(eq(int, ratls_endpoint_parse("a.test", &endpoint, NULL), RATLS_OK));
    ratls_endpoint_text(&endpoint, text);
    cr_assert(eq(str, text, (char *)"a.test:443"));
}

struct selection_case {
    const char *text;
    size_t count; /* 0: refused */
    struct ratls_pcr_bank banks[RATLS_BANKS_MAX];
};

static const struct selection_case selections[] = {
    {"sha256:0-7", 1, {{0x000B, 0xff}}},
    {"sha256:23", 1, {{0x000B, 0x800000}}},
    {"sha256:7,0,2-3", 1, {{0x000B, 0x8d}}},
    {"sha384:1+sha256:0", 2, {{0x000B, 1}, {0x000C, 2}}},
    {"sha512:1+sha384:1+sha256:1", 3, {{0x000B, 2}, {0x000C, 2}, {0x000D, 2}}},
    {"", 0, {{0, 0}}},
    {"sha256", 0, {{0, 0}}},
    {"sha256:", 0, {{0, 0}}},
    {"sha256:24", 0, {{0, 0}}},
    {"sha256:01", 0, {{0, 0}}},
    {"sha256:1,1", 0, {{0, 0}}},
    {"sha256:0-3,2", 0, {{0, 0}}},
    {"sha256:3-0", 0, {{0, 0}}},
    {"sha256:1-", 0, {{0, 0}}},
    {"sha256:1,", 0, {{0, 0}}},
    {"sha256:1+", 0, {{0, 0}}},
    {"sha256:1+sha256:2", 0, {{0, 0}}},
    {"sha256:1 ", 0, {{0, 0}}},
    {"sha1:1", 0, {{0, 0}}},
    {"sha3:1", 0, {{0, 0}}},
    {"averylongnameofabank:1", 0, {{0, 0}}},
    {"sha256:1+sha384:1+sha512:1+sha256:2+sha384:2", 0, {{0, 0}}},
};

Test(tool, selections)
{
    for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
        const struct selection_case *c = &selections[i];
        struct ratls_pcr_selection selection = {.count = 0};
        enum ratls_status status = ratls_selection_parse(c->text, &selection, NULL);

        cr_assert(eq(int, status, c->count == 0 ? RATLS_USAGE : RATLS_OK), "%s", c->text);
        cr_assert(eq(sz, selection.count, c->count), "%s", c->text);
        for (size_t j = 0; j < c->count; j++) {
            cr_assert(eq(u16, selection.banks[j].hash_alg, c->banks[j].hash_alg), "%s", c->text);
            cr_assert(eq(u32, selection.banks[j].pcrs, c->banks[j].pcrs), "%s", c->text);
        }
    }
}

Test(tool, selection_within_what_is_allocated)
{
    const struct ratls_pcr_selection allocated = {2, {{0x000B, 0x0f}, {0x000C, 0xffffff}}};
    struct ratls_pcr_selection selection = {3, {{0x000B, 0x1c}, {0x000C, 1}, {0x000D, 1}}};

    ratls_selection_intersect(&selection, &allocated);
    cr_assert(eq(sz, selection.count, 2));
    cr_assert(eq(u32, selection.banks[0].pcrs, 0x0c));
    cr_assert(eq(u32, selection.banks[1].pcrs, 1));
}

/* A document with one text and one list; the caller frees it. */
static char *show(const char *value, bool json)
{
    struct ratls_view v;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    ratls_view_begin(&v, out, json, "Title");
    ratls_view_text(&v, "key", "label", value);
    ratls_view_text(&v, "hidden", NULL, "x");
    ratls_view_list(&v, "list");
    ratls_view_hex(&v, NULL, "hex", ratls_slice("\xab", 1));
    ratls_view_bool(&v, NULL, "bool", true);
    ratls_view_list_end(&v);
    ratls_view_section(&v, "empty", NULL);
    ratls_view_section_end(&v);
    ratls_view_end(&v);
    fclose(out);
    return text;
}

Test(tool, json_is_escaped)
{
    char *text = show("a\"\\\n\x1b\x7f\xc3z", true);

    cr_assert(eq(str, text,
                 (char *)"{\n  \"key\": \"a\\\"\\\\\\u000a\\u001b\\u007f\\u00c3z\",\n"
                         "  \"hidden\": \"x\",\n  \"list\": [\n    \"ab\",\n    true\n  ],\n"
                         "  \"empty\": {}\n}\n"));
    free(text);
}

Test(tool, text_is_escaped)
{
    char *text = show("a\n\x1b[2J\xc3z", false);

    cr_assert(eq(str, text,
                 (char *)"Title\nlabel             a\\x0a\\x1b[2J\\xc3z\n"
                         "hex               ab\nbool              yes\n"));
    free(text);
}

struct parsed {
    bool flag;
    const char *text;
    unsigned number;
    struct ratls_list list;
    unsigned seconds;
    struct ratls_optional maybe;
};

static int parse(struct parsed *ret, char **argv, int *ret_first)
{
    const struct ratls_option rows[] = {
        {"flag", RATLS_OPTION_FLAG, &ret->flag, NULL, "a flag"},
        {"text", RATLS_OPTION_TEXT, &ret->text, "TEXT", "a text"},
        {"number", RATLS_OPTION_UINT, &ret->number, "N", "a number"},
        {"list", RATLS_OPTION_LIST, &ret->list, "ITEM", "a list"},
        {"time", RATLS_OPTION_DURATION, &ret->seconds, "TIME", "a time"},
        {"maybe", RATLS_OPTION_OPTIONAL, &ret->maybe, "[=TIME]", "a time, or none"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "About.",
        .example = "  none",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int argc = 0;
    int code = RATLS_EXIT_OK;

    while (argv[argc] != NULL)
        argc++;
    return ratls_options_parse(&options, argc, argv, ret_first, &code) ? -1 : code;
}

Test(tool, options_are_parsed)
{
    char *argv[] = {"x", "--flag", "operand", "--text=t", "--number", "42", "--list",
                    "a", "--list", "b",       "--",       "--flag",   NULL};
    struct parsed parsed = {.flag = false};
    int first = 0;

    cr_assert(eq(int, parse(&parsed, argv, &first), -1));
    cr_assert(parsed.flag);
    cr_assert(eq(str, (char *)parsed.text, (char *)"t"));
    cr_assert(eq(uint, parsed.number, 42));
    cr_assert(eq(sz, parsed.list.count, 2));
    cr_assert(eq(str, (char *)parsed.list.items[1], (char *)"b"));
    cr_assert(eq(str, argv[first], (char *)"operand"));
    cr_assert(eq(str, argv[first + 1], (char *)"--flag"));
}

Test(tool, times_are_parsed)
{
    static const struct {
        char *text;
        unsigned seconds; /* 0: refused */
    } cases[] = {
        {"--time=90", 90},        {"--time=30s", 30}, {"--time=5m", 300}, {"--time=2h", 7200},
        {"--time=1d", 86400},     {"--time=0s", 0},   {"--time=", 0},     {"--time=s", 0},
        {"--time=5x", 0},         {"--time=5 m", 0},  {"--time=-5m", 0},  {"--time=1.5h", 0},
        {"--time=99999d", 0},     {"--time=5mm", 0},  {"--maybe=0", 0},   {"--maybe=x", 0},
        {"--time=1000000000", 0},
    };

    cr_redirect_stderr();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *argv[] = {"x", cases[i].text, NULL};
        struct parsed parsed = {.flag = false};
        int first = 0;

        cr_assert(eq(int, parse(&parsed, argv, &first), cases[i].seconds == 0 ? 2 : -1), "%s",
                  cases[i].text);
        cr_assert(eq(uint, parsed.seconds, cases[i].seconds), "%s", cases[i].text);
    }
}

Test(tool, a_time_may_be_left_out)
{
    char *with[] = {"x", "--maybe=2m", "operand", NULL};
    char *without[] = {"x", "--maybe", "operand", NULL};
    struct parsed parsed = {.flag = false};
    int first = 0;

    cr_assert(eq(int, parse(&parsed, with, &first), -1));
    cr_assert(parsed.maybe.is_given && parsed.maybe.seconds == 120);
    cr_assert(eq(int, first, 2));
    parsed = (struct parsed){.flag = false};
    cr_assert(eq(int, parse(&parsed, without, &first), -1));
    cr_assert(parsed.maybe.is_given && parsed.maybe.seconds == 0);
    cr_assert(eq(str, without[first], (char *)"operand"));
}

Test(tool, wrong_options_are_refused)
{
    static char *wrong[][3] = {
        {"x", "--nothing", NULL},   {"x", "--text", NULL},      {"x", "--flag=1", NULL},
        {"x", "--number=0", NULL},  {"x", "--number=-1", NULL}, {"x", "--number= 1", NULL},
        {"x", "--number=1x", NULL}, {"x", "--number=", NULL},   {"x", "--number=4294967296", NULL},
        {"x", "-f", NULL},
    };
    struct parsed parsed = {.flag = false};
    int first = 0;

    cr_redirect_stderr();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert(eq(int, parse(&parsed, wrong[i], &first), RATLS_EXIT_USAGE), "%s", wrong[i][1]);
}

Test(tool, operands_are_counted)
{
    static const struct ratls_options none = {.synopsis = "", .about = "", .example = ""};
    char *argv[] = {"x", "one", "two", NULL};
    const char *operand = NULL;
    int code = -1;

    cr_redirect_stderr();
    cr_expect(ratls_options_parse_alone(&none, 1, argv, &code));
    cr_expect(not(ratls_options_parse_alone(&none, 2, argv, &code)));
    cr_expect(eq(int, code, RATLS_EXIT_USAGE));
    for (int argc = 1; argc <= 3; argc += 2)
        cr_expect(not(ratls_options_parse_one(&none, argc, argv, "name one", &operand, &code)));
    cr_expect(eq(ptr, (void *)operand, NULL));
    cr_expect(ratls_options_parse_one(&none, 2, argv, "name one", &operand, &code));
    cr_expect(eq(str, (char *)operand, "one"));
}

Test(tool, a_list_has_a_limit)
{
    char item[] = "--list=a";
    char *argv[RATLS_LIST_MAX + 3] = {"x"};
    struct parsed parsed = {.flag = false};
    int first = 0;

    cr_redirect_stderr();
    for (int i = 1; i <= RATLS_LIST_MAX + 1; i++)
        argv[i] = item;
    cr_assert(eq(int, parse(&parsed, argv, &first), RATLS_EXIT_USAGE));
    cr_assert(eq(sz, parsed.list.count, RATLS_LIST_MAX));
}

Test(tool, files_are_private_and_never_lost)
{
    char folder[] = "/tmp/ratls-test-XXXXXX";
    char path[64];
    uint8_t *bytes = NULL;
    struct stat info;
    size_t len = 0;

    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/key", folder);
    cr_assert(eq(int, ratls_file_write(path, ratls_slice("old", 3), 0600, false, NULL), RATLS_OK));
    cr_assert(eq(int, stat(path, &info), 0));
    cr_assert(eq(int, info.st_mode & 07777, 0600));
    cr_assert(
        eq(int, ratls_file_write(path, ratls_slice("new!", 4), 0600, false, NULL), RATLS_USAGE));
    cr_assert(eq(int, ratls_file_read(path, &bytes, &len, NULL), RATLS_OK));
    cr_assert(eq(sz, len, 3));
    free(bytes);
    cr_assert(eq(int, ratls_file_write(path, ratls_slice("new!", 4), 0644, true, NULL), RATLS_OK));
    cr_assert(eq(int, ratls_file_read(path, &bytes, &len, NULL), RATLS_OK));
    cr_assert(eq(sz, len, 4));
    free(bytes);
    cr_assert(eq(int, unlink(path), 0));
    cr_assert(eq(int, rmdir(folder), 0), "a temporary file stayed");
}

/* Those who may read a file are its group: rewritten by root it stays theirs. */
Test(tool, rewritten_files_keep_mode_and_owner)
{
    const bool is_root = geteuid() == 0;
    const uid_t owner = is_root ? 4711 : geteuid();
    const gid_t group = is_root ? 4712 : getegid();
    char folder[] = "/tmp/ratls-test-XXXXXX";
    char path[64];
    struct ratls_error err = {0};
    struct stat info;

    cr_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/ca.yaml", folder);
    cr_assert(eq(int, ratls_file_rewrite(path, ratls_slice("new", 3), NULL), RATLS_IO), "none");
    cr_assert(eq(int, ratls_file_write(path, ratls_slice("old", 3), 0600, false, NULL), RATLS_OK));
    cr_assert(chown(path, owner, group) == 0 && chmod(path, 0640) == 0);
    cr_assert(eq(int, ratls_file_rewrite(path, ratls_slice("new!", 4), NULL), RATLS_OK));
    cr_assert(eq(int, stat(path, &info), 0));
    cr_expect(eq(int, info.st_mode & 07777, 0640));
    cr_expect(info.st_uid == owner && info.st_gid == group && info.st_size == 4);
    if (is_root) {
        cr_assert(chmod(folder, 0777) == 0 && seteuid(4713) == 0);
        cr_expect(eq(int, ratls_file_rewrite(path, ratls_slice("other", 5), &err), RATLS_IO));
        cr_expect(strstr(err.text, "belongs to user 4711 and group 4712") != NULL, "%s", err.text);
        cr_assert(eq(int, seteuid(0), 0));
        cr_assert(stat(path, &info) == 0 && info.st_size == 4);
    }
    cr_assert(eq(int, unlink(path), 0));
    cr_assert(eq(int, rmdir(folder), 0), "a temporary file stayed");
}
