#include "service_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "enroll_message.h"
#include "moment.h"
#include "service_answer.h"
#include "store.h"

#define MS_PER_S 1000
#define MINUTE_S 60
#define RETRY_STORE_S 5 /* as long as SQLite waits for another writer */

struct ratls_service_time ratls_service_time(void)
{
    const struct ratls_moment moment = ratls_moment_now();

    return (struct ratls_service_time){.now = moment.wall_ms / MS_PER_S, .now_ms = moment.boot_ms};
}

static struct ratls_ca_config limits_of(struct ratls_service_desk *desk)
{
    struct ratls_ca_seat *seat = ratls_ca_seats_take(desk->seats);
    const struct ratls_ca_config limits = {.limits = seat->config->limits};

    ratls_ca_seats_give(desk->seats, seat);
    return limits;
}

void ratls_service_desk_init(struct ratls_service_desk *desk, struct ratls_service_time time)
{
    const struct ratls_ca_config config = limits_of(desk);

    ratls_service_counts_init(&desk->counts);
    ratls_service_records_init(&desk->records);
    pthread_mutex_init(&desk->rate_lock, NULL);
    ratls_rate_init(&desk->rate, config.limits.requests_per_minute, config.limits.per_ek_per_hour,
                    time.now_ms);
    ratls_bucket_init(&desk->reads, RATLS_SERVICE_READS * config.limits.requests_per_minute,
                      MINUTE_S, time.now_ms);
}

void ratls_service_desk_clear(struct ratls_service_desk *desk)
{
    pthread_mutex_destroy(&desk->rate_lock);
    ratls_service_records_clear(&desk->records);
    ratls_service_counts_clear(&desk->counts);
}

void ratls_service_desk_reload(struct ratls_service_desk *desk, struct ratls_service_time time)
{
    const struct ratls_ca_config config = limits_of(desk);

    pthread_mutex_lock(&desk->rate_lock);
    ratls_rate_change(&desk->rate, config.limits.requests_per_minute, config.limits.per_ek_per_hour,
                      time.now_ms);
    pthread_mutex_unlock(&desk->rate_lock);
}

/* ---- what is refused here ---- */

void ratls_service_desk_note(struct ratls_service_desk *desk, unsigned status, const char *reason,
                             const char *detail, struct ratls_service_time time)
{
    ratls_service_count(&desk->counts, RATLS_HTTP_NOWHERE, status, reason, 0);
    ratls_service_records_note(&desk->records, time.now, time.now_ms, status, reason, detail);
}

void ratls_service_desk_refuse(struct ratls_service_desk *desk,
                               const struct ratls_http_route *route,
                               const struct ratls_http_refusal *refusal,
                               struct ratls_service_time time, struct ratls_http_reply *ret_reply)
{
    ratls_http_reply_problem(ret_reply, refusal->status, refusal->reason, refusal->detail);
    ret_reply->allow = route->allow;
    ratls_service_count(&desk->counts, route->action, refusal->status, refusal->reason, 0);
    ratls_service_records_note(&desk->records, time.now, time.now_ms, refusal->status,
                               refusal->reason, refusal->detail);
}

void ratls_service_desk_write_records(struct ratls_service_desk *desk,
                                      struct ratls_service_time time)
{
    struct ratls_service_record record;
    bool is_written = true;

    while (is_written &&
           ratls_service_records_next(&desk->records, time.now, time.now_ms, &record)) {
        struct ratls_ca_seat *seat = ratls_ca_seats_take(desk->seats);
        struct ratls_error error = {.status = RATLS_OK};

        is_written = ratls_store_audit(ratls_ca_store(seat->ca), "http", "", record.text, record.at,
                                       &error) == RATLS_OK;
        if (!is_written) {
            ratls_service_count_record_failed(&desk->counts);
            desk->log(LOG_ERR, error.text);
        }
        ratls_ca_seats_give(desk->seats, seat);
    }
}

/* ---- how much ---- */

static unsigned take_rate(struct ratls_service_desk *desk, const uint8_t ek_sha256[static 32],
                          bool is_known, int64_t now_ms)
{
    unsigned wait_s;

    pthread_mutex_lock(&desk->rate_lock);
    wait_s = ratls_rate_take(&desk->rate, ek_sha256, is_known, now_ms);
    pthread_mutex_unlock(&desk->rate_lock);
    return wait_s;
}

static unsigned take_read(struct ratls_service_desk *desk, int64_t now_ms)
{
    unsigned wait_s;

    pthread_mutex_lock(&desk->rate_lock);
    wait_s = ratls_bucket_take(&desk->reads, RATLS_SERVICE_READS * desk->rate.per_minute, MINUTE_S,
                               now_ms);
    pthread_mutex_unlock(&desk->rate_lock);
    return wait_s;
}

/* A token is looked at only where it makes a difference: that costs a question to the store. */
static unsigned take_request(struct ratls_service_desk *desk, struct ratls_ca *ca,
                             struct ratls_slice body, const uint8_t ek_sha256[static 32],
                             struct ratls_service_time time)
{
    const unsigned wait_s = take_rate(desk, ek_sha256, false, time.now_ms);

