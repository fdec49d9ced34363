/*
 * What attestation costs a handshake: plain and attested ones in turn, in one process, with the CPU
 * time of each side. The software TPM's signature is taken out of the server's time, for it stands
 * for a chip. Usage: bench_handshake [--rounds N] [--json]
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ratls/ratls.h>

#include "command.h"
#include "fake_tpm.h"
#include "pair.h"
#include "pki.h"
#include "samples.h"
#include "timed.h"
#include "tls_internal.h"

#define NAME "bank.example"
#define PER_ROUND 100
#define ROUNDS_DEFAULT 15
#define PCRS 8

struct side_by_side {
    struct samples plain_client, plain_server, attested_client, attested_server, verify;
    struct samples added_ratio; /* client's added CPU in units of one verification, per round */
    struct samples worded_client, worded_ratio; /* the same with every word of the report */
    struct samples rate_ratio;
    double request_bytes, evidence_bytes;
};

/* A policy that pins the key and has the software TPM's values, loaded as a user's would be. */
static struct ratls_policy *make_policy(struct fake_tpm *tpm)
{
    char path[] = "/tmp/ratls-bench-XXXXXX";
    struct ratls_error error = {0};
    struct ratls_policy *policy = NULL;
    uint8_t name[RATLS_TPM_NAME_MAX];
    char hex[2 * RATLS_TPM_NAME_MAX + 1];
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    bench_must(file != NULL, "cannot write a policy below /tmp");
    ratls_hex(ratls_slice(name, fake_tpm_name(tpm, name)), hex, sizeof hex);
    fprintf(file, "policy: ratls-1\nservers: [%s]\nattestation-keys:\n  - name: %s\npcrs:\n", NAME,
            hex);
    for (unsigned i = 0; i < PCRS; i++) {
        ratls_hex(ratls_slice(fake_tpm_pcr(tpm, RATLS_ALG_SHA256, i), 32), hex, sizeof hex);
        fprintf(file, "  - index: %u\n    sha256: [%s]\n", i, hex);
    }
    fclose(file);
    if (ratls_policy_load(path, &policy, &error) != RATLS_OK)
        bench_must(0, error.text);
    unlink(path);
    return policy;
}

