/*
 * Between two connections (ratls/connection.h) he relays all that they say, byte for byte: frames
 * with data, challenges and evidence. Each of the four ends has memory for a wire.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection_pair.h"
#include "fake_policy.h"
#include "mitm.h"
#include "mitm_stage.h"
#include "must.h"

#define MAX_AGE_S 60
#define RENEW_S 10
#define MS_PER_S 1000
#define TURNS_MAX 10000
#define PATIENCE_MS 10000
#define CHUNK 2048

struct wire {
    BIO *in, *out; /* the SSL's */
};

struct scene {
    struct mitm_stage *stage;
    struct tls_world *world; /* the stage's */
    struct mitm *mitm;
    struct ratls_connection *client, *server; /* honest */
    struct wire client_wire, server_wire, front_wire, back_wire;
    SSL *front, *back;                         /* his */
    struct tls_bytes from_client, from_server; /* what he read, and has not passed on yet */
    struct tls_bytes seen;                     /* all that he read of the client */
};

static struct wire give_wire(SSL *ssl)
{
    struct wire wire = {BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())};

    must(wire.in != NULL && wire.out != NULL);
    BIO_set_mem_eof_return(wire.in, -1);
    SSL_set_bio(ssl, wire.in, wire.out);
    return wire;
}

static bool carry(const struct wire *from, const struct wire *to)
{
    uint8_t bytes[CHUNK];
    bool moved = false;
    int len;

    while ((len = BIO_read(from->out, bytes, sizeof bytes)) > 0) {
        must(BIO_write(to->in, bytes, len) == len);
        moved = true;
    }
    return moved;
}

/* What he can decrypt of one side. */
static bool listen_to(SSL *ssl, struct tls_bytes *held, struct tls_bytes *seen)
{
    uint8_t bytes[CHUNK];
    bool moved = false;
    int len;

    ERR_clear_error();
    if (SSL_do_handshake(ssl) != 1)
        return false;
    while ((len = SSL_read(ssl, bytes, sizeof bytes)) > 0) {
        tls_bytes_add(held, bytes, (size_t)len);
        if (seen != NULL)
            tls_bytes_add(seen, bytes, (size_t)len);
        moved = true;
    }
    return moved;
}

static void tell(SSL *ssl, struct tls_bytes *held)
{
    ERR_clear_error();
    if (held->len != 0 && SSL_is_init_finished(ssl) &&
        SSL_write(ssl, held->p, (int)held->len) == (int)held->len)
        held->len = 0;
}

/* What connections do by themselves; each call does what is due. */
static void move_honest(struct ratls_connection *connection)
{
    uint8_t bytes[CHUNK];
    size_t len;

    if (ratls_connection_handshake(connection) == RATLS_DONE)
        while (ratls_connection_read(connection, bytes, sizeof bytes, &len) == RATLS_DONE)
            continue;
}

static bool move_behind(struct scene *s)
{
    bool moved;

    move_honest(s->server);
    moved = carry(&s->server_wire, &s->back_wire);
    moved = listen_to(s->back, &s->from_server, NULL) || moved;
    tell(s->back, &s->from_client);
    return carry(&s->back_wire, &s->server_wire) || moved;
}

static bool move_before(struct scene *s)
{
    bool moved;

    move_honest(s->client);
    moved = carry(&s->client_wire, &s->front_wire);
    moved = listen_to(s->front, &s->from_client, &s->seen) || moved;
    tell(s->front, &s->from_server);
    return carry(&s->front_wire, &s->client_wire) || moved;
}

/* False: the server's attester has nothing to do. */
static bool await_attester(const struct scene *s)
{
    struct pollfd done = {.fd = ratls_connection_attester_fd(s->server), .events = POLLIN};

    return done.fd >= 0 && poll(&done, 1, PATIENCE_MS) > 0;
}

static void settle(struct scene *s)
{
    bool moved = true;

    for (unsigned turn = 0; moved; turn++) {
        must(turn < TURNS_MAX);
        moved = move_before(s);
        moved = move_behind(s) || moved || await_attester(s);
    }
}

