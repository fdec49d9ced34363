/* What YAML allows and a policy must not have, and how places are found. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_source.h"

struct refused {
    const char *name;
    const char *text;
    const char *error;
};

static const struct refused refusals[] = {
    {"empty", "", "p.yaml:1:1: the file is empty"},
    {"only a comment", "# nothing\n", "p.yaml:1:1: the file is empty"},
    {"second document", "a: b\n---\nc: d\n",
     "p.yaml:2:1: a second document: there is only one in a file"},
    {"second, empty document", "a: b\n---\n",
     "p.yaml:2:1: a second document: there is only one in a file"},
    {"version directive", "%YAML 1.1\n---\na: b\n",
     "p.yaml:1:1: directives (%YAML, %TAG) are not accepted"},
    {"tag directive", "%TAG ! tag:x,2000:\n---\na: b\n",
     "p.yaml:1:1: directives (%YAML, %TAG) are not accepted"},
    {"anchor", "a: &x b\n", "p.yaml:1:4: anchors (&) and tags (!) are not accepted"},
    {"anchor of a list", "a: &x [b]\n", "p.yaml:1:4: anchors (&) and tags (!) are not accepted"},
    {"anchor of a mapping", "a: &x {b: c}\n",
     "p.yaml:1:4: anchors (&) and tags (!) are not accepted"},
    {"alias", "a: *x\n", "p.yaml:1:4: aliases (*) are not accepted; put a name with * in quotes"},
    {"wildcard without quotes", "servers: [a, *.bank.example]\n",
     "p.yaml:1:15: while scanning an alias: did not find expected alphabetic or numeric character; "
     "put a name with * in quotes"},
    {"tag", "a: !!str b\n", "p.yaml:1:4: anchors (&) and tags (!) are not accepted"},
    {"tag of a key", "!!str a: b\n", "p.yaml:1:1: anchors (&) and tags (!) are not accepted"},
    {"nesting", "[[[[[[[[[]]]]]]]]]\n", "p.yaml:1:9: nested too deep"},
    {"list as a key", "? [a]\n: b\n", "p.yaml:1:3: a key must be one word"},
    {"merge key", "a: 1\n<<: {b: 2}\na: 3\n",
     "p.yaml:3:1: duplicate key: a stands already in line 1"},
    {"duplicate key", "a: 1\nb: 2\na: 3\n",
     "p.yaml:3:1: duplicate key: a stands already in line 1"},
    {"duplicate key in a list", "a:\n  - b: 1\n  - {b: 1, c: 2, b: 3}\n",
     "p.yaml:3:18: duplicate key: b stands already in line 3"},
    {"duplicate key by escapes", "a: 1\n\"\\x61\": 3\n",
     "p.yaml:2:1: duplicate key: a stands already in line 1"},
    {"key too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1\n", "p.yaml:1:1: unknown key"},
    {"empty key", "\"\": 1\n", "p.yaml:1:1: unknown key"},
    {"boolean", "a: true\n",
     "p.yaml:1:4: true is a boolean or null in YAML, and no key has one; a text that "
     "reads so goes in quotes"},
    {"boolean, other case", "a: [b, No]\n",
     "p.yaml:1:8: No is a boolean or null in YAML, and no key has one; a text that "
     "reads so goes in quotes"},
    {"null", "a: ~\n",
     "p.yaml:1:4: ~ is a boolean or null in YAML, and no key has one; a text that "
     "reads so goes in quotes"},
    {"control character", "a: b\n# \x01\n", "p.yaml:2:3: control characters are not allowed"},
    {"escaped control character", "a: \"b\\x1bc\"\n",
     "p.yaml:1:4: a value with a control character"},
    {"escaped NUL", "a: \"b\\0c\"\n", "p.yaml:1:4: a value with a control character"},
    {"escaped C1 character", "a: \"\\u0090\"\n", "p.yaml:1:4: a value with a control character"},
    {"not UTF-8", "a: b\nc: \xff\n", "p.yaml:2:4: invalid leading UTF-8 octet"},
    {"cut UTF-8", "a: b\nc: \xc3", "p.yaml:2:4: incomplete UTF-8 octet sequence"},
    {"UTF-16",
     "\xff\xfe"
     "a",
     "p.yaml:1:1: invalid leading UTF-8 octet"},
    {"byte order mark",
     "\xef\xbb\xbf"
     "a: b\n",
     "p.yaml:1:1: a byte order mark: save the file as UTF-8 without it"},
    {"hidden line end",
     "# x\xe2\x80\xa8"
     "a: b\n",
     "p.yaml:1:4: a line end (U+2028 or U+2029) that editors do not show"},
    {"hidden line end, NEL",
     "# x\xc2\x85"
     "a: b\n",
     "p.yaml:1:4: a line end (U+0085) that editors do not show"},
    {"lone carriage return", "# x\ra: b\n",
     "p.yaml:1:4: a carriage return that does not end a line"},
    {"writing turned around",
     "a: b\n# \xe2\x80\xae"
     "x\n",
     "p.yaml:2:3: a character that turns the direction of writing around"},
    {"writing isolated",
     "a: b\n# \xe2\x81\xa6"
     "x\n",
     "p.yaml:2:3: a character that turns the direction of writing around"},
    {"unclosed list", "a: [b\n",
     "p.yaml:2:1: while parsing a flow sequence: did not find expected "
     "',' or ']'"},
    {"tab as indentation", "a:\n\tb: c\n",
     "p.yaml:2:1: while scanning for the next token: found character that cannot start any token"},
};

Test(policy_source, refused)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refused *c = &refusals[i];
        struct ratls_error err = {0};
        struct ratls_source source = {"p.yaml", ratls_slice(c->text, strlen(c->text))};

        cr_expect(eq(int, ratls_source_check(&source, &err), RATLS_USAGE), "%s", c->name);
        cr_expect(eq(str, err.text, (char *)c->error), "%s", c->name);
    }
}

static const char accepted[] = "# \xc3\xa9\n"
                               "a: \"true\"\r\n"
                               "list:\n"
                               "  - {b: 1, c: [x, \"*\"]}\n"
                               "  - b: |\n"
                               "      two\n"
                               "      lines\n"
                               "d: [[[[[[[]]]]]]]\n";

struct place {
    const char *at;
    const char *place;
};

static const struct place places[] = {
    {"", "p.yaml:2:1: "},
    {"a", "p.yaml:2:4: a: "},
    {"list", "p.yaml:4:3: list: "},
    {"list[0]", "p.yaml:4:5: list[0]: "},
    {"list[0].c[1]", "p.yaml:4:19: list[0].c[1]: "},
    {"list[1].b", "p.yaml:5:8: list[1].b: "},
    {"list[1].gone", "p.yaml:5:5: list[1].gone: "},
    {"list[2]", "p.yaml:4:3: list[2]: "},
    {"lis", "p.yaml:2:1: lis: "},
};

Test(policy_source, places)
{
    struct ratls_error err = {0};
    struct ratls_source source = {"p.yaml", ratls_slice(accepted, strlen(accepted))};

    cr_assert(eq(int, ratls_source_check(&source, &err), RATLS_OK), "%s", err.text);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char place[128];

        ratls_source_place_text(&source, places[i].at, place, sizeof place);
        cr_expect(eq(str, place, (char *)places[i].place));
    }
    cr_expect(eq(int, ratls_source_fail(&source, &err, "list[0].b", "no %d", 7), RATLS_USAGE));
    cr_expect(eq(str, err.text, "p.yaml:4:9: list[0].b: no 7"));
    err = (struct ratls_error){0};
    cr_expect(eq(int, ratls_source_fail_key(&source, &err, "list[0].b", "no"), RATLS_USAGE));
    cr_expect(eq(str, err.text, "p.yaml:4:6: list[0].b: no"));
}

Test(policy_source, long_path_keeps_the_words)
{
    struct ratls_error err = {0};
    char path[1000];
    struct ratls_source source = {path, ratls_slice("a: b\n", 5)};

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    memcpy(path + sizeof path - 8, "/p.yaml", 8);
    cr_assert(eq(int, ratls_source_check(&source, &err), RATLS_OK));
    cr_expect(eq(int, ratls_source_fail(&source, &err, "a", "words"), RATLS_USAGE));
    cr_expect(
        eq(ptr, strstr(err.text, "/p.yaml:1:4: a: words") == NULL ? NULL : err.text, err.text));
}

/* Text of count times a piece between a head and a tail. The caller frees. */
static char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
    size_t len = strlen(piece), at = strlen(head);
    char *text = malloc(strlen(head) + count * len + strlen(tail) + 1);

    memcpy(text, head, at + 1);
    for (size_t i = 0; i < count; i++, at += len)
        memcpy(text + at, piece, len);
    memcpy(text + at, tail, strlen(tail) + 1);
    return text;
}

