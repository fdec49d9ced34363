/*
 * What the replay of an IMA list costs, beside the bare digests of the same work, and beside evmctl
 * where that is installed: in turn, in one run, CPU time. Usage: bench_ima [--rounds N] [--json]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "evmctl.h"
#include "ima_lists.h"
#include "samples.h"

#define NEW_REPEATS 500u /* one is too short for the clock of the processor */
#define ROUNDS_DEFAULT 15

/* The way from a state to the end of the list, with all that is made for it. */
static void replay_from(const struct ima_list *list, const struct ratls_ima_state *from)
{
    struct ratls_ima_replay replay;
    size_t offset = (size_t)from->offset;
    struct ratls_slice rest = ratls_slice(list->bytes + offset, list->len - offset);
    bool is_found = false;

    bench_must(ratls_ima_replay_open(from, &replay, NULL) == RATLS_OK &&
                   ratls_ima_replay_until(&replay, rest, ratls_ima_pcr(&list->end), &is_found,
                                          NULL) == RATLS_OK,
               "the list cannot be replayed");
    bench_must(is_found && replay.state.entries == IMA_ENTRIES, "entries are missing");
    ratls_ima_replay_close(&replay);
}

/* CPU time from the first entry. */
static double time_whole(const struct ima_list *list, enum ratls_ima_mode mode)
{
    struct ratls_ima_state state;
    double begin = cpu_us();

    bench_must(ratls_ima_state_init(list->alg, RATLS_ALG_SHA256, mode, &state, NULL) == RATLS_OK,
               "no state");
    replay_from(list, &state);
    return cpu_us() - begin;
}

/* CPU time of the last entries alone, from the state before them. */
static double time_new(const struct ima_list *list)
{
    double begin = cpu_us();

    for (unsigned i = 0; i < NEW_REPEATS; i++)
        replay_from(list, &list->before_new);
    return (cpu_us() - begin) / NEW_REPEATS;
}

/* CPU time of the digests alone: of each template, in the list's hash and the bank's, and PCR 10.
 */
static double time_bare(const struct ima_list *list)
{
    static const uint8_t data[90]; /* as long as the template data of the lists */
    const struct ratls_slice template = {data, sizeof data};
    uint8_t pcr[2 * RATLS_DIGEST_MAX] = {0};
    double begin = cpu_us();
    struct ratls_hasher listed, bank;
    bool is_good = ratls_hasher_begin(list->alg, &listed, NULL) == RATLS_OK &&
                   ratls_hasher_begin(RATLS_ALG_SHA256, &bank, NULL) == RATLS_OK;

    for (unsigned i = 0; i < IMA_ENTRIES && is_good; i++) {
        const struct ratls_slice both = {pcr, 2 * bank.len};

        is_good = ratls_hasher_digest(&listed, &template, 1, pcr + bank.len, NULL) == RATLS_OK &&
                  (list->alg == RATLS_ALG_SHA256 ||
                   ratls_hasher_digest(&bank, &template, 1, pcr + bank.len, NULL) == RATLS_OK) &&
                  ratls_hasher_digest(&bank, &both, 1, pcr, NULL) == RATLS_OK;
    }
    bench_must(is_good, "no digest");
    ratls_hasher_end(&listed);
    ratls_hasher_end(&bank);
    return cpu_us() - begin;
}

/* For one list. */
struct figures {
    struct samples bare, native, either, new_entries;
    struct samples ratio;                /* of native to bare, per round */
    struct samples evmctl, evmctl_ratio; /* of evmctl to the replay, mode not known */
};

static void measure_evmctl(const struct evmctl *evmctl, double either, struct figures *figures)
{
    double us = evmctl_us(evmctl) / IMA_ENTRIES;

    if (us < 0)
        return;
    samples_add(&figures->evmctl, us);
    samples_add(&figures->evmctl_ratio, us / either);
}

/* evmctl: NULL for a list that it cannot read. */
static void measure(const struct ima_list *list, size_t rounds, const struct evmctl *evmctl,
                    struct figures *figures)
{
    for (size_t i = 0; i < rounds; i++) {
        double bare = time_bare(list) / IMA_ENTRIES;
        double native = time_whole(list, RATLS_IMA_NATIVE) / IMA_ENTRIES;
        double either = time_whole(list, RATLS_IMA_EITHER) / IMA_ENTRIES;

        samples_add(&figures->bare, bare);
        samples_add(&figures->native, native);
        samples_add(&figures->ratio, native / bare);
        samples_add(&figures->either, either);
        samples_add(&figures->new_entries, time_new(list));
        if (evmctl != NULL)
            measure_evmctl(evmctl, either, figures);
    }
}

static void print_line(const char *what, const struct samples *samples, const char *unit)
{
    printf("  %-44s %7.3f %s (%.3f to %.3f)\n", what, samples_median(samples), unit,
           samples_min(samples), samples_max(samples));
}

static void print_text(const char *title, const struct figures *f)
{
    printf("%s\n", title);
    print_line("bare digests of the same work", &f->bare, "us per entry");
    print_line("replay, mode known", &f->native, "us per entry");
    print_line("replay, mode not known", &f->either, "us per entry");
    print_line("replay to bare digests", &f->ratio, "times");
    print_line("10 new entries on 100000, from a state", &f->new_entries, "us in all");
    if (f->evmctl.count > 0) {
        print_line("evmctl", &f->evmctl, "us per entry");
        print_line("evmctl to replay", &f->evmctl_ratio, "times");
    }
}

static void print_json(const char *name, const struct figures *f, const char *end)
{
    printf("\"%s\": {\"bare-us\": %.4f, \"replay-us\": %.4f, \"either-us\": %.4f, "
           "\"ratio\": %.4f, \"new-10-us\": %.4f",
           name, samples_median(&f->bare), samples_median(&f->native), samples_median(&f->either),
           samples_median(&f->ratio), samples_median(&f->new_entries));
    if (f->evmctl.count > 0)
        printf(", \"evmctl-us\": %.4f, \"evmctl-ratio\": %.4f", samples_median(&f->evmctl),
               samples_median(&f->evmctl_ratio));
    printf("}%s", end);
}

static void run(size_t rounds, bool json)
{
    static struct figures sha1, sha256;
    struct ima_list lists[] = {ima_list_make(RATLS_ALG_SHA1), ima_list_make(RATLS_ALG_SHA256)};

    struct evmctl evmctl;

    bench_must(evmctl_open(&evmctl, ratls_slice(lists[0].bytes, lists[0].len),
                           ratls_ima_pcr(&lists[0].end)),
               "cannot write below /tmp");
    measure(&lists[0], rounds, &evmctl, &sha1);
    evmctl_close(&evmctl);
    measure(&lists[1], rounds, NULL, &sha256);
    if (sha1.evmctl.count == 0)
        fprintf(stderr, "bench: no evmctl (Debian: ima-evm-utils) that matches the PCR\n");
    if (json) {
        printf("{");
        print_json("list-sha1", &sha1, ", ");
        print_json("list-sha256", &sha256, "}\n");
    } else {
        print_text("List with SHA-1 digests, SHA-256 bank, 100000 entries:", &sha1);
        print_text("List of the SHA-256 bank, 100000 entries:", &sha256);
    }
    free(lists[0].bytes);
    free(lists[1].bytes);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);

    run(command.rounds, command.is_json);
    return 0;
}
