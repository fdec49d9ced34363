#include "ca_client.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fail.h"

#define MESSAGE_TYPE "application/vnd.ratls.enroll+cbor"
#define PROBLEM_TYPE "application/problem+json"
#define PATH_MAX_LEN 96
#define ANSWER_MAX RATLS_ENROLL_RESULT_MAX /* the longest of what comes */
#define WAIT_DEFAULT_S 5                   /* the server does not say how long */
#define WAIT_MAX_S 60                      /* whatever it says */

int64_t ratls_ca_client_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned choose_wait(const struct ratls_http_answer *answer)
{
    if (answer->retry_after_s == 0)
        return WAIT_DEFAULT_S;
    return answer->retry_after_s > WAIT_MAX_S ? WAIT_MAX_S : answer->retry_after_s;
}

/* ---- what an answer says ---- */

static bool is_busy(const struct ratls_http_answer *answer)
{
    return answer->status == 429 || answer->status == 502 || answer->status == 503 ||
           answer->status == 504;
}

static enum ratls_status classify_message(const struct ratls_ca_client *client,
                                          struct ratls_ca_reply *reply, struct ratls_error *err)
{
    const struct ratls_slice body = ratls_slice(reply->http.body, reply->http.len);
    struct ratls_enroll_challenge challenge;
    struct ratls_enroll_result result;

    if (strcmp(reply->http.type, MESSAGE_TYPE) != 0)
        return ratls_fail(err, RATLS_IO, "%s: this is not the service of a ratls CA", client->url);
    if (ratls_enroll_challenge_read(body, &challenge))
        reply->kind = RATLS_CA_REPLY_CHALLENGE;
    else if (ratls_enroll_result_read(body, &result))
        reply->kind = RATLS_CA_REPLY_RESULT;
    else
        return ratls_fail(err, RATLS_MALFORMED, "%s: neither a challenge nor a result has come",
                          client->url);
    return RATLS_OK;
}

/* Only what a CA says of a question itself ends an enrolment; a web server before it may be ill. */
static enum ratls_status classify_problem(const struct ratls_ca_client *client,
                                          struct ratls_ca_reply *reply, struct ratls_error *err)
{
    char reason[RATLS_HTTP_TYPE_MAX];

    ratls_http_problem(&reply->http, reply->words);
    ratls_http_reason(&reply->http, reason);
    if (strcmp(reply->http.type, PROBLEM_TYPE) != 0 && !is_busy(&reply->http) &&
        reply->http.status < 500)
        return ratls_fail(err, RATLS_IO, "%s: this is not the service of a ratls CA: %s",
                          client->url, reply->words);
    switch (reply->http.status) {
    case 404:
        reply->kind = RATLS_CA_REPLY_UNKNOWN;
        return RATLS_OK;
    case 409:
        reply->kind =
            strcmp(reason, "answered") == 0 ? RATLS_CA_REPLY_ANSWERED : RATLS_CA_REPLY_REFUSED;
        return RATLS_OK;
    case 410:
        reply->kind = RATLS_CA_REPLY_LATE;
        return RATLS_OK;
    case 400:
    case 403:
    case 413:
    case 422:
        reply->kind = RATLS_CA_REPLY_REFUSED;
        return RATLS_OK;
    default:
        return ratls_fail(err, RATLS_IO, "%s: %s", client->url, reply->words);
    }
}

static enum ratls_status classify(const struct ratls_ca_client *client,
                                  struct ratls_ca_reply *reply, struct ratls_error *err)
{
    if (reply->http.status == 200 || reply->http.status == 201)
        return classify_message(client, reply, err);
    if (reply->http.status != 202)
        return classify_problem(client, reply, err);
    reply->kind = RATLS_CA_REPLY_WAITING;
    reply->wait_s = choose_wait(&reply->http);
    return RATLS_OK;
}

/* ---- asking ---- */

/* False if there is no time left. */
static bool wait_for(struct ratls_ca_client *client, unsigned seconds, const char *words)
{
    const int64_t left_ms = client->until_ms - ratls_ca_client_clock_ms();
    struct timespec rest = {.tv_sec = seconds};

    if (left_ms < (int64_t)seconds * 1000)
        return false;
    if (!client->was_busy && client->busy != NULL)
        client->busy(client->busy_arg, words);
    client->was_busy = true;
    nanosleep(&rest, NULL);
    return true;
}

