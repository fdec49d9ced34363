#include "http_route.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PREFIX "/v1/"

/*
 * id_len: bytes in lower-case hexadecimal that follow the name and a slash; 0: none. They are the
 * SHA-256 of a request or of an issuer's certificate, or the id of a challenge.
 */
static const struct {
    const char *method, *name;
    size_t id_len;
    enum ratls_http_action action;
} routes[] = {
    {"POST", "requests", 0, RATLS_HTTP_POST_REQUEST},
    {"GET", "requests", 32, RATLS_HTTP_GET_REQUEST},
    {"POST", "answers", 0, RATLS_HTTP_POST_ANSWER},
    {"GET", "results", 16, RATLS_HTTP_GET_RESULT},
    {"GET", "crl", 0, RATLS_HTTP_GET_CRL},
    {"GET", "crl", 32, RATLS_HTTP_GET_CRL_OF},
    {"GET", "ca", 0, RATLS_HTTP_GET_CA},
    {"GET", "health", 0, RATLS_HTTP_GET_HEALTH},
    {"GET", "metrics", 0, RATLS_HTTP_GET_METRICS},
};

static bool take(struct ratls_slice *rest, const char *text)
{
    const size_t len = strlen(text);

    if (rest->len < len || memcmp(rest->p, text, len) != 0)
        return false;
    *rest = ratls_slice(rest->p + len, rest->len - len);
    return true;
}

/* Lower case only: one thing has one path, also where a proxy in front has rules for paths. */
static bool take_id(struct ratls_slice *rest, uint8_t *out, size_t len)
{
    char text[2 * RATLS_HTTP_ID_MAX + 1];

    if (!take(rest, "/") || rest->len != 2 * len)
        return false;
    memcpy(text, rest->p, rest->len);
    text[rest->len] = '\0';
    if (strspn(text, "0123456789abcdef") != rest->len || !ratls_unhex(text, out, len))
        return false;
    *rest = ratls_slice(NULL, 0);
    return true;
}

static bool is_at(size_t i, struct ratls_slice path, uint8_t *out)
{
    if (!take(&path, PREFIX) || !take(&path, routes[i].name))
        return false;
    if (routes[i].id_len > 0 && !take_id(&path, out, routes[i].id_len))
        return false;
    return path.len == 0;
}

struct ratls_http_route ratls_http_route(struct ratls_slice method, struct ratls_slice path)
{
    struct ratls_http_route route = {.action = RATLS_HTTP_NOWHERE};
    uint8_t id[RATLS_HTTP_ID_MAX] = {0};

    for (size_t i = 0; i < COUNT(routes); i++) {
        if (!is_at(i, path, id))
            continue;
        if (!take(&method, routes[i].method) || method.len > 0) {
            route.action = RATLS_HTTP_OTHER_METHOD;
            route.allow = routes[i].method;
            return route;
        }
        route.action = routes[i].action;
        memcpy(route.id, id, sizeof route.id);
        return route;
    }
    return route;
}

const char *ratls_http_action_name(enum ratls_http_action action)
{
    static const char *const names[RATLS_HTTP_ACTIONS] = {
        [RATLS_HTTP_NOWHERE] = "none",
        [RATLS_HTTP_OTHER_METHOD] = "method",
        [RATLS_HTTP_POST_REQUEST] = "requests",
        [RATLS_HTTP_GET_REQUEST] = "request",
        [RATLS_HTTP_POST_ANSWER] = "answers",
        [RATLS_HTTP_GET_RESULT] = "result",
        [RATLS_HTTP_GET_CRL] = "crl",
        [RATLS_HTTP_GET_CRL_OF] = "crl-of",
        [RATLS_HTTP_GET_CA] = "ca",
        [RATLS_HTTP_GET_HEALTH] = "health",
        [RATLS_HTTP_GET_METRICS] = "metrics",
    };

    return names[action];
}
