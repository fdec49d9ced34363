/* Handshakes in which both sides attest: what is accepted, and what the server refuses. */
#include <criterion/criterion.h>
#include <string.h>

#include "mutual_assert.h"
#include "pki.h"
#include "tls_internal.h"

Test(tls_mutual, both_sides_attest)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < 2; i++) {
        struct tls_pair *pair = mutual_pair(world->client, world->server);
        uint8_t nonce[RATLS_NONCE_LEN];
        size_t len;

        cr_assert(SSL_set_ciphersuites(pair->client.ssl, suites[i]));
        memcpy(nonce, world->asked.nonce, sizeof nonce);
        assert_mutual(pair);
        cr_assert_eq(world->attested, i + 1);
        cr_assert_eq(world->asked.role, RATLS_ROLE_CLIENT);
        cr_assert_eq(world->asked.mode, RATLS_MODE_HANDSHAKE);
        cr_assert_neq(memcmp(nonce, world->asked.nonce, sizeof nonce), 0);
        cr_assert_neq(memcmp(world->base->asked.nonce, world->asked.nonce, sizeof nonce), 0);
        cr_assert_not_null(ratls_tls_evidence(pair->server.ssl, &len));
        tls_pair_free(pair);
    }
    mutual_world_free(world);
}

/* Who is not asked shows nothing, and a server that does not ask notices nothing. */
Test(tls_mutual, attests_only_if_asked)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *server = mutual_plain_server(world);
    struct tls_pair *pair = mutual_pair(world->client, server);

    assert_accepted(pair);
    cr_assert_eq(world->attested, 0);
    cr_assert_null(ratls_tls_report(pair->server.ssl));
    tls_pair_free(pair);
    SSL_CTX_free(server);
    mutual_world_free(world);
}

Test(tls_mutual, client_that_attests_to_nobody)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *client = mutual_plain_client(world);
    struct tls_pair *pair = mutual_pair(client, world->server);

    assert_client_refused(pair, "evidence.present");
    tls_pair_free(pair);
    SSL_CTX_free(client);
    client = tls_plain_client(world->base);
    cr_assert(SSL_CTX_use_certificate(client, world->certificate) &&
              SSL_CTX_use_PrivateKey(client, world->key));
    pair = mutual_pair(client, world->server);
    assert_client_refused(pair, "evidence.present");
    tls_pair_free(pair);
    SSL_CTX_free(client);
    mutual_world_free(world);
}

/* Also where the program wants no certificate, or only later. */
Test(tls_mutual, client_without_a_certificate)
{
    static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER,
                                SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE};
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *client = tls_plain_client(world->base);

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct tls_pair *pair;

        SSL_CTX_set_verify(world->server, modes[i], NULL);
        pair = mutual_pair(client, world->server);
        cr_assert_not(tls_pair_handshake(pair));
        cr_assert_eq(pair->server.done, -1);
        cr_assert_eq(pair->server.alert_sent, SSL_AD_CERTIFICATE_REQUIRED);
        assert_server_closed(pair);
        tls_pair_free(pair);
    }
    SSL_CTX_free(client);
    mutual_world_free(world);
}

Test(tls_mutual, verify_modes)
{
    static const int modes[] = {
        SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct tls_pair *pair;

        SSL_CTX_set_verify(world->server, modes[i], NULL);
        pair = mutual_pair(world->client, world->server);
        assert_mutual(pair);
        tls_pair_free(pair);
    }
    mutual_world_free(world);
}

Test(tls_mutual, machine_that_changed)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair;

    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    pair = mutual_pair(world->client, world->server);
    assert_client_refused(pair, "pcr.value");
    tls_pair_free(pair);
    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    pair = mutual_pair(world->client, world->server);
    assert_mutual(pair);
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* The same key at both ends is right, if it is enrolled for both: a machine may talk to itself. */
Test(tls_mutual, one_machine)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *client = mutual_plain_client(world);
    struct ratls_error error = {0};
    struct tls_pair *pair;

    cr_assert_eq(ratls_tls_attest(client, world->base->attester, &error), RATLS_OK);
    pair = mutual_pair(client, world->server);
    assert_client_refused(pair, "ak.trust");
    tls_pair_free(pair);
    fake_policy_pin(world->policy, world->base->tpm, "other.example");
    pair = mutual_pair(client, world->server);
    assert_client_refused(pair, "ak.server");
    tls_pair_free(pair);
    fake_policy_pin(world->policy, world->base->tpm, MUTUAL_NAME);
    pair = mutual_pair(client, world->server);
    assert_mutual(pair);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    mutual_world_free(world);
}

/* The client's own verdict comes first. */
Test(tls_mutual, attests_to_no_server_that_it_refuses)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair;

    fake_tpm_pcr(world->base->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    pair = mutual_pair(world->client, world->server);
    assert_refused(pair, "pcr.value");
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* Nor to one that it did not look at. */
Test(tls_mutual, attests_to_no_server_that_is_let_alone)
{
    struct mutual_world *world = mutual_world_new();
    struct ratls_names *names = &fake_policy_rules(world->base->policy)->servers;
    char name[] = "other.example";
    char *list[] = {name};
    struct tls_pair *pair;

    *names = (struct ratls_names){.names = list, .count = 1};
    ratls_tls_of_context(world->client)->unlisted_plain = true;
    pair = mutual_pair(world->client, world->server);
    assert_client_refused(pair, "evidence.present");
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    *names = (struct ratls_names){0};
    mutual_world_free(world);
}

Test(tls_mutual, attester_that_fails)
{
    struct mutual_world *world = mutual_world_new();
    struct ratls_tls *tls = ratls_tls_of_context(world->client);
    struct tls_pair *pair;

    tls->attester->free(tls->attester);
    tls->attester = NULL;
    tls->attester_failure = (struct ratls_error){RATLS_TPM, "the TPM is gone"};
    pair = mutual_pair(world->client, world->server);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->client.done, -1);
    cr_assert_str_eq(ratls_tls_error(pair->client.ssl)->text, "the TPM is gone");
    cr_assert_eq(pair->client.alert_sent, SSL_AD_INTERNAL_ERROR);
    assert_server_closed(pair);
    tls_pair_free(pair);
    mutual_world_free(world);
}

Test(tls_mutual, usage)
{
    struct mutual_world *world = mutual_world_new();
    SSL_CTX *server = tls_server(world->base);
    struct ratls_error error = {0};

    cr_assert_eq(ratls_tls_verify_clients(server, world->base->policy, &error), RATLS_USAGE);
    cr_assert_not_null(strstr(error.text, "no policy speaks for clients"), "%s", error.text);
    error = (struct ratls_error){0};
    cr_assert_eq(ratls_tls_verify_clients(world->server, world->policy, &error), RATLS_USAGE);
    cr_assert_not_null(strstr(error.text, "already"), "%s", error.text);
    SSL_CTX_free(server);
    mutual_world_free(world);
}

Test(tls_mutual, no_policy)
{
    struct mutual_world *world = mutual_world_new();
    struct ratls_tls *tls = ratls_tls_of_context(world->server);
    struct tls_pair *pair;

    ratls_policy_free(tls->clients);
    tls->clients = NULL;
    tls->clients_failure = (struct ratls_error){RATLS_USAGE, "c.yaml:1:1: nonsense"};
    pair = mutual_pair(world->client, world->server);
    assert_client_not_judged(pair, "c.yaml:1:1: nonsense");
    tls_pair_free(pair);
    mutual_world_free(world);
}
