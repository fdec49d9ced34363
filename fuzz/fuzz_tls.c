/*
 * Targets: the extension's callbacks, in handshakes over memory. The first byte says where the
 * others go: into a server's Certificate, ServerHello or EncryptedExtensions, for a client with a
 * policy, or into a ClientHello, for a server with an attester.
 */
#include <openssl/err.h>
#include <string.h>

#include "channel.h"
#include "fuzz.h"
#include "request.h"
#include "tls_pair.h"

#define TO_SERVER 0x80
#define IN_SERVER_HELLO 0x01
#define IN_SECOND_ENTRY 0x02
#define IN_ENCRYPTED_EXTENSIONS 0x04
#define PLACES 8
#define EVIDENCE_MAX (1 + RATLS_EVIDENCE_MAX)
#define HELLO_MAX 16000 /* else it is OpenSSL that refuses the hello */

static struct tls_world *world;
static SSL_CTX *raw_servers[PLACES];
static struct tls_raw raws[PLACES];
static SSL_CTX *raw_client;
static struct tls_raw raw_request;

/* Keys once: a handshake is slow enough. */
static void set_up(void)
{
    if (world != NULL)
        return;
    world = tls_world_new();
    for (unsigned i = 0; i < PLACES; i++) {
        raws[i].context =
            i & IN_SERVER_HELLO ? SSL_EXT_TLS1_3_SERVER_HELLO : SSL_EXT_TLS1_3_CERTIFICATE;
        if (i & IN_ENCRYPTED_EXTENSIONS)
            raws[i].context = SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS;
        raws[i].chain_index = i & IN_SECOND_ENTRY ? 1 : 0;
        raw_servers[i] = tls_plain_server(world);
        FUZZ_CHECK(SSL_CTX_add1_chain_cert(raw_servers[i], world->ca) == 1);
        tls_raw_add(raw_servers[i], &raws[i]);
    }
    raw_client = tls_plain_client(world);
    tls_raw_ask(raw_client, &raw_request);
}

/* Evidence that knows nothing of the client's nonce is never accepted. */
static void run_client(unsigned place, const uint8_t *data, size_t size)
{
    struct tls_pair *pair;

    raws[place].p = data;
    raws[place].len = size;
    pair = tls_pair_new(world->client, raw_servers[place], TLS_NAME);
    if (place & IN_ENCRYPTED_EXTENSIONS) /* an acknowledgement of what was offered is not enough */
        ratls_channel_make(pair->client.ssl)->speaks = RATLS_OFFER_FRAMES;
    FUZZ_CHECK(!tls_pair_handshake(pair));
    FUZZ_CHECK(pair->client.done == -1);
    FUZZ_CHECK(!ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    FUZZ_CHECK(strcmp(pair->client.library, "ratls") == 0);
    FUZZ_CHECK(tls_pair_write(pair, "secret") <= 0);
    FUZZ_CHECK(pair->server.received.len == 0);
    tls_pair_free(pair);
}

/* The server attests if, and only if, the request is well formed. */
static void run_server(const uint8_t *data, size_t size)
{
    struct ratls_request request;
    enum ratls_request_result result = ratls_request_read(ratls_slice(data, size), &request);
    struct tls_pair *pair;
    bool done;

    raw_request.p = data;
    raw_request.len = size;
    raw_request.request_len = 0;
    world->attested = 0;
    pair = tls_pair_new(raw_client, world->server, TLS_NAME);
    done = tls_pair_handshake(pair);
    FUZZ_CHECK(done == (result != RATLS_REQUEST_MALFORMED));
    FUZZ_CHECK(world->attested == (result == RATLS_REQUEST_OK));
    FUZZ_CHECK((raw_request.request_len != 0) == (result == RATLS_REQUEST_OK));
    if (!done)
        FUZZ_CHECK(pair->server.alert_sent == SSL_AD_DECODE_ERROR);
    tls_pair_free(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned place = size == 0 ? 0 : data[0];

    set_up();
    if (size == 0 ||
        size > (place & (TO_SERVER | IN_SERVER_HELLO | IN_ENCRYPTED_EXTENSIONS) ? HELLO_MAX
                                                                                : EVIDENCE_MAX))
        return 0;
    if (place & TO_SERVER)
        run_server(data + 1, size - 1);
    else
        run_client(place & (PLACES - 1), data + 1, size - 1);
    ERR_clear_error();
    return 0;
}
