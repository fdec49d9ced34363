/* No digest covers the name of a template: what may be shown with another digest or path. */
#include <criterion/criterion.h>
#include <string.h>

#include "ima.h"
#include "ima_list.h"
#include "tpm_wire.h"

#define COUNT(table) (sizeof table / sizeof *table)
#define X8(text) text text text text text text text text
#define X20(text) X8(text) X8(text) text text text text
#define X32(text) X8(text) X8(text) X8(text) X8(text)
#define SHA256_AA "7368613235363a00" X32("aa") /* "sha256:" NUL */
#define SHA1_BB "736861313a00" X20("bb")
#define PATH "2f62696e2f6100" /* "/bin/a" NUL */
#define PLACE "its template does not begin with digest and path"
#define HIDDEN "a digest is in a field that has none"

static const struct doubt_case {
    const char *name;
    const char *template;
    const char *fields[6];
    const char *doubt; /* NULL: none */
} CASES[] = {
    {"the kernel's", "ima-ng", {SHA256_AA, PATH}, NULL},
    {"the kernel's, two digests", "ima-modsig", {SHA256_AA, PATH, "", SHA256_AA, ""}, NULL},
    {"custom", "d-ng|n-ng|iuid|sig", {SHA256_AA, PATH, "", "03"}, NULL},
    {"no hash of this name", "ima-buf", {SHA256_AA, PATH, "7368613200" X32("bb")}, NULL},
    {"digest cut", "ima-buf", {SHA256_AA, PATH, "736861313a00" X8("bb")}, NULL},
    {"path first", "n-ng|d-ng", {PATH, SHA256_AA}, PLACE},
    {"path third", "d-ng|buf|n-ng", {SHA256_AA, PATH, PATH}, PLACE},
    {"digest third", "buf|n-ng|d-ng", {"", PATH, SHA256_AA}, PLACE},
    {"digest of another kind", "d-modsig|n-ng", {SHA256_AA, PATH}, PLACE},
    {"no digest", "sig|n-ng", {"03", PATH}, PLACE},
    {"only a digest", "d-ng", {SHA256_AA}, PLACE},
    {"only a path", "n", {PATH}, PLACE},
    {"another digest", "d-ng|n-ng|buf", {SHA256_AA, PATH, SHA256_AA}, HIDDEN},
    {"a digest in ima-sig", "ima-sig", {SHA256_AA, PATH, SHA1_BB}, HIDDEN},
    {"the longest digest",
     "ima-buf",
     {SHA256_AA, PATH, "7374726565626f673531323a00" X32("bb") X32("bb")},
     HIDDEN},
};

static void expect_doubt(const struct doubt_case *c)
{
    struct octets data = ima_fields(c->fields, COUNT(c->fields));
    struct ima_list list = {.alg = RATLS_ALG_SHA256};
    struct ratls_ima_entry entry;
    struct ratls_ima_reader r;

    ima_put_entry(&list, c->template, octets_slice(data), false);
    r = ratls_ima_reader(ima_list_slice(&list), list.alg, 0, 0);
    cr_assert(ratls_ima_next(&r, &entry), "%s: %s", c->name, r.error.text);
    cr_expect_str_eq(entry.doubt == NULL ? "" : entry.doubt, c->doubt == NULL ? "" : c->doubt, "%s",
                     c->name);
    free(data.p);
}

Test(ima_doubts, what_the_name_of_a_template_could_hide)
{
    for (size_t i = 0; i < COUNT(CASES); i++)
        expect_doubt(&CASES[i]);
}
