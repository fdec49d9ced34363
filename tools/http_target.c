#include "http_target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "http.h"

#define UNIX_SCHEME "unix:"
#define UNIX_HOST "http://localhost"

static enum ratls_status read_unix(const char *url, struct ratls_http_target *target,
                                   struct ratls_error *err)
{
    const char *path = url + strlen(UNIX_SCHEME);
    const char *route = strchr(path, ':');
    const size_t len = route == NULL ? strlen(path) : (size_t)(route - path);

    if (path[0] != '/' || (route != NULL && route[1] != '/'))
        return ratls_fail(err, RATLS_USAGE,
                          "%s: not of the form unix:/SOCKET or unix:/SOCKET:/PATH", url);
    if (len >= sizeof target->socket)
        return ratls_fail(err, RATLS_USAGE, "%s: the name of a socket has %zu bytes at most", url,
                          sizeof target->socket - 1);
    memcpy(target->socket, path, len);
    target->socket[len] = '\0';
    if (snprintf(target->url, sizeof target->url, UNIX_HOST "%s", route == NULL ? "" : route + 1) >=
        (int)sizeof target->url)
        return ratls_fail(err, RATLS_USAGE, "the URL is too long");
    return RATLS_OK;
}

/* As the parser of URLs has it: an IPv4 address in four decimal numbers, IPv6 in brackets. */
static bool is_loopback(const char *host)
{
    struct in_addr address;

    if (strcmp(host, "[::1]") == 0 || strcasecmp(host, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

static enum ratls_status check_parts(const char *url, const char *scheme, const char *host,
                                     struct ratls_error *err)
{
    if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        return ratls_fail(err, RATLS_USAGE,
                          "%s: http:// is for this machine alone (localhost): write https://", url);
    if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        return ratls_fail(err, RATLS_USAGE, "%s: not an https:// or unix: URL", url);
    return RATLS_OK;
}

static bool has_part(CURLU *parsed, CURLUPart what)
{
    char *part = NULL;
    const bool is_there = curl_url_get(parsed, what, &part, 0) == CURLUE_OK;

    curl_free(part);
    return is_there;
}

static enum ratls_status check_parsed(CURLU *parsed, const char *url, struct ratls_error *err)
{
    char *scheme = NULL, *host = NULL;
    enum ratls_status status;

    if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        status = ratls_fail(err, RATLS_USAGE, "%s: not an https:// or unix: URL", url);
    else if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
        status = ratls_fail(err, RATLS_USAGE, "a URL with a name or a password before its host");
    else if (has_part(parsed, CURLUPART_FRAGMENT))
        status = ratls_fail(err, RATLS_USAGE, "%s: a URL with a fragment (#)", url);
    else
        status = check_parts(url, scheme, host, err);
    curl_free(scheme);
    curl_free(host);
    return status;
}

static enum ratls_status read_tcp(const char *url, struct ratls_http_target *target,
                                  struct ratls_error *err)
{
    CURLU *parsed = curl_url();
    enum ratls_status status;

    if (parsed == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        status = ratls_fail(err, RATLS_USAGE, "%s: not an https:// or unix: URL", url);
    else
        status = check_parsed(parsed, url, err);
    curl_url_cleanup(parsed);
    target->socket[0] = '\0';
    snprintf(target->url, sizeof target->url, "%s", url);
    return status;
}

static enum ratls_status read_target(const char *url, struct ratls_http_target *target,
                                     struct ratls_error *err)
{
    if (strlen(url) >= RATLS_HTTP_URL_MAX)
        return ratls_fail(err, RATLS_USAGE, "a URL of more than %d bytes", RATLS_HTTP_URL_MAX - 1);
    if (!ratls_slice_is_printable(ratls_slice(url, strlen(url))))
        return ratls_fail(err, RATLS_USAGE, "a URL with bytes that are not printable ASCII");
    if (strncmp(url, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0)
        return read_unix(url, target, err);
    return read_tcp(url, target, err);
}

/* "https://ca.example/" and "/v1/ca" have one slash between them. */
static enum ratls_status add_path(struct ratls_http_target *target, const char *path,
                                  struct ratls_error *err)
{
    size_t len = strlen(target->url);

    if (path == NULL)
        return RATLS_OK;
    if (strchr(target->url, '?') != NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: a URL with a query (?)", target->url);
    while (len > 0 && target->url[len - 1] == '/')
        len--;
    if (snprintf(target->url + len, sizeof target->url - len, "%s", path) >=
        (int)(sizeof target->url - len))
        return ratls_fail(err, RATLS_USAGE, "the URL is too long");
    return RATLS_OK;
}

enum ratls_status ratls_http_check(const char *url, struct ratls_error *err)
{
    struct ratls_http_target target;

    return read_target(url, &target, err);
}

enum ratls_status ratls_http_target(const char *url, const char *path,
                                    struct ratls_http_target *ret_target, struct ratls_error *err)
{
    struct ratls_http_target target;
    enum ratls_status status = read_target(url, &target, err);

    if (status == RATLS_OK)
        status = add_path(&target, path, err);
    if (status == RATLS_OK)
        *ret_target = target;
    return status;
}
