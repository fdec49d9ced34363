/*
 * What it costs to judge the log of a boot, all checks, beside its replay and beside the bare
 * SHA-256 of its extends: in turn, in one run, CPU time. The log has certificates of signers, as
 * those of machines with Secure Boot, which are hashed too.
 * Usage: bench_check_boot [--rounds N] [--json]
 */
#include <getopt.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appraise.h"
#include "fake_boot.h"
#include "fake_policy.h"
#include "must.h"
#include "replay.h"
#include "samples.h"

#define BANK RATLS_ALG_SHA256
#define DIGEST_LEN 32
#define COMMANDS 20 /* of GRUB, beside those of the good boot: as many as a usual grub.cfg has */
#define REPEATS 2000
#define ROUNDS_DEFAULT 15

struct machine {
    struct fake_tpm *tpm;
    struct ratls_policy *policy;
    struct ratls_slice log;
    size_t events;
    uint8_t values[RATLS_PCR_COUNT * DIGEST_LEN];
    size_t values_len;
};

static void make_machine(struct machine *machine)
{
    struct fake_boot *boot = fake_boot_new(); /* lives as long as its log */

    for (int i = 0; i < COMMANDS; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "set root=%d", i);

        fake_event_measured(fake_boot_insert(boot, "command-line", "more", 8, RATLS_EV_IPL,
                                             ratls_slice(text, (size_t)len + 1)),
                            text, (size_t)len);
    }
    machine->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    machine->policy = fake_policy_new(machine->tpm);
    fake_boot_extend(boot, machine->tpm);
    fake_boot_allow(boot, machine->policy);
    machine->log = fake_boot_log(boot);
    machine->events = boot->count;
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        if ((FAKE_BOOT_PCRS >> pcr & 1) == 0)
            continue;
        memcpy(machine->values + machine->values_len, fake_tpm_pcr(machine->tpm, BANK, pcr),
               DIGEST_LEN);
        machine->values_len += DIGEST_LEN;
    }
}

static void judge(const struct machine *machine, struct ratls_report *report)
{
    struct ratls_appraisal a = {
        .rules = fake_policy_rules(machine->policy),
        .report = report,
        .evidence = {.boot_log = machine->log,
                     .pcr_values = ratls_slice(machine->values, machine->values_len)}};

    must(ratls_check_boot(&a) == RATLS_OK);
}

/* Nanoseconds per event. */
static double time_checks(const struct machine *machine)
{
    struct ratls_report *report = ratls_report_new();
    double begin;

    must(report != NULL);
    report->is_brief = true; /* as for a program: words are made of what fails only */
    for (int check = 0; check < RATLS_CHECK_BOOT_PRESENT; check++)
        ratls_check_holds(report, (enum ratls_check)check, true, "", "", "");
    begin = cpu_us();
    for (int i = 0; i < REPEATS; i++)
        judge(machine, report);
    begin = cpu_us() - begin;
    for (int check = RATLS_CHECK_BOOT_PRESENT; check <= RATLS_CHECK_BOOT_OWNER_KEYS; check++)
        must(ratls_check_passed(report, (enum ratls_check)check));
    ratls_report_free(report);
    return 1000 * begin / REPEATS / (double)machine->events;
}

static double time_replay(const struct machine *machine)
{
    static struct ratls_replay replay;
    double begin = cpu_us();

    for (int i = 0; i < REPEATS; i++) {
        struct ratls_eventlog log;

        must(ratls_eventlog_open(machine->log, RATLS_EVENTLOG_STRICT, &log));
        must(ratls_replay_log(&log, BANK, &replay, NULL) == RATLS_OK && replay.why[0] == '\0');
    }
    return 1000 * (cpu_us() - begin) / REPEATS / (double)machine->events;
}

/* As many extends, and nothing else. */
static double time_bare(const struct machine *machine)
{
    uint8_t block[2 * DIGEST_LEN] = {0};
    struct ratls_slice in = ratls_slice(block, sizeof block);
    struct ratls_hasher hasher;
    double begin;

    must(ratls_hasher_begin(BANK, &hasher, NULL) == RATLS_OK);
    begin = cpu_us();
    for (size_t i = 0; i < REPEATS * machine->events; i++)
        must(ratls_hasher_digest(&hasher, &in, 1, block, NULL) == RATLS_OK);
    begin = cpu_us() - begin;
    ratls_hasher_end(&hasher);
    return 1000 * begin / REPEATS / (double)machine->events;
}

static void print_line(const char *what, const struct samples *samples)
{
    printf("  %-36s %7.0f ns per event (%.0f to %.0f)\n", what, samples_median(samples),
           samples_min(samples), samples_max(samples));
}

static void run(size_t rounds, bool json)
{
    static struct samples bare, replay, checks;
    static struct machine machine;

    make_machine(&machine);
    for (size_t i = 0; i < rounds; i++) {
        samples_add(&bare, time_bare(&machine));
        samples_add(&replay, time_replay(&machine));
        samples_add(&checks, time_checks(&machine));
    }
    if (json) {
        printf("{\"events\": %zu, \"bare-ns\": %.1f, \"replay-ns\": %.1f, \"checks-ns\": %.1f}\n",
               machine.events, samples_median(&bare), samples_median(&replay),
               samples_median(&checks));
        return;
    }
    printf("Boot log of %zu events, SHA-256:\n", machine.events);
    print_line("bare SHA-256 of the extends", &bare);
    print_line("replay alone", &replay);
    print_line("all checks, with the replay", &checks);
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
    if (rounds < 1 || rounds > SAMPLES_MAX)
        return 2;
    run((size_t)rounds, json);
    return 0;
}
