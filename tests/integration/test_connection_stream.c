/* The stream of a connection, for itself. */
#include "connection_stream.h"
#include "tls_assert.h"

#define WIRE 20000 /* what is on its way at most */
#define PIECE 1000
#define PIECES 2000

/* Reads from the wire a part of what is on it. */
static void drain(BIO *wire)
{
    static char bytes[4 * PIECE];

    (void)!BIO_read(wire, bytes, sizeof bytes);
}

/* Who reads so that the queue is never empty fills nobody's memory. */
Test(connection_stream, reader_that_is_always_late)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct ratls_stream stream = {.ssl = pair->server.ssl, .is_framed = true};
    static const uint8_t piece[PIECE];
    struct ratls_error error = {0};
    BIO *near = NULL, *far = NULL;
    size_t sent = 0;

    cr_assert(tls_pair_handshake(pair));
    cr_assert(BIO_new_bio_pair(&near, WIRE, &far, WIRE));
    SSL_set0_wbio(stream.ssl, near);
    SSL_set_mode(stream.ssl,
                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    while (sent < PIECES) {
        if (stream.frames.len - stream.frames.at < 2 * WIRE) {
            cr_assert_eq(ratls_stream_queue(&stream, RATLS_FRAME_EVIDENCE,
                                            ratls_slice(piece, PIECE), &error),
                         RATLS_OK);
            sent++;
        } else {
            drain(far);
        }
        cr_assert_lt(ratls_stream_flush(&stream, &error), RATLS_CLOSED, "%s", error.text);
    }
    cr_assert_lt(stream.frames.cap, 8 * WIRE, "%zu bytes", stream.frames.cap);
    ratls_stream_free(&stream);
    BIO_free(far);
    tls_pair_free(pair);
    tls_world_free(world);
}
