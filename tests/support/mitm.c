#include "mitm.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

#define EXTENSION_CONTEXTS                                                                         \
    (SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS | SSL_EXT_TLS1_3_CERTIFICATE)

static void keep(struct tls_bytes *bytes, const unsigned char *in, size_t len)
{
    bytes->len = 0;
    if (len != 0)
        tls_bytes_add(bytes, in, len);
}

/* The server's session is his whatever it says: he verifies nothing. */
static void reach_server(struct mitm *mitm)
{
    if (mitm->to_server != NULL)
        return;
    mitm->to_server = tls_pair_new(mitm->back, mitm->server, NULL);
    must(tls_set_sni(mitm->to_server->client.ssl, TLS_NAME));
    must(tls_pair_handshake(mitm->to_server));
}

/* To the client: what the server said, in the place in which it said it. */
static int add_to_client(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                         size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                         void *arg)
{
    const struct mitm *mitm = arg;
    const bool is_certificate = (context & SSL_EXT_TLS1_3_CERTIFICATE) != 0;
    const struct tls_bytes *said = is_certificate ? &mitm->evidence : &mitm->agreed;

    (void)ssl, (void)type, (void)certificate, (void)alert;
    if (said->len == 0 || (is_certificate && chain_index != 0))
        return 0;
    *out = said->p;
    *ret_len = said->len;
    return 1;
}

static int see_client(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                      size_t len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct mitm *mitm = arg;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    if ((context & SSL_EXT_CLIENT_HELLO) == 0)
        return 1;
    keep(&mitm->request, in, len);
    mitm->reach(mitm);
    return 1;
}

static int add_to_server(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                         size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                         void *arg)
{
    struct mitm *mitm = arg;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    if ((context & SSL_EXT_CLIENT_HELLO) == 0 || mitm->request.len == 0)
        return 0;
    *out = mitm->request.p;
    *ret_len = mitm->request.len;
    return 1;
}

static int see_server(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                      size_t len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct mitm *mitm = arg;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    keep(context & SSL_EXT_TLS1_3_CERTIFICATE ? &mitm->evidence : &mitm->agreed, in, len);
    return 1;
}

struct mitm *mitm_new(struct tls_world *world, SSL_CTX *server)
{
    struct mitm *mitm = calloc(1, sizeof *mitm);

    must(mitm != NULL);
    mitm->world = world;
    mitm->server = server;
    mitm->reach = reach_server;
    mitm->front = SSL_CTX_new(TLS_server_method());
    must(mitm->front != NULL &&
         SSL_CTX_use_certificate(mitm->front, SSL_CTX_get0_certificate(server)) == 1 &&
         SSL_CTX_use_PrivateKey(mitm->front, SSL_CTX_get0_privatekey(server)) == 1);
    mitm->back = SSL_CTX_new(TLS_client_method());
    must(mitm->back != NULL);
    SSL_CTX_set_verify(mitm->back, SSL_VERIFY_NONE, NULL);
    must(SSL_CTX_add_custom_ext(mitm->front, TLS_EXTENSION, EXTENSION_CONTEXTS, add_to_client, NULL,
                                mitm, see_client, mitm) == 1);
    must(SSL_CTX_add_custom_ext(mitm->back, TLS_EXTENSION, EXTENSION_CONTEXTS, add_to_server, NULL,
                                mitm, see_server, mitm) == 1);
    return mitm;
}

void mitm_free(struct mitm *mitm)
{
    tls_pair_free(mitm->to_client);
    tls_pair_free(mitm->to_server);
    SSL_CTX_free(mitm->front);
    SSL_CTX_free(mitm->back);
    free(mitm->request.p);
    free(mitm->agreed.p);
    free(mitm->evidence.p);
    free(mitm);
}

bool mitm_connect_again(struct mitm *mitm, SSL_CTX *client, SSL_SESSION *session)
{
    mitm->to_client = tls_pair_new(client, mitm->front, TLS_NAME);
    must(session == NULL || SSL_set_session(mitm->to_client->client.ssl, session) == 1);
    tls_pair_handshake(mitm->to_client);
    /* A client that asks for nothing in its handshake may be asked for later. */
    if (mitm->to_client->client.done == 1)
        reach_server(mitm);
    return mitm->to_client->client.done == 1;
}

bool mitm_connect(struct mitm *mitm, SSL_CTX *client)
{
    return mitm_connect_again(mitm, client, NULL);
}

bool mitm_reads_secret(struct mitm *mitm)
{
    tls_pair_write(mitm->to_client, MITM_SECRET);
    return tls_bytes_contain(&mitm->to_client->server.received, MITM_SECRET);
}
