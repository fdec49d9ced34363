/*
 * R10: what an attested connection holds on the heap once its handshake is over, over a plain one;
 * the side that has more counts. Usage: bench_memory [--rounds N] [--json]
 */
#include <stdio.h>

#include "command.h"
#include "heap.h"
#include "samples.h"
#include "server_world.h"
#include "wave.h"

#define ROUNDS_DEFAULT 5
#define KIB 1024.0

struct result {
    struct samples plain_client, plain_server; /* KiB */
    struct samples client, server, more;       /* over plain */
};

static struct wave_cost measure(SSL_CTX *client, SSL_CTX *server)
{
    struct wave_cost cost = {.heap = heap_used};

    wave_run(client, server, WORLD_NAME, &cost);
    return cost;
}

static double kib_each(ptrdiff_t bytes)
{
    return (double)bytes / WAVE / KIB;
}

static void add_round(const struct server_world *world, struct result *result)
{
    struct wave_cost plain = measure(world->plain_client, world->plain_server);
    struct wave_cost attested = measure(world->attested_client, world->attested_server);
    double client = kib_each(attested.client.heap - plain.client.heap);
    double server = kib_each(attested.server.heap - plain.server.heap);

    samples_add(&result->plain_client, kib_each(plain.client.heap));
    samples_add(&result->plain_server, kib_each(plain.server.heap));
    samples_add(&result->client, client);
    samples_add(&result->server, server);
    samples_add(&result->more, client > server ? client : server);
}

static void print_row(const char *what, const struct samples *samples, const char *unit)
{
    printf("%-46s %9.2f  %9.2f  %9.2f  %s\n", what, samples_median(samples), samples_min(samples),
           samples_max(samples), unit);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    static struct result result, warm_up; /* too large for the stack */
    struct server_world world = {0};

    server_world_make(&world);
    add_round(&world, &warm_up);
    for (size_t i = 0; i < command.rounds; i++)
        add_round(&world, &result);
    printf("%s; %zu rounds of %d connections each way\n", OpenSSL_version(OPENSSL_VERSION),
           command.rounds, WAVE);
    printf("%-46s %9s  %9s  %9s\n", "", "median", "least", "most");
    print_row("client, plain", &result.plain_client, "KiB");
    print_row("server, plain", &result.plain_server, "KiB");
    print_row("client, attested: over plain", &result.client, "KiB (<= 2)");
    print_row("server, attested, paused: over plain", &result.server, "KiB (<= 2)");
    if (command.is_json) {
        printf("{");
        samples_print_json("R10", &result.more);
        printf(",\"R10.plain\":\"%.0f KiB\"}\n",
               samples_median(&result.plain_client) + samples_median(&result.plain_server));
    }
    server_world_free(&world);
    return 0;
}
