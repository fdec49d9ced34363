/*
 * Memory of the policy reader: how much it takes for a hostile text, and what happens when it gets
 * none.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counted_memory.h"
#include "policy_load.h"

#define AA16 "aaaaaaaaaaaaaaaa"
#define AA64 AA16 AA16 AA16 AA16

/* The peak of one call of the reader, with the text itself. */
static size_t measure(const char *text, size_t len, enum ratls_status *ret_status)
{
    char *copy;
    struct ratls_rules rules = {0};
    struct ratls_error err = {0};

    counted_reset();
    copy = malloc(len + 1);
    cr_assert(ne(ptr, copy, NULL));
    memcpy(copy, text, len);
    *ret_status = ratls_rules_parse("p.yaml", ratls_slice(copy, len), &rules, &err);
    ratls_rules_done(&rules);
    free(copy);
    return counted_peak();
}

#define HEAD "policy: ratls-1\nattestation-keys: [{name: 000b" AA64 "}]\n"

/* What libyaml itself needs for any text is 64 KiB, of which 16 are filled by its first read. */
#define OVERHEAD (96 * 1024)

struct hostile {
    const char *head;
    const char *piece;
};

static const struct hostile hostiles[] = {
    {"", "- "},
    {"", "a: "},
    {"", "\""},
    {"", "'"},
    {"", "["},
    {"", "{"},
    {"", ","},
    {"", "x"},
    {"", " "},
    {"", "\n"},
    {"", "#"},
    {"", "# x\n"},
    {"", "? "},
    {"", "a: b\n"},
    {"", "&a "},
    {"", "*a "},
    {"", "!"},
    {"", "!<a>"},
    {"", "%"},
    {"", "%TAG ! a\n"},
    {"", "\t"},
    {"", "- a\n"},
    {"", "---\n"},
    {"", "\xc3\xa9"},
    {"", "\xff"},
    {"a: \"", "x"},
    {"a: \"", "\\"},
    {"a: '", "''"},
    {"a: |\n", " x\n"},
    {"a: >\n", " x\n"},
    {"a: |\n", "\n"},
    {"a: ", "x "},
    {"a: ", "x\n "},
    {"a: [", "[],"},
    {"a: [", "x,"},
    {"a: [", "{},"},
    {"a: [", ","},
    {"a: {", "a: b,"},
    {"a: \"", " \n"},
    {"a:\n", "- - x\n"},
    {"a: \"", "\\x41"},
    {HEAD "service: ", "x"},
    {HEAD "servers: [", "a,"},
    {HEAD "servers: [x", ",x"},
    {HEAD "deny-firmware: [", "x,"},
    {HEAD "deny-keys: [", "x,"},
    {HEAD "comment: [", "x,"},
    {HEAD "comment: [", "{x: [x]},"},
    {HEAD "pcrs:\n", " - {index: 0}\n"},
    {HEAD "pcrs: [", "{index: 0},"},
    {HEAD "pcrs: [{index: 0, sha256: [", "x,"},
    {"policy: ratls-1\nattestation-keys: [", "{name: x},"},
    {"policy: ratls-1\nattestation-keys: [", "{name: 000b" AA64 "},"},
};

static const size_t lengths[] = {100, 1000, 10000, 30000, 100000, 300000, 1024 * 1024};

Test(policy_memory, hostile)
{
    char *text = malloc(RATLS_POLICY_BYTES_MAX);

    cr_assert(ne(ptr, text, NULL));
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            size_t len = lengths[j], at = strlen(hostiles[i].head);
            size_t piece = strlen(hostiles[i].piece), peak;
            enum ratls_status status;

            if (at + piece > len)
                continue;
            memcpy(text, hostiles[i].head, at);
            for (; at < len; at++)
                text[at] = hostiles[i].piece[(at - strlen(hostiles[i].head)) % piece];
            peak = measure(text, len, &status);
            cr_expect(le(sz, peak, 2 * len + OVERHEAD), "%zu bytes of %s%s", len, hostiles[i].head,
                      hostiles[i].piece);
            cr_expect(eq(int, status, RATLS_USAGE));
            cr_expect(eq(sz, counted_live(), 0));
        }
    }
    free(text);
}

/* As many values as a text of its length may have, all of them good. */
static char *write_large(size_t pins, size_t values)
{
    size_t cap = 200 + (pins + values) * 90, len;
    char *text = malloc(cap);

    cr_assert(ne(ptr, text, NULL));
    len = (size_t)snprintf(text, cap, "policy: ratls-1\nattestation-keys:\n");
    for (size_t i = 0; i < pins; i++)
        len += (size_t)snprintf(text + len, cap - len, "- name: 000b%064zx\n", i);
    len += (size_t)snprintf(text + len, cap - len, "pcrs:\n- index: 7\n  sha256:\n");
    for (size_t i = 0; i < values; i++)
        len += (size_t)snprintf(text + len, cap - len, "  - %064zx\n", i);
    return text;
}

Test(policy_memory, large_and_good)
{
    static const size_t counts[][2] = {{1, 1}, {100, 10}, {4096, 1}, {1, 1024}, {4096, 1024}};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char *text = write_large(counts[i][0], counts[i][1]);
        size_t len = strlen(text), peak;
        enum ratls_status status;

        peak = measure(text, len, &status);
        cr_expect(eq(int, status, RATLS_OK));
        cr_expect(eq(sz, counted_live(), 0));
        cr_expect(le(sz, peak, 4 * len + OVERHEAD), "%zu bytes", len);
        free(text);
    }
}

static const char everything[] =
    "policy: ratls-1\nservers: [a.example, \"*.b.example\"]\n"
    "attestation-keys:\n  - {name: 000b" AA64 ", servers: [a.example]}\n"
    "pcrs:\n  - {index: 7, sha256: [" AA64 "], sha384: [" AA64 AA16 AA16 "]}\n"
    "service: s\nfreshness: certificate\nmax-age: 7d\nalgorithms: [rsassa]\nclock: "
    "safe\nsoftware-tpm: refuse\ntls-key: tpm\n"
    "deny-firmware: [" AA16 "]\ndeny-keys: [000b" AA64 "]\ncomment: x\n";

Test(policy_memory, failing_allocations)
{
    const char *folder = getenv("RATLS_SOURCE_DIR");

    counted_fail_each("p.yaml", everything, RATLS_OK);
    counted_fail_each("p.yaml", HEAD "x: y\n", RATLS_USAGE);
    counted_fail_each("p.yaml", HEAD "pcrs: [{index: 7, sha256: [aa]}]\n", RATLS_USAGE);
    cr_assert(ne(ptr, (void *)folder, NULL), "run by ctest");
    cr_assert(eq(int, chdir(folder), 0));
    counted_fail_each("policies/issuer.yaml", NULL, RATLS_OK);
    counted_fail_each("policies/debian12-measured.yaml", NULL, RATLS_OK);
}
