/* What a server says of a question that it does not answer (RFC 9457). */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "http.h"

#define PROBLEM_TYPE "application/problem+json"
#define PROBLEM_LEN_MAX 16384 /* ours have some hundred bytes */
#define TEXT_MAX 200

static json_t *read_problem(const struct ratls_http_answer *answer)
{
    if (strcmp(answer->type, PROBLEM_TYPE) != 0 || answer->len > PROBLEM_LEN_MAX)
        return NULL;
    return json_loadb((const char *)answer->body, answer->len, JSON_REJECT_DUPLICATES, NULL);
}

/* Of a member that is a text, escaped: it goes to a terminal. */
static void read_text(const json_t *problem, const char *name, char out[static TEXT_MAX])
{
    const json_t *text = json_object_get(problem, name);

    ratls_escape(ratls_slice(json_string_value(text), json_string_length(text)), out, TEXT_MAX);
}

/* Of a web server before the service: what the service says of itself is a problem document. */
static const char *explain_status(long status)
{
    switch (status) {
    case 502:
    case 503:
        return ": the web server is there, the service behind it is not: is 'ratls ca serve' "
               "running?";
    case 504:
        return ": the web server is there, the service behind it has not answered in time";
    default:
        return "";
    }
}

void ratls_http_problem(const struct ratls_http_answer *answer,
                        char out[static RATLS_HTTP_PROBLEM_MAX])
{
    json_t *problem = read_problem(answer);
    char text[TEXT_MAX];

    read_text(problem, "detail", text);
    if (text[0] == '\0')
        read_text(problem, "title", text);
    if (text[0] != '\0')
        snprintf(out, RATLS_HTTP_PROBLEM_MAX, "%s (HTTP status %ld)", text, answer->status);
    else
        snprintf(out, RATLS_HTTP_PROBLEM_MAX, "HTTP status %ld%s", answer->status,
                 explain_status(answer->status));
    json_decref(problem);
}

static bool is_word(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

void ratls_http_reason(const struct ratls_http_answer *answer, char out[static RATLS_HTTP_TYPE_MAX])
{
    json_t *problem = read_problem(answer);
    char text[TEXT_MAX];

    read_text(problem, "reason", text);
    out[0] = '\0';
    if (is_word(text) && strlen(text) < RATLS_HTTP_TYPE_MAX)
        memcpy(out, text, strlen(text) + 1);
    json_decref(problem);
}
