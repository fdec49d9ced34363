/*
 * What attestation costs a handshake: plain and attested ones in turn, in one process, with the CPU
 * time of each side. The software TPM's signature is taken out of the server's time, for it stands
 * for a chip. A figure of a round is the lower quartile of its handshakes: who else is busy on the
 * machine only ever adds. Usage: bench_handshake [--rounds N] [--json]
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "handshake_ways.h"
#include "pki.h"
#include "refusals.h"

#define ROUNDS_DEFAULT 15

struct figures {
    struct samples client[WAYS], server[WAYS], added[WAYS], refused[REFUSALS];
    struct samples verify, refused_client;
    struct samples r1, r1s, r2, r2_worded, r2c;
    double request_bytes, evidence_bytes, kept_bytes;
};

/* The cryptography that a client cannot avoid: one verification with a key that is at hand. */
struct bare {
    EVP_PKEY *key;
    EVP_PKEY_CTX *ctx;
    uint8_t signature[80];
    size_t len;
};

static const uint8_t digest[32] = {1, 2, 3};

static void make_bare(struct bare *bare)
{
    EVP_PKEY_CTX *signer;

    bare->key = pki_key(PKI_P256);
    bare->len = sizeof bare->signature;
    signer = EVP_PKEY_CTX_new(bare->key, NULL);
    bare->ctx = EVP_PKEY_CTX_new(bare->key, NULL);
    bench_must(EVP_PKEY_sign_init(signer) == 1 &&
                   EVP_PKEY_sign(signer, bare->signature, &bare->len, digest, sizeof digest) == 1 &&
                   EVP_PKEY_verify_init(bare->ctx) == 1,
               "cannot sign");
    EVP_PKEY_CTX_free(signer);
}

/* Between handshakes: it finds the caches as a handshake leaves them, as theirs does. */
static double time_verification(const struct bare *bare)
{
    double begin = cpu_us();
    int valid = EVP_PKEY_verify(bare->ctx, bare->signature, bare->len, digest, sizeof digest);

    begin = cpu_us() - begin;
    bench_must(valid == 1, "cannot verify");
    return begin;
}

/* What the figures are made of, of one round. */
struct round {
    struct way_round ways[WAYS];
    struct samples verify, refused_client;
};

static double client_us(const struct round *round, enum way way)
{
    return samples_quartile(&round->ways[way].client_us);
}

static double added_us(const struct round *round, enum way way)
{
    return client_us(round, way) - client_us(round, WAY_PLAIN);
}

static double both_us(const struct round *round, enum way way)
{
    struct samples both = {0};

    for (size_t i = 0; i < PER_ROUND; i++)
        samples_add(&both,
                    round->ways[way].client_us.values[i] + round->ways[way].server_us.values[i]);
    return samples_quartile(&both);
}

static double rate_of(const struct round *round, enum way way)
{
    return both_us(round, WAY_PLAIN) / both_us(round, way);
}

static void add_round(const struct round *round, struct figures *f)
{
    const double verify = samples_quartile(&round->verify);
    const struct way_round *plain = &round->ways[WAY_PLAIN];
    const struct way_round *attested = &round->ways[WAY_ATTESTED];

    for (enum way way = 0; way < WAYS; way++) {
        samples_add(&f->client[way], client_us(round, way));
        samples_add(&f->server[way], samples_quartile(&round->ways[way].server_us));
        samples_add(&f->added[way], added_us(round, way));
    }
    samples_add(&f->verify, verify);
    samples_add(&f->refused_client, samples_quartile(&round->refused_client));
    samples_add(&f->r1, rate_of(round, WAY_ATTESTED));
    samples_add(&f->r1s, rate_of(round, WAY_ALONE));
    samples_add(&f->r2, added_us(round, WAY_ATTESTED) / verify);
    samples_add(&f->r2_worded, added_us(round, WAY_WORDED) / verify);
    samples_add(&f->r2c, added_us(round, WAY_FIRST) / (2 * verify));
    f->request_bytes = (double)attested->to_server - (double)plain->to_server;
    f->evidence_bytes = (double)attested->to_client - (double)plain->to_client;
}

/*
 * All ways, a bare verification, and again, forth and back: none always comes behind one that
 * leaves the caches in a certain way.
 */
static void run_round(struct ways *ways, const struct bare *bare, struct figures *f)
{
    static struct round round; /* too large for the stack */

    memset(&round, 0, sizeof round);
    ways_renew_keys(ways);
    for (size_t i = 0; i < PER_ROUND; i++) {
        for (size_t k = 0; k < WAYS; k++) {
            const enum way way = (enum way)(i % 2 == 0 ? k : WAYS - 1 - k);

            ways_run(ways, way, i, &round.ways[way]);
        }
        samples_add(&round.verify, time_verification(bare));
        samples_add(&round.refused_client, ways_refused_us(ways));
    }
    add_round(&round, f);
    for (enum refusal refusal = 0; refusal < REFUSALS; refusal++)
        samples_add(&f->refused[refusal], refusal_us(ways, refusal));
}

