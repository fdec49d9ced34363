#include "mitm.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

#define EXTENSION_CONTEXTS                                                                         \
    (SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS |                                  \
     SSL_EXT_TLS1_3_CERTIFICATE_REQUEST | SSL_EXT_TLS1_3_CERTIFICATE)

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

/* As far as it goes without the client's answer. */
static void begin_with_server(struct mitm *mitm)
{
    if (mitm->to_server != NULL)
        return;
    mitm->to_server = tls_pair_new(mitm->back, mitm->server, NULL);
    must(tls_set_sni(mitm->to_server->client.ssl, TLS_NAME));
    (void)tls_pair_handshake(mitm->to_server);
}

/* What he has for this message; each side says in it what the other one said in the same. */
static const struct tls_bytes *find_said(const struct mitm *mitm, bool to_client, unsigned context)
{
    if (context & SSL_EXT_CLIENT_HELLO)
        return &mitm->request;
    if (context & SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS)
        return &mitm->agreed;
    if (context & SSL_EXT_TLS1_3_CERTIFICATE_REQUEST)
        return &mitm->demand;
    return to_client ? &mitm->evidence : &mitm->answer;
}

static int add_said(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                    size_t *ret_len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    const struct tls_bytes *said = find_said(arg, SSL_is_server(ssl) == 1, context);

    (void)type, (void)certificate, (void)alert;
    if (said->len == 0 || chain_index != 0)
        return 0;
    *out = said->p;
    *ret_len = said->len;
    return 1;
}

static int keep_said(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t len,
                     X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct mitm *mitm = arg;
    const bool from_client = SSL_is_server(ssl) == 1;

    (void)type, (void)certificate, (void)chain_index, (void)alert;
    if (context & SSL_EXT_CLIENT_HELLO) {
        keep(&mitm->request, in, len);
        mitm->reach(mitm);
    } else if (context & SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS) {
        keep(&mitm->agreed, in, len);
    } else if (context & SSL_EXT_TLS1_3_CERTIFICATE_REQUEST) {
        keep(&mitm->demand, in, len);
    } else {
        keep(from_client ? &mitm->answer : &mitm->evidence, in, len);
    }
    return 1;
}

static void add_extension(SSL_CTX *ctx, struct mitm *mitm)
{
    must(SSL_CTX_add_custom_ext(ctx, TLS_EXTENSION, EXTENSION_CONTEXTS, add_said, NULL, mitm,
                                keep_said, mitm) == 1);
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
    add_extension(mitm->front, mitm);
    add_extension(mitm->back, mitm);
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
    free(mitm->demand.p);
    free(mitm->answer.p);
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

/* The server waits for a certificate until the client's evidence is there. */
static int wait_for_answer(SSL *ssl, void *arg)
{
    const struct mitm *mitm = arg;

    (void)ssl;
    return mitm->answer.len != 0 ? 1 : -1;
}

static int believe(X509_STORE_CTX *store, void *arg)
{
    (void)store, (void)arg;
    return 1;
}

void mitm_take_client(struct mitm *mitm, X509 *certificate, EVP_PKEY *key)
{
    must(SSL_CTX_use_certificate(mitm->back, certificate) == 1 &&
         SSL_CTX_use_PrivateKey(mitm->back, key) == 1);
    SSL_CTX_set_cert_cb(mitm->back, wait_for_answer, mitm);
    SSL_CTX_set_verify(mitm->front, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(mitm->front, believe, NULL);
    mitm->reach = begin_with_server;
}

bool mitm_connect_mutually(struct mitm *mitm, SSL_CTX *client)
{
    mitm->to_client = tls_pair_new(client, mitm->front, TLS_NAME);
    return tls_pair_handshake(mitm->to_client) && tls_pair_handshake(mitm->to_server);
}

bool mitm_reads_secret(struct mitm *mitm)
{
    tls_pair_write(mitm->to_client, MITM_SECRET);
    return tls_bytes_contain(&mitm->to_client->server.received, MITM_SECRET);
}
