/* Questions by HTTP: which URLs, within which bounds, and what is said when it does not work. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "http_server.h"

#define NOBODY 65534
#define GOOD                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello"

static void has(const struct ratls_error *err, const char *words)
{
    cr_assert(strstr(err->text, words) != NULL, "'%s' is not in '%s'", words, err->text);
}

static enum ratls_status get(const char *url, size_t max, struct ratls_http_answer *answer,
                             struct ratls_error *err)
{
    const struct ratls_http_call call = {.url = url, .path = "/v1/a", .max = max};

    return ratls_http(&call, answer, err);
}

static void expect_get(enum http_manner manner, const char *bytes, enum ratls_status expected,
                       const char *words)
{
    struct http_server *server = http_server_new(manner, bytes, NULL);
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};

    cr_assert_eq(get(server->url, 1000, &answer, &err), expected, "%s", err.text);
    has(&err, words);
    has(&err, expected == RATLS_OK ? "" : server->url);
    ratls_http_answer_done(&answer);
    http_server_free(server);
}

Test(http, urls)
{
    static const struct {
        const char *url;
        const char *words; /* NULL: it may be asked */
    } rows[] = {
        {"https://ca.example", NULL},
        {"https://ca.example:8443/ratls/", NULL},
        {"http://localhost:8080", NULL},
        {"http://127.0.0.1", NULL},
        {"http://127.8.9.10:81/x", NULL},
        {"http://[::1]:81", NULL},
        {"unix:/run/ratls/ca.sock", NULL},
        {"unix:/run/ratls/ca.sock:/v1/crl", NULL},
        {"http://ca.example", "for this machine alone"},
        {"http://10.0.0.1", "for this machine alone"},
        {"http://128.0.0.1", "for this machine alone"},
        {"http://[::2]", "for this machine alone"},
        {"http://localhost.example", "for this machine alone"},
        {"http://127.0.0.1.example", "for this machine alone"},
        {"http://127.0.0.1@ca.example", "before its host"},
        {"https://me:secret@ca.example", "before its host"},
        {"https://ca.example/#here", "fragment"},
        {"file:///etc/passwd", "not an https://"},
        {"ftp://ca.example", "not an https://"},
        {"ca.example", "not an https://"},
        {"", "not an https://"},
        {"https://", "not an https://"},
        {"unix:", "not of the form unix:"},
        {"unix:run/ca.sock", "not of the form unix:"},
        {"unix:/run/ca.sock:v1", "not of the form unix:"},
        {"https://ca.example/\n", "printable"},
        {"https://ca.example/\033[2J", "printable"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_error err = {0};
        const enum ratls_status status = ratls_http_check(rows[i].url, &err);

        cr_expect_eq(status, rows[i].words == NULL ? RATLS_OK : RATLS_USAGE, "%s", rows[i].url);
        has(&err, rows[i].words == NULL ? "" : rows[i].words);
        cr_expect(strstr(err.text, "secret") == NULL);
    }
}

Test(http, long_urls)
{
    char url[4000] = "https://ca.example/", socket[200] = "unix:/";
    struct ratls_error err = {0};

    memset(url + strlen(url), 'a', sizeof url - 1 - strlen(url));
    cr_assert_eq(ratls_http_check(url, &err), RATLS_USAGE);
    memset(socket + strlen(socket), 'a', 108);
    err = (struct ratls_error){0};
    cr_assert_eq(ratls_http_check(socket, &err), RATLS_USAGE);
    has(&err, "107 bytes");
    socket[strlen("unix:") + 107] = '\0';
    cr_assert_eq(ratls_http_check(socket, NULL), RATLS_OK);
}

static void expect_good(const char *url, struct http_server *server)
{
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};

    cr_assert_eq(get(url, 5, &answer, &err), RATLS_OK, "%s", err.text);
    cr_assert_eq(answer.status, 200);
    cr_assert_str_eq(answer.type, "text/plain");
    cr_assert_eq(answer.len, 5);
    cr_assert_str_eq((const char *)answer.body, "hello");
    cr_assert_eq(answer.retry_after_s, 0);
    cr_assert(strncmp(server->question, "GET /v1/a HTTP/1.1\r\n", 20) == 0, "%s", server->question);
    ratls_http_answer_done(&answer);
}

