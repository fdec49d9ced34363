/*
 * What the compact form of a firmware's log costs, and how long it is: per event, beside the bare
 * digests of as many events, in turn, in one process. A server makes it once in each bank.
 * Usage: bench_compact [--rounds N] [--json] LOG...
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot_compact.h"
#include "command.h"
#include "crypto_hasher.h"
#include "samples.h"

#define ROUNDS_DEFAULT 31
#define EVENTS_PER_ROUND 20000

/* Of the log, or 0 if the strict walk refuses it. */
static size_t count_events(struct ratls_slice in)
{
    struct ratls_eventlog log;
    struct ratls_event event;

    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    while (ratls_eventlog_next(&log, &event))
        continue;
    return ratls_eventlog_done(&log) ? log.events : 0;
}

/* CPU time of the compact form, in nanoseconds per event. */
static double compact_ns(struct ratls_slice in, size_t events, size_t *ret_len)
{
    size_t times = EVENTS_PER_ROUND / events + 1;
    double begin = cpu_us();

    for (size_t i = 0; i < times; i++) {
        struct ratls_error err = {0};
        uint8_t *log = NULL;

        bench_must(ratls_boot_compact(in, RATLS_ALG_SHA256, &log, ret_len, &err) == RATLS_OK,
                   err.text);
        free(log);
    }
    return (cpu_us() - begin) * 1e3 / (double)(times * events);
}

/* The same of one digest of 64 bytes for each event. */
static double digest_ns(size_t events)
{
    size_t count = EVENTS_PER_ROUND / events * events + events;
    uint8_t block[64] = {0};
    const struct ratls_slice part = ratls_slice(block, sizeof block);
    struct ratls_hasher hasher;
    double begin;

    bench_must(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL) == RATLS_OK, "a hash");
    begin = cpu_us();
    for (size_t i = 0; i < count; i++)
        bench_must(ratls_hasher_digest(&hasher, &part, 1, block, NULL) == RATLS_OK, "a digest");
    begin = (cpu_us() - begin) * 1e3 / (double)count;
    ratls_hasher_end(&hasher);
    return begin;
}

static void measure(const char *path, struct ratls_slice in, size_t rounds, bool is_json)
{
    static struct samples whole, bare;
    size_t events = count_events(in);
    size_t len = 0;

    bench_must(events > 0, "the log is refused");
    whole.count = bare.count = 0;
    compact_ns(in, events, &len); /* the first one fetches the algorithm */
    for (size_t i = 0; i < rounds; i++) {
        samples_add(&bare, digest_ns(events));
        samples_add(&whole, compact_ns(in, events, &len));
    }
    printf(is_json ? "{\"log\": \"%s\", \"events\": %zu, \"bytes\": %zu, \"compact\": %zu, "
                     "\"ns-per-event\": %.1f, \"bare-digest-ns\": %.1f}\n"
                   : "%s: %zu events, %zu bytes, compact %zu; %.1f ns per event, a digest %.1f\n",
           path, events, in.len, len, samples_median(&whole), samples_median(&bare));
}

int main(int argc, char *argv[])
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    static uint8_t bytes[RATLS_EVENTLOG_LEN_MAX];

    if (optind == argc) {
        fprintf(stderr, "usage: %s [--rounds N] [--json] LOG...\n", argv[0]);
        return 2;
    }
    for (; optind < argc; optind++) {
        FILE *stream = fopen(argv[optind], "rb");

        bench_must(stream != NULL, argv[optind]);
        measure(argv[optind], ratls_slice(bytes, fread(bytes, 1, sizeof bytes, stream)),
                command.rounds, command.is_json);
        fclose(stream);
    }
    return 0;
}
