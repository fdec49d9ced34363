#include "exchange_pair.h"

#include <stdlib.h>
#include <string.h>

#include "fake_policy.h"
#include "must.h"
#include "pki.h"

static void add_client_certificate(struct exchange_pair *pair)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *certificate = pki_certificate(&(struct pki_spec){.subject = "client",
                                                           .key = key,
                                                           .issuer = pair->world->ca,
                                                           .issuer_key = pair->world->ca_key,
                                                           .names = "DNS:" CLIENT_NAME,
                                                           .eku = "clientAuth"});

    must(SSL_CTX_use_certificate(pair->client, certificate) == 1 &&
         SSL_CTX_use_PrivateKey(pair->client, key) == 1);
    must(X509_STORE_add_cert(SSL_CTX_get_cert_store(pair->server), pair->world->ca) == 1);
    must(SSL_CTX_set_session_id_context(pair->server, (const uint8_t *)"exchange", 8) == 1);
    SSL_CTX_set_verify(pair->server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

struct exchange_pair *exchange_pair_prepare(struct tls_world *world, enum ratls_role attester)
{
    struct exchange_pair *pair = calloc(1, sizeof *pair);

    must(pair != NULL);
    pair->world = world;
    pair->attester = attester;
    pair->client = tls_plain_client(world);
    pair->server = tls_plain_server(world);
    fake_policy_rules(world->policy)->for_clients = attester == RATLS_ROLE_CLIENT;
    if (attester == RATLS_ROLE_CLIENT)
        add_client_certificate(pair);
    return pair;
}

static void end_session(struct exchange_pair *pair)
{
    ratls_exchange_free(pair->exchange);
    ratls_report_free(pair->report);
    if (pair->tls != NULL) {
        /* Else OpenSSL takes it for broken off, and does not resume it. */
        SSL_set_shutdown(pair->tls->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_set_shutdown(pair->tls->server.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        tls_pair_free(pair->tls);
    }
    pair->exchange = NULL;
    pair->report = NULL;
    pair->tls = NULL;
}

void exchange_pair_connect(struct exchange_pair *pair, SSL_SESSION *resumed)
{
    const bool of_server = pair->attester == RATLS_ROLE_SERVER;

    end_session(pair);
    pair->tls = tls_pair_new(pair->client, pair->server, TLS_NAME);
    must(resumed == NULL || SSL_set_session(pair->tls->client.ssl, resumed) == 1);
    must(tls_pair_handshake(pair->tls));
    pair->asks = of_server ? pair->tls->client.ssl : pair->tls->server.ssl;
    pair->attests = of_server ? pair->tls->server.ssl : pair->tls->client.ssl;
    must(ratls_exchange_new(pair->asks, pair->world->policy, of_server ? TLS_NAME : CLIENT_NAME,
                            pair->attester, &pair->exchange, NULL) == RATLS_OK);
}

struct exchange_pair *exchange_pair_new(struct tls_world *world, enum ratls_role attester)
{
    struct exchange_pair *pair = exchange_pair_prepare(world, attester);

    exchange_pair_connect(pair, NULL);
    return pair;
}

void exchange_pair_free(struct exchange_pair *pair)
{
    end_session(pair);
    SSL_CTX_free(pair->client);
    SSL_CTX_free(pair->server);
    free(pair);
}

struct exchange_message exchange_pair_challenge(struct exchange_pair *pair)
{
    struct exchange_message challenge = {0};

    must(ratls_exchange_challenge(pair->exchange, &challenge.p, &challenge.len, &pair->error) ==
         RATLS_OK);
    return challenge;
}

enum ratls_status exchange_pair_answer(struct exchange_pair *pair,
                                       struct exchange_message challenge,
                                       struct exchange_message *ret_answer)
{
    pair->error = (struct ratls_error){0};
    *ret_answer = (struct exchange_message){0};
    return ratls_exchange_answer(pair->attests, pair->attester, pair->world->attester, challenge.p,
                                 challenge.len, &ret_answer->p, &ret_answer->len, &pair->error);
}

enum ratls_status exchange_pair_check(struct exchange_pair *pair, struct exchange_message answer)
{
    ratls_report_free(pair->report);
    pair->report = NULL;
    pair->error = (struct ratls_error){0};
    return ratls_exchange_check(pair->exchange, answer.p, answer.len, &pair->report, &pair->error);
}

enum ratls_status exchange_pair_attest(struct exchange_pair *pair)
{
    struct exchange_message challenge = exchange_pair_challenge(pair);
    struct exchange_message answer;
    enum ratls_status status = exchange_pair_answer(pair, challenge, &answer);

    if (status == RATLS_OK)
        status = exchange_pair_check(pair, answer);
    free(challenge.p);
    free(answer.p);
    return status;
}

const char *exchange_pair_failure(const struct exchange_pair *pair)
{
    struct ratls_finding finding = {.check = ""};

    ratls_report_first_failure(pair->report, &finding);
    return finding.check;
}
