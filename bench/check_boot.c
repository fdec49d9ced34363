/*
 * What it costs to judge a firmware's log by a policy that allows its events and nothing else: all
 * checks of boot.*, on the whole log and on its compact form, beside the bare digests of the same
 * work and the bare extends alone: in turn, in one run, CPU time.
 * Usage: bench_check_boot [--rounds N] [--json] [LOG ...]
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "digests.h"
#include "fake_boot.h"
#include "findings.h"
#include "heap.h"
#include "ima_lists.h"
#include "log_machine.h"
#include "samples.h"

#define ROUNDS_DEFAULT 31
#define EVENTS_PER_ROUND 20000
#define GRUB_COMMANDS 48 /* with these the log is as long as real ones */
#define GRUB_FILES 16

/* One form of a log, and what it costs per event. */
struct form {
    const char *name;
    struct ratls_slice log;
    size_t events, extends;
    struct digests digests;
    size_t heap;
    struct samples extend_ns, bare_ns, replay_ns, checks_ns, ratio;
};

static bool is_accepted(const struct ratls_report *report)
{
    for (int i = RATLS_CHECK_BOOT_PRESENT; i <= RATLS_CHECK_BOOT_OWNER_KEYS; i++)
        if (report->slots[i].verdict != RATLS_PASS && report->slots[i].verdict != RATLS_NOT_ASKED)
            return false;
    return true;
}

static void check(struct machine *machine, const struct form *form, struct ratls_slice quoted)
{
    struct ratls_report *report = machine_appraise(&machine->rules, form->log, quoted, true);

    bench_must(is_accepted(report), "the log is refused");
    ratls_report_free(report);
}

static void replay(const struct form *form)
{
    struct ratls_eventlog log;
    struct ratls_replay replay;

    ratls_eventlog_open(form->log, RATLS_EVENTLOG_STRICT, &log);
    bench_must(ratls_replay_log(&log, MACHINE_BANK, &replay, NULL) == RATLS_OK &&
                   replay.why[0] == '\0',
               "the log cannot be replayed");
}

/* What there is to do, and how much heap it takes; also fetches the algorithms. */
static void count_work(struct machine *machine, struct form *form, struct ratls_slice quoted)
{
    struct ratls_eventlog log;
    struct ratls_event event;

    machine_walk(form->log, &log);
    while (ratls_eventlog_next(&log, &event))
        form->extends += event.type != RATLS_EV_NO_ACTION;
    form->events = log.events;
    check(machine, form, quoted);
    heap_begin();
    check(machine, form, quoted);
    form->heap = heap_peak();
    digests_begin();
    check(machine, form, quoted);
    form->digests = digests_end();
}

static void measure_round(struct machine *machine, struct form *form, struct ratls_slice quoted)
{
    size_t times = EVENTS_PER_ROUND / form->events + 1;
    double us[4] = {0};
    double begin;

    us[0] = digests_extends_us(times * form->extends);
    us[1] = digests_again_us(times);
    begin = cpu_us();
    for (size_t i = 0; i < times; i++)
        replay(form);
    us[2] = cpu_us() - begin;
    begin = cpu_us();
    for (size_t i = 0; i < times; i++)
        check(machine, form, quoted);
    us[3] = cpu_us() - begin;
    for (size_t i = 0; i < 4; i++)
        us[i] *= 1e3 / (double)(times * form->events);
    samples_add(&form->extend_ns, us[0]);
    samples_add(&form->bare_ns, us[1]);
    samples_add(&form->replay_ns, us[2]);
    samples_add(&form->checks_ns, us[3]);
    samples_add(&form->ratio, us[3] / us[1]);
}

static void print_line(const char *what, const struct samples *samples, const char *unit)
{
    printf("  %-44s %8.2f %s (%.2f to %.2f)\n", what, samples_median(samples), unit,
           samples_min(samples), samples_max(samples));
}

