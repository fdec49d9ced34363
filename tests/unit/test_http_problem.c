/* What a server says of a question that it does not answer, before it gets to a terminal. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"

static void expect_of(const char *type, const char *body, const char *problem, const char *reason)
{
    struct ratls_http_answer answer = {.status = 403, .len = strlen(body)};
    char text[RATLS_HTTP_PROBLEM_MAX], word[RATLS_HTTP_TYPE_MAX];

    snprintf(answer.type, sizeof answer.type, "%s", type);
    answer.body = (uint8_t *)strdup(body);
    cr_assert_not_null(answer.body);
    ratls_http_problem(&answer, text);
    ratls_http_reason(&answer, word);
    cr_expect_str_eq(text, problem, "%s", body);
    cr_expect_str_eq(word, reason, "%s", body);
    ratls_http_answer_done(&answer);
}

static void expect(const char *body, const char *problem, const char *reason)
{
    expect_of("application/problem+json", body, problem, reason);
}

Test(http_problem, words)
{
    expect("{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,"
           "\"detail\":\"a.example is not allowed\",\"reason\":\"not-allowed\"}",
           "a.example is not allowed (HTTP status 403)", "not-allowed");
    expect("{\"title\":\"Forbidden\"}", "Forbidden (HTTP status 403)", "");
    expect("{\"detail\":\"\",\"title\":\"Forbidden\"}", "Forbidden (HTTP status 403)", "");
}

Test(http_problem, none)
{
    expect_of("text/html", "<html>{\"detail\":\"x\"}", "HTTP status 403", "");
    expect_of("", "{\"detail\":\"x\"}", "HTTP status 403", "");
    expect("", "HTTP status 403", "");
    expect("{\"detail\":\"x\"", "HTTP status 403", "");
    expect("[\"detail\"]", "HTTP status 403", "");
    expect("{\"detail\":{\"a\":1},\"title\":7,\"reason\":[]}", "HTTP status 403", "");
    expect("{\"detail\":\"x\",\"detail\":\"y\"}", "HTTP status 403", "");
    expect("{\"detail\":\"x\"} {}", "HTTP status 403", "");
}

/* A terminal obeys none of it, and no line is forged. */
Test(http_problem, escapes)
{
    expect("{\"detail\":\"\\u001b]0;x\\u0007\\nratls: done\",\"reason\":\"wrong\\n\"}",
           "\\x1b]0;x\\x07\\x0aratls: done (HTTP status 403)", "");
    expect("{\"detail\":\"\xe2\x80\xae\xc3\xa4\",\"reason\":\"Wrong\"}",
           "\\xe2\\x80\\xae\\xc3\\xa4 (HTTP status 403)", "");
    expect("{\"detail\":\"a\\u0000b\"}", "HTTP status 403", "");
}

static void expect_status(long status, const char *type, const char *body, const char *problem)
{
    struct ratls_http_answer answer = {
        .status = status, .body = (uint8_t *)body, .len = strlen(body)};
    char text[RATLS_HTTP_PROBLEM_MAX];

    snprintf(answer.type, sizeof answer.type, "%s", type);
    ratls_http_problem(&answer, text);
    cr_expect_str_eq(text, problem);
}

/* A web server whose service is gone says so with a status; a service says more. */
Test(http_problem, gateway)
{
    static const char busy[] = "{\"detail\":\"too many connections\"}";

    expect_status(502, "text/html", "<html>",
                  "HTTP status 502: the web server is there, the service behind it is not: is "
                  "'ratls ca serve' running?");
    expect_status(503, "", "",
                  "HTTP status 503: the web server is there, the service behind it is not: is "
                  "'ratls ca serve' running?");
    expect_status(504, "", "",
                  "HTTP status 504: the web server is there, the service behind it has not "
                  "answered in time");
    expect_status(500, "", "", "HTTP status 500");
    expect_status(503, "application/problem+json", busy, "too many connections (HTTP status 503)");
}

Test(http_problem, limits)
{
    char body[20000], text[RATLS_HTTP_PROBLEM_MAX], word[RATLS_HTTP_TYPE_MAX];
    struct ratls_http_answer answer = {
        .status = 500, .type = "application/problem+json", .body = (uint8_t *)body};

    memset(body, 'a', sizeof body);
    memcpy(body, "{\"detail\":\"", 11);
    memcpy(body + 10000, "\"}", 3);
    answer.len = strlen(body);
    ratls_http_problem(&answer, text);
    cr_expect_lt(strlen(text), 230);
    cr_expect_not_null(strstr(text, "aaa... (HTTP status 500)"));
    memset(body, 'a', sizeof body);
    memcpy(body, "{\"reason\":\"", 11);
    memcpy(body + 80, "\"}", 3);
    answer.len = strlen(body);
    ratls_http_reason(&answer, word);
    cr_expect_str_eq(word, "");
    memset(body, ' ', sizeof body);
    memcpy(body, "{\"detail\":\"x\"}", 14);
    answer.len = sizeof body;
    ratls_http_problem(&answer, text);
    cr_expect_str_eq(text, "HTTP status 500");
    memset(body, '[', sizeof body);
    answer.len = 16000;
    ratls_http_problem(&answer, text);
    cr_expect_str_eq(text, "HTTP status 500");
}
