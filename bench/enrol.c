/*
 * What an enrolment costs a CA: from the request that came to the challenge, and from the answer to
 * the certificate, with a store in SQLite and, if RATLS_TEST_POSTGRESQL names a server, in
 * PostgreSQL; by the clock, for a store waits for its disk. Beside it the cryptography that none
 * can do without, in the same rounds: the maker's two signatures and that of the quote are
 * verified, a credential is made, and the certificate is signed. Each machine is a new one, with a
 * token; what it does itself is not counted. Usage: bench_enrol [--rounds N] [--json]
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_world.h"
#include "command.h"
#include "samples.h"

#define ROUNDS_DEFAULT 21
#define PER_ROUND 20
#define TOKEN_USES 10000
#define SERVER_VARIABLE "RATLS_TEST_POSTGRESQL" /* with_postgresql.sh; store_place.h reads it */

struct way {
    const char *name, *figure;
    struct ca_world world;
    char token[CA_TOKEN_SIZE];
    unsigned enrolled;
    struct samples us, ratio;
};

static void begin(struct way *way)
{
    char any[] = "";
    struct ratls_store_token terms = {.names = any, .note = any, .uses_left = TOKEN_USES};

    ca_world_make(&way->world, "");
    terms.expires = way->world.now + 86400;
    ca_world_token(&way->world, &terms, way->token);
}

/* A machine, and what is said: too much for a frame of the stack. */
struct visit {
    struct ca_machine machine;
    struct ca_wish wish;
    struct ca_reply reply;
    uint8_t answer[RATLS_ENROLL_ANSWER_MAX];
    struct ratls_ca_answer challenged, done;
};

/* Returns how long the CA took. */
static double enrol(struct way *way)
{
    static struct visit v;
    uint8_t *request;
    double us, begun;
    char name[64];
    size_t len, answer_len;

    snprintf(name, sizeof name, "m%u.bank.example", way->enrolled++);
    ca_machine_make(&v.machine, &way->world.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_machine_wish(&v.machine, name, &v.wish);
    request = ca_wish_write(&v.wish, way->token, &len);
    begun = bench_now_us();
    v.challenged = ca_world_ask(&way->world, ratls_slice(request, len));
    us = bench_now_us() - begun;
    bench_must(v.challenged.http_status == 201, "a machine got no challenge");
    ca_machine_reply(&v.machine, ratls_slice(request, len),
                     ratls_slice(v.challenged.body, v.challenged.len), NULL, &v.reply);
    answer_len = ca_reply_write(&v.reply, v.answer);
    begun = bench_now_us();
    v.done = ca_world_answer(&way->world, ratls_slice(v.answer, answer_len));
    us += bench_now_us() - begun;
    bench_must(v.done.http_status == 200, "a machine got no certificate");
    ca_reply_done(&v.reply);
    ratls_ca_answer_done(&v.challenged);
    ratls_ca_answer_done(&v.done);
    ca_machine_done(&v.machine);
    free(request);
    return us;
}

/* ---- the cryptography alone ---- */

struct signer {
    EVP_PKEY *key;
    const EVP_MD *md;
    uint8_t signature[160];
    size_t len;
};

static const uint8_t signed_bytes[800] = {0x30}; /* as long as such a certificate */

static void sign(struct signer *signer)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    signer->len = sizeof signer->signature;
    bench_must(EVP_DigestSignInit(ctx, NULL, signer->md, NULL, signer->key) == 1 &&
                   EVP_DigestSign(ctx, signer->signature, &signer->len, signed_bytes,
                                  sizeof signed_bytes) == 1,
               "signing");
    EVP_MD_CTX_free(ctx);
}

static void verify(const struct signer *signer)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    bench_must(EVP_DigestVerifyInit(ctx, NULL, signer->md, NULL, signer->key) == 1 &&
                   EVP_DigestVerify(ctx, signer->signature, signer->len, signed_bytes,
                                    sizeof signed_bytes) == 1,
               "verifying");
    EVP_MD_CTX_free(ctx);
}

/* As TPM2_MakeCredential does it for an endorsement key on P-256 (TPM 2.0 Part 1, C.6.1). */
static void agree(EVP_PKEY *ek)
{
    EVP_PKEY *ephemeral = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ephemeral, NULL);
    uint8_t z[32];
    size_t len = sizeof z;

    bench_must(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                   EVP_PKEY_derive_set_peer(ctx, ek) == 1 && EVP_PKEY_derive(ctx, z, &len) == 1,
               "agreeing on a secret");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(ephemeral);
}

/* The maker's root has P-384, all others P-256. */
static double crypto_us(struct signer *p256, const struct signer *p384)
{
    const double begun = bench_now_us();

    for (int i = 0; i < PER_ROUND; i++) {
        verify(p384);
        verify(p256);
        verify(p256);
        agree(p256->key);
        sign(p256);
    }
    return (bench_now_us() - begun) / PER_ROUND;
}

static void print(const struct way *ways, size_t count, const struct samples *crypto, bool is_json)
{
    printf("cryptography of an enrolment: %.0f us\n", samples_median(crypto));
    for (size_t i = 0; i < count; i++)
        printf("%-11s %6.0f enrolments/s, %5.0f us each: %.2f times the cryptography (%.2f to "
               "%.2f)\n",
               ways[i].name, 1e6 / samples_median(&ways[i].us), samples_median(&ways[i].us),
               samples_median(&ways[i].ratio), samples_min(&ways[i].ratio),
               samples_max(&ways[i].ratio));
    if (count == 1)
        printf("PostgreSQL  skipped: " SERVER_VARIABLE " names no server\n");
    if (!is_json)
        return;
    printf("{");
    for (size_t i = 0; i < count; i++) {
        samples_print_json(ways[i].figure, &ways[i].ratio);
        printf("%s", i + 1 < count ? "," : "}\n");
    }
}

int main(int argc, char **argv)
{
    static struct way ways[] = {{.name = "SQLite", .figure = "enrol_sqlite"},
                                {.name = "PostgreSQL", .figure = "enrol_postgresql"}};
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    struct signer p256 = {.key = EVP_EC_gen("P-256"), .md = EVP_sha256()};
    struct signer p384 = {.key = EVP_EC_gen("P-384"), .md = EVP_sha384()};
    char *server = getenv(SERVER_VARIABLE) == NULL ? NULL : strdup(getenv(SERVER_VARIABLE));
    const size_t count = server == NULL ? 1 : 2;
    static struct samples crypto;

    sign(&p256);
    sign(&p384);
    unsetenv(SERVER_VARIABLE);
    begin(&ways[0]);
    if (server != NULL) {
        setenv(SERVER_VARIABLE, server, 1);
        begin(&ways[1]);
    }
    for (size_t round = 0; round < command.rounds; round++) {
        const double plain_us = crypto_us(&p256, &p384);

        samples_add(&crypto, plain_us);
        for (size_t i = 0; i < count; i++) {
            double us = 0;

            for (int n = 0; n < PER_ROUND; n++)
                us += enrol(&ways[i]);
            samples_add(&ways[i].us, us / PER_ROUND);
            samples_add(&ways[i].ratio, us / PER_ROUND / plain_us);
        }
    }
    print(ways, count, &crypto, command.is_json);
    for (size_t i = 0; i < count; i++)
        ca_world_done(&ways[i].world);
    EVP_PKEY_free(p256.key);
    EVP_PKEY_free(p384.key);
    free(server);
    return 0;
}
