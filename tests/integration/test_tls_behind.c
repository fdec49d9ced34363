/* A server asks its client again, behind the handshake (RFC 8446, 4.6.2). */
#include <criterion/criterion.h>
#include <string.h>

#include "channel.h"
#include "mutual_assert.h"

/* What the client's machine sent the first time, kept by whoever has the client's TLS key. */
struct record {
    uint8_t wire[2048];
    size_t len;
    unsigned count; /* of evidence so far */
    bool replays;
};

static void keep_or_replay(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct record *record = arg;

    if (stage != FAKE_WIRE)
        return;
    if (record->count++ == 0) {
        record->len = draft->wire_len;
        cr_assert_leq(record->len, sizeof record->wire);
        memcpy(record->wire, draft->wire, record->len);
    } else if (record->replays) {
        memcpy(draft->wire, record->wire, record->len);
        draft->wire_len = record->len;
    }
}

static struct tls_pair *open_pair(struct mutual_world *world, struct record *record)
{
    struct tls_pair *pair = mutual_pair(world->client, world->server);

    world->tamper = keep_or_replay;
    world->tamper_arg = record;
    SSL_set_post_handshake_auth(pair->client.ssl, 1);
    assert_mutual(pair);
    cr_assert_eq(record->count, 1);
    return pair;
}

/* The server asks, and the rest is done while both sides read. */
static void ask_again(struct tls_pair *pair)
{
    ERR_clear_error();
    cr_assert_eq(SSL_verify_client_post_handshake(pair->server.ssl), 1);
    cr_assert_eq(SSL_do_handshake(pair->server.ssl), 1);
    while (tls_pair_step(pair))
        continue;
}

Test(tls_behind, is_asked_and_answers)
{
    struct mutual_world *world = mutual_world_new();
    struct record record = {.replays = false};
    struct tls_pair *pair = open_pair(world, &record);
    uint8_t nonce[RATLS_NONCE_LEN];

    memcpy(nonce, world->asked.nonce, sizeof nonce);
    ask_again(pair);
    cr_assert_eq(record.count, 2);
    cr_assert_arr_neq(nonce, world->asked.nonce, sizeof nonce);
    cr_assert_eq(pair->server.done, 1, "%s", pair->server.reason_text);
    cr_assert(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
    pair->server.received.len = 0;
    cr_assert_eq(tls_pair_write(pair, TLS_SECRET), strlen(TLS_SECRET));
    cr_assert_eq(pair->server.received.len, strlen(TLS_SECRET));
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* The answer to the first request does not do for the second. */
Test(tls_behind, t39_the_first_answer_again)
{
    struct mutual_world *world = mutual_world_new();
    struct record record = {.replays = true};
    struct tls_pair *pair = open_pair(world, &record);

    ask_again(pair);
    cr_assert_eq(record.count, 2, "this tests nothing");
    cr_assert_eq(pair->server.done, -1);
    cr_assert_str_eq(client_failure(pair), "statement.nonce");
    cr_assert_not(ratls_report_accepted(ratls_tls_report(pair->server.ssl)));
    pair->server.received.len = 0;
    assert_server_closed(pair);
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* Its machine has changed since the handshake. */
Test(tls_behind, machine_that_changed)
{
    struct mutual_world *world = mutual_world_new();
    struct record record = {.replays = false};
    struct tls_pair *pair = open_pair(world, &record);

    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    ask_again(pair);
    cr_assert_eq(pair->server.done, -1);
    cr_assert_str_eq(client_failure(pair), "pcr.value");
    pair->server.received.len = 0;
    assert_server_closed(pair);
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* A machine that signs for one server would have no time for anything else. */
Test(tls_behind, is_asked_too_often)
{
    struct mutual_world *world = mutual_world_new();
    struct record record = {.replays = false};
    struct tls_pair *pair = open_pair(world, &record);

    ratls_channel_of(pair->client.ssl)->demands.second_ms += 60000; /* the second does not end */
    for (unsigned i = 2; i <= 10; i++) {
        ask_again(pair);
        cr_assert_eq(record.count, i);
        cr_assert_eq(pair->server.done, 1, "%s", pair->server.reason_text);
    }
    ask_again(pair);
    cr_assert_eq(record.count, 10);
    cr_assert_not_null(ratls_tls_error(pair->client.ssl));
    cr_assert_not_null(strstr(ratls_tls_error(pair->client.ssl)->text, "too often"));
    cr_assert_leq(SSL_write(pair->client.ssl, "x", 1), 0);
    ERR_clear_error();
    tls_pair_free(pair);
    mutual_world_free(world);
}
