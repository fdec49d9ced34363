/*
 * What it costs to find and to judge the entries of an IMA list, each against 100000 reference
 * values, denied digests and patterns, beside the bare digests of the same work and the replay of
 * the same list alone: in turn, in one run, CPU time. Usage: bench_check_ima [--rounds N] [--json]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise.h"
#include "command.h"
#include "digests.h"
#include "heap.h"
#include "ima_lists.h"
#include "samples.h"

#define NEW_REPEATS 500u
#define ROUNDS_DEFAULT 15
#define LINE_LEN_MAX 140
#define AK_NAME_LEN 34
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

static void set_patterns(struct ratls_patterns *patterns, const char *const *texts, size_t count)
{
    patterns->items = calloc(count, sizeof *patterns->items);
    bench_must(patterns->items != NULL, "no memory");
    patterns->count = count;
    for (size_t i = 0; i < count; i++)
        bench_must(ratls_pattern_init(RATLS_PATTERN_PATH, ratls_slice(texts[i], strlen(texts[i])),
                                      &patterns->items[i]) == NULL,
                   "no pattern");
}

static void set_rules(void)
{
    static const char *const exclude[] = {"/var/log/**", "/usr/lib/*/cache/**", "**.pyc"};
    static const char *const required[] = {"/usr/sbin/**"};

    set_references(&rules.ima.allow, 1, IMA_ENTRIES);
    set_references(&rules.ima.deny, 2 * IMA_ENTRIES, 1000);
    set_patterns(&rules.ima.exclude, exclude, 3);
    set_patterns(&rules.ima.signature_required, required, 1);
    bench_must(ratls_ledger_new(NULL, &rules.ledger, NULL) == RATLS_OK, "no ledger");
}

/* A list beside an authentic quote, and a report in which all checks before are good. */
struct subject {
    struct ratls_submission submission;
    struct ratls_appraisal appraisal;
    uint8_t pcrs[PCRS_LEN];
};

/* known == NULL: the whole list. */
static void prepare(struct subject *subject, const struct ima_list *list,
                    const struct ratls_ledger_row *known)
{
    static const struct ratls_expectation expectation;
    struct ratls_appraisal *a = &subject->appraisal;
    size_t offset = known == NULL ? 0 : (size_t)known->ima.offset;

    memset(subject, 0, sizeof *subject);
    subject->submission.expectation = &expectation;
    subject->submission.known = known;
    memcpy(subject->pcrs + PCRS_LEN - 32, list->end.pcr, 32);
    a->submission = &subject->submission;
    a->rules = &rules;
    a->report = ratls_report_new();
    bench_must(a->report != NULL, "no memory");
    for (int check = 0; check < RATLS_CHECK_IMA_PRESENT; check++)
        ratls_check_holds(a->report, (enum ratls_check)check, true, "", "", "");
    a->report->is_brief = true;
    a->ak_name_len = AK_NAME_LEN;
    a->evidence.pcr_values = ratls_slice(subject->pcrs, sizeof subject->pcrs);
    a->evidence.has_ima = true;
    a->evidence.ima =
        (struct ratls_ima_slice){.list_alg = list->alg,
                                 .offset = offset,
                                 .total = list->len,
                                 .entries = ratls_slice(list->bytes + offset, list->len - offset)};
}

static void check(struct subject *subject)
{
    bench_must(ratls_check_ima(&subject->appraisal) == RATLS_OK, "the checks do not work");
}

static void finish(struct subject *subject)
{
    bench_must(ratls_report_accepted(subject->appraisal.report) &&
                   subject->appraisal.ima.ima.entries == IMA_ENTRIES,
               "the list is refused");
    ratls_report_free(subject->appraisal.report);
}