struct large {
    const char *name;
    const char *head, *piece;
    size_t count;
    const char *tail;
    const char *error; /* NULL: accepted */
};

static const struct large larges[] = {
    {"value", "a: ", "x", RATLS_POLICY_TEXT_MAX - 100, "\n", NULL},
    {"value too long", "a: ", "x", 2 * RATLS_POLICY_TEXT_MAX, "\n", "longer than 8192 bytes"},
    {"quoted value too long", "a: \"", "x", 2 * RATLS_POLICY_TEXT_MAX, "\"\n",
     "longer than 8192 bytes"},
    {"value of many lines", "a: ", "x\n ", RATLS_POLICY_TEXT_MAX, "\n", "longer than 8192 bytes"},
    {"comment too long", "", "# x\n", RATLS_POLICY_TEXT_MAX, "a: b\n", "longer than 8192 bytes"},
    {"short values", "a: [", "x,", 290, "]\n", NULL}, /* 292 values in 586 bytes */
    {"too many short values", "a: [", "x,", 291, "]\n",
     "p.yaml:1:585: more values than a text of this length may have"},
    {"values", "a: [", "xxxxxxxxxxxxxxx,", 16384, "]\n", NULL},
    {"file too long", "a: b\n", "# x\n", RATLS_POLICY_BYTES_MAX / 4, "",
     "p.yaml: longer than 1048576 bytes"},
    {"nested lists", "", "- ", 500000, "\n", "p.yaml:1:17: nested too deep"},
};

