/*
 * What an agent costs over a TPM of one's own: the same software TPM, asked in turn by an attester
 * of this process and through ratlsd. Alone, one after the other; and many at once, which share
 * quotes. Usage: bench_agent [--rounds N] [--json]
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ratls/attester_agent.h>
#include <ratls/attester_tpm.h>

#include "command.h"
#include "samples.h"
#include "swtpm.h"

#define ROUNDS_DEFAULT 9
#define LONE 60     /* pieces of evidence of a round, one after the other */
#define TOGETHER 64 /* at once */
#define BATCHES 8   /* of these in a round */
#define START_MS 10000
#define AGENT_USER "daemon" /* if root runs this: ratlsd is nobody else's then */

struct machine {
    struct swtpm tpm;
    struct tpm_mux mux;
    pid_t agent;
    clockid_t agent_clock;
    char state[128], socket[128], config[128];
    struct ratls_attester *local, *through;
};

/* One side of the comparison, in microseconds for a piece of evidence. */
struct side {
    struct samples lone_wall, lone_cpu, many_wall, many_cpu;
    struct samples lone_agent, many_agent; /* CPU of ratlsd */
};

struct result {
    struct side local, through;
    struct samples lone_ratio, many_ratio; /* latency and time, through the agent / of one's own */
};

static double clock_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- the machine ---- */

static void write_config(const struct machine *m)
{
    FILE *out = fopen(m->config, "w");

    bench_must(out != NULL, "cannot write below /tmp");
    fprintf(out,
            "state: %s\ntcti: %s\nsocket: %s\nboot-log: none\nima-list: none\n%s"
            "clients:\n  - user: %u\n    services: [default]\n",
            m->state, m->mux.tcti, m->socket, geteuid() == 0 ? "user: " AGENT_USER "\n" : "",
            (unsigned)getuid());
    bench_must(fclose(out) == 0 && chmod(m->config, 0644) == 0, "cannot write below /tmp");
}

/* What another user must reach. */
static void open_folder(const struct machine *m)
{
    static const char *const names[] = {"tpm", "tpm.ctrl", "mux", "mux.ctrl"};
    char path[160];

    bench_must(chmod(m->tpm.folder, 0711) == 0, "cannot open the folder of the TPM");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", m->tpm.folder, names[i]);
        (void)!chmod(path, 0666);
    }
}

static void start_agent(struct machine *m)
{
    const pid_t parent = getpid();
    struct stat st;

    write_config(m);
    open_folder(m);
    m->agent = fork();
    if (m->agent == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
            execl(RATLS_AGENT_PROGRAM, "ratlsd", "--config", m->config, (char *)NULL);
        _exit(127);
    }
    for (unsigned ms = 0; ms < START_MS && stat(m->socket, &st) != 0; ms++)
        usleep(1000);
    bench_must(stat(m->socket, &st) == 0 && clock_getcpuclockid(m->agent, &m->agent_clock) == 0,
               "ratlsd does not begin");
}

static void start_machine(struct machine *m)
{
    static const char *const no_options[] = {NULL};
    struct ratls_tpm_init_options init = {.state_dir = m->state};
    struct ratls_tpm_options local = {.state_dir = m->state, .boot_log = "", .ima_list = ""};
    struct ratls_agent_options agent = {.socket = m->socket};
    struct ratls_error error = {0};

    bench_must(swtpm_start(&m->tpm) && tpm_mux_start(&m->mux, &m->tpm, no_options),
               "no software TPM");
    snprintf(m->state, sizeof m->state, "%s/state", m->tpm.folder);
    snprintf(m->socket, sizeof m->socket, "%s/agent/sock", m->tpm.folder);
    snprintf(m->config, sizeof m->config, "%s/ratlsd.yaml", m->tpm.folder);
    init.tcti = local.tcti = m->mux.tcti;
    if (ratls_tpm_init(&init, &error) != RATLS_OK ||
        ratls_tpm_attester_new(&local, &m->local, &error) != RATLS_OK ||
        ratls_agent_attester_new(&agent, &m->through, &error) != RATLS_OK)
        bench_must(false, error.text);
    start_agent(m);
}

static void stop_machine(struct machine *m)
{
    m->through->free(m->through);
    m->local->free(m->local);
    kill(m->agent, SIGTERM);
    waitpid(m->agent, NULL, 0);
    tpm_mux_stop(&m->mux);
    swtpm_stop(&m->tpm);
}

/* ---- one piece of evidence, and many ---- */

static struct ratls_attest_request new_request(void)
{
    static unsigned char seed;
    struct ratls_attest_request request = {.mode = RATLS_MODE_HANDSHAKE,
                                           .role = RATLS_ROLE_SERVER,
                                           .tls_version = 0x0304,
                                           .cipher_suite = 0x1301,
                                           .selection = {1, {{0x000b, 0xff}}}};

    memset(request.nonce, ++seed, sizeof request.nonce);
    return request;
}

static void attest(struct ratls_attester *attester)
{
    const struct ratls_attest_request request = new_request();
    struct ratls_error error = {0};
    uint8_t *evidence = NULL;
    size_t len = 0;

    if (attester->attest(attester, &request, &evidence, &len, &error) != RATLS_OK)
        bench_must(false, error.text);
    free(evidence);
}