    if (wait_s == 0 || !ratls_service_has_token(ca, body, time.now))
        return wait_s;
    return take_rate(desk, ek_sha256, true, time.now_ms);
}

/* ---- answers ---- */

static void refuse(struct ratls_service_desk *desk, const struct ratls_http_route *route,
                   unsigned status, const char *reason, const char *detail,
                   struct ratls_service_time time, struct ratls_http_reply *reply)
{
    const struct ratls_http_refusal refusal = {status, reason, detail};

    ratls_service_desk_refuse(desk, route, &refusal, time, reply);
}

static void refuse_rate(struct ratls_service_desk *desk, const struct ratls_http_route *route,
                        unsigned wait_s, struct ratls_service_time time,
                        struct ratls_http_reply *reply)
{
    refuse(desk, route, 429, "rate", "too much is asked at the moment: try again later", time,
           reply);
    reply->retry_after_s = wait_s;
}

/* What went wrong is for the log: it may name files, hosts and users. */
static void say_broken(struct ratls_service_desk *desk, const struct ratls_error *error,
                       struct ratls_http_reply *reply)
{
    const bool is_store = error->status == RATLS_IO;

    desk->log(LOG_ERR, error->text);
    ratls_http_reply_done(reply);
    if (is_store)
        ratls_http_reply_problem(reply, 503, "store",
                                 "the store cannot be asked: nothing was decided, try again");
    else
        ratls_http_reply_problem(reply, 500, "internal",
                                 "the CA could not work: its log has the cause");
    reply->retry_after_s = is_store ? RETRY_STORE_S : 0;
}

static void give_metrics(struct ratls_service_desk *desk, struct ratls_http_reply *reply)
{
    struct ratls_service_now now = {.connections_max = desk->connections_max};
    struct ratls_error error = {.status = RATLS_OK};
    char *text = NULL;
    size_t len = 0;

    now.connections = ratls_connections_count(desk->connections, &now.connections_cut);
    now.records_beyond = ratls_service_records_beyond(&desk->records);
    if (ratls_service_counts_text(&desk->counts, &now, &text, &len, &error) != RATLS_OK) {
        say_broken(desk, &error, reply);
        return;
    }
    *reply = (struct ratls_http_reply){.status = 200,
                                       .reason = "",
                                       .type = "text/plain; version=0.0.4",
                                       .body = (uint8_t *)text,
                                       .len = len};
}

/* Whether it may go to the CA: it is a message at all, and there is room for it. */
static bool admit(struct ratls_service_desk *desk, struct ratls_ca *ca,
                  const struct ratls_http_route *route, struct ratls_slice body,
                  struct ratls_service_time time, struct ratls_http_reply *reply)
{
    struct ratls_enroll_answer answer;
    uint8_t ek_sha256[32];
    unsigned wait_s = 0;

    if (route->action == RATLS_HTTP_POST_REQUEST) {
        if (!ratls_ca_request_ek(body, ek_sha256)) {
            refuse(desk, route, 400, "malformed",
                   "not a request (WIRE.md, 14), or one without a readable certificate of an "
                   "endorsement key",
                   time, reply);
            return false;
        }
        wait_s = take_request(desk, ca, body, ek_sha256, time);
    } else if (route->action == RATLS_HTTP_POST_ANSWER &&
               !ratls_enroll_answer_read(body, &answer)) {
        refuse(desk, route, 400, "malformed", "not an answer to a challenge (WIRE.md, 14)", time,
               reply);
        return false;
    } else if (route->action != RATLS_HTTP_GET_HEALTH) {
        wait_s = take_read(desk, time.now_ms);
    }
    if (wait_s > 0)
        refuse_rate(desk, route, wait_s, time, reply);
    return wait_s == 0;
}

static void ask(struct ratls_service_desk *desk, struct ratls_ca *ca,
                const struct ratls_http_route *route, struct ratls_slice body,
                struct ratls_service_time time, struct ratls_http_reply *reply)
{
    struct ratls_error error = {.status = RATLS_OK};
    const struct ratls_service_time begin = ratls_service_time();
    uint64_t us;

    error.status = ratls_service_ask_ca(ca, route, body, time.now, reply, &error);
    if (error.status != RATLS_OK)
        say_broken(desk, &error, reply);
    us = (uint64_t)(ratls_service_time().now_ms - begin.now_ms) * 1000;
    ratls_service_count(&desk->counts, route->action, reply->status, reply->reason, us);
}

void ratls_service_desk_answer(struct ratls_service_desk *desk,
                               const struct ratls_http_route *route, struct ratls_slice body,
                               struct ratls_service_time time, struct ratls_http_reply *ret_reply)
{
    struct ratls_ca_seat *seat;

    *ret_reply = (struct ratls_http_reply){.status = 0};
    if (route->action == RATLS_HTTP_GET_METRICS) {
        give_metrics(desk, ret_reply);
        return;
    }
    seat = ratls_ca_seats_take(desk->seats);
    if (admit(desk, seat->ca, route, body, time, ret_reply))
        ask(desk, seat->ca, route, body, time, ret_reply);
    ratls_ca_seats_give(desk->seats, seat);
}
