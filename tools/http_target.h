/* Where a call by HTTP goes: a URL of http.h in the parts that libcurl wants. */
#ifndef RATLS_TOOL_HTTP_TARGET_H
#define RATLS_TOOL_HTTP_TARGET_H

#include <ratls/error.h>
#include <sys/un.h>

#define RATLS_HTTP_URL_MAX 2048

struct ratls_http_target {
    char url[RATLS_HTTP_URL_MAX];
    char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* "": by TCP */
};

/* RATLS_USAGE if it is no URL of http.h; `path` as in struct ratls_http_call. */
RATLS_MUST_CHECK enum ratls_status ratls_http_target(const char *url, const char *path,
                                                     struct ratls_http_target *ret_target,
                                                     struct ratls_error *err);

#endif