/* One try. If it failed because of what may pass, *ret_wait_s is not 0. */
static enum ratls_status try_once(struct ratls_ca_client *client,
                                  const struct ratls_http_call *call, struct ratls_ca_reply *reply,
                                  unsigned *ret_wait_s, struct ratls_error *err)
{
    enum ratls_status status = ratls_http(call, &reply->http, err);

    *ret_wait_s = status == RATLS_IO && client->has_answered ? WAIT_DEFAULT_S : 0;
    if (status != RATLS_OK)
        return status;
    if (is_busy(&reply->http))
        *ret_wait_s = choose_wait(&reply->http);
    status = classify(client, reply, err);
    client->has_answered = client->has_answered || status == RATLS_OK;
    return status;
}

static enum ratls_status ask(struct ratls_ca_client *client, const struct ratls_http_call *call,
                             struct ratls_ca_reply *reply, struct ratls_error *err)
{
    client->may_pass = false;
    for (;;) {
        struct ratls_error why = {0};
        unsigned wait_s = 0;
        enum ratls_status status = try_once(client, call, reply, &wait_s, &why);

        if (status == RATLS_OK)
            return status;
        if (wait_s == 0 || !wait_for(client, wait_s, why.text)) {
            client->may_pass = wait_s != 0;
            return ratls_fail(err, status, "%s", why.text);
        }
        ratls_http_answer_done(&reply->http);
    }
}

static enum ratls_status send_message(struct ratls_ca_client *client, const char *path,
                                      const struct ratls_slice *body,
                                      struct ratls_ca_reply *ret_reply, struct ratls_error *err)
{
    const struct ratls_http_call call = {
        .url = client->url,
        .path = path,
        .tls_ca = client->tls_ca,
        .type = body == NULL ? NULL : MESSAGE_TYPE,
        .body = body == NULL ? ratls_slice(NULL, 0) : *body,
        .max = ANSWER_MAX,
    };
    struct ratls_ca_reply reply = {.kind = RATLS_CA_REPLY_REFUSED};
    enum ratls_status status = ask(client, &call, &reply, err);

    if (status == RATLS_OK)
        *ret_reply = reply;
    else
        ratls_http_answer_done(&reply.http);
    return status;
}

static enum ratls_status ask_for(struct ratls_ca_client *client, const char *what,
                                 struct ratls_slice id, struct ratls_ca_reply *ret_reply,
                                 struct ratls_error *err)
{
    char path[PATH_MAX_LEN];
    const int len = snprintf(path, sizeof path, "/v1/%s/", what);

    ratls_hex(id, path + len, sizeof path - (size_t)len);
    return send_message(client, path, NULL, ret_reply, err);
}

enum ratls_status ratls_ca_client_request(struct ratls_ca_client *client,
                                          struct ratls_slice request,
                                          struct ratls_ca_reply *ret_reply, struct ratls_error *err)
{
    struct ratls_ca_reply reply = {.kind = RATLS_CA_REPLY_REFUSED};
    enum ratls_status status = send_message(client, "/v1/requests", &request, &reply, err);

    /* A CA knows each request that it is sent: what it does not know is the path. */
    if (status == RATLS_OK && reply.kind == RATLS_CA_REPLY_UNKNOWN) {
        ratls_http_answer_done(&reply.http);
        return ratls_fail(err, RATLS_IO,
                          "%s: there is a CA, but its service is not at this path, to which "
                          "/v1/requests was added: is the URL right?",
                          client->url);
    }
    if (status == RATLS_OK)
        *ret_reply = reply;
    return status;
}

enum ratls_status ratls_ca_client_poll(struct ratls_ca_client *client,
                                       const uint8_t sha256[static 32],
                                       struct ratls_ca_reply *ret_reply, struct ratls_error *err)
{
    return ask_for(client, "requests", ratls_slice(sha256, 32), ret_reply, err);
}

enum ratls_status ratls_ca_client_answer(struct ratls_ca_client *client, struct ratls_slice answer,
                                         struct ratls_ca_reply *ret_reply, struct ratls_error *err)
{
    return send_message(client, "/v1/answers", &answer, ret_reply, err);
}

enum ratls_status ratls_ca_client_result(struct ratls_ca_client *client,
                                         const uint8_t id[static RATLS_ENROLL_ID_LEN],
                                         struct ratls_ca_reply *ret_reply, struct ratls_error *err)
{
    return ask_for(client, "results", ratls_slice(id, RATLS_ENROLL_ID_LEN), ret_reply, err);
}
