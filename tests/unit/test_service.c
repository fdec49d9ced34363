/* The service of a CA: what a CA says (fake_ca.h), as HTTP. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enroll_message.h"
#include "must.h"
#include "patience.h"
#include "service_scene.h"

#define TYPE "Content-Type: application/vnd.ratls.enroll+cbor\r\n"
#define END "Host: ca\r\nConnection: close\r\n\r\n"
#define REQUEST "POST /v1/requests HTTP/1.1\r\n" TYPE "Content-Length: 22\r\n" END FAKE_CA_REQUEST
#define GET_RESULT "GET /v1/results/000102030405060708090a0b0c0d0e0f HTTP/1.1\r\n" END
#define HEX32 "0000000000000000000000000000000000000000000000000000000000000000"

static struct service_scene scene;

static void begin(void)
{
    service_begin(&scene, "");
}

static void end(void)
{
    service_end(&scene);
    cr_expect_eq(fake_ca.opened, fake_ca.closed);
}

TestSuite(service, .init = begin, .fini = end, .timeout = 120);

static bool has(const char *answer, const char *text)
{
    return strstr(answer, text) != NULL;
}

Test(service, challenge)
{
    const char *answer;

    fake_ca.http_status = 201;
    fake_ca.body = "a challenge";
    answer = service_say(&scene, REQUEST);
    cr_expect_eq(service_status(answer), 201, "%s", answer);
    cr_expect(has(answer, "\r\nContent-Type: application/vnd.ratls.enroll+cbor\r\n"));
    cr_expect(has(answer, "\r\nLocation: /v1/requests/12340000"));
    cr_expect(has(answer, "\r\nCache-Control: no-store\r\n"));
    cr_expect(has(answer, "\r\n\r\na challenge"));
    cr_expect_eq(fake_ca.body_len, strlen(FAKE_CA_REQUEST));
}

Test(service, waiting)
{
    const char *answer;

    fake_ca.http_status = 202;
    fake_ca.is_waiting = true;
    answer = service_say(&scene, REQUEST);
    cr_expect_eq(service_status(answer), 202, "%s", answer);
    cr_expect(has(answer, "\r\nRetry-After: 15\r\n"));
    cr_expect(has(answer, "\r\nLocation: /v1/requests/12340000"));
    cr_expect(has(answer, "\r\n\r\n{\"id\":\"12340000"));
    cr_expect(has(answer, "\"status\":\"waiting\"}"));
}

Test(service, results)
{
    const char *answer;

    fake_ca.body = "what is asked for";
    answer = service_say(&scene, GET_RESULT);
    cr_expect_eq(service_status(answer), 200, "%s", answer);
    cr_expect(has(answer, "\r\n\r\nwhat is asked for"));
    answer = service_say(&scene, "GET /v1/requests/" HEX32 " HTTP/1.1\r\n" END);
    cr_expect_eq(service_status(answer), 200, "%s", answer);
    answer = service_say(&scene, "GET /v1/crl HTTP/1.1\r\n" END);
    cr_expect_eq(service_status(answer), 200, "%s", answer);
    cr_expect(has(answer, "\r\nContent-Type: application/pkix-crl\r\n"));
    answer = service_say(&scene, "GET /v1/crl/ab"
                                 "000000000000000000000000000000000000000000000000"
                                 "00000000000000 HTTP/1.1\r\n" END);
    cr_expect_eq(service_status(answer), 200, "%s", answer);
    answer = service_say(&scene, "GET /v1/crl/" HEX32 " HTTP/1.1\r\n" END);
    cr_expect_eq(service_status(answer), 404, "%s", answer);
}

/* What the CA refuses it has written down itself. */
Test(service, refused_by_the_ca)
{
    const char *answer;

    fake_ca.http_status = 422;
    fake_ca.reason = "ek-chain";
    fake_ca.detail = "no path to a \"pinned\" root";
    answer = service_say(&scene, REQUEST);
    cr_expect_eq(service_status(answer), 422, "%s", answer);
    cr_expect(has(answer, "\r\nContent-Type: application/problem+json\r\n"));
    cr_expect(has(answer, "\"reason\":\"ek-chain\""));
    cr_expect(has(answer, "\"detail\":\"no path to a \\u0022pinned\\u0022 root\""));
    sleep_ms(600);
    cr_expect_eq(service_records(&scene, "ek-chain"), 0);
}

/* The cause is for the log, which strangers do not read. */
Test(service, broken)
{
    const char *answer;

    fake_ca.status = RATLS_IO;
    answer = service_say(&scene, REQUEST);
    cr_expect_eq(service_status(answer), 503, "%s", answer);
    cr_expect(has(answer, "\r\nRetry-After: 5\r\n"));
    cr_expect(has(answer, "\"reason\":\"store\""));
    cr_expect_not(has(answer, "secret"));
    fake_ca.status = RATLS_CRYPTO;
    answer = service_say(&scene, REQUEST);
    cr_expect_eq(service_status(answer), 500, "%s", answer);
    cr_expect_not(has(answer, "secret"));
}

Test(service, about_itself)
{
    const char *answer = service_say(&scene, "GET /v1/health HTTP/1.1\r\n" END);

    cr_expect(has(answer, "\r\n\r\nok\n"), "%s", answer);
    answer = service_say(&scene, "GET /v1/ca HTTP/1.1\r\n" END);
    cr_expect(has(answer, "\r\n\r\n-----BEGIN CERTIFICATE-----\n"), "%s", answer);
    answer = service_say(&scene, "GET /v1/metrics HTTP/1.1\r\n" END);
    cr_expect(has(answer, "ratls_ca_answers_total{path=\"health\",code=\"200\"} 1\n"), "%s",
              answer);
    cr_expect(has(answer, "ratls_ca_connections_max 256\n"));
    answer = service_say(&scene, "GET /v1/metrics HTTP/1.1\r\nX-Forwarded-For: ::1\r\n" END);
    cr_expect_eq(service_status(answer), 403, "%s", answer);
}

