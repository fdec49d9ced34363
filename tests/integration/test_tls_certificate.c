/* Evidence in the certificate (WIRE.md, 4) where handshakes have none; and evidence that is only
 * kept. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "pki.h"
#include "tls_assert.h"
#include "tls_internal.h"
#include "tls_machine.h"

#define DAY_S 86400

static struct tls_world *content_world(void)
{
    struct tls_world *world = tls_world_new();

    fake_policy_rules(world->policy)->freshness = RATLS_FRESHNESS_CERTIFICATE;
    fake_policy_rules(world->policy)->max_age_s = DAY_S;
    return world;
}

Test(tls_certificate, accepted_if_the_policy_is_content)
{
    struct tls_world *world = content_world();
    SSL_CTX *server = tls_certified_server(world, NULL);
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);

    assert_accepted(pair);
    cr_assert_eq(tls_verdict(pair, "statement.nonce"), RATLS_PASS);
    cr_assert_eq(ratls_tls_expectation(pair->client.ssl)->mode, RATLS_MODE_CERTIFICATE);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* What was made once proves nothing of the machine later: there is nothing to renew. */
Test(tls_certificate, shows_no_machine)
{
    struct tls_world *world = content_world();
    SSL_CTX *certified = tls_certified_server(world, NULL);
    SSL_CTX *const servers[] = {certified, world->server};
    const enum ratls_status wanted[] = {RATLS_USAGE, RATLS_OK};

    for (size_t i = 0; i < 2; i++) {
        struct tls_pair *pair = tls_pair_new(world->client, servers[i], TLS_NAME);
        struct ratls_machine machine;

        cr_assert_eq(ratls_machine_of(pair->client.ssl, &machine, NULL), RATLS_USAGE);
        assert_accepted(pair);
        cr_assert_eq(ratls_machine_of(pair->client.ssl, &machine, NULL), wanted[i]);
        tls_pair_free(pair);
    }
    SSL_CTX_free(certified);
    tls_world_free(world);
}

Test(tls_certificate, refused_if_the_policy_wants_it_fresh)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *server = tls_certified_server(world, NULL);
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);

    assert_refused(pair, "evidence.present");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

Test(tls_certificate, about_another_key)
{
    struct tls_world *world = content_world();
    SSL_CTX *server = tls_certified_server(world, world->key);
    struct tls_pair *pair = tls_pair_new(world->client, server, TLS_NAME);

    assert_refused(pair, "statement.spki");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* What the handshake brings is what counts: no way back to the certificate if it is bad. */
Test(tls_certificate, no_second_chance)
{
    struct tls_world *world = content_world();
    SSL_CTX *server = tls_certified_server(world, NULL);
    struct tls_raw raw = {
        .context = SSL_EXT_TLS1_3_CERTIFICATE, .p = (const uint8_t *)"\xa0", .len = 1};
    struct tls_pair *pair;

    tls_raw_add(server, &raw);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    assert_refused(pair, "evidence.format");
    tls_pair_free(pair);
    SSL_CTX_free(server);
    tls_world_free(world);
}

/* As `ratls probe`: the evidence is had, the handshake is over. */
Test(tls_certificate, collected_is_not_accepted)
{
    struct tls_world *world = tls_world_new();
    SSL_CTX *client = tls_plain_client(world);
    struct ratls_pcr_selection selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, 0x81}}};
    struct ratls_error error = {0};
    struct tls_pair *pair;
    size_t len;

    cr_assert_eq(ratls_tls_collect(client, &(struct ratls_pcr_selection){0}, NULL, &error),
                 RATLS_USAGE);
    cr_assert_eq(ratls_tls_collect(client, &selection, NULL, NULL), RATLS_OK);
    pair = tls_pair_new(client, world->server, TLS_NAME);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->client.done, -1);
    assert_nothing_leaves(pair);
    cr_assert_not_null(ratls_tls_evidence(pair->client.ssl, &len));
    cr_assert_gt(len, 500);
    cr_assert_null(ratls_tls_report(pair->client.ssl));
    cr_assert_eq(world->asked.selection.banks[0].pcrs, 0x81);
    cr_assert_arr_eq(ratls_tls_expectation(pair->client.ssl)->nonce, world->asked.nonce,
                     RATLS_NONCE_LEN);
    cr_assert_arr_eq(ratls_tls_expectation(pair->client.ssl)->binder, world->asked.binder,
                     RATLS_BINDER_LEN);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    tls_world_free(world);
}
