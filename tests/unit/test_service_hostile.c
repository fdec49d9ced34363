/* What may come to the service of a CA that is no good HTTP: each gets its answer, and a record. */
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patience.h"
#include "service_scene.h"

#define POST "POST /v1/requests HTTP/1.1\r\nHost: ca\r\n"
#define TYPE "Content-Type: application/vnd.ratls.enroll+cbor\r\n"
#define CONNECTIONS 300

static struct service_scene scene;

static void begin(void)
{
    service_begin(&scene, "");
}

static void end(void)
{
    service_end(&scene);
}

TestSuite(service_hostile, .init = begin, .fini = end, .timeout = 120);

/* Answered with this status; the record has this text, if one is expected. */
static void expect(const char *what, const char *bytes, size_t len, unsigned status,
                   const char *record)
{
    const char *answer = service_say_bytes(&scene, bytes, len);

    cr_expect_eq(service_status(answer), status, "%s: %.200s", what, answer);
    if (record != NULL)
        assert_soon(service_records(&scene, record) > 0);
    cr_expect_eq(fake_ca.calls, 0, "%s: the CA was asked", what);
}

#define EXPECT(what, text, status, record) expect(what, text, sizeof(text) - 1, status, record)

/*
 * From 1.0 on libmicrohttpd takes no NUL itself: it hangs up, or answers in words of its own. What
 * the versions before let through the service refuses.
 */
#define REFUSES_NUL (MHD_VERSION >= 0x01000000)

static void expect_no_nul(const char *what, const char *bytes, size_t len, const char *record)
{
    const unsigned status = service_status(service_say_bytes(&scene, bytes, len));

    cr_expect(status == 400 || (REFUSES_NUL && status == 0), "%s: %u", what, status);
    if (record != NULL && !REFUSES_NUL)
        assert_soon(service_records(&scene, record) > 0);
    cr_expect_eq(fake_ca.calls, 0, "%s: the CA was asked", what);
}

#define EXPECT_NO_NUL(what, text, record) expect_no_nul(what, text, sizeof(text) - 1, record)

Test(service_hostile, length)
{
    EXPECT("no length", POST TYPE "\r\n", 411, "411 length");
    EXPECT("chunks", POST TYPE "Transfer-Encoding: chunked\r\n\r\n3\r\nEK1\r\n0\r\n\r\n", 411,
           "411 length: send the message as it is");
    EXPECT("chunks and a length",
           POST TYPE "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nEK1\r\n0\r\n\r\n",
           REFUSES_NUL ? 400 : 411, NULL);
    EXPECT("two lengths", POST TYPE "Content-Length: 3\r\nContent-Length: 4\r\n\r\nEK1x", 400,
           "400 malformed: two header fields");
    EXPECT("two equal lengths", POST TYPE "Content-Length: 3\r\nContent-Length: 3\r\n\r\nEK1", 400,
           NULL);
    EXPECT("length +3", POST TYPE "Content-Length: +3\r\n\r\nEK1", 400, NULL);
    EXPECT("length -3", POST TYPE "Content-Length: -3\r\n\r\nEK1", 400, NULL);
    EXPECT("length 3, 3", POST TYPE "Content-Length: 3, 3\r\n\r\nEK1", 400, NULL);
    EXPECT("length 0x3", POST TYPE "Content-Length: 0x3\r\n\r\nEK1", 400, NULL);
    EXPECT("too long for a number", POST TYPE "Content-Length: 99999999999999999999\r\n\r\nEK1",
           413, NULL);
    EXPECT("empty", POST TYPE "Content-Length: 0\r\n\r\n", 400, "400 malformed: the body is empty");
    EXPECT("too long", POST TYPE "Content-Length: 32769\r\n\r\nEK1", 413, "413 too-long");
    EXPECT("GET with a body", "GET /v1/ca HTTP/1.1\r\nHost: ca\r\nContent-Length: 3\r\n\r\nEK1",
           400, "400 malformed: a GET with a body");
}

Test(service_hostile, content)
{
    EXPECT("no type", POST "Content-Length: 3\r\n\r\nEK1", 415, "415 type");
    EXPECT("another type", POST "Content-Type: application/json\r\nContent-Length: 3\r\n\r\nEK1",
           415, NULL);
    EXPECT("two types", POST TYPE TYPE "Content-Length: 3\r\n\r\nEK1", 400, NULL);
    EXPECT("packed", POST TYPE "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nEK1", 411, NULL);
    EXPECT("no request", POST TYPE "Content-Length: 3\r\n\r\nabc", 400,
           "400 malformed: not a request");
    EXPECT("no answer",
           "POST /v1/answers HTTP/1.1\r\nHost: ca\r\n" TYPE "Content-Length: 3\r\n\r\nabc", 400,
           "400 malformed: not an answer");
}

