#include <criterion/criterion.h>
#include <stdio.h>

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

/* Reads the one entry of a list; false, and the words in *ret_error, if it is refused. */
static bool read_one(struct ratls_slice list, uint16_t alg, struct ratls_ima_entry *ret_entry,
                     struct ratls_error *ret_error)
{
    struct ratls_ima_reader r = ratls_ima_reader(list, alg, 0, 0);
    bool is_read = ratls_ima_next(&r, ret_entry);

    *ret_error = r.error;
    cr_assert_eq(is_read, r.error.status == RATLS_OK, "%s", r.error.text);
    cr_assert(!is_read || (r.in.rest.len == 0 && r.offset == list.len && r.entries == 1));
    return is_read;
}

struct field_case {
    const char *name;
    const char *template;
    const char *fields[12];
    const char *refused; /* what the error says; NULL: accepted */
};

static void expect_fields(const struct field_case *c)
{
    struct ima_list list = {.alg = RATLS_ALG_SHA1};
    struct octets data = ima_fields(c->fields, COUNT(c->fields));
    struct ratls_ima_entry entry;
    struct ratls_error error;
    struct octets copy;
    bool is_read;

    ima_put_entry(&list, c->template, octets_slice(data), false);
    copy = octets_copy(list.bytes, list.len);
    is_read = read_one(octets_slice(copy), list.alg, &entry, &error);
    cr_expect_eq(is_read, c->refused == NULL, "%s: %s", c->name, error.text);
    if (c->refused != NULL) {
        cr_expect_eq(error.status, RATLS_MALFORMED, "%s", c->name);
        cr_expect_not_null(strstr(error.text, c->refused), "%s: %s", c->name, error.text);
        cr_expect_eq(strncmp(error.text, "entry 1 at byte 0: ", 19), 0, "%s", error.text);
    }
    free(copy.p);
    free(data.p);
}

static void expect_all_fields(const struct field_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_fields(&cases[i]);
}