static void print_text(const char *title, const struct form *form)
{
    printf("%s, %s: %zu bytes, %zu events, SHA-256\n", title, form->name, form->log.len,
           form->events);
    print_line("bare extends", &form->extend_ns, "ns per event");
    print_line("bare digests of the same work", &form->bare_ns, "ns per event");
    print_line("replay alone", &form->replay_ns, "ns per event");
    print_line("all checks", &form->checks_ns, "ns per event");
    print_line("all checks to bare digests", &form->ratio, "times");
    printf("  the same work: %zu digests of %zu bytes; heap: %zu bytes, %.2f of the log\n",
           form->digests.count, form->digests.bytes, form->heap,
           (double)form->heap / (double)form->log.len);
}

static void print_json(const char *title, const struct form *form)
{
    printf("{\"log\": \"%s\", \"form\": \"%s\", \"events\": %zu, \"extends-ns\": %.2f, "
           "\"bare-ns\": %.2f, \"replay-ns\": %.2f, \"checks-ns\": %.2f, \"ratio\": %.3f, "
           "\"heap\": %zu}\n",
           title, form->name, form->events, samples_median(&form->extend_ns),
           samples_median(&form->bare_ns), samples_median(&form->replay_ns),
           samples_median(&form->checks_ns), samples_median(&form->ratio), form->heap);
}

static void measure_log(const char *title, struct ratls_slice log, size_t rounds, bool is_json)
{
    static struct machine machine;
    struct form *forms = calloc(2, sizeof *forms);
    static uint8_t values[MACHINE_QUOTED_MAX];
    struct ratls_slice quoted;

    bench_must(forms != NULL && machine_open(log, &machine), "no log with digests of SHA-256");
    quoted = machine_quote(&machine, log, values);
    forms[0].name = "whole";
    forms[0].log = log;
    forms[1].name = "compact form";
    forms[1].log = ratls_slice(machine.compact, machine.compact_len);
    for (size_t form = 0; form < 2; form++) {
        count_work(&machine, &forms[form], quoted);
        for (size_t i = 0; i < rounds; i++)
            measure_round(&machine, &forms[form], quoted);
        (is_json ? print_json : print_text)(title, &forms[form]);
    }
    free(forms);
    machine_close(&machine);
}

static void measure_file(const char *path, size_t rounds, bool is_json)
{
    const char *name = strrchr(path, '/');
    uint8_t *bytes = malloc(RATLS_EVENTLOG_LEN_MAX);
    FILE *stream = fopen(path, "rb");

    bench_must(bytes != NULL && stream != NULL, "cannot read the log");
    measure_log(name == NULL ? path : name + 1,
                ratls_slice(bytes, fread(bytes, 1, RATLS_EVENTLOG_LEN_MAX, stream)), rounds,
                is_json);
    fclose(stream);
    free(bytes);
}

static void add_event(struct fake_boot *boot, int number)
{
    static const char command[] = "grub_cmd: ";
    bool is_file = number >= GRUB_COMMANDS;
    char name[16], text[64];
    size_t label = is_file ? 0 : strlen(command);
    int len;
    struct fake_event *event;

    snprintf(name, sizeof name, "more-%d", number);
    len = snprintf(text, sizeof text, "%s%s_%d", is_file ? "" : command,
                   is_file ? "/boot/grub/file" : "set root='hd0,gpt2' variable", number);
    event = fake_boot_insert(boot, "kernel-file", name, is_file ? 9 : 8, RATLS_EV_IPL,
                             ratls_slice(text, (size_t)len + 1));
    fake_event_measured(event, text + label, (size_t)len - label);
}

/* Shim, GRUB and a kernel, with as many commands and files as GRUB measures. */
static void measure_grub(size_t rounds, bool is_json)
{
    struct fake_boot *boot = fake_boot_new();

    for (int i = 0; i < GRUB_COMMANDS + GRUB_FILES; i++)
        add_event(boot, i);
    boot->phases = 0;
    measure_log("Shim and GRUB", fake_boot_log(boot), rounds, is_json);
    fake_boot_free(boot);
}

int main(int argc, char *argv[])
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);

    if (optind == argc)
        measure_grub(command.rounds, command.is_json);
    for (int i = optind; i < argc; i++)
        measure_file(argv[i], command.rounds, command.is_json);
    return 0;
}