struct world {
    SSL_CTX *plain_client, *attested_client, *worded_client, *plain_server, *attested_server;
    struct timed timed;
    EVP_PKEY *verify_key; /* for the bare verification */
    uint8_t signature[80];
    size_t signature_len;
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
    world->worded_client = make_client(root);
    X509_free(root);
    X509_free(intermediate);
    X509_free(leaf);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

static const uint8_t digest[32] = {1, 2, 3};

static void make_signature(struct world *world)
{
    EVP_PKEY_CTX *ctx;

    world->verify_key = pki_key(PKI_P256);
    world->signature_len = sizeof world->signature;
    ctx = EVP_PKEY_CTX_new(world->verify_key, NULL);
    bench_must(
        EVP_PKEY_sign_init(ctx) == 1 &&
            EVP_PKEY_sign(ctx, world->signature, &world->signature_len, digest, sizeof digest) == 1,
        "cannot sign");
    EVP_PKEY_CTX_free(ctx);
}

/*
 * The bare cost of the cryptography that a client cannot avoid: one verification with a key that is
 * at hand. Like those of a handshake it finds the caches as a handshake leaves them.
 */
static double time_verification(EVP_PKEY_CTX *ctx, const struct world *world)
{
    double begin = cpu_us();
    int valid = EVP_PKEY_verify(ctx, world->signature, world->signature_len, digest, sizeof digest);

    begin = cpu_us() - begin;
    bench_must(valid == 1, "cannot verify");
    return begin;
}

static double take_attester_time(struct world *world)
{
    double us = world->timed.us;

    world->timed.us = 0;
    return us;
}

/* Plain, attested, bare verification, and again, so that all meet the same moods of the machine. */
static void run_round(struct world *world, struct side_by_side *result)
{
    struct pair_cost plain = {0};
    struct pair_cost attested = {0};
    struct pair_cost worded = {0};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(world->verify_key, NULL);
    double verify = 0;
    double attest = 0;
    double attested_sum;

    bench_must(EVP_PKEY_verify_init(ctx) == 1, "cannot verify");
    for (int i = 0; i < PER_ROUND; i++) {
        pair_handshake(world->plain_client, world->plain_server, NAME, &plain);
        pair_handshake(world->attested_client, world->attested_server, NAME, &attested);
        attest += take_attester_time(world);
        pair_handshake(world->worded_client, world->attested_server, NAME, &worded);
        take_attester_time(world);
        verify += time_verification(ctx, world) / PER_ROUND;
    }
    EVP_PKEY_CTX_free(ctx);
    attested.server_us -= attest;
    attested_sum = attested.client_us + attested.server_us;
    samples_add(&result->plain_client, plain.client_us / PER_ROUND);
    samples_add(&result->plain_server, plain.server_us / PER_ROUND);
    samples_add(&result->attested_client, attested.client_us / PER_ROUND);
    samples_add(&result->attested_server, attested.server_us / PER_ROUND);
    samples_add(&result->verify, verify);
    samples_add(&result->added_ratio, (attested.client_us - plain.client_us) / PER_ROUND / verify);
    samples_add(&result->worded_client, worded.client_us / PER_ROUND);
    samples_add(&result->worded_ratio, (worded.client_us - plain.client_us) / PER_ROUND / verify);
    samples_add(&result->rate_ratio, (plain.client_us + plain.server_us) / attested_sum);
    result->request_bytes = ((double)attested.to_server - (double)plain.to_server) / PER_ROUND;
    result->evidence_bytes = ((double)attested.to_client - (double)plain.to_client) / PER_ROUND;
}

static void print_row(const char *what, const struct samples *samples, const char *unit)
{
    printf("%-46s %9.2f  %9.2f  %9.2f  %s\n", what, samples_median(samples), samples_min(samples),
           samples_max(samples), unit);
}

static void print_table(const struct side_by_side *r)
{
    double plain = samples_median(&r->plain_client) + samples_median(&r->plain_server);
    double attested = samples_median(&r->attested_client) + samples_median(&r->attested_server);

    printf("%s; %zu rounds of %d handshakes each way, in turn; TPM latency 0\n",
           OpenSSL_version(OPENSSL_VERSION), r->verify.count, PER_ROUND);
    printf("%-46s %9s  %9s  %9s\n", "", "median", "least", "most");
    print_row("client, plain", &r->plain_client, "us CPU");
    print_row("client, attested, as a drop-in", &r->attested_client, "us CPU");
    print_row("client, attested, with a report to read", &r->worded_client, "us CPU");
    print_row("server, plain", &r->plain_server, "us CPU");
    print_row("server, attested, without the TPM", &r->attested_server, "us CPU");
    print_row("one ECDSA P-256 verification", &r->verify, "us CPU");
    print_row("R1 rate, attested / plain", &r->rate_ratio, "(>= 0.90)");
    print_row("R2 drop-in client adds / one verification", &r->added_ratio, "(<= 1.25)");
    print_row("   with a report to read", &r->worded_ratio, "");
    printf("%-46s %9.0f\n", "handshakes per second and core, plain", 1e6 / plain);
    printf("%-46s %9.0f\n", "handshakes per second and core, attested", 1e6 / attested);
    printf("%-46s %9.0f\n", "server adds", samples_median(&r->attested_server) -
                                                samples_median(&r->plain_server));
    printf("%-46s %9.0f\n", "bytes added to the server", r->request_bytes);
    printf("%-46s %9.0f\n", "bytes added to the client", r->evidence_bytes);
}

static void print_json(const struct side_by_side *r)
{
    printf("{\"R1\":%.3f,\"R2\":%.3f,\"R3\":%.2f,\"R9\":%.0f}\n", samples_median(&r->rate_ratio),
           samples_median(&r->added_ratio),
           samples_median(&r->attested_server) - samples_median(&r->plain_server),
           r->request_bytes + r->evidence_bytes);
}

/* The server attests; one client verifies as the provider does, one keeps a report to read. */
static void make_attested(struct world *world, struct fake_tpm *tpm)
{
    struct ratls_policy *policy = make_policy(tpm);
    struct ratls_error error = {0};
    struct ratls_tls *tls = NULL;

    timed_begin(&world->timed, fake_attester_new(tpm, NULL, NULL));
    if (ratls_tls_attest(world->attested_server, &world->timed.interface, &error) != RATLS_OK ||
        ratls_tls_verify(world->attested_client, policy, &error) != RATLS_OK ||
        ratls_tls_verify(world->worded_client, policy, &error) != RATLS_OK ||
        ratls_tls_hook(world->attested_client, RATLS_TLS_EXTENSION_DEFAULT, &tls, &error) !=
            RATLS_OK)
        bench_must(0, error.text);
    tls->brief = true;
    ratls_policy_free(policy);
}

static void free_world(struct world *world)
{
    SSL_CTX_free(world->plain_client);
    SSL_CTX_free(world->attested_client);
    SSL_CTX_free(world->worded_client);
    SSL_CTX_free(world->plain_server);
    SSL_CTX_free(world->attested_server);
    EVP_PKEY_free(world->verify_key);
    world->timed.inner->free(world->timed.inner);
}

static void run(size_t rounds, bool json)
{
    static struct side_by_side result, warm_up; /* too large for the stack */
    struct fake_tpm *tpm = fake_tpm_new(FAKE_ECDSA_P256);
    struct world world = {0};

    make_contexts(&world);
    make_signature(&world);
    make_attested(&world, tpm);
    run_round(&world, &warm_up);
    for (size_t i = 0; i < rounds; i++)
        run_round(&world, &result);
    print_table(&result);
    if (json)
        print_json(&result);
    free_world(&world);
    fake_tpm_free(tpm);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);

    run(command.rounds, command.is_json);
    return 0;
}
