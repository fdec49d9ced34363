/* deny-keys: Names in the policy and in files of Names. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "policy_folder.h"
#include "policy_refused.h"

#define NAME_A "000b" AA64
#define NAME_B "000c" BB64 BB16 BB16
#define HEAD "policy: ratls-1\nattestation-keys: [{name: " NAME_A "}]\n"
#define TAIL "\npcrs: [{index: 7, sha256: [" AA64 "]}]\n"
#define DENY(list) HEAD "deny-keys: " list TAIL
#define EXPECTED                                                                                   \
    "expected the Name of a key: 000b and 64 hex digits (000c and 96, 000d and 128), got "

TestSuite(policy_denied, .init = policy_folder_enter, .fini = policy_folder_leave);

static void parse(const char *text, struct ratls_rules *ret_rules)
{
    struct ratls_error err = {0};

    cr_assert(eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), ret_rules, &err),
                 RATLS_OK),
              "%s", err.text);
}

static bool is_denied(const struct ratls_rules *rules, const char *hex)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t len = strlen(hex) / 2;

    cr_assert(ratls_unhex(hex, name, len));
    return ratls_denied_keys_have(&rules->denied_keys, ratls_slice(name, len));
}

Test(policy_denied, names_and_files)
{
    struct ratls_rules rules = {0};

    policy_folder_write("denied.txt", "# stolen\n\n" NAME_B "\n000d" BB64 AA64 "  # lost\n000B" BB64
                                      "\t\n" NAME_A);
    policy_folder_write("abc", "# none yet\n");
    parse(DENY("[000b0" AA16 AA16 AA16 "aaaaaaaaaaaaaaa, denied.txt, ./abc]"), &rules);
    cr_expect(rules.denied_keys.is_asked);
    cr_expect(eq(sz, rules.denied_keys.count, 5));
    cr_expect(is_denied(&rules, NAME_A));
    cr_expect(is_denied(&rules, NAME_B));
    cr_expect(is_denied(&rules, "000d" BB64 AA64));
    cr_expect(is_denied(&rules, "000b" BB64));
    cr_expect(is_denied(&rules, "000b0" AA16 AA16 AA16 "aaaaaaaaaaaaaaa"));
    cr_expect(not(is_denied(&rules, "000d" BB64 BB64)));
    cr_expect(not(is_denied(&rules, "000c" BB64 BB16 AA16)));
    cr_expect(not(is_denied(&rules, "000b" AA16 AA16 AA16 BB16)));
    cr_expect(not(is_denied(&rules, "000b")));
    ratls_rules_done(&rules);
}

Test(policy_denied, of_none)
{
    struct ratls_rules rules = {0};

    parse(HEAD TAIL, &rules);
    cr_expect(not(rules.denied_keys.is_asked));
    cr_expect(not(is_denied(&rules, NAME_A)));
    ratls_rules_done(&rules);
    policy_folder_write("denied.txt", "# none yet\n");
    parse(DENY("[denied.txt]"), &rules);
    cr_expect(rules.denied_keys.is_asked);
    cr_expect(not(is_denied(&rules, NAME_A)));
    ratls_rules_done(&rules);
}

static const struct refused refusals[] = {
    {"no list", DENY(NAME_A),
     "p.yaml:3:12: deny-keys: expected a list, such as [a, b], got one value"},
    {"empty list", DENY("[]"),
     "p.yaml:3:12: deny-keys: an empty list: leave the key out, or say what is meant"},
    {"short", DENY("[000baa]"),
     "p.yaml:3:13: deny-keys[0]: " EXPECTED "6 characters (a file of this name: ./000baa)"},
    {"long", DENY("[000d" AA64 AA64 "aa]"),
     "p.yaml:3:13: deny-keys[0]: " EXPECTED
     "134 characters (a file of this name: ./000d" AA16 AA16 AA16 "aaaaaaaa...)"},
    {"length of another hash", DENY("[000c" AA64 "]"),
     "p.yaml:3:13: deny-keys[0]: " EXPECTED
     "68 characters (a file of this name: ./000c" AA16 AA16 AA16 "aaaaaaaa...)"},
    {"twice", DENY("[000b" AA64 ", 000B" AA64 "]"),
     "p.yaml:3:83: deny-keys[1]: stands in this list twice"},
    {"file twice", DENY("[one.txt, one.txt]"),
     "p.yaml:3:22: deny-keys[1]: stands in this list twice"},
    {"empty file", DENY("[empty.txt]"),
     "p.yaml:3:13: deny-keys[0]: empty.txt: an empty file: if no key is denied, say so in a "
     "comment"},
    {"file of empty lines", DENY("[lines.txt]"),
     "p.yaml:3:13: deny-keys[0]: lines.txt: an empty file: if no key is denied, say so in a "
     "comment"},
    {"cut short", DENY("[cut.txt]"),
     "p.yaml:3:13: deny-keys[0]: cut.txt:3: " EXPECTED "67 characters"},
    {"by SHA-1", DENY("[sha1.txt]"),
     "p.yaml:3:13: deny-keys[0]: sha1.txt:1: a Name by SHA-1, which is not accepted: make a key "
     "with nameAlg SHA-256"},
    {"a word behind it", DENY("[word.txt]"),
     "p.yaml:3:13: deny-keys[0]: word.txt:1: what follows the Name is no comment: begin it with #"},
    {"a blank before it", DENY("[blank.txt]"),
     "p.yaml:3:13: deny-keys[0]: blank.txt:1: what follows the Name is no comment: begin it with "
     "#"},
};

Test(policy_denied, refused)
{
    policy_folder_write("one.txt", NAME_A "\n");
    policy_folder_write("empty.txt", "");
    policy_folder_write("lines.txt", "\n\n");
    policy_folder_write("cut.txt", "# a\n" NAME_A "\n000b" AA16 AA16 AA16 "aaaaaaaaaaaaaaa");
    policy_folder_write("sha1.txt", "0004" AA16 AA16 "aaaaaaaa\n");
    policy_folder_write("word.txt", NAME_A " stolen\n");
    policy_folder_write("blank.txt", " " NAME_A "\n");
    expect_refused(refusals, sizeof refusals / sizeof *refusals);
}

/* What is denied with a missing file is not known: nothing is trusted. */
Test(policy_denied, no_file)
{
    static const char text[] = DENY("[missing.txt]");
    struct ratls_rules rules = {0};
    struct ratls_error err = {0};

    cr_expect(ne(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &rules, &err),
                 RATLS_OK));
    cr_expect(ne(ptr, strstr(err.text, "deny-keys[0]: missing.txt: "), NULL), "%s", err.text);
}

