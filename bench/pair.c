#include "pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "samples.h"
#include "tls_pair.h"

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "bench: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    exit(3);
}

/* One step of a side; returns whether its handshake is complete. */
static int step(SSL *ssl, double *us)
{
    double begin = cpu_us();
    int result = SSL_do_handshake(ssl);

    *us += cpu_us() - begin;
    if (result != 1)
        check(SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ, "a handshake");
    return result == 1;
}

static SSL *make_side(SSL_CTX *ctx, BIO *in, BIO *out)
{
    SSL *ssl = SSL_new(ctx);

    check(ssl != NULL && BIO_up_ref(in) && BIO_up_ref(out), "SSL_new");
    SSL_set_bio(ssl, in, out);
    return ssl;
}

void pair_handshake(SSL_CTX *client, SSL_CTX *server, const char *name, struct pair_cost *cost)
{
    BIO *to_client = BIO_new(BIO_s_mem());
    BIO *to_server = BIO_new(BIO_s_mem());
    double begin = cpu_us();
    double mid;
    SSL *c;
    SSL *s;
    int done = 0;

    check(to_client != NULL && to_server != NULL, "BIO_new");
    BIO_set_mem_eof_return(to_client, -1);
    BIO_set_mem_eof_return(to_server, -1);
    c = make_side(client, to_client, to_server);
    check(tls_set_sni(c, name) && SSL_set1_host(c, name), "the server's name");
    SSL_set_connect_state(c);
    mid = cpu_us();
    s = make_side(server, to_server, to_client);
    SSL_set_accept_state(s);
    cost->client_us += mid - begin;
    cost->server_us += cpu_us() - mid;
    for (int i = 0; i < 8 && done != 3; i++) {
        done |= step(c, &cost->client_us) ? 1 : 0;
        done |= step(s, &cost->server_us) ? 2 : 0;
    }
    check(done == 3, "a handshake");
    cost->to_client += (size_t)BIO_number_written(SSL_get_wbio(s));
    cost->to_server += (size_t)BIO_number_written(SSL_get_wbio(c));
    begin = cpu_us();
    SSL_free(c);
    mid = cpu_us();
    SSL_free(s);
    cost->client_us += mid - begin;
    cost->server_us += cpu_us() - mid;
    BIO_free(to_client);
    BIO_free(to_server);
}
