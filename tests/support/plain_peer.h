/*
 * In a pair of connections (connection_pair.h) one side that is none: an SSL of a program that
 * knows nothing of frames, or that sends what a test wants.
 */
#ifndef RATLS_TEST_PLAIN_PEER_H
#define RATLS_TEST_PLAIN_PEER_H

#include <criterion/criterion.h>
#include <openssl/err.h>

#include "channel.h"
#include "connection_pair.h"
#include "frame.h"

/* speaks: what it agrees on all the same (enum ratls_offer); 0: nothing. */
static inline struct connection_pair *pair_with_plain(SSL_CTX *client, SSL_CTX *server,
                                                      bool is_plain_server, unsigned speaks)
{
    struct connection_pair *pair =
        pair_new_half(client, server, PAIR_MEMORY, is_plain_server ? PAIR_CLIENT : PAIR_SERVER);
    SSL *ssl = is_plain_server ? pair->server.ssl : pair->client.ssl;

    if (speaks != 0)
        ratls_channel_make(ssl)->speaks = speaks;
    return pair;
}

static inline void move_plain(struct pair_side *plain)
{
    char bytes[2048];
    int len;

    ERR_clear_error();
    if (SSL_do_handshake(plain->ssl) != 1)
        return;
    while ((len = SSL_read(plain->ssl, bytes, sizeof bytes)) > 0)
        tls_bytes_add(&plain->received, bytes, (size_t)len);
    ERR_clear_error();
}

static inline void settle_with_plain(struct connection_pair *pair)
{
    struct pair_side *plain = pair->client.connection == NULL ? &pair->client : &pair->server;
    struct pair_side *side = plain == &pair->client ? &pair->server : &pair->client;

    do {
        if (side->last < RATLS_CLOSED)
            side->last = side->last == RATLS_DONE ? ratls_connection_tick(side->connection)
                                                  : ratls_connection_handshake(side->connection);
        move_plain(plain);
    } while (pair_carry(pair) ||
             (side->last < RATLS_CLOSED && ratls_connection_attester_fd(side->connection) >= 0));
}

static inline void free_with_plain(struct connection_pair *pair)
{
    SSL_free(pair->client.connection == NULL ? pair->client.ssl : pair->server.ssl);
    pair_free(pair);
}

#endif