/* Neither proxies nor passwords of the environment. */
Test(http, asks)
{
    struct http_server *server = http_server_new(HTTP_ANSWER, GOOD, NULL);
    struct http_server *proxy = http_server_new(HTTP_ANSWER, GOOD, NULL);
    char netrc[64], with_slash[300];
    FILE *out;

    snprintf(netrc, sizeof netrc, "%s/.netrc", server->folder);
    out = fopen(netrc, "we");
    cr_assert_not_null(out);
    fputs("default login me password secret\n", out);
    fclose(out);
    setenv("HOME", server->folder, 1);
    setenv("http_proxy", proxy->url, 1);
    setenv("ALL_PROXY", proxy->url, 1);
    expect_good(server->url, server);
    cr_assert_null(strstr(server->question, "Authorization"));
    snprintf(with_slash, sizeof with_slash, "%s/", server->url);
    expect_good(with_slash, server);
    expect_good(server->unix_url, server);
    cr_assert_eq(server->asked, 3);
    cr_assert_eq(proxy->asked, 0);
    unlink(netrc);
    http_server_free(proxy);
    http_server_free(server);
}

Test(http, posts)
{
    struct http_server *server =
        http_server_new(HTTP_ANSWER,
                        "HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nLocation: http://127.0.0.1:1/"
                        "\r\nContent-Length: 0\r\n\r\n",
                        NULL);
    char body[5000];
    const struct ratls_http_call call = {
        .url = server->unix_url,
        .path = "/v1/requests",
        .type = "application/octet-stream",
        .body = ratls_slice(body, sizeof body),
        .max = 10,
    };
    struct ratls_http_answer answer = {0};
    const char *rest;

    memset(body, 0, sizeof body);
    cr_assert_eq(ratls_http(&call, &answer, NULL), RATLS_OK);
    cr_assert_eq(answer.status, 202);
    cr_assert_eq(answer.retry_after_s, 7);
    cr_assert_eq(answer.len, 0);
    cr_assert_str_eq(answer.type, "");
    cr_assert(strncmp(server->question, "POST /v1/requests HTTP/1.1\r\n", 28) == 0);
    cr_assert_not_null(strstr(server->question, "\r\nContent-Type: application/octet-stream\r\n"));
    cr_assert_not_null(strstr(server->question, "\r\nContent-Length: 5000\r\n"));
    cr_assert_null(strstr(server->question, "Expect"));
    rest = strstr(server->question, "\r\n\r\n") + 4;
    cr_assert_eq(server->question + server->question_len - rest, 5000);
    ratls_http_answer_done(&answer);
    http_server_free(server);
}

/* An answer like another: nobody goes there. */
Test(http, redirects)
{
    struct http_server *other = http_server_new(HTTP_ANSWER, GOOD, NULL);
    struct http_server *server;
    struct ratls_http_answer answer = {0};
    char bytes[500];

    snprintf(bytes, sizeof bytes, "HTTP/1.1 307 See\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
             other->url);
    server = http_server_new(HTTP_ANSWER, bytes, NULL);
    cr_assert_eq(get(server->url, 10, &answer, NULL), RATLS_OK);
    cr_assert_eq(answer.status, 307);
    cr_assert_eq(other->asked, 0);
    ratls_http_answer_done(&answer);
    http_server_free(server);
    http_server_free(other);
}

static char *long_answer(const char *head, char fill, size_t len, const char *end)
{
    const size_t head_len = strlen(head), end_len = strlen(end);
    char *bytes = malloc(head_len + len + end_len + 1);

    cr_assert_not_null(bytes);
    memcpy(bytes, head, head_len);
    memset(bytes + head_len, fill, len);
    memcpy(bytes + head_len + len, end, end_len + 1);
    return bytes;
}

