#include "fake_service.h"

#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "must.h"

#define BODY_MAX 4096
#define EXPIRES 4102444800 /* 2100 */

static size_t write_head(char *out, size_t cap, const char *status, const char *type, size_t len)
{
    const int head = snprintf(out, cap,
                              "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                              "Retry-After: 1\r\nConnection: close\r\n\r\n",
                              status, type, len);

    must(head > 0 && (size_t)head + len < cap);
    return (size_t)head;
}

static size_t write_problem(char *out, size_t cap, const char *status, const char *reason)
{
    char body[BODY_MAX];
    const int len =
        snprintf(body, sizeof body, "{\"detail\":\"it is so\",\"reason\":\"%s\"}", reason);
    const size_t head = write_head(out, cap, status, "application/problem+json", (size_t)len);

    memcpy(out + head, body, (size_t)len);
    return head + (size_t)len;
}

static size_t write_message(char *out, size_t cap, const struct ratls_writer *w)
{
    const size_t head = write_head(out, cap, "200 OK", "application/vnd.ratls.enroll+cbor", w->len);

    must(!w->failed);
    memcpy(out + head, w->p, w->len);
    return head + w->len;
}

static size_t write_challenge(struct fake_service *ca, char *out, size_t cap)
{
    uint8_t body[BODY_MAX], sha256[32];
    struct ratls_writer w = ratls_writer(body, sizeof body);
    struct ratls_enroll_challenge challenge = {
        .id = ratls_slice(ca->id, sizeof ca->id),
        .request_sha256 = ratls_slice(sha256, sizeof sha256),
        .expires = EXPIRES,
        .credential_blob = ratls_slice("blob", 4),
        .encrypted_secret = ratls_slice("secret", 6),
    };

    memcpy(sha256, ca->request_sha256, sizeof sha256);
    sha256[0] ^= ca->mixes_up ? 1 : 0;
    ratls_enroll_challenge_write(&challenge, &w);
    return write_message(out, cap, &w);
}

static size_t write_result(struct fake_service *ca, char *out, size_t cap)
{
    uint8_t body[BODY_MAX];
    struct ratls_writer w = ratls_writer(body, sizeof body);
    const struct ratls_enroll_result result = {
        .id = ratls_slice(ca->id, sizeof ca->id),
        .certificates = {ratls_slice("certificate", 11)},
        .certificate_count = 1,
    };

    ratls_enroll_result_write(&result, &w);
    return write_message(out, cap, &w);
}

static size_t write_state(struct fake_service *ca, char *out, size_t cap)
{
    static const char waiting[] = "{\"status\":\"waiting\"}";
    size_t head;

    if (!ca->has_request)
        return write_problem(out, cap, "404 Not Found", "");
    if (ca->is_late || ca->is_late_once) {
        ca->is_late_once = false;
        return write_problem(out, cap, "410 Gone", "late");
    }
    if (ca->is_issued)
        return write_result(ca, out, cap);
    if (ca->polls == 0)
        return write_challenge(ca, out, cap);
    ca->polls--;
    head = write_head(out, cap, "202 Accepted", "application/json", strlen(waiting));
    memcpy(out + head, waiting, strlen(waiting));
    return head + strlen(waiting);
}

static size_t take_request(struct fake_service *ca, struct ratls_slice body, char *out, size_t cap)
{
    struct ratls_enroll_request request;
    uint8_t sha256[32];

    if (!ratls_enroll_request_read(body, &request))
        return write_problem(out, cap, "400 Bad Request", "malformed");
    must(ratls_sha256(body, sha256, NULL) == RATLS_OK);
    if (!ca->has_request || memcmp(sha256, ca->request_sha256, sizeof sha256) != 0) {
        memcpy(ca->request_sha256, sha256, sizeof sha256);
        must(RAND_bytes(ca->id, sizeof ca->id) == 1);
        ca->has_request = true;
        ca->is_answered = ca->is_issued = false;
        atomic_fetch_add(&ca->requests, 1);
    }
    return write_state(ca, out, cap);
}

