#include "mitm_rows.h"

#include <ratls/exchange.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_policy.h"
#include "mitm.h"
#include "mitm_stage.h"
#include "must.h"
#include "mutual_world.h"

#define DAY_S 86400

static void note_failure(const struct ratls_report *report, struct mitm_outcome *ret)
{
    struct ratls_finding finding;

    if (ratls_report_first_failure(report, &finding))
        snprintf(ret->check, sizeof ret->check, "%s", finding.check);
}

/* Of a client that appraises in its handshake. */
static void note_client(struct mitm *mitm, struct mitm_outcome *ret)
{
    const struct ratls_report *report = ratls_tls_report(mitm->to_client->client.ssl);

    note_failure(report, ret);
    ret->accepted = mitm->to_client->client.done == 1 && ratls_report_accepted(report);
    ret->secret_read = mitm_reads_secret(mitm);
}

static void relay_handshake(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct mitm_stage *stage = mitm_stage_new(row);
    struct tls_world *world = stage->world;
    struct mitm *mitm = mitm_new(world, world->server);

    (void)weak;
    (void)mitm_connect(mitm, world->client);
    ret->was_relayed = mitm->evidence.len != 0;
    note_client(mitm, ret);
    mitm_free(mitm);
    mitm_stage_free(stage);
}

/* Evidence in a certificate is for the key alone: that is why a policy must say that it will do. */
static void relay_certificate(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct mitm_stage *stage = mitm_stage_new(row);
    struct tls_world *world = stage->world;
    SSL_CTX *server = tls_certified_server(world, NULL);
    struct mitm *mitm = mitm_new(world, server);

    if (weak) {
        fake_policy_rules(world->policy)->freshness = RATLS_FRESHNESS_CERTIFICATE;
        fake_policy_rules(world->policy)->max_age_s = DAY_S;
    }
    (void)mitm_connect(mitm, world->client);
    ret->was_relayed = true; /* it is in the certificate */
    note_client(mitm, ret);
    mitm_free(mitm);
    SSL_CTX_free(server);
    mitm_stage_free(stage);
}