static void print_row(const char *what, const char *of, const struct samples *samples,
                      const char *unit)
{
    char label[80];

    snprintf(label, sizeof label, "%s%s", what, of);
    printf("%-54s %9.2f  %9.2f  %9.2f  %s\n", label, samples_median(samples), samples_min(samples),
           samples_max(samples), unit);
}

static void print_table(const struct figures *f)
{
    printf("%s; %zu rounds of %d handshakes each way, in turn; TPM latency 0\n",
           OpenSSL_version(OPENSSL_VERSION), f->verify.count, PER_ROUND);
    printf("%-54s %9s  %9s  %9s\n", "", "median", "least", "most");
    for (enum way way = 0; way < WAYS; way++)
        print_row("client, ", way_names[way], &f->client[way], "us CPU");
    print_row("client, ", "attested, refused: unknown key", &f->refused_client, "us CPU");
    for (enum way way = WAY_ATTESTED; way < WAYS; way++)
        print_row("client adds, ", way_names[way], &f->added[way], "us CPU");
    for (enum way way = 0; way < WAYS; way++)
        print_row("server, ", way_names[way], &f->server[way], "us CPU");
    print_row("one ECDSA P-256 verification", "", &f->verify, "us CPU");
    print_row("R1 rate, attested / plain", "", &f->r1, "(>= 0.90)");
    print_row("R1s rate, attested and self-signed / plain", "", &f->r1s, "(>= 1.25)");
    print_row("R2 drop-in client adds / one verification", "", &f->r2, "(<= 1.25)");
    print_row("   with a report to read", "", &f->r2_worded, "");
    print_row("R2c first contact adds / two verifications", "", &f->r2c, "(<= 1.3)");
    print_row("R15 appraisal refuses ", refusal_names[REFUSAL_CUT], &f->refused[REFUSAL_CUT],
              "us CPU (<= 5)");
    print_row("R15 appraisal refuses ", refusal_names[REFUSAL_CHANGED],
              &f->refused[REFUSAL_CHANGED], "us CPU (<= 5)");
    print_row("R15 appraisal refuses ", refusal_names[REFUSAL_STRANGER],
              &f->refused[REFUSAL_STRANGER], "us CPU (<= 10)");
    printf("%-54s %9.0f  (<= 2048)\n", "R10 heap of a client's connection, drop-in over plain",
           f->kept_bytes);
    printf("%-54s %9.0f\n", "bytes added to the server", f->request_bytes);
    printf("%-54s %9.0f\n", "bytes added to the client", f->evidence_bytes);
}

/* The worse one of the two malformed. */
static const struct samples *malformed_us(const struct figures *f)
{
    const struct samples *cut = &f->refused[REFUSAL_CUT];
    const struct samples *changed = &f->refused[REFUSAL_CHANGED];

    return samples_median(cut) > samples_median(changed) ? cut : changed;
}

static void print_json(const struct figures *f)
{
    const struct {
        const char *name;
        const struct samples *samples;
    } rows[] = {{"R1", &f->r1},           {"R1s", &f->r1s},
                {"R2", &f->r2},           {"R2c", &f->r2c},
                {"R15", malformed_us(f)}, {"R15ak", &f->refused[REFUSAL_STRANGER]}};
    const double client = samples_median(&f->client[WAY_PLAIN]);
    const double both = client + samples_median(&f->server[WAY_PLAIN]);

    printf("{");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        samples_print_json(rows[i].name, rows[i].samples);
        printf(",");
    }
    printf("\"R1.plain\":\"%.0f /s\",\"R1s.plain\":\"%.0f /s\",\"R2.plain\":\"%.1f us\"}\n",
           1e6 / both, 1e6 / both, client);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    static struct figures figures, warm_up; /* too large for the stack */
    struct ways *ways = ways_new();
    struct bare bare = {0};

    make_bare(&bare);
    run_round(ways, &bare, &warm_up);
    for (size_t i = 0; i < command.rounds; i++)
        run_round(ways, &bare, &figures);
    figures.kept_bytes = ways_kept_bytes(ways, WAY_ATTESTED) - ways_kept_bytes(ways, WAY_PLAIN);
    print_table(&figures);
    if (command.is_json)
        print_json(&figures);
    EVP_PKEY_CTX_free(bare.ctx);
    EVP_PKEY_free(bare.key);
    ways_free(ways);
    return 0;
}
