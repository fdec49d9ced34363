/* One thread that starts clients as the plan wants them, and moves them when their sockets can. */
#include <errno.h>
#include <math.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "load_client.h"

#define EVENTS_MAX 8 /* few: between them the next arrivals must not wait */
#define TICK_S 0.01
#define CROWDED_S 0.001
#define DRAIN_S 5.0 /* for connections that are over to be ended by the server */

struct crowd {
    const struct load_plan *plan;
    struct load_result *result;
    struct load_target target;
    struct load_client *clients;
    struct load_client *free;         /* by next */
    struct load_client *first, *last; /* those that live; the oldest first */
    size_t living, started, shaking;
    double begin_s;   /* of the time that counts */
    double end_s;     /* of it; nobody arrives later */
    double arrival_s; /* the next one's */
    double latest_s;  /* that of the youngest that was accepted */
    bool is_counting;
    double count_begin_s, cpu_begin_s;
    struct load_usage usage_begin;
};

static double read_clock(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* ---- what is counted ---- */

static void begin_to_count(struct crowd *crowd)
{
    crowd->is_counting = true;
    crowd->count_begin_s = now();
    crowd->cpu_begin_s = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    load_account_look(&crowd->plan->account, &crowd->usage_begin);
}

static void end_counting(struct crowd *crowd)
{
    struct load_usage *usage = &crowd->result->usage;

    load_account_look(&crowd->plan->account, usage);
    for (size_t i = 0; i < crowd->plan->account.count; i++)
        usage->cpu_s[i] -= crowd->usage_begin.cpu_s[i];
    crowd->result->quote_ms =
        load_account_quote_ms(&crowd->plan->account, crowd->usage_begin.quotes, usage->quotes);
    usage->quotes -= crowd->usage_begin.quotes;
    crowd->result->cpu_s = read_clock(CLOCK_PROCESS_CPUTIME_ID) - crowd->cpu_begin_s;
    crowd->result->seconds = now() - crowd->count_begin_s;
    crowd->is_counting = false;
}

static void add_latency(struct load_latencies *latencies, double s)
{
    if (latencies->count == latencies->room) {
        latencies->room = latencies->room == 0 ? 4096 : 2 * latencies->room;
        latencies->ms = realloc(latencies->ms, latencies->room * sizeof *latencies->ms);
        bench_must(latencies->ms != NULL, "out of memory");
    }
    latencies->ms[latencies->count++] = (float)(s * 1000);
}

/*
 * In a closed loop the rate counts, and so whoever is accepted within the time. Of an open loop all
 * who arrive within it count, for the last ones wait no less than others.
 */
static void count_accepted(struct crowd *crowd, const struct load_client *client, double now_s)
{
    bool counts = crowd->plan->rate > 0 || crowd->plan->count_max != 0
                      ? client->begin_s >= crowd->begin_s
                      : crowd->is_counting;

    if (!counts)
        return;
    crowd->result->accepted++;
    if (client->begin_s < crowd->latest_s)
        crowd->result->overtaken++;
    else
        crowd->latest_s = client->begin_s;
    add_latency(&crowd->result->latencies, now_s - client->begin_s);
}

static void keep_reason(struct load_result *result, const char *text)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_peek_last_error_data(&data, &flags);

    if (result->reason[0] != '\0')
        return;
    if (text == NULL)
        text = ERR_reason_error_string(code);
    snprintf(result->reason, sizeof result->reason, "%s%s%s", text == NULL ? "it ended" : text,
             (flags & ERR_TXT_STRING) != 0 ? ": " : "", (flags & ERR_TXT_STRING) != 0 ? data : "");
}

/* ---- clients ---- */

static void remove_client(struct crowd *crowd, struct load_client *client)
{
    if (client->state != LOAD_LEAVES)
        crowd->shaking--;
    load_client_stop(client);
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        crowd->first = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    else
        crowd->last = client->previous;
    client->next = crowd->free;
    crowd->free = client;
    crowd->living--;
}

static void take_step(struct crowd *crowd, struct load_client *client, enum load_step step)
{
    struct load_result *result = crowd->result;

    switch (step) {
    case LOAD_GOES_ON:
        return;
    case LOAD_ACCEPTED:
        count_accepted(crowd, client, now());
        crowd->shaking--;
        return;
    case LOAD_REFUSED:
        result->refused++;
        keep_reason(result, NULL);
        break;
    case LOAD_BROKEN:
        result->broken++;
        keep_reason(result, "the connection broke");
        break;
    case LOAD_VANISHED:
        result->vanished++;
        break;
    case LOAD_OVER:
    case LOAD_CROWDED:
        break;
    }
    remove_client(crowd, client);
}

static struct load_client *take_free(struct crowd *crowd)
{
    struct load_client *client = crowd->free;

    crowd->free = client->next;
    client->next = NULL;
    client->previous = crowd->last;
    if (crowd->last != NULL)
        crowd->last->next = client;
    else
        crowd->first = client;
    crowd->last = client;
    crowd->living++;
    crowd->shaking++;
    if (crowd->shaking > crowd->result->most)
        crowd->result->most = crowd->shaking;
    return client;
}

static double pick_distance(const struct load_plan *plan)
{
    return plan->is_even ? 1 / plan->rate : -log(1 - drand48()) / plan->rate;
}

