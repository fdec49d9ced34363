/*
 * Targets: the extension's callbacks where a server demands evidence of its client. The first byte
 * says where the others go: into a client's Certificate, for a server with a policy, or into a
 * CertificateRequest, for a client with an attester.
 */
#include <openssl/err.h>
#include <string.h>

#include "fuzz.h"
#include "mutual_raw.h"
#include "request.h"

#define TO_CLIENT 0x80
#define IN_SECOND_ENTRY 0x01
#define EVIDENCE_MAX (1 + RATLS_EVIDENCE_MAX)
#define DEMAND_MAX 16000

static struct mutual_world *world;
static struct mutual_raw raw;
static SSL_CTX *raw_client;
static struct tls_raw raw_demand;
static SSL_CTX *raw_server;

/* Keys once: a handshake is slow enough. */
static void set_up(void)
{
    if (world != NULL)
        return;
    world = mutual_world_new();
    raw_client = mutual_raw_client(world, &raw);
    FUZZ_CHECK(SSL_CTX_add1_chain_cert(raw_client, world->base->ca) == 1);
    raw_server = tls_plain_server(world->base);
    SSL_CTX_set_verify(raw_server, SSL_VERIFY_PEER, NULL);
    raw_demand.context = SSL_EXT_TLS1_3_CERTIFICATE_REQUEST;
    tls_raw_add(raw_server, &raw_demand);
}

/* Evidence that knows nothing of the server's nonce is never accepted, and nothing is delivered. */
static void run_server(size_t entry, const uint8_t *data, size_t size)
{
    struct tls_pair *pair;

    raw.chain_index = entry;
    raw.evidence.len = 0;
    tls_bytes_add(&raw.evidence, data, size);
    pair = tls_pair_new(raw_client, world->server, TLS_NAME);
    FUZZ_CHECK(!tls_pair_handshake(pair));
    FUZZ_CHECK(pair->server.done == -1);
    FUZZ_CHECK(!ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
    FUZZ_CHECK(strcmp(pair->server.library, "ratls") == 0);
    tls_pair_write(pair, "secret");
    FUZZ_CHECK(pair->server.received.len == 0);
    tls_pair_free(pair);
}

/* A server that has proved nothing is shown nothing, whatever it asks for. */
static void run_client(const uint8_t *data, size_t size)
{
    struct ratls_request request;
    const bool is_malformed =
        ratls_request_read(ratls_slice(data, size), &request) == RATLS_REQUEST_MALFORMED;
    struct tls_pair *pair;

    raw_demand.p = data;
    raw_demand.len = size;
    world->attested = 0;
    pair = tls_pair_new(world->client, raw_server, TLS_NAME);
    FUZZ_CHECK(!tls_pair_handshake(pair));
    FUZZ_CHECK(pair->client.alert_sent ==
               (is_malformed ? SSL_AD_DECODE_ERROR : SSL_AD_HANDSHAKE_FAILURE));
    FUZZ_CHECK(world->attested == 0);
    tls_pair_free(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned place = size == 0 ? 0 : data[0];

    set_up();
    if (size == 0 || size > (place & TO_CLIENT ? DEMAND_MAX : EVIDENCE_MAX))
        return 0;
    if (place & TO_CLIENT)
        run_client(data + 1, size - 1);
    else
        run_server(place & IN_SECOND_ENTRY ? 1 : 0, data + 1, size - 1);
    ERR_clear_error();
    return 0;
}
