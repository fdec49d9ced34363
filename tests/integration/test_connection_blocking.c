/* Programs whose sockets block: their leases are renewed, and end, while they wait in a call. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection_assert.h"
#include "patience.h"

#define LATE_MS 20000 /* of a machine that has other things to do */

enum call { READS, WRITES };

struct program {
    struct pair_side *side;
    enum call call;
    enum ratls_outcome opened, outcome;
    char bytes[64];
    size_t len;
    uint64_t took_ms;
    atomic_bool is_done;
};

static void *run(void *arg)
{
    static const char many[1 << 16];
    struct program *program = arg;
    struct ratls_connection *connection = program->side->connection;
    uint64_t begin_ms;

    program->opened = ratls_connection_handshake(connection);
    begin_ms = now_ms();
    do {
        program->outcome =
            program->call == READS
                ? ratls_connection_read(connection, program->bytes, sizeof program->bytes,
                                        &program->len)
                : ratls_connection_write(connection, many, sizeof many, &program->len);
    } while (program->call == WRITES && program->outcome == RATLS_DONE);
    program->took_ms = now_ms() - begin_ms;
    atomic_store(&program->is_done, true);
    return NULL;
}

/* The server's part, and the carrier's, until the program's call has ended, or this is true. */
static void serve(struct connection_pair *pair, struct program *program, bool stalls,
                  bool until(const struct connection_pair *pair))
{
    uint64_t begin_ms = now_ms();

    while (!atomic_load(&program->is_done) && (until == NULL || !until(pair))) {
        cr_assert_lt(now_ms() - begin_ms, LATE_MS);
        if (pair->server.last < RATLS_CLOSED)
            pair->server.last = ratls_connection_handshake(pair->server.connection);
        if (pair->server.last == RATLS_DONE)
            pair->server.last = ratls_connection_tick(pair->server.connection);
        if (!stalls || pair->client.accepted == 0)
            pair_carry(pair);
        sleep_ms(1);
    }
}

static struct program begin(struct connection_pair **ret_pair, struct tls_world *world,
                            enum call call)
{
    *ret_pair = pair_new(world->client, world->server, PAIR_BLOCKING, NULL, NULL);
    return (struct program){.side = &(*ret_pair)->client, .call = call};
}

/* Silence in the middle of a record, and a transport that takes no more. */
Test(connection_blocking, lease_ends_while_the_program_waits)
{
    struct tls_world *world = world_with(1, 0);

    for (enum call call = READS; call <= WRITES; call++) {
        struct connection_pair *pair;
        struct program program = begin(&pair, world, call);
        pthread_t thread;
        size_t len;

        cr_assert_eq(pthread_create(&thread, NULL, run, &program), 0);
        while (pair->server.last != RATLS_DONE || pair->client.accepted == 0) {
            pair->server.last = ratls_connection_handshake(pair->server.connection);
            pair_carry(pair);
        }
        cr_assert_eq(ratls_connection_write(pair->server.connection, "hello", 5, &len), RATLS_DONE);
        pair->server.is_cut = true;
        pair_carry(pair);
        cr_assert_eq(send(pair->client.far, pair->server.held.p, 7, 0), 7);
        serve(pair, &program, true, NULL);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        cr_assert_eq(program.opened, RATLS_DONE, "%s", connection_words(pair->client.connection));
        cr_assert_eq(program.outcome, RATLS_LAPSED, "%s", ratls_outcome_name(program.outcome));
        cr_assert_lt(program.took_ms, LATE_MS / 2);
        pair_free(pair);
    }
    tls_world_free(world);
}

static bool is_renewed_twice(const struct connection_pair *pair)
{
    return pair->client.renewed >= 2;
}

Test(connection_blocking, lease_is_renewed_while_the_program_waits)
{
    struct tls_world *world = world_with(30, 1);
    struct connection_pair *pair;
    struct program program = begin(&pair, world, READS);
    pthread_t thread;
    size_t len;

    cr_assert_eq(pthread_create(&thread, NULL, run, &program), 0);
    serve(pair, &program, false, is_renewed_twice);
    cr_assert_not(atomic_load(&program.is_done), "%s", ratls_outcome_name(program.outcome));
    cr_assert_eq(ratls_connection_write(pair->server.connection, "hello", 5, &len), RATLS_DONE);
    serve(pair, &program, false, NULL);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert_eq(program.outcome, RATLS_DONE);
    cr_assert_eq(program.len, 5);
    cr_assert_arr_eq(program.bytes, "hello", 5);
    pair_free(pair);
    tls_world_free(world);
}

/* Two pipes: both ends are waited for, and are given back as they were. */
Test(connection_blocking, pipes_block_again_behind_it)
{
    struct tls_world *world = world_with(60, 10);
    SSL *ssl = SSL_new(world->client);
    struct ratls_connection *connection = NULL;
    struct ratls_error error = {0};
    int in[2], out[2];

    cr_assert_eq(pipe(in), 0);
    cr_assert_eq(pipe(out), 0);
    cr_assert(SSL_set_rfd(ssl, in[0]) && SSL_set_wfd(ssl, out[1]));
    SSL_set_connect_state(ssl);
    cr_assert_eq(ratls_connection_new(ssl, NULL, &connection, &error), RATLS_OK);
    cr_assert_neq(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
    cr_assert_neq(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
    ratls_connection_free(connection);
    cr_assert_eq(fcntl(in[0], F_GETFL) & O_NONBLOCK, 0);
    cr_assert_eq(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
    for (int i = 0; i < 2; i++) {
        close(in[i]);
        close(out[i]);
    }
    tls_world_free(world);
}

/* As a blocking socket with SO_RCVTIMEO: the call comes back, the connection stays. */
Test(connection_blocking, waits_as_long_as_the_socket_says)
{
    struct tls_world *world = world_with(60, 10);
    SSL *ssl = SSL_new(world->client);
    struct ratls_connection *connection = NULL;
    struct timeval timeout = {.tv_usec = 200000};
    struct ratls_error error = {0};
    uint64_t begin_ms;
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_eq(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    cr_assert(SSL_set_fd(ssl, ends[0]));
    SSL_set_connect_state(ssl);
    cr_assert_eq(ratls_connection_new(ssl, NULL, &connection, &error), RATLS_OK);
    begin_ms = now_ms();
    cr_assert_eq(ratls_connection_handshake(connection), RATLS_WANT_READ);
    cr_assert_geq(now_ms() - begin_ms, 190);
    cr_assert_eq(ratls_connection_tick(connection), RATLS_DONE);
    ratls_connection_free(connection);
    close(ends[0]);
    close(ends[1]);
    tls_world_free(world);
}
