/*
 * What attestation adds to the bytes of a handshake (R9), and what that is made of: a batch of 64,
 * eight PCR values of SHA-256, no logs, an attestation key that the client knows. Bytes do not
 * vary: one handshake is enough. Usage: bench_wire [--json]
 */
#include <stdio.h>

#include "command.h"
#include "evidence.h"
#include "tls_pair.h"

#define EXTENSION_HEAD 4  /* RFC 8446, 4.2: type and length */
#define SIGNATURES_VARY 8 /* an ECDSA-Sig-Value of P-256 has 70 to 72 bytes, seldom less */

/* The bytes of one handshake; there are no tickets behind it. The caller frees the pair. */
static size_t count_bytes(SSL_CTX *client, SSL_CTX *server, struct tls_pair **ret_pair)
{
    struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);

    bench_must(tls_pair_handshake(pair), "a handshake failed");
    *ret_pair = pair;
    return pair->client.sent.len + pair->server.sent.len;
}

static void print_part(const char *name, size_t len)
{
    printf("  %-46s %5zu\n", name, len);
}

/* Returns what request and evidence have in all, with the heads of their extensions. */
static size_t print_parts(const struct tls_pair *pair)
{
    struct ratls_slice request =
        tls_hello_extension(ratls_slice(pair->client.sent.p + SSL3_RT_HEADER_LENGTH,
                                        pair->client.sent.len - SSL3_RT_HEADER_LENGTH),
                            TLS_EXTENSION);
    struct ratls_slice bytes = {0};
    struct ratls_evidence e;
    size_t hashes;

    bytes.p = ratls_tls_evidence(pair->client.ssl, &bytes.len);
    bench_must(bytes.p != NULL && ratls_evidence_read(bytes, &e), "no evidence");
    hashes = e.path.count * sizeof e.path.hashes[0];
    print_part("request", request.len);
    print_part("evidence", bytes.len);
    print_part("  statement", e.statement.len);
    print_part("  hashes of the path", hashes);
    print_part("  TPMS_ATTEST", e.attest.len);
    print_part("  TPMT_SIGNATURE", e.signature.len);
    print_part("  TPMT_PUBLIC of the attestation key", e.ak_public.len);
    print_part("  PCR values", e.pcr_values.len);
    print_part("  type, numbers and heads of all that", bytes.len - e.statement.len - hashes -
                                                            e.attest.len - e.signature.len -
                                                            e.ak_public.len - e.pcr_values.len);
    print_part("heads of both extensions", 2 * EXTENSION_HEAD);
    return request.len + bytes.len + 2 * EXTENSION_HEAD;
}

/*
 * What a handshake has more than a plain one whose client has the same oldest version of TLS. A
 * client that verifies offers no older one than 1.3, and so its hello is some bytes shorter than
 * that of a plain one that would. *ret_parts: what request and evidence are of that.
 */
static size_t measure(int version, size_t *ret_parts)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *client = tls_plain_client(world);
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair;
    size_t plain, first, known;

    world->tamper = fake_batch;
    SSL_CTX_set_num_tickets(server, 0);
    SSL_CTX_set_num_tickets(world->server, 0);
    bench_must(SSL_CTX_set_min_proto_version(client, version) == 1 &&
                   SSL_CTX_set_min_proto_version(world->client, version) == 1,
               "no such version");
    plain = count_bytes(client, server, &pair);
    tls_pair_free(pair);
    first = count_bytes(world->client, world->server, &pair);
    tls_pair_free(pair);
    known = count_bytes(world->client, world->server, &pair);
    if (version != 0)
        printf("bytes of a handshake: plain %zu, attested %zu; first contact %zu\n", plain, known,
               first);
    if (ret_parts != NULL)
        *ret_parts = print_parts(pair);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    tls_world_free(world);
    return known - plain;
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, 1);
    size_t parts;
    size_t added = measure(TLS1_3_VERSION, &parts);

    bench_must(added <= parts + SIGNATURES_VARY && parts <= added + SIGNATURES_VARY,
               "a handshake grows by more than request and evidence");
    print_part("R9 all of that (<= 900)", parts);
    print_part("   whole handshakes", added);
    print_part("   the same, of clients that speak TLS 1.2, too", measure(0, NULL));
    if (command.is_json)
        printf("{\"R9\":%zu}\n", parts);
    return 0;
}
