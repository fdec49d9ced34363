#include "http_head.h"

#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LENGTH_DIGITS_MAX 19 /* of any length that a client could mean */

/* What proxies add for those behind them (RFC 7239; the others are older). */
static const char *const forwarded[] = {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};

static bool is_text(struct ratls_slice bytes, const char *text)
{
    return bytes.len == strlen(text) && strncasecmp((const char *)bytes.p, text, bytes.len) == 0;
}

void ratls_http_head_add(struct ratls_http_head *head, struct ratls_slice name,
                         struct ratls_slice value)
{
    if (is_text(name, "Content-Length")) {
        head->length_count++;
        head->length = value;
    } else if (is_text(name, "Content-Type")) {
        head->type_count++;
        head->type = value;
    } else if (is_text(name, "Transfer-Encoding") || is_text(name, "Content-Encoding")) {
        head->has_encoding = true;
    }
    for (size_t i = 0; i < COUNT(forwarded); i++)
        if (is_text(name, forwarded[i]))
            head->is_forwarded = true;
}

static bool refuse(struct ratls_http_refusal *ret, unsigned status, const char *reason,
                   const char *detail)
{
    *ret = (struct ratls_http_refusal){status, reason, detail};
    return false;
}

/* Digits alone: "+1", "0x1" and " 1" are what readers differ about. */
static bool read_length(struct ratls_slice text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = 10 * value + (uint64_t)(text.p[i] - '0');
    }
    *ret = value;
    return true;
}

static bool check_body(const struct ratls_http_head *head, bool has_body, size_t *ret_len,
                       struct ratls_http_refusal *ret)
{
    uint64_t len = 0;

    if (has_body && head->length_count == 0)
        return refuse(ret, 411, "length", "send Content-Length: chunks are not taken");
    if (head->length_count > 0 && !read_length(head->length, &len))
        return refuse(ret, 400, "malformed", "Content-Length is no number");
    if (!has_body && len > 0)
        return refuse(ret, 400, "malformed", "a GET with a body");
    if (has_body && len == 0)
        return refuse(ret, 400, "malformed", "the body is empty");
    if (len > RATLS_HTTP_BODY_MAX)
        return refuse(ret, 413, "too-long", "a message has at most 32768 bytes");
    *ret_len = (size_t)len;
    return true;
}

static bool check_fields(const struct ratls_http_head *head, bool has_body, size_t *ret_len,
                         struct ratls_http_refusal *ret)
{
    if (head->length_count > 1 || head->type_count > 1)
        return refuse(ret, 400, "malformed", "two header fields of one name");
    if (head->has_encoding)
        return refuse(ret, 411, "length",
                      "send the message as it is, with Content-Length: no Transfer-Encoding and no "
                      "Content-Encoding is taken");
    if (has_body && !is_text(head->type, RATLS_HTTP_ENROLL_TYPE))
        return refuse(ret, 415, "type", "Content-Type must be " RATLS_HTTP_ENROLL_TYPE);
    return check_body(head, has_body, ret_len, ret);
}

bool ratls_http_head_check(const struct ratls_http_head *head, struct ratls_http_route *ret_route,
                           size_t *ret_len, struct ratls_http_refusal *ret_refusal)
{
    struct ratls_http_route route;

    *ret_len = 0;
    *ret_route = (struct ratls_http_route){.action = RATLS_HTTP_NOWHERE};
    if (head->len > RATLS_HTTP_HEAD_MAX)
        return refuse(ret_refusal, 431, "too-long", "the head has more than 8192 bytes");
    if (head->has_hidden && !head->has_query)
        return refuse(ret_refusal, 400, "malformed", "a control character in the head");
    if (head->has_query)
        route = (struct ratls_http_route){.action = RATLS_HTTP_NOWHERE};
    else
        route = ratls_http_route(head->method, head->path);
    *ret_route = route;
    if (route.action == RATLS_HTTP_NOWHERE)
        return refuse(ret_refusal, 404, "path",
                      "no such path: there are /v1/requests, answers, results, crl, ca and health");
    if (route.action == RATLS_HTTP_OTHER_METHOD)
        return refuse(ret_refusal, 405, "method", "not for this path: Allow says which");
    /* Who comes by way of a web server is not of this machine, wherever that server listens. */
    if (route.action == RATLS_HTTP_GET_METRICS && head->is_forwarded)
        return refuse(ret_refusal, 403, "not-allowed", "the metrics are for this machine alone");
    return check_fields(
        head, route.action == RATLS_HTTP_POST_REQUEST || route.action == RATLS_HTTP_POST_ANSWER,
        ret_len, ret_refusal);
}
