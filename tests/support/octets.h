/*
 * Bytes for tests, from hexadecimal text with blanks. Each lies in a heap block of exactly its
 * length, so that AddressSanitizer sees a reader that goes one byte too far.
 */
#ifndef RATLS_TEST_OCTETS_H
#define RATLS_TEST_OCTETS_H

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

struct octets {
    uint8_t *p;
    size_t len;
};

static inline struct octets octets_copy(const void *p, size_t len)
{
    struct octets copy = {.p = malloc(len > 0 ? len : 1), .len = len};

    cr_assert_not_null(copy.p);
    if (len > 0)
        memcpy(copy.p, p, len);
    return copy;
}

static inline struct octets octets_from_hex(const char *text)
{
    char *digits = malloc(strlen(text) + 1);
    struct octets octets = {.p = malloc(strlen(text) / 2 + 1)};
    size_t count = 0;

    cr_assert(digits != NULL && octets.p != NULL);
    for (; *text != '\0'; text++)
        if (!isspace((unsigned char)*text))
            digits[count++] = *text;
    digits[count] = '\0';
    cr_assert(ratls_unhex(digits, octets.p, count / 2), "not hexadecimal: %s", digits);
    free(digits);
    octets.len = count / 2;
    octets.p = realloc(octets.p, octets.len > 0 ? octets.len : 1);
    cr_assert_not_null(octets.p);
    return octets;
}

static inline struct ratls_slice octets_slice(struct octets octets)
{
    return ratls_slice(octets.p, octets.len);
}

/* Asserts that every proper prefix of valid, and valid with one byte more, is refused. */
static inline void assert_only_whole(struct ratls_slice valid,
                                     bool (*accepts)(struct ratls_slice in))
{
    struct octets longer = octets_copy(valid.p, valid.len);

    cr_assert(accepts(valid), "the whole is refused");
    for (size_t len = 0; len < valid.len; len++) {
        struct octets prefix = octets_copy(valid.p, len);

        cr_expect_not(accepts(octets_slice(prefix)), "prefix of %zu of %zu bytes accepted", len,
                      valid.len);
        free(prefix.p);
    }
    longer.p = realloc(longer.p, valid.len + 1);
    cr_assert_not_null(longer.p);
    longer.p[valid.len] = 0;
    cr_expect_not(accepts(ratls_slice(longer.p, valid.len + 1)), "a trailing byte accepted");
    free(longer.p);
}

/* One input of a reader and whether it takes it. */
struct shape {
    const char *name;
    const char *hex;
    bool accepted;
};

/* Asserts which of the cases a reader accepts. */
static inline void expect_shapes(bool (*accepts)(struct ratls_slice in), const struct shape *cases,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct octets in = octets_from_hex(cases[i].hex);

        cr_expect_eq(accepts(octets_slice(in)), cases[i].accepted, "%s", cases[i].name);
        free(in.p);
    }
}

#endif
