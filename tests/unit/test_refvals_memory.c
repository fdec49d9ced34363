/* Memory of reference values: none for a compiled file, and what happens when there is none. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "failmalloc.h"
#include "octets.h"
#include "refvals.h"

#define COUNT 200000
#define LINE_LEN_MAX 100
#define HEAP_MAX 4096 /* the struct, and the path for messages */
#define ALLOCATIONS_MAX 20000

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}
#endif

static char path[] = "/tmp/ratls-refvals-memory-XXXXXX";

static void write_file(struct ratls_slice bytes)
{
    FILE *stream = fdopen(mkstemp(path), "wb");

    cr_assert_not_null(stream);
    cr_assert_eq(fwrite(bytes.p, 1, bytes.len, stream), bytes.len);
    cr_assert_eq(fclose(stream), 0);
}

/* Spread evenly, as digests are: a multiplicative generator. */
static struct octets make_list(void)
{
    struct octets list = {.p = malloc((size_t)COUNT * LINE_LEN_MAX)};
    uint64_t state = 1;

    cr_assert_not_null(list.p);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned long long words[4];

        for (size_t j = 0; j < 4; j++)
            words[j] = (state = state * UINT64_C(6364136223846793005) + 1442695040888963407);
        list.len += (size_t)snprintf((char *)list.p + list.len, LINE_LEN_MAX,
                                     "%016llx%016llx%016llx%016llx  /usr/lib/lib%u.so\n", words[0],
                                     words[1], words[2], words[3], i);
    }
    return list;
}

/* CPU time of the quickest of some loads: what it costs, not what else the machine does. */
static double load_ms(void)
{
    double least = 1e9;

    for (int i = 0; i < 5; i++) {
        struct ratls_refvals *set = NULL;
        struct timespec begin, end;
        double ms;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        cr_assert_eq(ratls_refvals_load(path, &set, NULL), RATLS_OK);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        ratls_refvals_free(set);
        ms =
            (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
        least = ms < least ? ms : least;
    }
    return least;
}

static void look_up_all(const struct ratls_refvals *text, const struct ratls_refvals *mapped)
{
    size_t found = 0;

    for (size_t i = 0; i < ratls_refvals_count(text); i++) {
        struct ratls_slice digest, name;

        ratls_refvals_get(text, i, &digest, &name);
        found += ratls_refvals_allows(mapped, digest, name);
    }
    cr_expect_eq(found, COUNT);
}

Test(refvals_memory, a_compiled_file_costs_no_heap_and_no_time)
{
    struct octets list = make_list();
    struct ratls_refvals *text = NULL, *mapped = NULL;
    size_t before = heap_bytes(), after;
    uint8_t *bytes;
    size_t len;

    cr_assert_eq(ratls_refvals_parse("list", octets_slice(list), &text, NULL), RATLS_OK);
    free(list.p);
    after = heap_bytes();
    cr_assert_gt(after + list.len, before + (size_t)COUNT * 32, "the heap is not measured");
    cr_assert_eq(ratls_refvals_compile(&text, 1, &bytes, &len, NULL), RATLS_OK);
    write_file(ratls_slice(bytes, len));
    free(bytes);
    before = heap_bytes();
    cr_assert_eq(ratls_refvals_load(path, &mapped, NULL), RATLS_OK);
    look_up_all(text, mapped);
    after = heap_bytes();
    cr_expect_lt(after, before + HEAP_MAX, "%zu bytes of heap", after - before);
    cr_expect_lt(load_ms(), 1.0, "nothing but the header is to be read");
    unlink(path);
    ratls_refvals_free(mapped);
    ratls_refvals_free(text);
}

static const uint8_t CORIM[] = {
    0xd9, 0x01, 0xf5, 0xa1, 0x01, 0x81, 0xd9, 0x01, 0xfa, 0x58, 0x33, 0xa1, 0x04, 0xa1, 0x00, 0x81,
    0x82, 0xa0, 0x81, 0xa1, 0x01, 0xa1, 0x0e, 0xa1, 0x07, 0x81, 0x82, 0x01, 0x58, 0x20, 0,    1,
    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15,   16,   17,
    18,   19,   20,   21,   22,   23,   24,   25,   26,   27,   28,   29,   30,   31,
};

static const char TEXT[] = A64 "  /a\n\\" A64 "  /a\\n\n" A64 A64 "  /b\n";
static const char KEYLIME[] =
    "{\"meta\": {\"version\": 1}, \"digests\": {\"/" A64 "\\u00e4" A64 A64 "\": [\"" A64 "\"]}, "
    "\"excludes\": [\"x\"]}";

/* text, or the file if it has no bytes. */
static enum ratls_status read_set(struct ratls_slice text, struct ratls_refvals **ret_set,
                                  struct ratls_error *err)
{
    return text.p != NULL ? ratls_refvals_parse("list", text, ret_set, err)
                          : ratls_refvals_load(path, ret_set, err);
}

/* Without memory jansson may also say that the JSON is wrong. */
static bool may_be(enum ratls_status status, struct ratls_slice text)
{
    return status == RATLS_MEMORY || status == RATLS_CRYPTO ||
           (status == RATLS_USAGE && text.p != NULL && text.p[0] == '{');
}

/* One attempt with one allocation that fails. False if none did. A set is the whole set. */
static bool fails(struct ratls_slice text, size_t n, const uint8_t expected[static 32])
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    uint8_t digest[32];
    bool has_failed;

    failmalloc_arm(n);
    status = read_set(text, &set, &err);
    has_failed = failmalloc_disarm();
    cr_expect_eq(status == RATLS_OK, set != NULL);
    if (status != RATLS_OK) {
        cr_expect(has_failed && may_be(status, text), "allocation %zu: %s", n, err.text);
        cr_expect_neq(err.text[0], '\0', "allocation %zu: no text", n);
        return has_failed;
    }
    cr_assert_eq(ratls_refvals_digest(set, digest, NULL), RATLS_OK);
    cr_expect_arr_eq(digest, expected, sizeof digest, "allocation %zu", n);
    ratls_refvals_free(set);
    return has_failed;
}

