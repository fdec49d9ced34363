#include "problem_details.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ESCAPED_MAX 7 /* \u and four digits, and the NUL */

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

const char *ratls_problem_title(unsigned status)
{
    for (size_t i = 0; i < COUNT(titles); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

/*
 * Only printable ASCII stays as it is: what a request says of itself reaches terminals and pages of
 * monitoring, so no byte of it is trusted to be text, and "<" is none that opens a tag.
 */
static size_t escape(unsigned char c, char out[static ESCAPED_MAX])
{
    const char plain[] = {(char)c, '\0'};

    if (c < 0x20 || c > 0x7e || strchr("\"\\<>&", c) != NULL)
        return (size_t)snprintf(out, ESCAPED_MAX, "\\u%04x", c);
    memcpy(out, plain, sizeof plain);
    return 1;
}

static size_t write_text(const char *text, size_t max, char *out)
{
    size_t len = 0;

    for (size_t i = 0; text[i] != '\0' && i < max; i++)
        len += escape((unsigned char)text[i], out + len);
    out[len] = '\0';
    return len;
}

size_t ratls_problem_details(unsigned status, const char *reason, const char *detail,
                             char out[static RATLS_PROBLEM_MAX])
{
    int head = snprintf(out, RATLS_PROBLEM_MAX,
                        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
                        "\"reason\":\"%.32s\",\"detail\":\"",
                        ratls_problem_title(status), status, reason);
    size_t len = (size_t)head;

    len += write_text(detail, RATLS_PROBLEM_DETAIL_MAX - 1, out + len);
    memcpy(out + len, "\"}\n", sizeof "\"}\n");
    return len + strlen("\"}\n");
}
