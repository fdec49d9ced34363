/*
 * What it costs to find and to judge the entries of an IMA list, each against 100000 reference
 * values, denied digests and patterns, beside the replay of the same list alone: in turn, in one
 * run, CPU time. Usage: bench_check_ima [--rounds N] [--json]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise.h"
#include "ima_lists.h"
#include "samples.h"

#define NEW_REPEATS 500u
#define ROUNDS_DEFAULT 15
#define LINE_LEN_MAX 140
#define PCRS_LEN (11 * 32)

/* Rules that allow each file of the list, and have to look for some in vain. */
static struct ratls_rules rules = {
    .ima = {.is_asked = true, .bank = RATLS_ALG_SHA256, .extend = RATLS_IMA_NATIVE},
    .selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, 0x7ff}}},
};

static void set_references(struct ratls_references *references, unsigned first, unsigned count)
{
    char *text = malloc((size_t)count * LINE_LEN_MAX);
    size_t len = 0;

    references->sets = calloc(1, sizeof *references->sets);
    bench_must(text != NULL && references->sets != NULL, "no memory");
    references->count = 1;
    for (unsigned i = 0; i < count; i++) {
        uint8_t digest[IMA_FILE_DIGEST_LEN];
        char path[IMA_FILE_PATH_MAX], hex[2 * IMA_FILE_DIGEST_LEN + 1];

        (void)ima_file(first + i, digest, path);
        ratls_hex(ratls_slice(digest, sizeof digest), hex, sizeof hex);
        len += (size_t)snprintf(text + len, LINE_LEN_MAX, "%s  %s\n", hex, path);
    }
    bench_must(ratls_refvals_parse("bench.sha256", ratls_slice(text, len), &references->sets[0],
                                   NULL) == RATLS_OK,
               "no reference values");
    free(text);
}

static void set_pattern(struct ratls_patterns *patterns, const char *text)
{
    patterns->items = calloc(1, sizeof *patterns->items);
    bench_must(patterns->items != NULL, "no memory");
    bench_must(ratls_pattern_init(RATLS_PATTERN_PATH, ratls_slice(text, strlen(text)),
                                  &patterns->items[0]) == NULL,
               "no pattern");
    patterns->count = 1;
}

static void set_rules(void)
{
    set_references(&rules.ima.allow, 1, IMA_ENTRIES);
    set_references(&rules.ima.deny, 2 * IMA_ENTRIES, 1000);
    set_pattern(&rules.ima.exclude, "/var/log/**");
    set_pattern(&rules.ima.signature_required, "/usr/sbin/**");
    bench_must(ratls_ledger_new(NULL, &rules.ledger, NULL) == RATLS_OK, "no ledger");
}

/* All IMA checks on a list, from its begin or from what is known of it, some times. */
static double time_checks(const struct ima_list *list, const struct ratls_ledger_row *known,
                          unsigned repeats)
{
    static const struct ratls_expectation expectation;
    const struct ratls_submission submission = {.expectation = &expectation, .known = known};
    struct ratls_appraisal a = {
        .submission = &submission, .rules = &rules, .report = ratls_report_new()};
    size_t offset = known == NULL ? 0 : (size_t)known->ima.offset;
    uint8_t pcrs[PCRS_LEN] = {0};
    double begin;

    bench_must(a.report != NULL, "no memory");
    memcpy(pcrs + PCRS_LEN - 32, list->end.pcr, 32);
    a.report->is_brief = true; /* as for a program: words are made of what fails only */
    a.ak_name_len = 34;
    a.evidence.pcr_values = ratls_slice(pcrs, sizeof pcrs);
    a.evidence.has_ima = true;
    a.evidence.ima =
        (struct ratls_ima_slice){.list_alg = list->alg,
                                 .offset = offset,
                                 .total = list->len,
                                 .entries = ratls_slice(list->bytes + offset, list->len - offset)};
    for (int check = 0; check < RATLS_CHECK_IMA_PRESENT; check++)
        ratls_check_holds(a.report, (enum ratls_check)check, true, "", "", "");
    begin = cpu_us();
    for (unsigned i = 0; i < repeats; i++)
        bench_must(ratls_check_ima(&a) == RATLS_OK && a.ima.ima.entries == IMA_ENTRIES,
                   "the checks do not work");
    begin = cpu_us() - begin;
    bench_must(ratls_report_accepted(a.report), "the list is refused");
    ratls_report_free(a.report);
    return begin / repeats;
}

/* The last entries alone: what is acknowledged before them is known. */
static double time_new(const struct ima_list *list)
{
    struct ratls_ledger_row known = {
        .ak_name_len = 34, .ima = list->before_new, .boot_aggregate_alg = RATLS_ALG_SHA256};
    uint8_t zeros[RATLS_IMA_PCR * 32] = {0};

    bench_must(ratls_sha256(ratls_slice(zeros, sizeof zeros), known.boot_aggregate, NULL) ==
                   RATLS_OK,
               "no digest");
    return time_checks(list, &known, NEW_REPEATS);
}

static double time_replay(const struct ima_list *list)
{
    struct ratls_ima_replay replay;
    struct ratls_ima_state state;
    bool is_found = false;
    double begin = cpu_us();

    bench_must(ratls_ima_state_init(list->alg, RATLS_ALG_SHA256, RATLS_IMA_NATIVE, &state, NULL) ==
                       RATLS_OK &&
                   ratls_ima_replay_open(&state, &replay, NULL) == RATLS_OK &&
                   ratls_ima_replay_until(&replay, ratls_slice(list->bytes, list->len),
                                          ratls_ima_pcr(&list->end), &is_found, NULL) == RATLS_OK &&
                   is_found,
               "the list cannot be replayed");
    ratls_ima_replay_close(&replay);
    return cpu_us() - begin;
}

struct figures {
    struct samples replay, checks, ratio, new_entries;
};

static void measure(const struct ima_list *list, size_t rounds, struct figures *f)
{
    for (size_t i = 0; i < rounds; i++) {
        double replay = time_replay(list) / IMA_ENTRIES;
        double checks = time_checks(list, NULL, 1) / IMA_ENTRIES;

        samples_add(&f->replay, replay);
        samples_add(&f->checks, checks);
        samples_add(&f->ratio, checks / replay);
        samples_add(&f->new_entries, time_new(list));
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
    print_line("replay alone", &f->replay, "us per entry");
    print_line("all checks", &f->checks, "us per entry");
    print_line("all checks to replay", &f->ratio, "times");
    print_line("10 new entries, all checks", &f->new_entries, "us in all");
}

static void print_json(const char *name, const struct figures *f, const char *end)
{
    printf("\"%s\": {\"replay-us\": %.4f, \"checks-us\": %.4f, \"ratio\": %.4f, "
           "\"new-10-us\": %.4f}%s",
           name, samples_median(&f->replay), samples_median(&f->checks), samples_median(&f->ratio),
           samples_median(&f->new_entries), end);
}

static void run(size_t rounds, bool json)
{
    static struct figures sha1, sha256;
    struct ima_list lists[] = {ima_list_make(RATLS_ALG_SHA1), ima_list_make(RATLS_ALG_SHA256)};

    set_rules();
    measure(&lists[0], rounds, &sha1);
    measure(&lists[1], rounds, &sha256);
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
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    long rounds = ROUNDS_DEFAULT;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'r')
            rounds = strtol(optarg, NULL, 10);
        else if (option == 'j')
            json = true;
        else
            return 2;
    }
    bench_must(rounds >= 1 && rounds <= SAMPLES_MAX, "--rounds takes 1 to 101");
    run((size_t)rounds, json);
    return 0;
}
