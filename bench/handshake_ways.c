#include "handshake_ways.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "pair.h"
#include "pki.h"
#include "tls_internal.h"

#define PCRS 8
#define KEPT 32 /* connections that are open at the same time */
#define AK_NAMES "DNS:" WAY_NAME
#define PATH_PATTERN "/tmp/ratls-bench-XXXXXX"

const char *const way_names[WAYS] = {
    [WAY_PLAIN] = "plain",
    [WAY_ATTESTED] = "attested, as a drop-in",
    [WAY_WORDED] = "attested, with a report to read",
    [WAY_ALONE] = "attested, self-signed leaf",
    [WAY_FIRST] = "attested, certificate, first contact",
};

struct ways {
    SSL_CTX *clients[WAYS], *servers[WAYS];
    struct fake_tpm *tpm, *newcomer, *stranger;
    struct timed timed, newcomer_timed, stranger_timed;
    struct ratls_policy *policy, *issuer_policy;
    SSL_CTX *stranger_server;
    EVP_PKEY *ca_key;
    X509 *ca;
    EVP_PKEY *keys[PER_ROUND];
    X509 *certificates[PER_ROUND];
};

static FILE *open_file(char *path)
{
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

    bench_must(file != NULL, "cannot write below /tmp");
    return file;
}

/* A policy for the software TPM's values, loaded as a user's would be. */
static struct ratls_policy *load_policy(struct fake_tpm *tpm, const char *key)
{
    char path[] = PATH_PATTERN;
    FILE *file = open_file(path);
    struct ratls_error error = {0};
    struct ratls_policy *policy = NULL;
    char hex[2 * RATLS_DIGEST_MAX + 1];

    fprintf(file, "policy: ratls-1\nservers: [%s]\nattestation-keys:\n  - %s\npcrs:\n", WAY_NAME,
            key);
    for (unsigned i = 0; i < PCRS; i++) {
        ratls_hex(ratls_slice(fake_tpm_pcr(tpm, RATLS_ALG_SHA256, i), 32), hex, sizeof hex);
        fprintf(file, "  - index: %u\n    sha256: [%s]\n", i, hex);
    }
    fclose(file);
    if (ratls_policy_load(path, &policy, &error) != RATLS_OK)
        bench_must(false, error.text);
    unlink(path);
    return policy;
}

static struct ratls_policy *load_pinning(struct fake_tpm *tpm)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    char hex[2 * RATLS_TPM_NAME_MAX + 1], key[sizeof hex + 8];

    ratls_hex(ratls_slice(name, fake_tpm_name(tpm, name)), hex, sizeof hex);
    snprintf(key, sizeof key, "name: %s", hex);
    return load_policy(tpm, key);
}

static struct ratls_policy *load_issuing(struct fake_tpm *tpm, const X509 *ca)
{
    char path[] = PATH_PATTERN, key[64];
    struct ratls_policy *policy;

    fclose(open_file(path));
    pki_write_certificate(path, ca);
    snprintf(key, sizeof key, "issuer: %s", path);
    policy = load_policy(tpm, key);
    unlink(path);
    return policy;
}

static SSL_CTX *make_server(EVP_PKEY *key, X509 *leaf, X509 *intermediate)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    bench_must(ctx != NULL && SSL_CTX_use_certificate(ctx, leaf) == 1 &&
                   SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
                   (intermediate == NULL || SSL_CTX_add1_chain_cert(ctx, intermediate) == 1),
               "cannot make a server");
    SSL_CTX_set_num_tickets(ctx, 0);
    return ctx;
}

/* Without a root: one that relies on attestation alone. */
static SSL_CTX *make_client(X509 *root)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    bench_must(ctx != NULL &&
                   (root == NULL || X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root) == 1),
               "cannot make a client");
    SSL_CTX_set_verify(ctx, root == NULL ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    return ctx;
}

static void make_contexts(struct ways *ways)
{
    EVP_PKEY *keys[3] = {pki_key(PKI_P256), pki_key(PKI_P256), pki_key(PKI_P256)};
    X509 *root = pki_ca("root", keys[0], NULL, NULL);
    X509 *intermediate = pki_ca("intermediate", keys[1], root, keys[0]);
    X509 *leaf = pki_server_certificate(keys[2], AK_NAMES, intermediate, keys[1]);
    X509 *alone = pki_server_certificate(keys[2], AK_NAMES, NULL, NULL);

    for (enum way way = 0; way < WAYS; way++) {
        const bool is_alone = way == WAY_ALONE;

        ways->clients[way] = make_client(is_alone ? NULL : root);
        ways->servers[way] =
            make_server(keys[2], is_alone ? alone : leaf, is_alone ? NULL : intermediate);
    }
    ways->stranger_server = make_server(keys[2], leaf, intermediate);
    X509_free(alone);
    X509_free(root);
    X509_free(intermediate);
    X509_free(leaf);
    for (int i = 0; i < 3; i++)
        EVP_PKEY_free(keys[i]);
}

static void attest(SSL_CTX *server, struct fake_tpm *tpm, struct timed *timed)
{
    struct ratls_error error = {0};

    if (timed->inner == NULL)
        timed_begin(timed, fake_attester_new(tpm, NULL, NULL));
    if (ratls_tls_attest(server, &timed->interface, &error) != RATLS_OK)
        bench_must(false, error.text);
}

