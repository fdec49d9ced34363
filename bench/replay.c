/*
 * What a replay of a firmware's log costs beside the bare extends of the same events: in turn, in
 * one process. Usage: bench_replay [--rounds N] [--json] LOG
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "replay.h"
#include "samples.h"

#define ROUNDS_DEFAULT 31
#define EVENTS_PER_ROUND 20000

/* The caller frees. */
static uint8_t *read_log(const char *path, size_t *ret_len)
{
    uint8_t *bytes = malloc(RATLS_EVENTLOG_LEN_MAX);
    FILE *stream = fopen(path, "rb");

    bench_must(bytes != NULL && stream != NULL, "cannot read the log");
    *ret_len = fread(bytes, 1, RATLS_EVENTLOG_LEN_MAX, stream);
    fclose(stream);
    return bytes;
}

/* CPU time of one whole replay, in nanoseconds per event. */
static double replay_ns(struct ratls_slice in, size_t events)
{
    size_t times = EVENTS_PER_ROUND / events + 1;
    double begin = cpu_us();

    for (size_t i = 0; i < times; i++) {
        struct ratls_eventlog log;
        struct ratls_replay replay;

        ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
        bench_must(ratls_replay_log(&log, RATLS_ALG_SHA256, &replay, NULL) == RATLS_OK, "a replay");
        bench_must(replay.why[0] == '\0', replay.why);
    }
    return (cpu_us() - begin) * 1e3 / (double)(times * events);
}

/* The same of nothing but the hash: what no replay can be below. */
static double extend_ns(size_t events)
{
    size_t count = EVENTS_PER_ROUND / events * events + events;
    uint8_t block[2][32] = {{0}};
    const struct ratls_slice parts[] = {ratls_slice(block, sizeof block)};
    struct ratls_hasher hasher;
    double begin;

    bench_must(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL) == RATLS_OK, "a hash");
    begin = cpu_us();
    for (size_t i = 0; i < count; i++)
        bench_must(ratls_hasher_digest(&hasher, parts, 1, block[0], NULL) == RATLS_OK, "a digest");
    begin = (cpu_us() - begin) * 1e3 / (double)count;
    ratls_hasher_end(&hasher);
    return begin;
}

/* Events of the log; what it is refused for ends the program. */
static size_t count_events(struct ratls_slice in)
{
    struct ratls_eventlog log;
    struct ratls_event event;

    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    while (ratls_eventlog_next(&log, &event))
        continue;
    bench_must(ratls_eventlog_done(&log), log.why);
    return log.events;
}

static void print(const char *name, const struct samples *samples, const char *unit, bool is_json)
{
    if (is_json)
        printf("{\"name\": \"%s\", \"unit\": \"%s\", \"median\": %.3f, \"min\": %.3f, \"max\": "
               "%.3f}\n",
               name, unit, samples_median(samples), samples_min(samples), samples_max(samples));
    else
        printf("%-28s %8.2f %s (%.2f to %.2f)\n", name, samples_median(samples), unit,
               samples_min(samples), samples_max(samples));
}

static void measure(struct ratls_slice in, size_t rounds, bool is_json)
{
    static struct samples replay, extend, ratio;
    size_t events = count_events(in);

    replay_ns(in, events); /* the first one fetches the algorithm */
    for (size_t i = 0; i < rounds; i++) {
        double bare = extend_ns(events);
        double whole = replay_ns(in, events);

        samples_add(&extend, bare);
        samples_add(&replay, whole);
        samples_add(&ratio, whole / bare);
    }
    if (!is_json)
        printf("%zu bytes, %zu events, SHA-256, %zu rounds\n", in.len, events, rounds);
    print("bare extend", &extend, "ns", is_json);
    print("replay, per event", &replay, "ns", is_json);
    print("replay / bare extend", &ratio, "times", is_json);
}

int main(int argc, char *argv[])
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    uint8_t *log;
    size_t len;

    if (optind + 1 != argc) {
        fprintf(stderr, "usage: %s [--rounds N] [--json] LOG\n", argv[0]);
        return 2;
    }
    log = read_log(argv[optind], &len);
    measure(ratls_slice(log, len), command.rounds, command.is_json);
    free(log);
    return 0;
}