/* Whether somebody is to arrive before this time. */
static bool has_arrival(const struct crowd *crowd, double s)
{
    const struct load_plan *plan = crowd->plan;

    if (plan->count_max != 0 && crowd->started >= plan->count_max)
        return false;
    return crowd->arrival_s <= s && (plan->rate > 0 ? crowd->arrival_s : s) < crowd->end_s;
}

/* Nobody waits for room: an open loop for which there is none has failed. */
static void start_clients(struct crowd *crowd)
{
    const struct load_plan *plan = crowd->plan;

    for (double now_s = now(); has_arrival(crowd, now_s); now_s = now()) {
        struct load_client *client;
        enum load_step step;

        if (crowd->free == NULL && plan->rate == 0)
            return;
        bench_must(crowd->free != NULL, "more clients than --clients wait at once");
        client = take_free(crowd);
        client->begin_s = plan->rate == 0 ? now_s : crowd->arrival_s;
        step = load_client_start(client, &crowd->target, now_s);
        take_step(crowd, client, step);
        crowd->started += step == LOAD_CROWDED ? 0 : 1;
        if (plan->rate > 0 && step != LOAD_CROWDED)
            crowd->arrival_s += pick_distance(plan);
        if (plan->rate == 0 && (step == LOAD_CROWDED || step == LOAD_BROKEN))
            crowd->arrival_s = now_s + CROWDED_S;
        if (step == LOAD_CROWDED)
            return;
    }
}

/* Those that do something without being asked, and those that are too late. */
static void look_at_clocks(struct crowd *crowd)
{
    double now_s = now();
    struct load_client *next = crowd->first;

    while (next != NULL) {
        struct load_client *client = next;

        next = client->next;
        if (now_s > client->begin_s + crowd->plan->deadline_s) {
            if (client->state != LOAD_LEAVES) {
                crowd->result->late++;
                keep_reason(crowd->result, "it was not accepted within the deadline");
            }
            remove_client(crowd, client);
        } else if (crowd->plan->manner == LOAD_ORDERLY) {
            return; /* all others came later */
        } else if (client->wake_s != 0 && client->wake_s <= now_s) {
            take_step(crowd, client, load_client_move(client, &crowd->target, now_s));
        }
    }
}

static void wait_for_events(struct crowd *crowd)
{
    struct epoll_event events[EVENTS_MAX];
    double now_s = now();
    double wait_s = TICK_S;
    struct timespec timeout = {0};
    int count;

    if (crowd->free != NULL && has_arrival(crowd, now_s + wait_s))
        wait_s = crowd->arrival_s > now_s ? crowd->arrival_s - now_s : 0;
    timeout.tv_nsec = (long)(wait_s * 1e9);
    count = epoll_pwait2(crowd->target.epoll, events, EVENTS_MAX, &timeout, NULL);
    bench_must(count >= 0 || errno == EINTR, "no events");
    for (int i = 0; i < count; i++) {
        struct load_client *client = events[i].data.ptr;

        take_step(crowd, client, load_client_move(client, &crowd->target, now()));
    }
}

/* ---- the whole run ---- */

static bool is_over(const struct crowd *crowd, double now_s)
{
    bool is_full = crowd->plan->count_max != 0 && crowd->started >= crowd->plan->count_max;

    if (now_s < crowd->end_s && !is_full)
        return false;
    /* A closed loop has counted its rate; its last clients tell nothing but whether they fail. */
    return crowd->living == 0 || (crowd->shaking == 0 && now_s > crowd->end_s + DRAIN_S);
}

static int compare_latencies(const void *a, const void *b)
{
    float x = *(const float *)a;
    float y = *(const float *)b;

    return (x > y) - (x < y);
}

static void make_crowd(struct crowd *crowd)
{
    const struct load_plan *plan = crowd->plan;

    load_target_init(&crowd->target, plan);
    crowd->clients = calloc(plan->clients_max, sizeof *crowd->clients);
    bench_must(crowd->clients != NULL, "out of memory");
    for (size_t i = 0; i < plan->clients_max; i++) {
        crowd->clients[i].fd = -1;
        crowd->clients[i].next = crowd->free;
        crowd->free = &crowd->clients[i];
    }
    crowd->arrival_s = now();
    crowd->begin_s = crowd->arrival_s + plan->warm_up_s;
    crowd->end_s = crowd->begin_s + plan->seconds;
}

void load_run(const struct load_plan *plan, struct load_result *ret_result)
{
    struct crowd crowd = {.plan = plan, .result = ret_result};
    bool has_counted = false;

    make_crowd(&crowd);
    for (double now_s = now(); !is_over(&crowd, now_s); now_s = now()) {
        if (!has_counted && now_s >= crowd.begin_s) {
            begin_to_count(&crowd);
            has_counted = true;
        }
        if (crowd.is_counting && now_s >= crowd.end_s)
            end_counting(&crowd);
        start_clients(&crowd);
        wait_for_events(&crowd);
        look_at_clocks(&crowd);
    }
    if (!has_counted)
        begin_to_count(&crowd);
    if (crowd.is_counting)
        end_counting(&crowd);
    if (ret_result->latencies.count > 0)
        qsort(ret_result->latencies.ms, ret_result->latencies.count,
              sizeof *ret_result->latencies.ms, compare_latencies);
    close(crowd.target.epoll);
    SSL_CTX_free(crowd.target.ctx);
    free(crowd.clients);
}

double load_latency_ms(const struct load_latencies *latencies, double fraction)
{
    return latencies->count == 0
               ? 0
               : (double)latencies->ms[(size_t)((double)(latencies->count - 1) * fraction)];
}