/* A session that the client has from the true server opens nothing: he has not its secret. */
static void relay_behind_session(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct mitm_stage *stage = mitm_stage_new(row);
    struct tls_world *world = stage->world;
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct mitm *mitm = mitm_new(world, world->server);
    SSL_SESSION *session;

    (void)weak;
    fake_policy_rules(world->policy)->max_age_s = DAY_S; /* else nothing is offered */
    must(tls_pair_handshake(pair));
    session = SSL_get1_session(pair->client.ssl);
    SSL_set_shutdown(pair->client.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_pair_free(pair);
    must(SSL_SESSION_is_resumable(session));
    (void)mitm_connect_again(mitm, world->client, session);
    ret->was_relayed = mitm->evidence.len != 0;
    note_client(mitm, ret);
    SSL_SESSION_free(session);
    mitm_free(mitm);
    mitm_stage_free(stage);
}

/* Both sides attest, and he has both their TLS keys. */
static void relay_mutually(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct mutual_world *world = mutual_world_new();
    struct mitm *mitm = mitm_new(world->base, world->server);
    bool done;

    (void)row, (void)weak;
    mitm_take_client(mitm, world->certificate, world->key);
    done = mitm_connect_mutually(mitm, world->client);
    ret->was_relayed = mitm->evidence.len != 0 && mitm->demand.len != 0;
    note_client(mitm, ret);
    ret->accepted = ret->accepted && done &&
                    ratls_report_accepted(ratls_tls_report(mitm->to_server->server.ssl));
    mitm_free(mitm);
    mutual_world_free(world);
}

/* Challenges of one side of the client's session, answered on his own with the server. */
struct relay {
    struct mitm *mitm;
    SSL *asks;            /* honest, on one session, */
    SSL *attests;         /* and on the other */
    enum ratls_role role; /* of the side that attests */
    struct ratls_exchange *exchange;
};

static enum ratls_status relay_once(struct relay *relay, struct ratls_report **ret_report)
{
    uint8_t *challenge = NULL;
    uint8_t *answer = NULL;
    size_t challenge_len;
    size_t answer_len;
    enum ratls_status status;

    must(ratls_exchange_challenge(relay->exchange, &challenge, &challenge_len, NULL) == RATLS_OK);
    must(ratls_exchange_answer(relay->attests, relay->role, relay->mitm->world->attester, challenge,
                               challenge_len, &answer, &answer_len, NULL) == RATLS_OK);
    status = ratls_exchange_check(relay->exchange, answer, answer_len, ret_report, NULL);
    free(challenge);
    free(answer);
    return status;
}

static void relay_exchange(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct mitm_stage *stage = mitm_stage_new(row);
    struct tls_world *world = stage->world;
    SSL_CTX *client = tls_plain_client(world);
    SSL_CTX *server = tls_plain_server(world);
    struct relay relay = {.mitm = mitm_new(world, server), .role = row->role};
    const bool of_server = row->role == RATLS_ROLE_SERVER;
    struct ratls_report *report = NULL;

    (void)weak;
    must(mitm_connect(relay.mitm, client));
    relay.asks = of_server ? relay.mitm->to_client->client.ssl : relay.mitm->to_server->server.ssl;
    relay.attests =
        of_server ? relay.mitm->to_server->server.ssl : relay.mitm->to_client->client.ssl;
    fake_policy_rules(world->policy)->for_clients = !of_server;
    must(ratls_exchange_new(relay.asks, world->policy, of_server ? TLS_NAME : NULL, row->role,
                            &relay.exchange, NULL) == RATLS_OK);
    for (unsigned i = 0; i < row->turns; i++) {
        ratls_report_free(report);
        report = NULL;
        ret->accepted = relay_once(&relay, &report) == RATLS_OK;
    }
    ret->was_relayed = world->attested == row->turns;
    note_failure(report, ret);
    /* A client writes once it has accepted the server; a server talks to whom it has accepted. */
    ret->secret_read = ret->accepted && mitm_reads_secret(relay.mitm);
    ratls_report_free(report);
    ratls_exchange_free(relay.exchange);
    mitm_free(relay.mitm);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    mitm_stage_free(stage);
}

#define BINDER "statement.binder"
#define SERVER RATLS_ROLE_SERVER
#define CLIENT RATLS_ROLE_CLIENT

const struct mitm_row mitm_rows[] = {
    {"mode 1: the certificate", "evidence.present", relay_certificate, MITM_OF_SESSION, SERVER, 0},
    {"mode 2: the nonce in his own ClientHello", BINDER, relay_handshake, MITM_OF_SESSION, SERVER,
     0},
    {"mode 2, of an epoch", BINDER, relay_handshake, MITM_OF_EPOCH, SERVER, 0},
    {"mode 2, with a result", BINDER, relay_handshake, MITM_WITH_RESULT, SERVER, 0},
    {"mode 2, and a session", BINDER, relay_behind_session, MITM_OF_SESSION, SERVER, 0},
    {"mode 2, of both sides", BINDER, relay_mutually, MITM_OF_SESSION, SERVER, 0},
    {"mode 3: a challenge of the client", BINDER, relay_exchange, MITM_OF_SESSION, SERVER, 1},
    {"mode 3, of an epoch", BINDER, relay_exchange, MITM_OF_EPOCH, SERVER, 1},
    {"mode 3, with a result", BINDER, relay_exchange, MITM_WITH_RESULT, SERVER, 1},
    {"mode 4: a later challenge", BINDER, relay_exchange, MITM_OF_SESSION, SERVER, 2},
    {"mode 4, of an epoch", BINDER, relay_exchange, MITM_OF_EPOCH, SERVER, 2},
    {"mode 3: a challenge of the server", BINDER, relay_exchange, MITM_OF_SESSION, CLIENT, 1},
    {"mode 4: a later one", BINDER, relay_exchange, MITM_OF_SESSION, CLIENT, 2},
    {"mode 3: a connection", BINDER, mitm_relay_connection, MITM_OF_SESSION, SERVER, 0},
    {"mode 3: a connection, of an epoch", BINDER, mitm_relay_connection, MITM_OF_EPOCH, SERVER, 0},
    {"mode 2: a connection", BINDER, mitm_relay_framed_handshake, MITM_OF_SESSION, SERVER, 0},
    {"mode 4: a connection", BINDER, mitm_relay_lease, MITM_OF_SESSION, SERVER, 0},
    {"mode 4: a connection, of an epoch", BINDER, mitm_relay_lease, MITM_OF_EPOCH, SERVER, 0},
};

const size_t mitm_row_count = sizeof mitm_rows / sizeof mitm_rows[0];