/* While the client waits for its ServerHello. */
static void reach(struct mitm *mitm)
{
    struct scene *s = mitm->arg;

    must(tls_set_sni(s->back, TLS_NAME));
    while (move_behind(s) || await_attester(s))
        continue;
}

static struct ratls_connection *new_honest(SSL_CTX *ctx, bool is_client, struct wire *ret_wire)
{
    struct ratls_connection *connection = NULL;
    SSL *ssl = SSL_new(ctx);

    must(ssl != NULL);
    if (is_client) {
        must(SSL_set1_host(ssl, TLS_NAME) == 1 && tls_set_sni(ssl, TLS_NAME));
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
    *ret_wire = give_wire(ssl);
    must(ratls_connection_new(ssl, NULL, &connection, NULL) == RATLS_OK);
    return connection;
}

static void begin_scene(struct scene *s, const struct mitm_row *row)
{
    struct ratls_rules *rules;

    *s = (struct scene){.stage = mitm_stage_new(row)};
    s->world = s->stage->world;
    rules = fake_policy_rules(s->world->policy);
    rules->max_age_s = MAX_AGE_S;
    rules->renew_s = RENEW_S;
    s->mitm = mitm_new(s->world, s->world->server);
    s->mitm->reach = reach;
    s->mitm->arg = s;
    s->front = SSL_new(s->mitm->front);
    s->back = SSL_new(s->mitm->back);
    must(s->front != NULL && s->back != NULL);
    SSL_set_accept_state(s->front);
    SSL_set_connect_state(s->back);
    s->front_wire = give_wire(s->front);
    s->back_wire = give_wire(s->back);
}

static void open_ends(struct scene *s)
{
    s->client = new_honest(s->world->client, true, &s->client_wire);
    s->server = new_honest(s->world->server, false, &s->server_wire);
    settle(s);
}

static void end_scene(struct scene *s, uint64_t verdicts, struct mitm_outcome *ret)
{
    const struct ratls_report *report = ratls_connection_report(s->client);
    struct ratls_finding finding;
    size_t len;

    if (ratls_report_first_failure(report, &finding))
        snprintf(ret->check, sizeof ret->check, "%s", finding.check);
    ret->was_relayed = s->world->attested > 0;
    ret->accepted =
        ratls_report_accepted(report) && ratls_connection_verdicts(s->client) >= verdicts;
    (void)!ratls_connection_write(s->client, MITM_SECRET, strlen(MITM_SECRET), &len);
    settle(s);
    ret->secret_read = tls_bytes_contain(&s->seen, MITM_SECRET);
    ratls_connection_free(s->client);
    ratls_connection_free(s->server);
    SSL_free(s->front);
    SSL_free(s->back);
    mitm_free(s->mitm);
    free(s->from_client.p);
    free(s->from_server.p);
    free(s->seen.p);
    mitm_stage_free(s->stage);
}

/* The server sends its evidence as soon as its exporter is there: before all else. */
void mitm_relay_connection(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct scene s;

    (void)weak;
    begin_scene(&s, row);
    open_ends(&s);
    end_scene(&s, 1, ret);
}

/* A client with a certificate wants the evidence before it shows that: in the handshake. */
void mitm_relay_framed_handshake(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct scene s;

    (void)weak;
    begin_scene(&s, row);
    must(SSL_CTX_use_certificate(s.world->client, s.world->certificate) == 1 &&
         SSL_CTX_use_PrivateKey(s.world->client, s.world->key) == 1);
    open_ends(&s);
    must(s.mitm->evidence.len != 0);
    end_scene(&s, 1, ret);
}

/* The client asks again, as long as it talks to him. */
void mitm_relay_lease(const struct mitm_row *row, bool weak, struct mitm_outcome *ret)
{
    struct scene s;

    (void)weak;
    begin_scene(&s, row);
    open_ends(&s);
    for (unsigned i = 0; i < 3; i++) {
        clock_move(RENEW_S * MS_PER_S);
        settle(&s);
    }
    end_scene(&s, 3, ret);
}
