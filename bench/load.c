/*
 * bench_load: TLS clients by the hundred or thousand against a server that somebody else started;
 * how many were served, how long each waited, and what it cost. Prints lines to read, or with
 * --json one object. It ends with 1 if a handshake failed.
 *
 *   bench_load --connect ADDRESS:PORT|unix:PATH --name NAME --ca FILE [--policy FILE|FOLDER]
 *              [--rate N [--even]] [--clients N] [--count N] [--seconds S] [--warm-up S]
 *              [--deadline S] [--vanish | --slow] [--account NAME=PID]... [--tally FILE] [--json]
 *
 * --rate: clients arrive as they like (an open loop), --clients is then the most that may wait.
 * Without it there are always --clients of them (a closed loop).
 */
#include "load.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"

#define BUSY 0.9 /* of one core: from there on we may be what is measured */

enum option_value {
    CONNECT = 1,
    NAME,
    CA,
    POLICY,
    RATE,
    EVEN,
    CLIENTS,
    COUNT,
    SECONDS,
    WARM_UP,
    DEADLINE,
    VANISH,
    SLOW,
    ACCOUNT,
    TALLY,
    JSON,
};

static const struct option options[] = {
    {"connect", required_argument, NULL, CONNECT},
    {"name", required_argument, NULL, NAME},
    {"ca", required_argument, NULL, CA},
    {"policy", required_argument, NULL, POLICY},
    {"rate", required_argument, NULL, RATE},
    {"even", no_argument, NULL, EVEN},
    {"clients", required_argument, NULL, CLIENTS},
    {"count", required_argument, NULL, COUNT},
    {"seconds", required_argument, NULL, SECONDS},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"deadline", required_argument, NULL, DEADLINE},
    {"vanish", no_argument, NULL, VANISH},
    {"slow", no_argument, NULL, SLOW},
    {"account", required_argument, NULL, ACCOUNT},
    {"tally", required_argument, NULL, TALLY},
    {"json", no_argument, NULL, JSON},
    {NULL, 0, NULL, 0},
};

/* The numbers; false if the option is none of them. */
static bool set_number(struct load_plan *plan, int option)
{
    double value = optarg == NULL ? 0 : strtod(optarg, NULL);

    if (option == RATE)
        plan->rate = value;
    else if (option == CLIENTS)
        plan->clients_max = (size_t)value;
    else if (option == COUNT)
        plan->count_max = (size_t)value;
    else if (option == SECONDS)
        plan->seconds = value;
    else if (option == WARM_UP)
        plan->warm_up_s = value;
    else if (option == DEADLINE)
        plan->deadline_s = value;
    else
        return false;
    return true;
}

static bool set_option(struct load_plan *plan, int option)
{
    if (option == CONNECT)
        plan->server = optarg;
    else if (option == NAME)
        plan->name = optarg;
    else if (option == CA)
        plan->ca = optarg;
    else if (option == POLICY)
        plan->policy = optarg;
    else if (option == TALLY)
        plan->account.tally = optarg;
    else if (option == EVEN)
        plan->is_even = true;
    else if (option == VANISH)
        plan->manner = LOAD_VANISHING;
    else if (option == SLOW)
        plan->manner = LOAD_SLOW;
    else if (option == ACCOUNT)
        return load_account_add(&plan->account, optarg);
    else
        return set_number(plan, option);
    return true;
}

static void print_json(const struct load_plan *plan, const struct load_result *r)
{
    printf("{\"accepted\":%zu,\"refused\":%zu,\"broken\":%zu,\"late\":%zu,\"vanished\":%zu,"
           "\"most\":%zu,\"overtaken\":%zu,\"seconds\":%.3f,\"rate\":%.1f,\"cpu\":%.3f,"
           "\"quotes\":%ld,",
           r->accepted, r->refused, r->broken, r->late, r->vanished, r->most, r->overtaken,
           r->seconds, (double)r->accepted / r->seconds, r->cpu_s / r->seconds, r->usage.quotes);
    printf("\"quote_ms\":%.3f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"processes\":{",
           r->quote_ms, load_latency_ms(&r->latencies, 0.5), load_latency_ms(&r->latencies, 0.99),
           load_latency_ms(&r->latencies, 1));
    for (size_t i = 0; i < plan->account.count; i++)
        printf("%s\"%s\":{\"cpu\":%.3f,\"rss_kib\":%ld,\"peak_kib\":%ld}", i == 0 ? "" : ",",
               plan->account.processes[i].name, r->usage.cpu_s[i] / r->seconds, r->usage.rss_kib[i],
               r->usage.peak_kib[i]);
    printf("}}\n");
}

static void print_words(const struct load_plan *plan, const struct load_result *r)
{
    printf("%zu handshakes accepted in %.1f s (%.0f per second); %zu at most at once\n",
           r->accepted, r->seconds, (double)r->accepted / r->seconds, r->most);
    printf("%zu refused, %zu broken, %zu late, %zu vanished, %zu behind one who came later\n",
           r->refused, r->broken, r->late, r->vanished, r->overtaken);
    printf("latency: median %.1f ms, p99 %.1f ms, most %.1f ms\n",
           load_latency_ms(&r->latencies, 0.5), load_latency_ms(&r->latencies, 0.99),
           load_latency_ms(&r->latencies, 1));
    if (plan->account.tally != NULL && r->accepted > 0)
        printf("quotes: %ld of %.2f ms, %.2f per 1000 handshakes\n", r->usage.quotes, r->quote_ms,
               1000.0 * (double)r->usage.quotes / (double)r->accepted);
    for (size_t i = 0; i < plan->account.count; i++)
        printf("%s: %.0f %% of a core, %ld KiB\n", plan->account.processes[i].name,
               100 * r->usage.cpu_s[i] / r->seconds, r->usage.rss_kib[i]);
    printf("this load: %.0f %% of a core%s\n", 100 * r->cpu_s / r->seconds,
           r->cpu_s / r->seconds > BUSY ? ": it may be what limits the rate" : "");
}

int main(int argc, char **argv)
{
    struct load_plan plan = {.seconds = 10, .deadline_s = 10, .clients_max = 20000};
    struct load_result result = {0};
    bool is_json = false;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        is_json = is_json || option == JSON;
        if (option != JSON && !set_option(&plan, option)) {
            fputs("bench_load: the head of bench/load.c says what it takes\n", stderr);
            return 2;
        }
    }
    bench_must(plan.server != NULL && plan.name != NULL && plan.ca != NULL,
               "--connect, --name and --ca are needed");
    bench_must(plan.seconds > 0 && plan.clients_max > 0, "--seconds and --clients are above 0");
    signal(SIGPIPE, SIG_IGN);
    load_run(&plan, &result);
    if (is_json)
        print_json(&plan, &result);
    else
        print_words(&plan, &result);
    if (result.reason[0] != '\0')
        fprintf(stderr, "the first that failed: %s\n", result.reason);
    free(result.latencies.ms);
    return result.refused + result.broken + result.late == 0 ? 0 : 1;
}
