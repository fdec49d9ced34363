#include "wave.h"

#include <openssl/bio.h>
#include <poll.h>

#include "command.h"
#include "samples.h"
#include "tls_pair.h"

#define STEPS_MAX 8
#define WIRE 65536 /* bytes that are on their way, allocated before */

struct pair {
    SSL *client, *server;
    bool client_done, server_done;
};

/* From when on a side is charged. */
struct mark {
    double us;
    size_t heap;
};

static struct mark mark_now(const struct wave_cost *cost)
{
    return (struct mark){cpu_us(), cost->heap == NULL ? 0 : cost->heap()};
}

static void charge(const struct wave_cost *cost, struct wave_side *side, struct mark begin)
{
    struct mark end = mark_now(cost);

    side->us += end.us - begin.us;
    side->heap += (ptrdiff_t)(end.heap - begin.heap);
}

static SSL *make_side(SSL_CTX *ctx, BIO *wire)
{
    SSL *ssl = SSL_new(ctx);

    bench_must(ssl != NULL, "SSL_new failed");
    SSL_set_bio(ssl, wire, wire);
    return ssl;
}

static void begin_pair(struct pair *pair, SSL_CTX *client, SSL_CTX *server, const char *name,
                       struct wave_cost *cost)
{
    BIO *of_client = NULL, *of_server = NULL;
    struct mark mark;

    *pair = (struct pair){.client = NULL};
    bench_must(BIO_new_bio_pair(&of_client, WIRE, &of_server, WIRE), "BIO_new_bio_pair failed");
    mark = mark_now(cost);
    pair->client = make_side(client, of_client);
    bench_must(tls_set_sni(pair->client, name) && SSL_set1_host(pair->client, name),
               "cannot set a name");
    SSL_set_connect_state(pair->client);
    charge(cost, &cost->client, mark);
    mark = mark_now(cost);
    pair->server = make_side(server, of_server);
    SSL_set_accept_state(pair->server);
    charge(cost, &cost->server, mark);
}

/* What they held is not given back: it is what was wanted. */
static void end_pair(struct pair *pair, struct wave_cost *cost)
{
    double begin = cpu_us();

    SSL_free(pair->client);
    cost->client.us += cpu_us() - begin;
    begin = cpu_us();
    SSL_free(pair->server);
    cost->server.us += cpu_us() - begin;
}

/* True: complete. A side that pauses is asked again when its descriptor says so. */
static bool step(SSL *ssl)
{
    int result = SSL_do_handshake(ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);

    bench_must(result == 1 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_ASYNC,
               "a handshake failed");
    return result == 1;
}

static void step_clients(struct pair *pairs, struct wave_cost *cost)
{
    struct mark mark = mark_now(cost);

    for (size_t i = 0; i < WAVE; i++)
        if (!pairs[i].client_done)
            pairs[i].client_done = step(pairs[i].client);
    charge(cost, &cost->client, mark);
}

/* The event loop's part: which of those that wait for the TPM may go on. */
static void await_server(SSL *server)
{
    OSSL_ASYNC_FD fd;
    size_t count = 1;
    struct pollfd polled;

    bench_must(SSL_get_all_async_fds(server, &fd, &count) == 1 && count == 1,
               "no descriptor to wait for");
    polled = (struct pollfd){.fd = fd, .events = POLLIN};
    bench_must(poll(&polled, 1, 60000) == 1, "waiting for the TPM failed");
}

static void step_servers(struct pair *pairs, struct wave_cost *cost)
{
    struct mark mark = mark_now(cost);

    for (size_t i = 0; i < WAVE; i++)
        if (!pairs[i].server_done)
            pairs[i].server_done = step(pairs[i].server);
    for (size_t i = 0; i < WAVE; i++)
        while (SSL_waiting_for_async(pairs[i].server)) {
            await_server(pairs[i].server);
            pairs[i].server_done = step(pairs[i].server);
        }
    charge(cost, &cost->server, mark);
}

void wave_run(SSL_CTX *client, SSL_CTX *server, const char *name, struct wave_cost *cost)
{
    struct pair pairs[WAVE];
    size_t done = 0;

    for (size_t i = 0; i < WAVE; i++)
        begin_pair(&pairs[i], client, server, name, cost);
    for (int i = 0; i < STEPS_MAX && done < WAVE; i++) {
        step_clients(pairs, cost);
        step_servers(pairs, cost);
        done = 0;
        for (size_t k = 0; k < WAVE; k++)
            done += pairs[k].client_done && pairs[k].server_done;
    }
    bench_must(done == WAVE, "a wave of handshakes failed");
    for (size_t i = 0; i < WAVE; i++)
        end_pair(&pairs[i], cost);
}