static void count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void attest_many(struct ratls_attester *attester)
{
    struct ratls_attest_job *jobs[TOGETHER];
    struct ratls_error error = {0};
    atomic_uint done = 0;
    uint8_t *evidence = NULL;
    size_t len = 0;

    for (unsigned i = 0; i < TOGETHER; i++) {
        const struct ratls_attest_request request = new_request();

        if (attester->begin(attester, &request, count, &done, &jobs[i], &error) != RATLS_OK)
            bench_must(false, error.text);
    }
    while (atomic_load(&done) < TOGETHER)
        usleep(100);
    for (unsigned i = 0; i < TOGETHER; i++) {
        if (attester->take(attester, jobs[i], &evidence, &len, &error) != RATLS_OK)
            bench_must(false, error.text);
        free(evidence);
    }
}

/* ---- rounds ---- */

struct meter {
    double wall, cpu, agent;
};

static void add_cost(const struct machine *m, struct ratls_attester *attester,
                     void (*work)(struct ratls_attester *attester), struct meter *meter)
{
    const double wall = clock_us(CLOCK_MONOTONIC);
    const double cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    const double agent = clock_us(m->agent_clock);

    work(attester);
    meter->wall += clock_us(CLOCK_MONOTONIC) - wall;
    meter->cpu += clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    meter->agent += clock_us(m->agent_clock) - agent;
}

/* In turn: A, B, A, B. */
static void compare(const struct machine *m, void (*work)(struct ratls_attester *attester),
                    unsigned times, struct meter *local, struct meter *through)
{
    for (unsigned i = 0; i < times; i++) {
        add_cost(m, m->local, work, local);
        add_cost(m, m->through, work, through);
    }
}

static void run_round(const struct machine *m, struct result *result)
{
    struct meter local = {0}, through = {0};

    compare(m, attest, LONE, &local, &through);
    samples_add(&result->local.lone_wall, local.wall / LONE);
    samples_add(&result->local.lone_cpu, local.cpu / LONE);
    samples_add(&result->through.lone_wall, through.wall / LONE);
    samples_add(&result->through.lone_cpu, through.cpu / LONE);
    samples_add(&result->through.lone_agent, through.agent / LONE);
    samples_add(&result->lone_ratio, through.wall / local.wall);
    local = through = (struct meter){0};
    compare(m, attest_many, BATCHES, &local, &through);
    samples_add(&result->local.many_wall, local.wall / BATCHES);
    samples_add(&result->local.many_cpu, local.cpu / (BATCHES * TOGETHER));
    samples_add(&result->through.many_wall, through.wall / BATCHES);
    samples_add(&result->through.many_cpu, through.cpu / (BATCHES * TOGETHER));
    samples_add(&result->through.many_agent, through.agent / (BATCHES * TOGETHER));
    samples_add(&result->many_ratio, through.wall / local.wall);
}

static void print_row(const char *what, const struct samples *local, const struct samples *through)
{
    printf("%-46s %8.1f %8.1f   %.1f to %.1f\n", what, local == NULL ? 0 : samples_median(local),
           samples_median(through), samples_min(through), samples_max(through));
}

static void print_table(const struct result *r)
{
    printf("%-46s %8s %8s   %s\n", "microseconds", "own TPM", "agent", "spread");
    print_row("evidence, alone", &r->local.lone_wall, &r->through.lone_wall);
    print_row("  CPU of the process that asks", &r->local.lone_cpu, &r->through.lone_cpu);
    print_row("  CPU of ratlsd", NULL, &r->through.lone_agent);
    print_row("64 at once, all of them", &r->local.many_wall, &r->through.many_wall);
    print_row("  CPU of the process that asks, for each", &r->local.many_cpu, &r->through.many_cpu);
    print_row("  CPU of ratlsd, for each", NULL, &r->through.many_agent);
    printf("latency through the agent / of an own TPM: alone %.2f, 64 at once %.2f\n",
           samples_median(&r->lone_ratio), samples_median(&r->many_ratio));
}

static void print_json(const struct result *r)
{
    const struct {
        const char *name;
        const struct samples *samples;
    } rows[] = {
        {"agent.lone_ratio", &r->lone_ratio},
        {"agent.many_ratio", &r->many_ratio},
        {"agent.lone_cpu_us", &r->through.lone_cpu},
        {"agent.lone_ratlsd_us", &r->through.lone_agent},
        {"agent.many_cpu_us", &r->through.many_cpu},
        {"agent.many_ratlsd_us", &r->through.many_agent},
        {"agent.own_many_cpu_us", &r->local.many_cpu},
    };

    putchar('{');
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (i > 0)
            putchar(',');
        samples_print_json(rows[i].name, rows[i].samples);
    }
    puts("}");
}

int main(int argc, char **argv)
{
    static struct result result, warm_up; /* too large for the stack */
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    struct machine machine = {0};

    start_machine(&machine);
    run_round(&machine, &warm_up);
    for (size_t i = 0; i < command.rounds; i++)
        run_round(&machine, &result);
    print_table(&result);
    if (command.is_json)
        print_json(&result);
    stop_machine(&machine);
    return 0;
}