static const struct field_case TEMPLATES[] = {
    {"ima-ng", "ima-ng", {SHA256_AA, PATH}, NULL},
    {"ima-ng without path", "ima-ng", {SHA256_AA}, "ends within field n-ng"},
    {"ima-ng without fields", "ima-ng", {NULL}, "ends within field d-ng"},
    {"ima-ng with a third field", "ima-ng", {SHA256_AA, PATH, ""}, "4 bytes are left behind"},
    {"ima-ng, fields in the other order", "ima-ng", {PATH, SHA256_AA}, "field d-ng has no colon"},
    {"ima-sig", "ima-sig", {SHA256_AA, PATH, "030204"}, NULL},
    {"ima-sig without a signature", "ima-sig", {SHA256_AA, PATH, ""}, NULL},
    {"ima-sig as ima-ng", "ima-sig", {SHA256_AA, PATH}, "ends within field sig"},
    {"ima-buf", "ima-buf", {SHA256_AA, "2e696d6100", "00ff00"}, NULL},
    {"ima-ngv2", "ima-ngv2", {"696d613a" SHA256_AA, PATH}, NULL},
    {"ima-ngv2 with fs-verity", "ima-ngv2", {"7665726974793a" SHA256_AA, PATH}, NULL},
    {"ima-ngv2 without type", "ima-ngv2", {SHA256_AA, PATH}, "no colon and NUL"},
    {"ima-ngv2 with another type", "ima-ngv2", {"696d623a" SHA256_AA, PATH}, "another type"},
    {"ima-ng with a type", "ima-ng", {"696d613a" SHA256_AA, PATH}, "no colon and NUL"},
    {"ima-sigv2", "ima-sigv2", {"7665726974793a" SHA256_AA, PATH, "0603"}, NULL},
    {"ima-modsig", "ima-modsig", {SHA256_AA, PATH, "", SHA256_AA, "3082"}, NULL},
    {"ima-modsig without one", "ima-modsig", {SHA256_AA, PATH, "03", "", ""}, NULL},
    {"ima-modsig, digest cut", "ima-modsig", {SHA256_AA, PATH, "", "736861", ""}, "d-modsig"},
    {"evm-sig",
     "evm-sig",
     {SHA256_AA, PATH, "0502", "7800", "01000000", "61", "00000000", "00000000", "a481"},
     NULL},
    {"evm-sig without a file", "evm-sig", {SHA256_AA, PATH, "", "", "", "", "", "", ""}, NULL},
    {"evm-sig, uid of 2 bytes",
     "evm-sig",
     {SHA256_AA, PATH, "0502", "", "", "", "0000", "00000000", "a481"},
     "field iuid"},
    {"evm-sig, gid of 8 bytes",
     "evm-sig",
     {SHA256_AA, PATH, "0502", "", "", "", "00000000", "0000000000000000", ""},
     "field igid"},
    {"evm-sig, mode of 4 bytes",
     "evm-sig",
     {SHA256_AA, PATH, "0502", "", "", "", "00000000", "00000000", "a4810000"},
     "field imode"},
    {"evm-sig, half a length",
     "evm-sig",
     {SHA256_AA, PATH, "0502", "", "0100", "", "", "", ""},
     "field xattrlengths"},
    {"custom", "n-ng|d-ng", {PATH, SHA256_AA}, NULL},
    {"custom, one field", "sig", {"03"}, NULL},
    {"custom, old fields", "d|n", {X20("bb"), PATH}, NULL},
    {"custom, MD5", "d|n", {X8("bb") X8("bb"), PATH}, NULL},
    {"custom, old digest of 32 bytes", "d|n", {X32("bb"), PATH}, "neither a SHA-1 nor an MD5"},
    {"custom, empty data", "d-ng|n-ng", {NULL}, "ends within field d-ng"},
    {"custom, field twice", "sig|sig", {"", ""}, "\"sig|sig\" has a field twice"},
    {"custom, two paths", "d-ng|n-ng|n", {SHA256_AA, PATH, PATH}, "two fields for the path"},
    {"custom, two digests", "d|d-ng|n", {X20("bb"), SHA256_AA, PATH}, "two fields for the path"},
    {"custom, unknown field", "d-ng|n-ng|cgpath", {SHA256_AA, PATH, ""}, "is neither a template"},
    {"custom, no field before the bar", "|d-ng", {SHA256_AA}, "is neither a template"},
    {"custom, no field behind the bar", "d-ng|", {SHA256_AA}, "is neither a template"},
    {"custom, blank", "d-ng |n-ng", {SHA256_AA, PATH}, "is neither a template"},
    {"custom, capital", "D-NG|n-ng", {SHA256_AA, PATH}, "is neither a template"},
    {"unknown template", "ima-cgpath", {SHA256_AA, PATH}, "\"ima-cgpath\" is neither a template"},
    {"beginning of a template", "ima-n", {SHA256_AA, PATH}, "is neither a template"},
    {"longer than a template", "ima-ngx", {SHA256_AA, PATH}, "is neither a template"},
    {"a name that is not text", "\x1b[2J", {SHA256_AA}, "\"\\x1b[2J\" is neither"},
};

Test(ima, templates_and_their_fields)
{
    expect_all_fields(TEMPLATES, COUNT(TEMPLATES));
}

static const struct field_case DIGESTS[] = {
    {"sha1", "ima-ng", {SHA1_BB, PATH}, NULL},
    {"sha1 with 32 bytes", "ima-ng", {"736861313a00" X32("bb"), PATH}, "another length"},
    {"sha256 with 20 bytes", "ima-ng", {"7368613235363a00" X20("bb"), PATH}, "another length"},
    {"no digest", "ima-ng", {"7368613235363a00", PATH}, "another length"},
    {"one byte more", "ima-ng", {SHA256_AA "00", PATH}, "another length"},
    {"capitals", "ima-ng", {"5348413235363a00" X32("aa"), PATH}, "not known"},
    {"blank behind the name", "ima-ng", {"736861323536203a00" X32("aa"), PATH}, "not known"},
    {"NUL in the name", "ima-ng", {"7368613235003a00" X32("aa"), PATH}, "not known"},
    {"no name", "ima-ng", {"3a00" X32("aa"), PATH}, "not known"},
    {"no colon", "ima-ng", {"73686132353600" X32("aa"), PATH}, "no colon and NUL"},
    {"two colons", "ima-ng", {"7368613235363a3a00" X32("aa"), PATH}, "no colon and NUL"},
    {"no NUL", "ima-ng", {"7368613235363a" X32("aa"), PATH}, "no colon and NUL"},
    {"empty", "ima-ng", {"", PATH}, "no colon and NUL"},
    {"sha3", "ima-ng", {"736861332d3235363a00" X32("aa"), PATH}, NULL},
    {"sm3", "ima-ng", {"736d333a00" X32("aa"), PATH}, NULL},
    {"sm3 by its old name", "ima-ng", {"736d332d3235363a00" X32("aa"), PATH}, NULL},
    {"unknown", "ima-ng", {"756e6b6e6f776e3a00" X32("aa"), PATH}, "not known"},
};

