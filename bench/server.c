/*
 * What attestation costs a server. R3: the CPU time that it adds to a handshake, all of its threads
 * together, with the real attester and a stand-in for the TPM, whose own time is taken out. R16:
 * what two threads that share an SSL_CTX do in the time of one; there the attester signs by itself,
 * so that nobody waits. Plain and attested ones in turn. Usage: bench_server [--rounds N] [--json]
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "command.h"
#include "null_tpm.h"
#include "pair.h"
#include "samples.h"
#include "server_world.h"
#include "wave.h"

#define ROUNDS_DEFAULT 15
#define WAVES 3  /* of a round */
#define LANE 192 /* handshakes of a thread, one behind the other */

struct result {
    struct samples plain, attested, added; /* of the server, us per handshake */
    struct samples plain_scaling, scaling;
    struct samples batch;
};

static double clock_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* What the other threads did meanwhile is the server's too, but for the TPM's signature. */
static double run_server(SSL_CTX *client, SSL_CTX *server)
{
    double others = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_us();
    struct wave_cost cost = {0};

    null_tpm_take_us();
    wave_run(client, server, WORLD_NAME, &cost);
    others = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_us() - others;
    return (cost.server.us + others - null_tpm_take_us()) / WAVE;
}

static void add_costs(struct server_world *world, struct result *result)
{
    struct ratls_tpm_counts before, after;
    double plain = 0, attested = 0;

    ratls_tpm_attester_counts(world->attester, &before);
    for (int i = 0; i < WAVES; i++) {
        plain += run_server(world->plain_client, world->plain_server) / WAVES;
        attested += run_server(world->attested_client, world->attested_server) / WAVES;
    }
    ratls_tpm_attester_counts(world->attester, &after);
    samples_add(&result->plain, plain);
    samples_add(&result->attested, attested);
    samples_add(&result->added, attested - plain);
    samples_add(&result->batch,
                (double)(after.leaves - before.leaves) / (double)(after.quotes - before.quotes));
}

struct lane {
    SSL_CTX *client, *server;
};

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    struct pair_cost cost = {0};

    for (int i = 0; i < LANE; i++)
        pair_handshake(lane->client, lane->server, WORLD_NAME, &cost);
    return NULL;
}

/* Wall-clock time of one thread, or of two at the same time, with as much work each. */
static double time_lanes(SSL_CTX *client, SSL_CTX *server, int count)
{
    struct lane lane = {client, server};
    pthread_t threads[2];
    double begin = clock_us(CLOCK_MONOTONIC);

    for (int i = 0; i < count; i++)
        bench_must(pthread_create(&threads[i], NULL, run_lane, &lane) == 0, "no thread");
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return clock_us(CLOCK_MONOTONIC) - begin;
}

static void add_scaling(struct server_world *world, struct result *result)
{
    double plain_one = time_lanes(world->plain_client, world->plain_server, 1);
    double one = time_lanes(world->attested_client, world->shared_server, 1);
    double plain_two = time_lanes(world->plain_client, world->plain_server, 2);
    double two = time_lanes(world->attested_client, world->shared_server, 2);

    samples_add(&result->plain_scaling, 2 * plain_one / plain_two);
    samples_add(&result->scaling, 2 * one / two);
}

static void print_row(const char *what, const struct samples *samples, const char *unit)
{
    printf("%-46s %9.2f  %9.2f  %9.2f  %s\n", what, samples_median(samples), samples_min(samples),
           samples_max(samples), unit);
}

static void print_table(const struct result *r)
{
    printf("%s; %zu rounds of %d waves of %d handshakes each way, in turn; TPM latency %d ms\n",
           OpenSSL_version(OPENSSL_VERSION), r->plain.count, WAVES, WAVE, NULL_TPM_MS);
    printf("%-46s %9s  %9s  %9s\n", "", "median", "least", "most");
    print_row("server, plain", &r->plain, "us CPU");
    print_row("server, attested, with SSL_MODE_ASYNC", &r->attested, "us CPU");
    print_row("handshakes per quote", &r->batch, "");
    print_row("R3 server adds", &r->added, "us CPU (<= 5)");
    print_row("R16 two threads / one, attested", &r->scaling, "(>= 1.85)");
    print_row("   plain", &r->plain_scaling, "");
}

static void print_json(const struct result *r)
{
    printf("{");
    samples_print_json("R3", &r->added);
    printf(",\"R3.plain\":\"%.0f us\",", samples_median(&r->plain));
    samples_print_json("R16", &r->scaling);
    printf(",\"R16.plain\":\"%.2f\"}\n", samples_median(&r->plain_scaling));
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    static struct result result, warm_up; /* too large for the stack */
    struct server_world world = {0};

    server_world_make(&world);
    add_costs(&world, &warm_up);
    for (size_t i = 0; i < command.rounds; i++) {
        add_costs(&world, &result);
        add_scaling(&world, &result);
    }
    print_table(&result);
    if (command.is_json)
        print_json(&result);
    server_world_free(&world);
    return 0;
}