/* By what the server says of its length, or without a word; and in headers. */
Test(http, too_long)
{
    char *announced = long_answer("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 'a', 1001, "");
    char *endless = long_answer("HTTP/1.1 200 OK\r\n\r\n", 'a', 3000000, "");
    char *chunks = long_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 'a',
                               1001, "\r\n0\r\n\r\n");
    char *header = long_answer("HTTP/1.1 200 OK\r\nX: ", 'a', 20000, "\r\n\r\n");
    char *interim = long_answer("HTTP/1.1 100 Continue\r\nX: ", 'a', 10000,
                                "\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" GOOD);

    expect_get(HTTP_ANSWER, announced, RATLS_LIMIT, "longer than 1000 bytes");
    expect_get(HTTP_ANSWER, endless, RATLS_LIMIT, "longer than 1000 bytes");
    expect_get(HTTP_ANSWER, chunks, RATLS_LIMIT, "longer than 1000 bytes");
    expect_get(HTTP_ANSWER, header, RATLS_LIMIT, "header");
    expect_get(HTTP_ANSWER, interim, RATLS_OK, "");
    free(announced);
    free(endless);
    free(chunks);
    free(header);
    free(interim);
}

Test(http, no_answers)
{
    expect_get(HTTP_CLOSE, "", RATLS_IO, "Empty reply");
    expect_get(HTTP_ANSWER, "hello", RATLS_IO, "");
    expect_get(HTTP_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", RATLS_IO, "");
    expect_get(HTTP_ANSWER, "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", RATLS_IO,
               "status 999");
    expect_get(HTTP_ANSWER, "HTTP/7.1 200 OK\r\nContent-Length: 0\r\n\r\n", RATLS_IO, "");
}

#define REFUSED "Connection refused: nobody listens at this address; is the service running there?"

Test(http, nobody_there)
{
    struct http_server *server = http_server_new(HTTP_ANSWER, GOOD, NULL);
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};
    char url[256], unix_url[128], text[512];

    snprintf(url, sizeof url, "%s", server->url);
    snprintf(unix_url, sizeof unix_url, "%s", server->unix_url);
    http_server_free(server);
    cr_assert_eq(get(url, 10, &answer, &err), RATLS_IO);
    snprintf(text, sizeof text, "%s: " REFUSED, url);
    cr_expect_str_eq(err.text, text);
    err = (struct ratls_error){0};
    cr_assert_eq(get(unix_url, 10, &answer, &err), RATLS_IO);
    has(&err, "No such file or directory; is the service running there?");
}

/* The socket of a service that was killed, and one of somebody else. */
Test(http, socket_without_a_service)
{
    char folder[] = "/tmp/ratls-http-XXXXXX", url[128], text[256];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chmod(folder, 0755), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", folder);
    snprintf(url, sizeof url, "unix:%s", address.sun_path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    cr_expect_eq(get(url, 10, &answer, &err), RATLS_IO);
    snprintf(text, sizeof text, "%s: " REFUSED, url);
    cr_expect_str_eq(err.text, text);
    err = (struct ratls_error){0};
    cr_assert_eq(chmod(address.sun_path, 0), 0);
    cr_assert(geteuid() != 0 || seteuid(NOBODY) == 0);
    cr_expect_eq(get(url, 10, &answer, &err), RATLS_IO);
    has(&err, "Permission denied: only the owner and the group of the socket may connect");
    cr_assert_eq(seteuid(getuid()), 0);
    close(fd);
    unlink(address.sun_path);
    rmdir(folder);
}

static void expect_slow(enum http_manner manner)
{
    struct http_server *server = http_server_new(manner, GOOD GOOD GOOD, NULL);
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};
    const time_t begin = time(NULL);

    cr_assert_eq(get(server->url, 1000, &answer, &err), RATLS_IO);
    has(&err, "timed out");
    cr_assert_lt(time(NULL) - begin, 40);
    http_server_free(server);
}

Test(http, silent)
{
    expect_slow(HTTP_SILENT);
}

#define SLOW "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"

/* Something comes all the time, and not enough. */
Test(http, trickles)
{
    char *slow = long_answer(SLOW, 'a', 200, "");
    struct http_server *server = http_server_new(HTTP_TRICKLE, slow, NULL);
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};

    cr_assert_eq(get(server->url, 1000, &answer, &err), RATLS_IO);
    has(&err, "timed out");
    http_server_free(server);
    free(slow);
}