/* Of requests, and of everything else; and another limit without a restart. */
Test(service, rate)
{
    struct ratls_error err = {0};
    const char *answer = "";
    unsigned count = 0;

    fake_ca.body = "x";
    cr_assert_eq(ratls_service_reload(scene.service,
                                      service_config(&scene, "limits: {requests-per-minute: 6}"),
                                      &err),
                 RATLS_OK, "%s", err.text);
    while (count < 100 && service_status(answer = service_say(&scene, REQUEST)) == 200)
        count++;
    cr_expect_eq(count, 6);
    cr_expect_eq(service_status(answer), 429, "%s", answer);
    cr_expect(has(answer, "\r\nRetry-After: "), "%s", answer);
    cr_expect(has(answer, "\"reason\":\"rate\""));
    assert_soon(service_records(&scene, "429 rate") > 0);
    for (count = 0; count < 100 && service_status(service_say(&scene, GET_RESULT)) == 200;)
        count++;
    cr_expect_geq(count, 60);
    cr_expect_leq(count, 70, "%u", count);
    cr_expect_eq(service_status(service_say(&scene, "GET /v1/health HTTP/1.1\r\n" END)), 200);
}

Test(service, not_reloaded)
{
    struct ratls_ca_config *config = service_config(&scene, "");
    struct ratls_error err = {0};

    config->store[1] = '?';
    cr_expect_neq(ratls_service_reload(scene.service, config, &err), RATLS_OK);
    cr_expect_eq(service_status(service_say(&scene, "GET /v1/health HTTP/1.1\r\n" END)), 200);
    cr_expect(has(service_say(&scene, "GET /v1/metrics HTTP/1.1\r\n" END),
                  "ratls_ca_reloads_failed_total 1\n"));
}

static void *ask(void *answer)
{
    int fd = service_connect(&scene);

    must(service_send(fd, GET_RESULT, strlen(GET_RESULT)));
    (void)service_receive(fd, answer);
    close(fd);
    return NULL;
}

/* At work when the configuration is read again, and when it ends: the answer comes. */
Test(service, at_work)
{
    static char answers[2][SERVICE_TEXT_MAX];
    struct ratls_error err = {0};
    pthread_t threads[2];

    fake_ca.body = "late";
    fake_ca.delay_ms = 1000;
    must(pthread_create(&threads[0], NULL, ask, answers[0]) == 0);
    assert_soon(fake_ca.at_work == 1);
    cr_expect_eq(ratls_service_reload(scene.service, service_config(&scene, ""), &err), RATLS_OK);
    cr_expect_eq(fake_ca.closed, 0, "its CA is not closed");
    pthread_join(threads[0], NULL);
    assert_soon(fake_ca.closed == 5);
    must(pthread_create(&threads[1], NULL, ask, answers[1]) == 0);
    assert_soon(fake_ca.at_work == 1);
    ratls_service_stop(scene.service);
    scene.service = NULL;
    pthread_join(threads[1], NULL);
    for (size_t i = 0; i < 2; i++)
        cr_expect(has(answers[i], "\r\n\r\nlate"), "%s", answers[i]);
}

/* A peer that sends nothing more does not keep it from its end. */
Test(service, end_without_peers)
{
    const uint64_t begin_ms = now_ms();
    int fd = service_connect(&scene), half = service_connect(&scene);

    cr_assert(service_send(half, "GET /v1/hea", 11));
    sleep_ms(100);
    ratls_service_stop(scene.service);
    scene.service = NULL;
    cr_expect_lt(now_ms() - begin_ms, 4000);
    close(fd);
    close(half);
}

/* The least that a configuration may say: those that come at once wait for each other. */
Test(service_few, connections)
{
    static char answers[8][SERVICE_TEXT_MAX];
    pthread_t threads[8];

    service_begin(&scene, "limits: {connections: 1}");
    fake_ca.body = "at last";
    fake_ca.delay_ms = 50;
    for (size_t i = 0; i < 8; i++)
        must(pthread_create(&threads[i], NULL, ask, answers[i]) == 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(has(answers[i], "\r\n\r\nat last"), "%zu: %s", i, answers[i]);
    }
    service_end(&scene);
}

/* ---- where it may listen ---- */

static bool may_listen(const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ratls_error err = {0};
    enum ratls_status status;

    must(inet_pton(AF_INET, address, &in.sin_addr) == 1);
    must(bind(fd, (struct sockaddr *)&in, sizeof in) == 0);
    status = ratls_service_check_listener(fd, &err);
    close(fd);
    cr_expect(status == RATLS_OK || has(err.text, "loopback address only"), "%s", err.text);
    return status == RATLS_OK;
}

Test(service_listener, addresses)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    cr_expect(may_listen("127.0.0.1"));
    cr_expect(may_listen("127.9.8.7"));
    cr_expect_not(may_listen("0.0.0.0"));
    cr_expect_eq(ratls_service_check_listener(fd, NULL), RATLS_USAGE);
    close(fd);
}

/* A store that fails is asked once at a time: who watches over connections must not wait for it. */
Test(service, records_while_the_store_fails)
{
    store_place_run(&scene.place, "ALTER TABLE audit RENAME TO away");
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(service_status(service_say(&scene, "GET /nowhere HTTP/1.1\r\n" END)), 404);
    usleep(600000);
    store_place_run(&scene.place, "ALTER TABLE away RENAME TO audit");
    assert_soon(service_records(&scene, "404 path") >= 10);
}