static void fail_each(struct ratls_slice text)
{
    struct ratls_refvals *set = NULL;
    uint8_t expected[32];
    size_t n = 1;

    cr_assert_eq(read_set(text, &set, NULL), RATLS_OK);
    cr_assert_eq(ratls_refvals_digest(set, expected, NULL), RATLS_OK);
    ratls_refvals_free(set);
    while (n < ALLOCATIONS_MAX && fails(text, n, expected))
        n++;
    cr_expect(n > 3 && n < ALLOCATIONS_MAX, "%zu allocations", n);
}

Test(refvals_memory, every_allocation_may_fail)
{
    json_set_alloc_funcs(malloc, free); /* those of this program: they fail when they are told to */
    fail_each(ratls_slice(TEXT, sizeof TEXT - 1));
    fail_each(ratls_slice(KEYLIME, sizeof KEYLIME - 1));
    fail_each(ratls_slice(CORIM, sizeof CORIM));
}

static bool compile_fails(struct ratls_refvals *set, size_t n, struct octets *ret_bytes)
{
    struct ratls_error err = {0};
    enum ratls_status status;
    bool has_failed;

    failmalloc_arm(n);
    status = ratls_refvals_compile(&set, 1, &ret_bytes->p, &ret_bytes->len, &err);
    has_failed = failmalloc_disarm();
    cr_expect_eq(status == RATLS_OK, ret_bytes->p != NULL);
    cr_expect_eq(status == RATLS_OK, err.text[0] == '\0');
    return has_failed;
}

Test(refvals_memory, compiling_and_loading)
{
    struct ratls_refvals *set = NULL;
    struct octets bytes = {0};
    size_t n = 1;

    cr_assert_eq(ratls_refvals_parse("list", ratls_slice(TEXT, sizeof TEXT - 1), &set, NULL),
                 RATLS_OK);
    for (; n < ALLOCATIONS_MAX && compile_fails(set, n, &bytes); n++) {
        free(bytes.p);
        bytes = (struct octets){0};
    }
    cr_assert_not_null(bytes.p);
    write_file(octets_slice(bytes));
    fail_each(ratls_slice(NULL, 0));
    unlink(path);
    free(bytes.p);
    ratls_refvals_free(set);
}
