/* What the benchmarks of a server have in common: contexts of both sides, with and without. */
#ifndef RATLS_BENCH_SERVER_WORLD_H
#define RATLS_BENCH_SERVER_WORLD_H

#include <openssl/ssl.h>

#include <ratls/attester_tpm.h>

#include "fake_tpm.h"

#define WORLD_NAME "bank.example"

struct server_world {
    struct fake_tpm *tpm;
    struct ratls_attester *attester, *signer;
    SSL_CTX *plain_client, *attested_client;
    SSL_CTX *plain_server, *attested_server;
    SSL_CTX *shared_server; /* attested, by several threads: keylog.c treats that otherwise */
};

void server_world_make(struct server_world *world);
void server_world_free(struct server_world *world);

#endif
