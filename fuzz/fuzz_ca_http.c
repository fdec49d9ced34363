/*
 * Targets: ratls_http_head_check (with ratls_http_route and ratls_http_head_add) and
 * ratls_problem_details. An input is the head of a request, as lines: method and path, then fields.
 * Whatever comes is refused with a status and words, or is one of the routes with a bounded body.
 */
#include <string.h>

#include "fuzz.h"
#include "http_head.h"
#include "problem_details.h"

static struct ratls_slice take_until(struct ratls_slice *rest, char end)
{
    const uint8_t *at = rest->len == 0 ? NULL : memchr(rest->p, end, rest->len);
    const size_t len = at == NULL ? rest->len : (size_t)(at - rest->p);
    const struct ratls_slice taken = ratls_slice(rest->p, len);
    const size_t step = at == NULL ? len : len + 1;

    *rest = ratls_slice(rest->p + step, rest->len - step);
    return taken;
}

static void read_head(struct ratls_slice in, struct ratls_http_head *head)
{
    struct ratls_slice line = take_until(&in, '\n');

    *head = (struct ratls_http_head){.len = in.len};
    head->method = take_until(&line, ' ');
    head->path = take_until(&line, '?');
    head->has_query = line.len > 0;
    while (in.len > 0) {
        struct ratls_slice value = take_until(&in, '\n');
        struct ratls_slice name = take_until(&value, ':');

        ratls_http_head_add(head, name, value);
    }
}

/* A JSON object of printable ASCII, whatever its detail is. */
static void check_problem(unsigned status, const char *detail)
{
    static char out[RATLS_PROBLEM_MAX];
    const size_t len = ratls_problem_details(status, "malformed", detail, out);

    FUZZ_CHECK(len < sizeof out && out[len] == '\0' && strlen(out) == len);
    FUZZ_CHECK(len > 3 && out[0] == '{' && strcmp(out + len - 3, "\"}\n") == 0);
    for (size_t i = 0; i + 1 < len; i++)
        FUZZ_CHECK(out[i] >= 0x20 && out[i] <= 0x7e && out[i] != '<' && out[i] != '&');
}

static void check_route(const struct ratls_http_head *head, const struct ratls_http_route *route,
                        size_t len)
{
    const bool is_post =
        route->action == RATLS_HTTP_POST_REQUEST || route->action == RATLS_HTTP_POST_ANSWER;

    FUZZ_CHECK(route->action > RATLS_HTTP_OTHER_METHOD && route->action < RATLS_HTTP_ACTIONS);
    FUZZ_CHECK(is_post ? len > 0 && len <= RATLS_HTTP_BODY_MAX : len == 0);
    FUZZ_CHECK(route->allow == NULL && head->len <= RATLS_HTTP_HEAD_MAX && !head->has_query);
    FUZZ_CHECK(head->length_count <= 1 && !head->has_encoding);
    FUZZ_CHECK(!is_post || (head->length_count == 1 && head->type_count == 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned long before = fuzz_allocations();
    struct ratls_http_refusal refusal = {.status = 0};
    struct ratls_http_head head;
    struct ratls_http_route route;
    char detail[256];
    size_t len = 0;

    read_head(ratls_slice(data, size), &head);
    if (ratls_http_head_check(&head, &route, &len, &refusal))
        check_route(&head, &route, len);
    else
        FUZZ_CHECK(refusal.status >= 400 && refusal.status <= 499 && refusal.detail[0] != '\0' &&
                   (refusal.status == 405) == (route.allow != NULL));
    snprintf(detail, sizeof detail, "%.*s", size > 255 ? 255 : (int)size,
             size == 0 ? "" : (const char *)data);
    check_problem(refusal.status, detail);
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
