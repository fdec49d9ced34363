/*
 * Two ends of a finished TLS session to which nothing of ratls was added, one of which asks and the
 * other attests. What fails in the set-up prints why and aborts.
 */
#ifndef RATLS_TEST_EXCHANGE_PAIR_H
#define RATLS_TEST_EXCHANGE_PAIR_H

#include <ratls/exchange.h>

#include "tls_pair.h"

#define CLIENT_NAME "client.example"

struct exchange_message {
    uint8_t *p;
    size_t len;
};

struct exchange_pair {
    struct tls_world *world;
    SSL_CTX *client, *server;
    struct tls_pair *tls;
    enum ratls_role attester;
    SSL *asks, *attests; /* of tls */
    struct ratls_exchange *exchange;
    struct ratls_error error;    /* of the last call */
    struct ratls_report *report; /* of the last check */
};

/*
 * The policy of the world is for this role. A client has a certificate that names CLIENT_NAME, and
 * the server asks for it, if it is the client that attests.
 */
struct exchange_pair *exchange_pair_new(struct tls_world *world, enum ratls_role attester);
/* The contexts are there, and no session yet: the test may change them, then connects. */
struct exchange_pair *exchange_pair_prepare(struct tls_world *world, enum ratls_role attester);
void exchange_pair_connect(struct exchange_pair *pair, SSL_SESSION *resumed); /* NULL: a new one */
void exchange_pair_free(struct exchange_pair *pair);

/* Each with pair->error; the caller frees what it gets with free(message.p). */
struct exchange_message exchange_pair_challenge(struct exchange_pair *pair); /* or aborts */
enum ratls_status exchange_pair_answer(struct exchange_pair *pair,
                                       struct exchange_message challenge,
                                       struct exchange_message *ret_answer);
enum ratls_status exchange_pair_check(struct exchange_pair *pair, struct exchange_message answer);
/* All three: whether the peer was accepted. */
enum ratls_status exchange_pair_attest(struct exchange_pair *pair);

/* The first check that failed in the last report; "" if none did. */
const char *exchange_pair_failure(const struct exchange_pair *pair);

#endif