Test(ima, digests_of_files)
{
    expect_all_fields(DIGESTS, COUNT(DIGESTS));
}

static const struct field_case PATHS[] = {
    {"one character", "ima-ng", {SHA256_AA, "2f00"}, NULL},
    {"no NUL", "ima-ng", {SHA256_AA, "2f62696e2f61"}, "field n-ng does not end with NUL"},
    {"NUL inside", "ima-ng", {SHA256_AA, "2f62002f6100"}, "field n-ng has NUL inside"},
    {"two NULs at the end", "ima-ng", {SHA256_AA, "2f620000"}, "field n-ng has NUL inside"},
    {"no bytes", "ima-ng", {SHA256_AA, ""}, "field n-ng does not end with NUL"},
    {"only NUL", "ima-ng", {SHA256_AA, "00"}, "field n-ng is empty"},
    {"blank and newline", "ima-ng", {SHA256_AA, "2f20610a00"}, NULL},
    {"not UTF-8", "ima-ng", {SHA256_AA, "2fff00"}, NULL},
};

Test(ima, paths)
{
    expect_all_fields(PATHS, COUNT(PATHS));
}

Test(ima, lengths_of_paths_at_their_limits)
{
    static const struct {
        const char *template;
        size_t len;
        bool accepted;
    } cases[] = {{"n-ng", 4095, true}, {"n-ng", 4096, false}, {"n", 255, true}, {"n", 256, false}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ima_list data = {0};
        struct ima_list list = {.alg = RATLS_ALG_SHA256};
        struct ratls_ima_entry entry;
        struct ratls_error error;

        ima_put_u32(&data, (uint32_t)cases[i].len + 1);
        memset(data.bytes + data.len, 'x', cases[i].len);
        data.len += cases[i].len + 1;
        ima_put_entry(&list, cases[i].template, ima_list_slice(&data), false);
        cr_assert_eq(read_one(ima_list_slice(&list), list.alg, &entry, &error), cases[i].accepted,
                     "%s of %zu: %s", cases[i].template, cases[i].len, error.text);
        cr_expect(!cases[i].accepted || entry.path.len == cases[i].len);
        cr_expect(cases[i].accepted || strstr(error.text, "is longer than a path can be"));
    }
}

/* Every template, of which each cut must leave exactly the entries before it. */
static struct ima_list make_mixed(uint16_t alg)
{
    static const struct field_case *const cases[] = {&TEMPLATES[0], &TEMPLATES[5],  &TEMPLATES[8],
                                                     &TEMPLATES[9], &TEMPLATES[14], &TEMPLATES[15],
                                                     &TEMPLATES[18]};
    struct ima_list list = {.alg = alg};

    ima_put_plain(&list, 0, "boot_aggregate");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct octets data = ima_fields(cases[i]->fields, COUNT(cases[i]->fields));

        ima_put_entry(&list, cases[i]->template, octets_slice(data), i == 3);
        free(data.p);
    }
    ima_put_violation(&list, "/etc/open");
    return list;
}