static void verify(SSL_CTX *client, struct ratls_policy *policy, bool is_brief)
{
    struct ratls_error error = {0};
    struct ratls_tls *tls = NULL;

    if (ratls_tls_verify(client, policy, &error) != RATLS_OK ||
        ratls_tls_hook(client, RATLS_TLS_EXTENSION_DEFAULT, &tls, &error) != RATLS_OK)
        bench_must(false, error.text);
    tls->brief = is_brief;
}

struct ways *ways_new(void)
{
    struct ways *ways = calloc(1, sizeof *ways);

    bench_must(ways != NULL, "no memory");
    make_contexts(ways);
    ways->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    ways->newcomer = fake_tpm_new(FAKE_ECDSA_P256);
    ways->stranger = fake_tpm_new(FAKE_ECDSA_P256);
    ways->ca_key = pki_key(PKI_P256);
    ways->ca = pki_ca("attestation CA", ways->ca_key, NULL, NULL);
    ways->policy = load_pinning(ways->tpm);
    ways->issuer_policy = load_issuing(ways->newcomer, ways->ca);
    attest(ways->stranger_server, ways->stranger, &ways->stranger_timed);
    for (enum way way = WAY_ATTESTED; way < WAYS; way++) {
        const bool is_first = way == WAY_FIRST;

        attest(ways->servers[way], is_first ? ways->newcomer : ways->tpm,
               is_first ? &ways->newcomer_timed : &ways->timed);
        verify(ways->clients[way], is_first ? ways->issuer_policy : ways->policy,
               way != WAY_WORDED);
    }
    return ways;
}

static void forget_keys(struct ways *ways)
{
    for (size_t i = 0; i < PER_ROUND; i++) {
        EVP_PKEY_free(ways->keys[i]);
        X509_free(ways->certificates[i]);
    }
}

void ways_renew_keys(struct ways *ways)
{
    forget_keys(ways);
    for (size_t i = 0; i < PER_ROUND; i++) {
        ways->keys[i] = pki_key(PKI_P256);
        ways->certificates[i] = pki_ak_certificate(ways->keys[i], AK_NAMES, ways->ca, ways->ca_key);
    }
}

/* A TPM keeps its clock when it gets another key. */
static void take_key(struct ways *ways, size_t i)
{
    struct fake_tpm *tpm = ways->newcomer;

    bench_must(EVP_PKEY_up_ref(ways->keys[i]) == 1, "no key");
    EVP_PKEY_free(tpm->key);
    tpm->key = ways->keys[i];
    OPENSSL_free(tpm->chain[0]);
    tpm->chain[0] = NULL;
    tpm->chain_count = 0;
    fake_tpm_add_certificate(tpm, ways->certificates[i]);
}

static double take_attester_time(struct ways *ways)
{
    double us = ways->timed.us + ways->newcomer_timed.us;

    ways->timed.us = ways->newcomer_timed.us = 0;
    return us;
}

void ways_run(struct ways *ways, enum way way, size_t i, struct way_round *round)
{
    struct pair_cost cost = {0};

    if (way == WAY_FIRST)
        take_key(ways, i);
    pair_handshake(ways->clients[way], ways->servers[way], WAY_NAME, &cost);
    samples_add(&round->client_us, cost.client_us);
    samples_add(&round->server_us, cost.server_us - take_attester_time(ways));
    round->to_client = cost.to_client;
    round->to_server = cost.to_server;
}

double ways_refused_us(struct ways *ways)
{
    struct pair_cost cost = {0};

    pair_refusal(ways->clients[WAY_ATTESTED], ways->stranger_server, WAY_NAME, &cost);
    return cost.client_us;
}

double ways_kept_bytes(struct ways *ways, enum way way)
{
    SSL *clients[KEPT], *servers[KEPT];
    size_t before;

    for (size_t i = 0; i < KEPT; i++)
        clients[i] = pair_keep(ways->clients[way], ways->servers[way], WAY_NAME, &servers[i]);
    take_attester_time(ways);
    before = mallinfo2().uordblks;
    for (size_t i = 0; i < KEPT; i++)
        SSL_free(clients[i]);
    before -= mallinfo2().uordblks;
    for (size_t i = 0; i < KEPT; i++)
        SSL_free(servers[i]);
    return (double)before / KEPT;
}

struct ratls_policy *ways_policy(const struct ways *ways)
{
    return ways->policy;
}

struct fake_tpm *ways_tpm(const struct ways *ways)
{
    return ways->tpm;
}

struct fake_tpm *ways_stranger(const struct ways *ways)
{
    return ways->stranger;
}

void ways_free(struct ways *ways)
{
    forget_keys(ways);
    for (enum way way = 0; way < WAYS; way++) {
        SSL_CTX_free(ways->clients[way]);
        SSL_CTX_free(ways->servers[way]);
    }
    SSL_CTX_free(ways->stranger_server);
    ratls_policy_free(ways->policy);
    ratls_policy_free(ways->issuer_policy);
    ways->timed.inner->free(ways->timed.inner);
    ways->newcomer_timed.inner->free(ways->newcomer_timed.inner);
    ways->stranger_timed.inner->free(ways->stranger_timed.inner);
    fake_tpm_free(ways->tpm);
    fake_tpm_free(ways->newcomer);
    fake_tpm_free(ways->stranger);
    X509_free(ways->ca);
    EVP_PKEY_free(ways->ca_key);
    free(ways);
}