Test(policy_source, limits)
{
    for (size_t i = 0; i < sizeof larges / sizeof *larges; i++) {
        const struct large *c = &larges[i];
        char *text = repeat(c->head, c->piece, c->count, c->tail);
        struct ratls_error err = {0};
        struct ratls_source source = {"p.yaml", ratls_slice(text, strlen(text))};
        enum ratls_status status = ratls_source_check(&source, &err);

        cr_expect(eq(int, status, c->error == NULL ? RATLS_OK : RATLS_USAGE), "%s: %s", c->name,
                  err.text);
        cr_expect(c->error == NULL || strstr(err.text, c->error) != NULL, "%s: %s", c->name,
                  err.text);
        free(text);
    }
}

/* More than there are at the top of a policy, which are the most that stand together. */
Test(policy_source, many_keys)
{
    char text[64 * 8] = "";
    struct ratls_error err = {0};
    struct ratls_source source = {"p.yaml", {0}};

    for (size_t i = 0; i < 25; i++) {
        snprintf(text + strlen(text), 8, "k%zu: x\n", i);
        source.text = ratls_slice(text, strlen(text));
        cr_expect(eq(int, ratls_source_check(&source, &err), i < 24 ? RATLS_OK : RATLS_USAGE));
    }
    cr_expect(eq(str, err.text, "p.yaml:25:1: too many keys"));
}