Test(service_hostile, places)
{
    EXPECT("another path", "GET / HTTP/1.1\r\nHost: ca\r\n\r\n", 404, "404 path");
    EXPECT("slash behind", "GET /v1/ca/ HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("two slashes", "GET //v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("dots", "GET /v1/x/../ca HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("query", "GET /v1/ca?x=1 HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("escaped", "GET /v1/c%61 HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("escaped NUL", "GET /v1/ca%00 HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("absolute", "GET http://ca/v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("short id", "GET /v1/results/00 HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("upper case",
           "GET /v1/results/000102030405060708090A0B0C0D0E0F HTTP/1.1\r\nHost: ca\r\n\r\n", 404,
           NULL);
    EXPECT("other method", "GET /v1/requests HTTP/1.1\r\nHost: ca\r\n\r\n", 405, "405 method");
    EXPECT("POST of what is given", "POST /v1/ca HTTP/1.1\r\nHost: ca\r\nContent-Length: 0\r\n\r\n",
           405, NULL);
    EXPECT("HEAD", "HEAD /v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", 405, NULL);
    EXPECT("OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("OPTIONS of a path", "OPTIONS /v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", 405, NULL);
    EXPECT("CONNECT", "CONNECT ca:443 HTTP/1.1\r\nHost: ca\r\n\r\n", 404, NULL);
    EXPECT("made up", "BREW /v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", 405, NULL);
}

Test(service_hostile, allow)
{
    const char *answer = service_say(&scene, "HEAD /v1/requests HTTP/1.1\r\nHost: ca\r\n\r\n");

    cr_expect(strstr(answer, "\r\nAllow: POST\r\n") != NULL, "%s", answer);
    answer = service_say(&scene, "PUT /v1/ca HTTP/1.1\r\nHost: ca\r\nContent-Length: 0\r\n\r\n");
    cr_expect(strstr(answer, "\r\nAllow: GET\r\n") != NULL, "%s", answer);
    cr_expect(strstr(answer, "\r\nContent-Type: application/problem+json\r\n") != NULL, "%s",
              answer);
    cr_expect(strstr(answer, "\"reason\":\"method\"") != NULL, "%s", answer);
}

Test(service_hostile, no_http)
{
    EXPECT("a word", "hello\r\n\r\n", 0, NULL); /* libmicrohttpd hangs up on it */
    EXPECT("no host", "GET /v1/ca HTTP/1.1\r\n\r\n", 400, "400 malformed: not HTTP");
    EXPECT("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "505 malformed");
    EXPECT_NO_NUL("NUL in the method", "GE\0T /v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", NULL);
    EXPECT_NO_NUL("NUL in an id", "GET /v1/results/00\0 HTTP/1.1\r\nHost: ca\r\n\r\n", NULL);
    EXPECT_NO_NUL("NUL behind the path", "GET /v1/ca\0x HTTP/1.1\r\nHost: ca\r\n\r\n",
                  "400 malformed: a control character");
    EXPECT_NO_NUL("NUL in the version", "GET /v1/ca HTTP/1.1\0x\r\nHost: ca\r\n\r\n", NULL);
    EXPECT_NO_NUL("NUL in a length", POST TYPE "Content-Length: 3\0009\r\n\r\nEK1", NULL);
    EXPECT_NO_NUL("NUL behind a length", POST TYPE "Content-Length: 3\0\r\n\r\nEK1", NULL);
    EXPECT("control byte", "GET /v1/ca HTTP/1.1\r\nHost: ca\r\nA: b\x01c\r\n\r\n", 400, NULL);
    EXPECT("DEL", "GET /v1/ca HTTP/1.1\r\nHost: ca\r\nA: b\x7f\r\n\r\n", 400, NULL);
    EXPECT("spaces and tabs", "GET /v1/ca HTTP/1.1\r\nA: \t b\tc\r\nB:x\r\nC:\r\nHost: ca\r\n\r\n",
           200, NULL);
    EXPECT("space behind", "GET /v1/ca HTTP/1.1\r\nA: b \r\nHost: ca\r\n\r\n", 200, NULL);
    EXPECT_NO_NUL("NUL in a field", "GET /v1/ca HTTP/1.1\r\nA: b\0c\r\nHost: ca\r\n\r\n", NULL);
    EXPECT("folded line", "GET /v1/ca HTTP/1.1\r\nHost: ca\r\n x\r\nA: b\r\n\r\n", 400, NULL);
    EXPECT("space before the colon", "GET /v1/ca HTTP/1.1\r\nHost : ca\r\n\r\n", 400, NULL);
}

/* One field of this length. */
static const char *say_long(size_t len)
{
    static char text[65536];
    size_t n = (size_t)snprintf(text, sizeof text, "GET /v1/ca HTTP/1.1\r\nHost: ca\r\nX: ");

    memset(text + n, 'x', len);
    memcpy(text + n + len, "\r\n\r\n", 5);
    return service_say(&scene, text);
}

Test(service_hostile, long_head)
{
    static char text[16384] = "GET /v1/ca";
    static const char rest[] = " HTTP/1.1\r\nHost: ca\r\n\r\n";

    cr_expect_eq(service_status(say_long(8000)), 200);
    cr_expect_eq(service_status(say_long(8200)), 431);
    cr_expect_eq(service_status(say_long(20000)), 431);
    cr_expect_eq(service_status(say_long(60000)), 431);
    assert_soon(service_records(&scene, "431 too-long") > 0);
    memset(text + 10, 'a', 9000);
    memcpy(text + 10 + 9000, rest, sizeof rest);
    cr_expect_eq(service_status(service_say(&scene, text)), 431);
}

/* Two requests at once are answered in their order; what is not finished, is not. */
Test(service_hostile, pipelined)
{
    const char *answer = service_say(&scene, "GET /v1/health HTTP/1.1\r\nHost: ca\r\n\r\n"
                                             "GET /v1/nothing HTTP/1.1\r\nHost: ca\r\n\r\n"
                                             "GET /v1/hea");
    const char *second = strstr(answer + 1, "HTTP/1.1 ");

    cr_expect_eq(service_status(answer), 200);
    cr_assert_not_null(second);
    cr_expect_eq(service_status(second), 404);
    cr_expect_null(strstr(second + 1, "HTTP/1.1 2"));
}

/* Its parts are where they should be (service_http.c), however it comes. */
Test(service_hostile, in_pieces)
{
    static char text[8192];
    int n = snprintf(text, sizeof text,
                     "GET /v1/ca HTTP/1.1\r\nHost: ca\r\nX: %04000d\r\nY: %03000d\r\n\r\n", 1, 2);
    char answer[SERVICE_TEXT_MAX];
    int fd = service_connect(&scene);

    for (int i = 0; i < n; i += i < 60 ? 1 : 700) {
        cr_assert(service_send(fd, text + i, (size_t)(i < 60 ? 1 : n - i < 700 ? n - i : 700)));
        (void)poll(NULL, 0, 5);
    }
    shutdown(fd, SHUT_WR);
    (void)service_receive(fd, answer);
    close(fd);
    cr_expect_eq(service_status(answer), 200, "%.300s", answer);
    EXPECT("an empty line before", "\r\nGET /v1/ca HTTP/1.1\r\nHost: ca\r\n\r\n", 200, NULL);
}

/* What stands behind a refused head is no request. */
Test(service_hostile, smuggled)
{
    const char *answer =
        service_say(&scene, POST TYPE "Content-Length: 40000\r\n\r\n"
                                      "GET /v1/health HTTP/1.1\r\nHost: ca\r\n\r\n");

    cr_expect_eq(service_status(answer), 413);
    cr_expect_null(strstr(answer + 1, "HTTP/1.1 "));
}

Test(service_hostile, gone_early)
{
    for (int i = 0; i < 50; i++) {
        int fd = service_connect(&scene);

        cr_assert(service_send(fd, POST TYPE "Content-Length: 300\r\n\r\nEK1", i + 40));
        close(fd);
    }
    cr_expect_eq(service_status(service_say(&scene, "GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n")),
                 200);
    cr_expect_eq(fake_ca.calls, 0);
}

/* A byte each second is not idle, and gets ten seconds all the same. */
Test(service_hostile, slow)
{
    static const char text[] = "GET /v1/health HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char answer[SERVICE_TEXT_MAX];
    const uint64_t begin_ms = now_ms();
    int fd = service_connect(&scene);
    struct pollfd waits = {.fd = fd, .events = POLLIN};

    for (size_t i = 0; i < sizeof text - 1; i++) {
        if (!service_send(fd, text + i, 1) || poll(&waits, 1, 500) > 0)
            break;
    }
    (void)service_receive(fd, answer);
    close(fd);
    cr_expect_eq(service_status(answer), 408, "%s", answer);
    cr_expect_geq(now_ms() - begin_ms, 9500);
    cr_expect_leq(now_ms() - begin_ms, 10000 + SLACK_MS);
    assert_soon(service_records(&scene, "408 slow") > 0);
}

/* More than there may be: those beyond wait until others are done, or were too slow. */
Test(service_hostile, many)
{
    static int fds[CONNECTIONS];
    char answer[SERVICE_TEXT_MAX];

    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = service_connect(&scene);
        cr_assert(service_send(fds[i], "GET /v1/health HTTP/1.1\r\n", 25));
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        (void)service_send(fds[i], "Host: ca\r\nConnection: close\r\n\r\n", 31);
        (void)service_receive(fds[i], answer);
        cr_expect_eq(service_status(answer), 200, "connection %zu: %s", i, answer);
        close(fds[i]);
    }
    assert_soon(
        service_status(service_say(&scene, "GET /v1/health HTTP/1.1\r\nHost: ca\r\n\r\n")) == 200);
}