/* How many entries are read, and, in *ret_ends, where each ends. */
static size_t count_entries(struct ratls_ima_reader *r, uint64_t ret_ends[16])
{
    struct ratls_ima_entry entry;
    size_t count = 0;

    while (ratls_ima_next(r, &entry)) {
        cr_assert_lt(count, 16);
        cr_assert_eq(entry.number, count + 1);
        cr_assert_eq(entry.offset, count == 0 ? 0 : ret_ends[count - 1]);
        ret_ends[count++] = entry.offset + entry.len;
    }
    return count;
}

static void expect_cut(const struct ima_list *list, size_t len, const uint64_t ends[16])
{
    struct octets cut = octets_copy(list->bytes, len);
    struct ratls_ima_reader r = ratls_ima_reader(octets_slice(cut), list->alg, 0, 0);
    uint64_t cut_ends[16];
    size_t count = count_entries(&r, cut_ends);
    size_t whole = 0;

    while (ends[whole] != 0 && ends[whole] <= len)
        whole++;
    cr_expect_eq(count, whole, "%zu entries of %zu bytes", count, len);
    cr_expect_eq(r.error.status == RATLS_OK, len == (whole == 0 ? 0 : ends[whole - 1]),
                 "%zu bytes: %s", len, r.error.text);
    free(cut.p);
}

Test(ima, a_list_that_is_cut_has_only_its_whole_entries)
{
    static const uint16_t algs[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                    RATLS_ALG_SHA512};

    for (size_t i = 0; i < COUNT(algs); i++) {
        struct ima_list list = make_mixed(algs[i]);
        struct ratls_ima_reader r = ratls_ima_reader(ima_list_slice(&list), list.alg, 0, 0);
        uint64_t ends[16] = {0};

        cr_assert_eq(count_entries(&r, ends), 9, "%s", r.error.text);
        cr_assert_eq(r.error.status, RATLS_OK);
        cr_assert_eq(ends[8], list.len);
        for (size_t len = 0; len <= list.len; len++)
            expect_cut(&list, len, ends);
    }
}