static void write_names(size_t count)
{
    FILE *f = fopen("many.txt", "w");

    cr_assert(ne(ptr, f, NULL));
    for (size_t i = 0; i < count; i++)
        cr_assert(ge(int, fprintf(f, "000b%064zx\n", i * 7919 % 65537), 0));
    cr_assert(eq(int, fclose(f), 0));
}

Test(policy_denied, as_many_as_there_may_be)
{
    static const struct refused more = {"one more", DENY("[many.txt]"),
                                        "p.yaml:3:13: deny-keys[0]: more than 65536 keys"};
    struct ratls_rules rules = {0};

    write_names(65536);
    parse(DENY("[many.txt]"), &rules);
    cr_expect(eq(sz, rules.denied_keys.count, 65536));
    for (size_t i = 0; i < 65536; i += 97) {
        char hex[69];

        snprintf(hex, sizeof hex, "000b%064zx", i * 7919 % 65537);
        cr_expect(is_denied(&rules, hex), "%zu", i);
    }
    ratls_rules_done(&rules);
    write_names(65537);
    expect_refused(&more, 1);
}

/* All that can stand at the top together but epoch: no limit of the reader is in the way. */
Test(policy_denied, beside_all_other_keys)
{
    struct ratls_rules rules = {0};

    parse(DENY("[" NAME_B "]") "servers: [a.example]\nreference-values: [pcrs.sha256]\n"
                               "boot: {secure-boot: ignored, images: [a.sha256]}\n"
                               "ima: {allow: [a.sha256]}\nservice: s\nfreshness: nonce\n"
                               "max-age: 2m\nrenew: 1m\nbinding: exporter\n"
                               "algorithms: [rsassa]\nclock: safe\n"
                               "deny-firmware: [" AA16 "]\ncomment: x\n",
          &rules);
    cr_expect(is_denied(&rules, NAME_B));
    ratls_rules_done(&rules);
}

/* A session that was accepted under other rules is not resumed: what decides has changed. */
Test(policy_denied, decides)
{
    struct ratls_rules none = {0}, before = {0}, after = {0};

    policy_folder_write("denied.txt", "# none yet\n");
    parse(HEAD TAIL, &none);
    parse(DENY("[denied.txt]"), &before);
    policy_folder_write("denied.txt", NAME_A "\n");
    parse(DENY("[denied.txt]"), &after);
    cr_expect(ne(int, memcmp(none.decides_sha256, before.decides_sha256, 32), 0));
    cr_expect(ne(int, memcmp(before.decides_sha256, after.decides_sha256, 32), 0));
    cr_expect(eq(int, memcmp(before.sha256, after.sha256, 32), 0), "the policy's own text");
    ratls_rules_done(&none);
    ratls_rules_done(&before);
    ratls_rules_done(&after);
}
