/*
 * One question to a server by HTTP, within bounds (libcurl). TLS is 1.2 or newer and always
 * verified; there are no redirects, no proxies, no cookies, no passwords, and nothing of what the
 * server says chooses where to ask next.
 */
#ifndef RATLS_TOOL_HTTP_H
#define RATLS_TOOL_HTTP_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_HTTP_TYPE_MAX 64
#define RATLS_HTTP_PROBLEM_MAX 256

struct ratls_http_call {
    /*
     * https://HOST[:PORT][/PATH]; http:// the same for localhost and addresses of loopback only;
     * unix:SOCKET[:/PATH] for HTTP on a socket of this machine, whose name is absolute.
     */
    const char *url;
    const char *path;   /* behind the URL, begins with a slash; NULL: nothing */
    const char *tls_ca; /* file of certificates (PEM) instead of the system's; NULL: those */
    const char *type;   /* of the body, which is posted; NULL: GET */
    struct ratls_slice body;
    size_t max; /* bytes of an answer that are taken */
};

struct ratls_http_answer {
    long status;                    /* 200 to 599 */
    char type[RATLS_HTTP_TYPE_MAX]; /* without parameters, lower case; "": none, or no such text */
    unsigned retry_after_s;         /* 0: the server does not say */
    uint8_t *body;                  /* never NULL; a NUL is behind it */
    size_t len;
};

/* Whether the URL is one of those above: RATLS_USAGE says in words what it should be. */
RATLS_MUST_CHECK enum ratls_status ratls_http_check(const char *url, struct ratls_error *err);

/*
 * Asks, for 30 seconds at most, of which 10 may pass until there is a connection. Any status that
 * the server answers is an answer. RATLS_LIMIT if it is longer than max; RATLS_IO if there is none,
 * or not of whom it was asked. The program ignores SIGPIPE. The caller frees what comes with
 * ratls_http_answer_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_http(const struct ratls_http_call *call,
                                              struct ratls_http_answer *ret_answer,
                                              struct ratls_error *err);
void ratls_http_answer_done(struct ratls_http_answer *answer); /* accepts one that is all 0 */

/*
 * What went wrong, in the words of the server if it answered with a problem document (RFC 9457):
 * one line, printable ASCII. Else the status, and what it means of a web server before a service.
 */
void ratls_http_problem(const struct ratls_http_answer *answer,
                        char out[static RATLS_HTTP_PROBLEM_MAX]);

/* The word in "reason" of a problem document, "" if there is none: lower case, digits, hyphens. */
void ratls_http_reason(const struct ratls_http_answer *answer,
                       char out[static RATLS_HTTP_TYPE_MAX]);

#endif
