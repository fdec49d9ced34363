/* Head of a request of HTTP, as far as the service of a CA looks at it, and what is wrong with it.
 */
#ifndef RATLS_CA_HTTP_HEAD_H
#define RATLS_CA_HTTP_HEAD_H

#include "http_route.h"

#define RATLS_HTTP_HEAD_MAX 8192
#define RATLS_HTTP_BODY_MAX 32768 /* the longest message: RATLS_ENROLL_REQUEST_MAX */
#define RATLS_HTTP_ENROLL_TYPE "application/vnd.ratls.enroll+cbor"

/* Of zeros before the first field. All is borrowed. */
struct ratls_http_head {
    struct ratls_slice method, path; /* as they came; path without the query */
    bool has_query;
    size_t len; /* of the whole head */
    size_t length_count, type_count;
    struct ratls_slice length, type; /* Content-Length, Content-Type: the last of each */
    bool has_encoding;               /* Transfer-Encoding or Content-Encoding */
    bool has_hidden;                 /* a control byte, or bytes that are in none of these */
    bool is_forwarded;               /* a proxy says that it asks for somebody else */
};

/* Takes one more field. */
void ratls_http_head_add(struct ratls_http_head *head, struct ratls_slice name,
                         struct ratls_slice value);

/* Not done, and why. */
struct ratls_http_refusal {
    unsigned status;
    const char *reason; /* a word */
    const char *detail; /* a sentence */
};

/*
 * True, with the route and the length of the body, if the request may go on. A body goes with POST
 * and has a length that is known before: so what is too long is refused before it comes, and no two
 * readers of one connection can differ about where it ends (RFC 9112, 6.3).
 */
bool ratls_http_head_check(const struct ratls_http_head *head, struct ratls_http_route *ret_route,
                           size_t *ret_len, struct ratls_http_refusal *ret_refusal);

#endif
