/*
 * Targets: ratls_frame_read, ratls_stream_receive and what a connection makes of each frame. The
 * first byte says who gets the others as the stream of its peer: a client that waits for evidence,
 * one that has accepted its server in the handshake, or a server.
 */
#include <openssl/err.h>
#include <string.h>

#include "channel.h"
#include "connection_pair.h"
#include "fuzz.h"

#define PLACES 3
#define ACCEPTED 1
#define SERVER 2
#define TURNS_MAX 64
#define STREAM_MAX 70000 /* one frame of the longest, and others */

static struct tls_world *world;
static SSL_CTX *with_certificate; /* a client to which evidence comes in the handshake */

/* Keys once: a handshake is slow enough. */
static void set_up(void)
{
    if (world != NULL)
        return;
    world = tls_world_new();
    with_certificate = tls_client(world);
    FUZZ_CHECK(SSL_CTX_use_certificate(with_certificate, world->certificate) == 1);
    FUZZ_CHECK(SSL_CTX_use_PrivateKey(with_certificate, world->key) == 1);
}

static void handshake(struct connection_pair *pair, struct pair_side *side, SSL *plain)
{
    bool moves = true;

    for (unsigned turn = 0; moves && turn < TURNS_MAX; turn++) {
        side->last = ratls_connection_handshake(side->connection);
        ERR_clear_error();
        (void)SSL_do_handshake(plain);
        moves = pair_carry(pair);
    }
    FUZZ_CHECK(SSL_is_init_finished(plain));
}

/* All of it, as the plain side's application data. */
static void send_stream(struct connection_pair *pair, SSL *plain, const uint8_t *data, size_t size)
{
    size_t written = 0;

    while (size != 0 && SSL_write_ex(plain, data, size, &written)) {
        data += written;
        size -= written;
    }
    while (pair_carry(pair))
        continue;
}

/* Nothing is delivered to who has not accepted; what ended has ended for good. */
static void judge(struct pair_side *side, unsigned place)
{
    uint8_t bytes[2048];
    enum ratls_outcome outcome;
    size_t len = 0;

    do {
        outcome = ratls_connection_read(side->connection, bytes, sizeof bytes, &len);
        FUZZ_CHECK(outcome != RATLS_DONE || (place != 0 && len != 0));
    } while (outcome == RATLS_DONE);
    FUZZ_CHECK(side->accepted == (place == ACCEPTED) && side->renewed == 0);
    if (outcome < RATLS_REFUSED)
        return;
    FUZZ_CHECK(side->ended == 1);
    FUZZ_CHECK(ratls_connection_tick(side->connection) == outcome);
    FUZZ_CHECK(ratls_connection_write(side->connection, "x", 1, &len) == outcome);
    FUZZ_CHECK(ratls_connection_lease_ms(side->connection) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned place = size == 0 ? 0 : data[0] % PLACES;
    struct connection_pair *pair;
    struct pair_side *side;
    SSL *plain;

    set_up();
    if (size == 0 || size > STREAM_MAX)
        return 0;
    pair = pair_new_half(place == 0 ? world->client : with_certificate, world->server, PAIR_MEMORY,
                         place == SERVER ? PAIR_SERVER : PAIR_CLIENT);
    side = place == SERVER ? &pair->server : &pair->client;
    plain = place == SERVER ? pair->client.ssl : pair->server.ssl;
    SSL_set_mode(plain, SSL_MODE_ENABLE_PARTIAL_WRITE);
    ratls_channel_make(plain)->speaks =
        place == 0 ? RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER : RATLS_OFFER_FRAMES;
    handshake(pair, side, plain);
    send_stream(pair, plain, data + 1, size - 1);
    judge(side, place);
    SSL_free(plain);
    pair_free(pair);
    ERR_clear_error();
    return 0;
}
