#include "pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include "command.h"
#include "samples.h"
#include "tls_pair.h"

/* One step of a side; returns whether its handshake is complete. */
static int step(SSL *ssl, double *us)
{
    double begin = cpu_us();
    int result = SSL_do_handshake(ssl);

    *us += cpu_us() - begin;
    if (result != 1)
        bench_must(SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ, "a handshake failed");
    return result == 1;
}

static SSL *make_side(SSL_CTX *ctx, BIO *in, BIO *out)
{
    SSL *ssl = SSL_new(ctx);

    bench_must(ssl != NULL && BIO_up_ref(in) && BIO_up_ref(out), "SSL_new failed");
    SSL_set_bio(ssl, in, out);
    return ssl;
}

struct pair {
    BIO *to_client, *to_server;
    SSL *c, *s;
};

static struct pair make_pair(SSL_CTX *client, SSL_CTX *server, const char *name,
                             struct pair_cost *cost)
{
    struct pair pair = {.to_client = BIO_new(BIO_s_mem()), .to_server = BIO_new(BIO_s_mem())};
    double begin = cpu_us();
    double mid;

    bench_must(pair.to_client != NULL && pair.to_server != NULL, "BIO_new failed");
    BIO_set_mem_eof_return(pair.to_client, -1);
    BIO_set_mem_eof_return(pair.to_server, -1);
    pair.c = make_side(client, pair.to_client, pair.to_server);
    bench_must(tls_set_sni(pair.c, name) && SSL_set1_host(pair.c, name),
               "cannot set the server's name");
    SSL_set_connect_state(pair.c);
    mid = cpu_us();
    pair.s = make_side(server, pair.to_server, pair.to_client);
    SSL_set_accept_state(pair.s);
    cost->client_us += mid - begin;
    cost->server_us += cpu_us() - mid;
    return pair;
}

static void free_pair(struct pair *pair, struct pair_cost *cost)
{
    double begin = cpu_us();
    double mid;

    SSL_free(pair->c);
    mid = cpu_us();
    SSL_free(pair->s);
    cost->client_us += mid - begin;
    cost->server_us += cpu_us() - mid;
    BIO_free(pair->to_client);
    BIO_free(pair->to_server);
}

static void shake_hands(struct pair *pair, struct pair_cost *cost)
{
    int done = 0;

    for (int i = 0; i < 8 && done != 3; i++) {
        done |= step(pair->c, &cost->client_us) ? 1 : 0;
        done |= step(pair->s, &cost->server_us) ? 2 : 0;
    }
    bench_must(done == 3, "a handshake failed");
}

void pair_handshake(SSL_CTX *client, SSL_CTX *server, const char *name, struct pair_cost *cost)
{
    struct pair pair = make_pair(client, server, name, cost);

    shake_hands(&pair, cost);
    cost->to_client += (size_t)BIO_number_written(SSL_get_wbio(pair.s));
    cost->to_server += (size_t)BIO_number_written(SSL_get_wbio(pair.c));
    free_pair(&pair, cost);
}

SSL *pair_keep(SSL_CTX *client, SSL_CTX *server, const char *name, SSL **ret_server)
{
    struct pair_cost cost = {0};
    struct pair pair = make_pair(client, server, name, &cost);

    shake_hands(&pair, &cost);
    BIO_free(pair.to_client);
    BIO_free(pair.to_server);
    *ret_server = pair.s;
    return pair.c;
}

void pair_refusal(SSL_CTX *client, SSL_CTX *server, const char *name, struct pair_cost *cost)
{
    struct pair pair = make_pair(client, server, name, cost);
    double begin;
    int result;

    step(pair.c, &cost->client_us);
    step(pair.s, &cost->server_us);
    begin = cpu_us();
    result = SSL_do_handshake(pair.c);
    cost->client_us += cpu_us() - begin;
    bench_must(SSL_get_error(pair.c, result) == SSL_ERROR_SSL, "the client did not refuse");
    ERR_clear_error();
    free_pair(&pair, cost);
}

/* Else OpenSSL takes the session for one that was broken off, and does not resume it. */
static void end_orderly(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

SSL_SESSION *pair_session(SSL_CTX *client, SSL_CTX *server, const char *name)
{
    struct pair_cost cost = {0};
    struct pair pair = make_pair(client, server, name, &cost);
    SSL_SESSION *session;
    uint8_t byte;

    shake_hands(&pair, &cost);
    (void)SSL_read(pair.c, &byte, sizeof byte); /* the tickets */
    session = SSL_get1_session(pair.c);
    bench_must(session != NULL && SSL_SESSION_is_resumable(session), "no ticket came");
    end_orderly(pair.c);
    end_orderly(pair.s);
    free_pair(&pair, &cost);
    return session;
}

void pair_resume(SSL_CTX *client, SSL_CTX *server, const char *name, SSL_SESSION *session,
                 struct pair_cost *cost)
{
    struct pair pair = make_pair(client, server, name, cost);
    double begin = cpu_us();

    bench_must(SSL_set_session(pair.c, session) == 1, "cannot offer a session");
    cost->client_us += cpu_us() - begin;
    shake_hands(&pair, cost);
    bench_must(SSL_session_reused(pair.c), "not resumed");
    end_orderly(pair.c);
    end_orderly(pair.s);
    free_pair(&pair, cost);
}