/* An entry of ima-ng whose words are replaced: PCR, length of the name, length of the data. */
Test(ima, lengths_and_indices_in_the_header)
{
    static const struct {
        const char *name;
        size_t at;
        uint32_t value;
        const char *refused;
    } cases[] = {
        {"as it is", 0, 10, NULL},
        {"last PCR", 0, 23, NULL},
        {"PCR 24", 0, 24, "the index of the PCR is 24"},
        {"big-endian PCR 10", 0, 0x0a000000, "the index of the PCR is 167772160"},
        {"no name", 24, 0, "the name of the template has 0 bytes"},
        {"name of 256 bytes", 24, 256, "the name of the template has 256 bytes"},
        {"huge name", 24, UINT32_MAX, "the name of the template has 4294967295 bytes"},
        {"name of 255 bytes", 24, 255, "ends within the name"},
        {"name one less", 24, 5, "is neither a template"},
        {"no data", 34, 0, "ends within field d-ng"},
        {"data one less", 34, 54, "ends within field n-ng"},
        {"data one more", 34, 56, "template data of 56 bytes, but the list ends after 55"},
        {"data at the limit", 34, 1u << 20, "but the list ends after 55"},
        {"data beyond it", 34, (1u << 20) + 1, "at most 1048576 are read"},
        {"huge data", 34, UINT32_MAX, "at most 1048576 are read"},
        {"digest one less", 38, 39, "another length than its hash algorithm"},
        {"digest of all data", 38, 51, "another length than its hash algorithm"},
        {"digest beyond the data", 38, 52, "ends within field d-ng"},
        {"huge digest", 38, UINT32_MAX, "ends within field d-ng"},
        {"huge path", 82, UINT32_MAX, "ends within field n-ng"},
        {"path one more", 82, 8, "ends within field n-ng"},
        {"path one less", 82, 6, "field n-ng does not end with NUL"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ima_list list = {.alg = RATLS_ALG_SHA1};
        struct ratls_ima_entry entry;
        struct ratls_error error;
        size_t len;

        ima_put_ng(&list, 0xaa, "/bin/a");
        len = list.len;
        list.len = cases[i].at;
        ima_put_u32(&list, cases[i].value);
        list.len = len;
        cr_expect_eq(read_one(ima_list_slice(&list), list.alg, &entry, &error),
                     cases[i].refused == NULL, "%s: %s", cases[i].name, error.text);
        cr_expect(cases[i].refused == NULL || strstr(error.text, cases[i].refused), "%s: %s",
                  cases[i].name, error.text);
    }
}

/* Template "ima" has no length before the data; the name has one, but no NUL. */
Test(ima, lengths_in_template_ima)
{
    static const struct {
        const char *name;
        uint32_t value;
        const char *refused;
    } cases[] = {
        {"as it is", 6, NULL},
        {"no path", 0, "field n has 0 bytes"},
        {"one more", 7, "ends within the fields"},
        {"at the limit", 255, "ends within the fields"},
        {"beyond it", 256, "field n has 256 bytes"},
        {"huge", UINT32_MAX, "field n has 4294967295 bytes"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ima_list list = {.alg = RATLS_ALG_SHA1};
        struct ratls_ima_entry entry;
        struct ratls_error error;
        size_t len;

        ima_put_plain(&list, 0xbb, "/bin/a");
        len = list.len;
        list.len -= 10;
        ima_put_u32(&list, cases[i].value);
        list.len = len;
        cr_expect_eq(read_one(ima_list_slice(&list), list.alg, &entry, &error),
                     cases[i].refused == NULL, "%s: %s", cases[i].name, error.text);
        cr_expect(cases[i].refused == NULL || strstr(error.text, cases[i].refused), "%s: %s",
                  cases[i].name, error.text);
    }
}

static bool has_text(struct ratls_slice bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.p, text, bytes.len) == 0;
}

Test(ima, says_what_the_fields_mean)
{
    struct ima_list list = make_mixed(RATLS_ALG_SHA256);
    struct ratls_ima_reader r = ratls_ima_reader(ima_list_slice(&list), list.alg, 0, 0);
    struct ratls_ima_entry e[9];

    for (size_t i = 0; i < COUNT(e); i++)
        cr_assert(ratls_ima_next(&r, &e[i]), "%s", r.error.text);
    cr_expect(e[0].is_plain && has_text(e[0].template_name, "ima"));
    cr_expect(has_text(e[0].path, "boot_aggregate") && e[0].file.value.len == 20);
    cr_expect_str_eq(ratls_ima_hash_name(e[0].file.hash), "sha1");
    cr_expect(has_text(e[1].path, "/bin/a") && e[1].file.value.len == 32);
    cr_expect_str_eq(ratls_ima_hash_name(e[1].file.hash), "sha256");
    cr_expect(e[1].pcr == 10 && e[1].digest.len == 32 && !e[1].is_violation && !e[1].is_plain);
    cr_expect_eq(e[1].present, 1u << RATLS_IMA_D_NG | 1u << RATLS_IMA_N_NG);
    cr_expect(ratls_ima_field(&e[2], RATLS_IMA_SIG).len == 3 &&
              ratls_ima_field(&e[2], RATLS_IMA_SIG).p[2] == 4);
    cr_expect(has_text(e[3].path, ".ima") && ratls_ima_field(&e[3], RATLS_IMA_BUF).len == 3);
    cr_expect(e[4].is_violation && has_text(e[4].template_name, "ima-ngv2"));
    cr_expect_not(e[4].file.is_verity);
    cr_expect(e[5].file.is_verity && ratls_ima_field(&e[5], RATLS_IMA_SIG).p[0] == 6);
    cr_expect(e[6].without_modsig.value.len == 32 &&
              ratls_ima_field(&e[6], RATLS_IMA_MODSIG).len == 2);
    cr_expect(ratls_ima_field(&e[7], RATLS_IMA_IMODE).len == 2 &&
              ratls_ima_field(&e[7], RATLS_IMA_XATTRVALUES).len == 1);
    cr_expect(e[8].is_violation && has_text(e[8].path, "/etc/open"));
    cr_expect(ratls_ima_hash_name(RATLS_IMA_HASH_COUNT) == NULL);
    cr_expect_eq(ratls_ima_hash_len(RATLS_IMA_HASH_COUNT), 0);
}
