#include "connection_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "must.h"

#define CHUNK 2048
#define PATIENCE_MS 10000 /* with a machine that has other things to do */
#define TURNS_MAX 100000  /* more, and something goes round in circles */

static void see_event(void *arg, struct ratls_connection *connection,
                      enum ratls_connection_event event)
{
    struct pair_side *side = arg;

    (void)connection;
    side->accepted += event == RATLS_EVENT_ACCEPTED;
    side->renewed += event == RATLS_EVENT_RENEWED;
    side->ended += event == RATLS_EVENT_ENDED;
}

static void set_blocking(int fd, bool blocks)
{
    int flags = fcntl(fd, F_GETFL);

    must(fcntl(fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0);
}

static void give_transport(struct pair_side *side, enum pair_transport transport, bool blocks)
{
    int ends[2];

    side->far = -1;
    if (transport == PAIR_MEMORY) {
        side->in = BIO_new(BIO_s_mem());
        side->out = BIO_new(BIO_s_mem());
        must(side->in != NULL && side->out != NULL);
        BIO_set_mem_eof_return(side->in, -1);
        SSL_set_bio(side->ssl, side->in, side->out);
        return;
    }
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    side->far = ends[1];
    set_blocking(ends[0], blocks);
    set_blocking(ends[1], false);
    side->in = side->out = BIO_new_socket(ends[0], BIO_CLOSE);
    must(side->in != NULL);
    SSL_set_bio(side->ssl, side->in, side->in);
}

static void connect_side(struct pair_side *side, const struct ratls_connection_options *options)
{
    struct ratls_connection_options own = {0};
    struct ratls_error error = {0};

    if (options != NULL)
        own = *options;
    own.on_event = see_event;
    own.arg = side;
    if (ratls_connection_new(side->ssl, &own, &side->connection, &error) != RATLS_OK) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
}

/* Two SSLs with their transports. */
static struct connection_pair *make_pair(SSL_CTX *client, SSL_CTX *server,
                                         enum pair_transport transport)
{
    struct connection_pair *pair = calloc(1, sizeof *pair);

    must(pair != NULL);
    pair->transport = transport;
    pair->patience_ms = PATIENCE_MS;
    pair->client.ssl = SSL_new(client);
    pair->server.ssl = SSL_new(server);
    must(pair->client.ssl != NULL && pair->server.ssl != NULL);
    must(SSL_set1_host(pair->client.ssl, TLS_NAME) == 1);
    must(tls_set_sni(pair->client.ssl, TLS_NAME));
    SSL_set_connect_state(pair->client.ssl);
    SSL_set_accept_state(pair->server.ssl);
    give_transport(&pair->client, transport, transport == PAIR_BLOCKING);
    give_transport(&pair->server, transport, false);
    pair->client.last = pair->server.last = RATLS_WANT_READ;
    return pair;
}

struct connection_pair *pair_new(SSL_CTX *client, SSL_CTX *server, enum pair_transport transport,
                                 const struct ratls_connection_options *client_options,
                                 const struct ratls_connection_options *server_options)
{
    struct connection_pair *pair = make_pair(client, server, transport);

    connect_side(&pair->client, client_options);
    connect_side(&pair->server, server_options);
    return pair;
}

struct connection_pair *pair_new_half(SSL_CTX *client, SSL_CTX *server,
                                      enum pair_transport transport, enum pair_half half)
{
    struct connection_pair *pair = make_pair(client, server, transport);

    if (half != PAIR_SERVER)
        connect_side(&pair->client, NULL);
    if (half != PAIR_CLIENT)
        connect_side(&pair->server, NULL);
    return pair;
}

static void free_side(struct pair_side *side)
{
    ratls_connection_free(side->connection);
    if (side->far >= 0)
        close(side->far);
    free(side->sent.p);
    free(side->held.p);
    free(side->received.p);
}

void pair_free(struct connection_pair *pair)
{
    if (pair == NULL)
        return;
    free_side(&pair->client);
    free_side(&pair->server);
    free(pair);
}

static size_t collect(struct pair_side *side)
{
    uint8_t bytes[CHUNK];
    ssize_t got;
    size_t all = 0;

    for (;;) {
        got = side->far < 0 ? BIO_read(side->out, bytes, sizeof bytes)
                            : recv(side->far, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got <= 0)
            return all;
        tls_bytes_add(&side->sent, bytes, (size_t)got);
        tls_bytes_add(&side->held, bytes, (size_t)got);
        all += (size_t)got;
    }
}

static size_t deliver(struct pair_side *from, struct pair_side *to)
{
    size_t len = from->held.len;
    ssize_t put;

    if (from->is_cut || len == 0)
        return 0;
    if (from->chunk != 0 && len > from->chunk)
        len = from->chunk;
    put = to->far < 0 ? BIO_write(to->in, from->held.p, (int)len)
                      : send(to->far, from->held.p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put <= 0)
        return 0;
    memmove(from->held.p, from->held.p + put, from->held.len - (size_t)put);
    from->held.len -= (size_t)put;
    return (size_t)put;
}

bool pair_carry(struct connection_pair *pair)
{
    size_t moved = collect(&pair->client) + collect(&pair->server);

    moved += deliver(&pair->client, &pair->server);
    moved += deliver(&pair->server, &pair->client);
    return moved != 0;
}

/* Its handshake as long as that lasts, then what is due. */
static void move_side(struct pair_side *side)
{
    if (side->last == RATLS_WANT_READ || side->last == RATLS_WANT_WRITE ||
        side->last == RATLS_WANT_ATTESTER)
        side->last = ratls_connection_handshake(side->connection);
    else if (side->last == RATLS_DONE)
        side->last = ratls_connection_tick(side->connection);
}

/* False: nobody's attester works, or it takes longer than the test waits. */
static bool await_attester(const struct connection_pair *pair)
{
    struct pollfd polled[2] = {
        {.fd = ratls_connection_attester_fd(pair->client.connection), .events = POLLIN},
        {.fd = ratls_connection_attester_fd(pair->server.connection), .events = POLLIN}};

    return (polled[0].fd >= 0 || polled[1].fd >= 0) && poll(polled, 2, pair->patience_ms) > 0;
}

void pair_settle(struct connection_pair *pair)
{
    for (unsigned turn = 0;; turn++) {
        must(turn < TURNS_MAX);
        if (pair->transport != PAIR_BLOCKING)
            move_side(&pair->client);
        move_side(&pair->server);
        if (!pair_carry(pair) && !await_attester(pair))
            return;
    }
}

bool pair_open(struct connection_pair *pair)
{
    pair_settle(pair);
    return pair->client.last == RATLS_DONE && pair->server.last == RATLS_DONE;
}

enum ratls_outcome pair_send(struct connection_pair *pair, struct pair_side *from, const char *text)
{
    struct pair_side *to = from == &pair->client ? &pair->server : &pair->client;
    size_t len = strlen(text), at = 0;
    enum ratls_outcome outcome = RATLS_DONE;

    for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
        uint8_t bytes[CHUNK];
        size_t done = 0;
        bool moved;

        if (at < len) {
            outcome = ratls_connection_write(from->connection, text + at, len - at, &done);
            at += outcome == RATLS_DONE ? done : 0;
            if (outcome >= RATLS_CLOSED)
                return outcome;
        }
        moved = pair_carry(pair);
        while (ratls_connection_read(to->connection, bytes, sizeof bytes, &done) == RATLS_DONE) {
            tls_bytes_add(&to->received, bytes, done);
            moved = true;
        }
        if (!moved && at == len)
            break;
    }
    return outcome;
}
