/* Evidence that is pushed where no nonce is to come: it may end the lease, and lengthens none. */
#include <string.h>
#include <time.h>

#include "connection_assert.h"
#include "fake_tsa.h"
#include "staged_attester.h"

#define MAX_AGE_S 60
#define STAMP_AGE_S 10
#define MS 1000

struct pushing {
    struct tls_world *world;
    struct staged_attester *staged;
    SSL_CTX *ctx;
    struct connection_pair *pair;
};

/* The client would take a stream, its policy has no renew; the server sends what changes. */
static struct pushing pushing_open_with(const struct fake_tsa *tsa)
{
    const struct ratls_connection_options client = {.period_ms = 30 * MS};
    const struct ratls_connection_options server = {.pushes = true};
    struct pushing p = {.world = world_with(MAX_AGE_S, 0)};
    struct ratls_error error = {0};

    if (tsa != NULL) {
        p.world->tpm->tsa = tsa;
        p.world->tpm->stamp.time = time(NULL) - STAMP_AGE_S;
        fake_policy_epoch(p.world->policy, tsa->certificate, 2 * STAMP_AGE_S);
    }
    p.staged = staged_attester_new(p.world->attester, false);
    p.ctx = tls_plain_server(p.world);
    cr_assert_eq(ratls_tls_attest(p.ctx, &p.staged->base, &error), RATLS_OK, "%s", error.text);
    p.pair = pair_new(p.world->client, p.ctx, PAIR_MEMORY, &client, &server);
    p.pair->patience_ms = 0;
    assert_open(p.pair);
    return p;
}

static struct pushing pushing_open(void)
{
    return pushing_open_with(NULL);
}

static void pushing_close(struct pushing *p)
{
    pair_free(p->pair);
    SSL_CTX_free(p->ctx);
    staged_attester_free(p->staged);
    tls_world_free(p->world);
}

/* Time goes on, for the TPM too, and the server's state is another. */
static void change_after(struct pushing *p, int64_t ms)
{
    p->world->tpm->clock_ms += (uint64_t)ms;
    clock_move(ms);
    atomic_fetch_add(&p->staged->state, 1);
    clock_move(MS);
    p->world->tpm->clock_ms += MS;
    pair_settle(p->pair);
}

Test(connection_push, lengthens_no_lease_without_renew)
{
    struct pushing p = pushing_open();
    struct ratls_connection *client = p.pair->client.connection;

    change_after(&p, 20 * MS);
    cr_assert_eq(ratls_connection_verdicts(client), 2, "%s", connection_words(client));
    cr_assert_leq(ratls_connection_lease_ms(client), (MAX_AGE_S - 20) * MS);
    change_after(&p, 20 * MS);
    cr_assert_eq(ratls_connection_verdicts(client), 3, "%s", connection_words(client));
    cr_assert_leq(ratls_connection_lease_ms(client), (MAX_AGE_S - 40) * MS);
    clock_move(20 * MS);
    pair_settle(p.pair);
    assert_ended(p.pair, &p.pair->client, RATLS_LAPSED, "max-age");
    pushing_close(&p);
}

/* The answer to the nonce was as old as its time stamp, and so is what counts on from it. */
Test(connection_push, lengthens_no_lease_behind_an_epoch)
{
    struct fake_tsa *tsa = fake_tsa_new(NULL);
    struct pushing p = pushing_open_with(tsa);
    struct ratls_connection *client = p.pair->client.connection;

    cr_assert_leq(ratls_connection_lease_ms(client), (MAX_AGE_S - STAMP_AGE_S) * MS);
    p.world->tpm->tsa = NULL;
    change_after(&p, 20 * MS);
    cr_assert_eq(ratls_connection_verdicts(client), 2, "%s", connection_words(client));
    cr_assert_leq(ratls_connection_lease_ms(client), (MAX_AGE_S - STAMP_AGE_S - 20) * MS);
    pushing_close(&p);
    fake_tsa_free(tsa);
}

Test(connection_push, by_a_clock_that_was_set_forward_ends_it)
{
    struct pushing p = pushing_open();

    p.world->tpm->clock_ms += 3600 * MS;
    change_after(&p, 0);
    assert_ended(p.pair, &p.pair->client, RATLS_REFUSED, "quote.recent");
    pushing_close(&p);
}