/* CPU time of all IMA checks on as many subjects. */
static double time_checks(struct subject *subjects, size_t count, const struct ima_list *list,
                          const struct ratls_ledger_row *known)
{
    double begin;

    for (size_t i = 0; i < count; i++)
        prepare(&subjects[i], list, known);
    begin = cpu_us();
    for (size_t i = 0; i < count; i++)
        check(&subjects[i]);
    begin = cpu_us() - begin;
    for (size_t i = 0; i < count; i++)
        finish(&subjects[i]);
    return begin;
}

/* What is acknowledged before the last entries. */
static struct ratls_ledger_row know(const struct ima_list *list)
{
    struct ratls_ledger_row known = {.ak_name_len = AK_NAME_LEN,
                                     .ima = list->before_new,
                                     .boot_aggregate_alg = RATLS_ALG_SHA256};
    uint8_t zeros[RATLS_IMA_PCR * 32] = {0};

    bench_must(ratls_sha256(ratls_slice(zeros, sizeof zeros), known.boot_aggregate, NULL) ==
                   RATLS_OK,
               "no digest");
    return known;
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
    struct samples bare, replay, checks, ratio;
    struct samples new_bare, new_entries;
    struct digests digests;
    size_t heap, len;
};

static void measure_whole(const struct ima_list *list, size_t rounds, struct figures *f)
{
    static struct subject subject;

    prepare(&subject, list, NULL);
    heap_begin();
    check(&subject);
    f->heap = heap_peak();
    finish(&subject);
    digests_begin();
    time_checks(&subject, 1, list, NULL);
    f->digests = digests_end();
    f->len = list->len;
    for (size_t i = 0; i < rounds; i++) {
        double bare = digests_again_us(1) / IMA_ENTRIES;
        double checks = time_checks(&subject, 1, list, NULL) / IMA_ENTRIES;

        samples_add(&f->bare, bare);
        samples_add(&f->replay, time_replay(list) / IMA_ENTRIES);
        samples_add(&f->checks, checks);
        samples_add(&f->ratio, checks / bare);
    }
}

static void measure_new(const struct ima_list *list, size_t rounds, struct figures *f)
{
    static struct subject subjects[NEW_REPEATS];
    struct ratls_ledger_row known = know(list);

    digests_begin();
    time_checks(subjects, 1, list, &known);
    digests_end();
    for (size_t i = 0; i < rounds; i++) {
        samples_add(&f->new_bare, digests_again_us(NEW_REPEATS) / NEW_REPEATS);
        samples_add(&f->new_entries,
                    time_checks(subjects, NEW_REPEATS, list, &known) / NEW_REPEATS);
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
    print_line("replay alone", &f->replay, "us per entry");
    print_line("all checks", &f->checks, "us per entry");
    print_line("all checks to bare digests", &f->ratio, "times");
    print_line("10 new entries, bare digests", &f->new_bare, "us in all");
    print_line("10 new entries, all checks", &f->new_entries, "us in all");
    printf("  the same work: %zu digests of %zu bytes; heap: %zu bytes, %.4f of the list\n",
           f->digests.count, f->digests.bytes, f->heap, (double)f->heap / (double)f->len);
}

static void print_json(const char *name, const struct figures *f, const char *end)
{
    printf("\"%s\": {\"bare-us\": %.4f, \"replay-us\": %.4f, \"checks-us\": %.4f, "
           "\"ratio\": %.4f, \"new-10-bare-us\": %.4f, \"new-10-us\": %.4f, \"heap\": %zu}%s",
           name, samples_median(&f->bare), samples_median(&f->replay), samples_median(&f->checks),
           samples_median(&f->ratio), samples_median(&f->new_bare), samples_median(&f->new_entries),
           f->heap, end);
}

static void run(size_t rounds, bool json)
{
    static struct figures sha1, sha256;
    struct ima_list lists[] = {ima_list_make(RATLS_ALG_SHA1), ima_list_make(RATLS_ALG_SHA256)};

    set_rules();
    measure_whole(&lists[0], rounds, &sha1);
    measure_new(&lists[0], rounds, &sha1);
    measure_whole(&lists[1], rounds, &sha256);
    measure_new(&lists[1], rounds, &sha256);
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
