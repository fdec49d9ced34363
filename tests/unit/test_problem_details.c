/* RFC 9457 objects: whatever the detail is, they are JSON of ASCII. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "problem_details.h"

static json_t *make(unsigned status, const char *reason, const char *detail)
{
    static char out[RATLS_PROBLEM_MAX];
    const size_t len = ratls_problem_details(status, reason, detail, out);
    json_t *object = json_loadb(out, len, 0, NULL);

    cr_assert_eq(len, strlen(out));
    cr_assert_not_null(object, "%s", out);
    for (size_t i = 0; i + 1 < len; i++)
        cr_expect(out[i] >= 0x20 && out[i] <= 0x7e, "byte %zu", i);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

Test(problem_details, members)
{
    json_t *object = make(422, "ek-chain", "no path to a pinned root");

    cr_expect_eq(json_object_size(object), 5);
    cr_expect_str_eq(text_of(object, "type"), "about:blank");
    cr_expect_str_eq(text_of(object, "title"), "Unprocessable Content");
    cr_expect_eq(json_integer_value(json_object_get(object, "status")), 422);
    cr_expect_str_eq(text_of(object, "reason"), "ek-chain");
    cr_expect_str_eq(text_of(object, "detail"), "no path to a pinned root");
    json_decref(object);
}

Test(problem_details, escaped)
{
    static const char detail[] = "\"a\\ <script>&\r\n\t\x7f\x1b[31m";
    json_t *object = make(400, "malformed", detail);

    cr_expect_str_eq(text_of(object, "detail"), detail);
    json_decref(object);
}

/* All bytes, and more of them than are shown. */
Test(problem_details, cut)
{
    char detail[4000];
    json_t *object;

    memset(detail, '\xff', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    object = make(999, "another reason that is far longer than a word can be", detail);
    cr_expect_eq(strlen(text_of(object, "detail")), 2 * (RATLS_PROBLEM_DETAIL_MAX - 1));
    cr_expect_str_eq(text_of(object, "title"), "Error");
    cr_expect_leq(strlen(text_of(object, "reason")), 32);
    json_decref(object);
}
