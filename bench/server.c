/*
 * What attestation costs a server. R3: the CPU time that it adds to a handshake, all of its threads
 * together, with the real attester and a stand-in for the TPM, whose own time is taken out. R16:
 * what two threads that share an SSL_CTX do in the time of one; there the attester signs by itself,
 * so that nobody waits. Plain and attested ones in turn. Usage: bench_server [--rounds N] [--json]
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <ratls/ratls.h>

#include "command.h"
#include "fake_policy.h"
#include "null_tpm.h"
#include "pki.h"
#include "samples.h"
#include "tls_internal.h"
#include "wave.h"

#define NAME "bank.example"
#define ROUNDS_DEFAULT 15
#define WAVES 3 /* of a round */

struct world {
    struct fake_tpm *tpm;
    struct ratls_attester *attester, *signer;
    SSL_CTX *plain_client, *attested_client;
    SSL_CTX *plain_server, *attested_server;
    SSL_CTX *shared_server; /* attested, by several threads: keylog.c treats that otherwise */
};

struct result {
    struct samples plain, attested, added; /* of the server, us per handshake */
    struct samples plain_scaling, scaling;
    struct samples batch;
};

static SSL_CTX *make_server(EVP_PKEY *key, X509 *leaf, X509 *intermediate)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    bench_must(ctx != NULL && SSL_CTX_use_certificate(ctx, leaf) == 1 &&
                   SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
                   SSL_CTX_add1_chain_cert(ctx, intermediate) == 1,
               "cannot make a server");
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

static SSL_CTX *make_client(X509 *root)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    bench_must(ctx != NULL && X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root) == 1,
               "cannot make a client");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ctx;
}

static void make_contexts(struct world *world)
{
    EVP_PKEY *keys[3] = {pki_key(PKI_P256), pki_key(PKI_P256), pki_key(PKI_P256)};
    X509 *root = pki_ca("root", keys[0], NULL, NULL);
    X509 *intermediate = pki_ca("intermediate", keys[1], root, keys[0]);
    X509 *leaf = pki_server_certificate(keys[2], "DNS:" NAME, intermediate, keys[1]);

    world->plain_server = make_server(keys[2], leaf, intermediate);
    world->attested_server = make_server(keys[2], leaf, intermediate);
    world->plain_client = make_client(root);
    world->attested_client = make_client(root);
    world->shared_server = make_server(keys[2], leaf, intermediate);
    SSL_CTX_set_mode(world->attested_server, SSL_MODE_ASYNC);
    X509_free(root);
    X509_free(intermediate);
    X509_free(leaf);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

static void make_world(struct world *world)
{
    struct ratls_policy *policy;
    struct ratls_error error = {0};
    struct ratls_tls *tls = NULL;

    make_contexts(world);
    world->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    world->attester = null_tpm_attester(world->tpm);
    world->signer = fake_attester_new(world->tpm, NULL, NULL);
    policy = fake_policy_new(world->tpm);
    fake_policy_pin(policy, world->tpm, NAME);
    if (ratls_tls_attest(world->attested_server, world->attester, &error) != RATLS_OK ||
        ratls_tls_attest(world->shared_server, world->signer, &error) != RATLS_OK ||
        ratls_tls_verify(world->attested_client, policy, &error) != RATLS_OK ||
        ratls_tls_hook(world->attested_client, RATLS_TLS_EXTENSION_DEFAULT, &tls, &error) !=
            RATLS_OK)
        bench_must(0, error.text);
    tls->brief = true; /* as a drop-in */
    ratls_policy_free(policy);
}

static void free_world(struct world *world)
{
    SSL_CTX_free(world->plain_client);
    SSL_CTX_free(world->attested_client);
    SSL_CTX_free(world->plain_server);
    SSL_CTX_free(world->attested_server);
    SSL_CTX_free(world->shared_server);
    world->attester->free(world->attester);
    world->signer->free(world->signer);
    fake_tpm_free(world->tpm);
}

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
    wave_run(client, server, NAME, &cost);
    others = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_us() - others;
    return (cost.server_us + others - null_tpm_take_us()) / WAVE;
}

static void add_costs(struct world *world, struct result *result)
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
    struct wave_cost cost = {0};

    for (int i = 0; i < WAVES; i++)
        wave_run(lane->client, lane->server, NAME, &cost);
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

static void add_scaling(struct world *world, struct result *result)
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
    struct world world = {0};

    make_world(&world);
    add_costs(&world, &warm_up);
    for (size_t i = 0; i < command.rounds; i++) {
        add_costs(&world, &result);
        add_scaling(&world, &result);
    }
    print_table(&result);
    if (command.is_json)
        print_json(&result);
    free_world(&world);
    return 0;
}
