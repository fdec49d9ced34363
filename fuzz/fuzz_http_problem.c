/*
 * Targets: ratls_http_problem, ratls_http_reason: what a server says of a question that it does not
 * answer. Both texts are lines that a terminal does not obey.
 */
#include <string.h>

#include "fuzz.h"
#include "http.h"

static void check_text(const char *text, size_t cap)
{
    FUZZ_CHECK(memchr(text, '\0', cap) != NULL);
    FUZZ_CHECK(ratls_slice_is_printable(ratls_slice(text, strlen(text))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_http_answer answer = {
        .status = 403, .type = "application/problem+json", .len = size};
    char problem[RATLS_HTTP_PROBLEM_MAX], reason[RATLS_HTTP_TYPE_MAX];

    answer.body = malloc(size + 1);
    FUZZ_CHECK(answer.body != NULL);
    if (size > 0)
        memcpy(answer.body, data, size);
    answer.body[size] = '\0';
    ratls_http_problem(&answer, problem);
    check_text(problem, sizeof problem);
    FUZZ_CHECK(strstr(problem, "HTTP status 403") != NULL);
    ratls_http_reason(&answer, reason);
    check_text(reason, sizeof reason);
    FUZZ_CHECK(strspn(reason, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(reason));
    free(answer.body);
    return 0;
}
