/* Paths and methods, and heads of requests: the good ones; the rest is in service_hostile. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "http_head.h"

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define HEX32 HEX16 "101112131415161718191a1b1c1d1e1f"

static struct ratls_http_route route(const char *method, const char *path)
{
    return ratls_http_route(ratls_slice(method, strlen(method)), ratls_slice(path, strlen(path)));
}

static const struct {
    const char *method, *path;
    enum ratls_http_action action;
    size_t id_len;
} rows[] = {
    {"POST", "/v1/requests", RATLS_HTTP_POST_REQUEST, 0},
    {"GET", "/v1/requests/" HEX32, RATLS_HTTP_GET_REQUEST, 32},
    {"POST", "/v1/answers", RATLS_HTTP_POST_ANSWER, 0},
    {"GET", "/v1/results/" HEX16, RATLS_HTTP_GET_RESULT, 16},
    {"GET", "/v1/crl", RATLS_HTTP_GET_CRL, 0},
    {"GET", "/v1/crl/" HEX32, RATLS_HTTP_GET_CRL_OF, 32},
    {"GET", "/v1/ca", RATLS_HTTP_GET_CA, 0},
    {"GET", "/v1/health", RATLS_HTTP_GET_HEALTH, 0},
    {"GET", "/v1/metrics", RATLS_HTTP_GET_METRICS, 0},
};

Test(http_route, good)
{
    uint8_t id[RATLS_HTTP_ID_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ratls_http_route found = route(rows[i].method, rows[i].path);

        memset(id, 0, sizeof id);
        for (size_t k = 0; k < rows[i].id_len; k++)
            id[k] = (uint8_t)k;
        cr_expect_eq(found.action, rows[i].action, "%s %s", rows[i].method, rows[i].path);
        cr_expect_null(found.allow);
        cr_expect_arr_eq(found.id, id, sizeof id, "%s", rows[i].path);
    }
}

Test(http_route, other_method)
{
    static const char *const methods[] = {"HEAD", "OPTIONS", "PUT",  "DELETE", "get",
                                          "post", "",        "GETX", "POSTX",  "PO"};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
            const struct ratls_http_route found = route(methods[k], rows[i].path);

            cr_expect_eq(found.action, RATLS_HTTP_OTHER_METHOD, "%s %s", methods[k], rows[i].path);
            cr_expect_str_eq(found.allow, rows[i].method);
        }
}

/* One byte less, one more, or one other: no path. */
Test(http_route, nowhere)
{
    char path[128];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t len = strlen(rows[i].path);

        for (size_t k = 0; k < len; k++) {
            memcpy(path, rows[i].path, len + 1);
            path[k] = '%';
            cr_expect_eq(route(rows[i].method, path).action, RATLS_HTTP_NOWHERE, "%s", path);
        }
        snprintf(path, sizeof path, "%s/", rows[i].path);
        cr_expect_eq(route(rows[i].method, path).action, RATLS_HTTP_NOWHERE, "%s", path);
        snprintf(path, sizeof path, "/%s", rows[i].path);
        cr_expect_eq(route(rows[i].method, path).action, RATLS_HTTP_NOWHERE, "%s", path);
        snprintf(path, sizeof path, "%sa", rows[i].path);
        cr_expect_eq(route(rows[i].method, path).action, RATLS_HTTP_NOWHERE, "%s", path);
    }
    cr_expect_eq(route("GET", "").action, RATLS_HTTP_NOWHERE);
    cr_expect_eq(route("GET", "/").action, RATLS_HTTP_NOWHERE);
    cr_expect_eq(route("GET", "/v1/results/" HEX32).action, RATLS_HTTP_NOWHERE);
}

Test(http_route, names)
{
    for (size_t i = 0; i < RATLS_HTTP_ACTIONS; i++)
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(ratls_http_action_name((enum ratls_http_action)i),
                              ratls_http_action_name((enum ratls_http_action)k));
}

/* ---- heads ---- */

static void add(struct ratls_http_head *head, const char *name, const char *value)
{
    ratls_http_head_add(head, ratls_slice(name, strlen(name)), ratls_slice(value, strlen(value)));
}

static struct ratls_http_head begin(const char *method, const char *path)
{
    return (struct ratls_http_head){.method = ratls_slice(method, strlen(method)),
                                    .path = ratls_slice(path, strlen(path)),
                                    .len = 100};
}

/* 0: it may go on. */
static unsigned check(const struct ratls_http_head *head, size_t *ret_len)
{
    struct ratls_http_refusal refusal = {.status = 0};
    struct ratls_http_route found;

    return ratls_http_head_check(head, &found, ret_len, &refusal) ? 0 : refusal.status;
}

Test(http_head, good)
{
    struct ratls_http_head head = begin("POST", "/v1/requests");
    size_t len = 0;

    add(&head, "content-TYPE", "application/vnd.ratls.enroll+CBOR");
    add(&head, "content-length", "32768");
    add(&head, "X-Forwarded-For", "192.0.2.1");
    cr_expect_eq(check(&head, &len), 0);
    cr_expect_eq(len, 32768);
    head = begin("GET", "/v1/ca");
    add(&head, "Content-Length", "0");
    cr_expect_eq(check(&head, &len), 0);
    cr_expect_eq(len, 0);
    head.len = RATLS_HTTP_HEAD_MAX;
    cr_expect_eq(check(&head, &len), 0);
    head.len = RATLS_HTTP_HEAD_MAX + 1;
    cr_expect_eq(check(&head, &len), 431);
}

/* Also behind a web server on the same machine. */
Test(http_head, metrics)
{
    static const char *const fields[] = {"Forwarded", "x-forwarded-for", "X-Real-IP", "Via"};
    size_t len;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct ratls_http_head head = begin("GET", "/v1/metrics");

        cr_expect_eq(check(&head, &len), 0);
        add(&head, fields[i], "x");
        cr_expect_eq(check(&head, &len), 403, "%s", fields[i]);
    }
}