static size_t take_answer(struct fake_service *ca, struct ratls_slice body, char *out, size_t cap)
{
    struct ratls_enroll_answer answer;

    if (!ratls_enroll_answer_read(body, &answer))
        return write_problem(out, cap, "400 Bad Request", "malformed");
    if (!ratls_slice_equal(answer.id, ratls_slice(ca->id, sizeof ca->id)))
        return write_problem(out, cap, "404 Not Found", "");
    if (ca->is_late || ca->is_late_once) {
        ca->is_late_once = false;
        return write_problem(out, cap, "410 Gone", "late");
    }
    if (ca->asks_again)
        return write_challenge(ca, out, cap);
    if (ca->is_answered)
        return write_problem(out, cap, "409 Conflict", "answered");
    ca->is_answered = ca->is_issued = true;
    atomic_fetch_add(&ca->issued, 1);
    return write_result(ca, out, cap);
}

static size_t give_result(struct fake_service *ca, const char *id, char *out, size_t cap)
{
    char known[2 * sizeof ca->id + 1];

    ratls_hex(ratls_slice(ca->id, sizeof ca->id), known, sizeof known);
    if (!ca->is_issued || strncmp(id, known, strlen(known)) != 0)
        return write_problem(out, cap, "404 Not Found", "");
    return write_result(ca, out, cap);
}

static size_t serve(struct fake_service *ca, enum fake_service_route route, const char *path,
                    struct ratls_slice body, char *out, size_t cap)
{
    if (ca->refusal[route] != NULL) {
        const size_t len = strlen(ca->refusal[route]);

        memcpy(out, ca->refusal[route], len);
        if (ca->refusals[route] > 0 && --ca->refusals[route] == 0)
            ca->refusal[route] = NULL;
        return len;
    }
    switch (route) {
    case FAKE_SERVICE_REQUEST:
        return take_request(ca, body, out, cap);
    case FAKE_SERVICE_POLL:
        return write_state(ca, out, cap);
    case FAKE_SERVICE_ANSWER:
        return take_answer(ca, body, out, cap);
    default:
        return give_result(ca, path, out, cap);
    }
}

/*
 * The first connection after that finds the process gone; this one is closed. Whoever waits for the
 * process may name the next one at once.
 */
static bool kills(struct fake_service *ca, int where, int route)
{
    const pid_t victim = ca->victim;

    if (where != route || victim == 0)
        return false;
    ca->victim = 0;
    must(kill(victim, SIGKILL) == 0);
    return true;
}

static size_t answer(void *arg, const char *question, size_t len, char *out, size_t cap)
{
    static const char *const routes[FAKE_SERVICE_ROUTES] = {
        "POST /v1/requests ", "GET /v1/requests/", "POST /v1/answers ", "GET /v1/results/"};
    struct fake_service *ca = arg;
    const char *end = strstr(question, "\r\n\r\n");
    size_t made;

    if (len == 0 || end == NULL)
        return 0;
    for (int i = 0; i < FAKE_SERVICE_ROUTES; i++) {
        const size_t head = strlen(routes[i]);
        const struct ratls_slice body = ratls_slice(end + 4, len - (size_t)(end + 4 - question));

        if (strncmp(question, routes[i], head) != 0)
            continue;
        atomic_fetch_add(&ca->asked[i], 1);
        if (kills(ca, ca->kills_before, i))
            return 0;
        made = serve(ca, (enum fake_service_route)i, question + head, body, out, cap);
        if (kills(ca, ca->kills_behind, i))
            return 0;
        if (ca->loses != i)
            return made;
        ca->loses = -1;
        return 0;
    }
    return write_problem(out, cap, "404 Not Found", "");
}

struct fake_service *fake_service_new(void)
{
    struct fake_service *ca = calloc(1, sizeof *ca);

    must(ca != NULL);
    ca->loses = ca->kills_before = ca->kills_behind = -1;
    ca->server = http_server_new(HTTP_ANSWER, "", NULL);
    ca->server->make_arg = ca;
    ca->server->make = answer;
    return ca;
}

void fake_service_free(struct fake_service *ca)
{
    http_server_free(ca->server);
    free(ca);
}
