/* Which rules a server judges a client by: the names of its certificate. */
#include <criterion/criterion.h>
#include <string.h>

#include "fake_policy.h"
#include "mutual_assert.h"
#include "pki.h"
#include "tls_internal.h"

/* A client with a certificate of the CA for these names. */
static struct tls_pair *connect_as(struct mutual_world *world, const char *names)
{
    X509 *certificate = mutual_certificate(world, names);
    struct tls_pair *pair = mutual_pair(world->client, world->server);

    cr_assert(SSL_use_certificate(pair->client.ssl, certificate));
    X509_free(certificate);
    return pair;
}

/* The policy is for every client, and the key is for every one, or for the one that is named. */
static void speak_for_every_client(struct mutual_world *world)
{
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    free(rules->servers.names[0]);
    free(rules->servers.names);
    rules->servers = (struct ratls_names){0};
}

static void pin_for_all(struct mutual_world *world)
{
    struct ratls_names *names = &fake_policy_rules(world->policy)->pins[0].servers;

    free(names->names[0]);
    free(names->names);
    *names = (struct ratls_names){0};
}

static void assert_report_names(const struct tls_pair *pair, const char *name)
{
    char *text = NULL;

    cr_assert_eq(ratls_report_text(ratls_tls_report(pair->server.ssl), 0, &text), RATLS_OK);
    cr_assert_not_null(strstr(text, name), "%s", text);
    free(text);
}

Test(tls_mutual_names, one_of_several)
{
    static const char *const rows[] = {"DNS:" MUTUAL_NAME, "DNS:CLIENT.example",
                                       "DNS:other.example,DNS:" MUTUAL_NAME ",IP:192.0.2.7",
                                       "DNS:" MUTUAL_NAME ",DNS:Client.Example"};
    static const char *const reported[] = {MUTUAL_NAME, "CLIENT.example", MUTUAL_NAME,
                                           "Client.Example"};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = connect_as(world, rows[i]);

        assert_mutual(pair);
        assert_report_names(pair, reported[i]);
        tls_pair_free(pair);
    }
    mutual_world_free(world);
}

Test(tls_mutual_names, no_policy_for_it)
{
    static const char *const rows[] = {"DNS:other.example", "DNS:*.example", "IP:192.0.2.7",
                                       "email:client.example@example"};
    struct mutual_world *world = mutual_world_new();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = connect_as(world, rows[i]);

        assert_client_not_judged(
            pair, "no policy for clients speaks for a name of the client's certificate: "
                  "1 file speaks for " MUTUAL_NAME);
        tls_pair_free(pair);
    }
    mutual_world_free(world);
}

Test(tls_mutual_names, two_that_policies_speak_for)
{
    struct mutual_world *world = mutual_world_new();
    struct ratls_rules *rules = fake_policy_rules(world->policy);
    struct tls_pair *pair;

    rules->servers.names = realloc(rules->servers.names, 2 * sizeof *rules->servers.names);
    rules->servers.names[rules->servers.count++] = strdup("*.cluster.example");
    pair = connect_as(world, "DNS:" MUTUAL_NAME ",DNS:a.cluster.example");
    assert_client_not_judged(pair, "two names of the client's certificate");
    tls_pair_free(pair);
    pair = connect_as(world, "DNS:a.cluster.example");
    assert_client_refused(pair, "ak.server");
    tls_pair_free(pair);
    mutual_world_free(world);
}

/* A program that goes on with a chain that does not verify gets no names from it. */
static int say_yes(int ok, X509_STORE_CTX *store)
{
    (void)ok, (void)store;
    return 1;
}

Test(tls_mutual_names, of_a_certificate_that_is_not_verified)
{
    struct mutual_world *world = mutual_world_new();
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *ca = pki_ca("Stranger", key, NULL, NULL);
    X509 *certificate = pki_certificate(&(struct pki_spec){.subject = "client",
                                                           .key = world->key,
                                                           .issuer = ca,
                                                           .issuer_key = key,
                                                           .names = "DNS:" MUTUAL_NAME});
    SSL_verify_cb callbacks[] = {NULL, say_yes, NULL};
    const int modes[] = {SSL_VERIFY_PEER, SSL_VERIFY_PEER, SSL_VERIFY_NONE};
    struct tls_pair *pair;

    for (size_t i = 0; i < 3; i++) {
        SSL_CTX_set_verify(world->server, modes[i], callbacks[i]);
        pair = mutual_pair(world->client, world->server);
        cr_assert(SSL_use_certificate(pair->client.ssl, certificate));
        if (i == 0) {
            cr_assert_not(tls_pair_handshake(pair));
            cr_assert_eq(pair->server.alert_sent, SSL_AD_UNKNOWN_CA);
            assert_server_closed(pair);
        } else {
            assert_client_not_judged(pair, "the client's certificate is not verified");
        }
        tls_pair_free(pair);
    }
    /* A policy for every client asks for no name; a key that is for one is then for none. */
    speak_for_every_client(world);
    pair = mutual_pair(world->client, world->server);
    cr_assert(SSL_use_certificate(pair->client.ssl, certificate));
    assert_client_refused(pair, "ak.server");
    tls_pair_free(pair);
    pin_for_all(world);
    pair = mutual_pair(world->client, world->server);
    cr_assert(SSL_use_certificate(pair->client.ssl, certificate));
    assert_mutual(pair);
    tls_pair_free(pair);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(key);
    mutual_world_free(world);
}

/* The key must still be for the one name that the certificate has. */
Test(tls_mutual_names, policy_for_every_client)
{
    static const struct {
        const char *names;
        const char *check; /* that fails; NULL: accepted */
    } rows[] = {{"DNS:" MUTUAL_NAME, NULL},
                {"DNS:other.example", "ak.server"},
                {"DNS:" MUTUAL_NAME ",DNS:other.example", "ak.server"},
                {"IP:192.0.2.7", "ak.server"}};
    struct mutual_world *world = mutual_world_new();

    speak_for_every_client(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = connect_as(world, rows[i].names);

        if (rows[i].check == NULL)
            assert_mutual(pair);
        else
            assert_client_refused(pair, rows[i].check);
        tls_pair_free(pair);
    }
    pin_for_all(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = connect_as(world, rows[i].names);

        assert_mutual(pair);
        tls_pair_free(pair);
    }
    mutual_world_free(world);
}

/* What no name of a policy can be is none: it would be printed, and kept as the client's. */
Test(tls_mutual_names, that_are_none)
{
    static const char *const rows[] = {"DNS:*.example", "DNS:.example", "DNS:two words.example",
                                       "DNS:a\nratls: accepted b"};
    struct mutual_world *world = mutual_world_new();

    speak_for_every_client(world);
    pin_for_all(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_pair *pair = connect_as(world, rows[i]);

        assert_mutual(pair);
        cr_expect_str_eq(ratls_channel_of(pair->server.ssl)->server_name, "", "%s", rows[i]);
        tls_pair_free(pair);
    }
    mutual_world_free(world);
}

/* Who comes is not known: a result is asked for if one of those who may come needs one. */
Test(tls_mutual_names, results)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair;

    speak_for_every_client(world);
    pin_for_all(world);
    fake_policy_rules(world->policy)->results.is_asked = true;
    pair = connect_as(world, "DNS:" MUTUAL_NAME);
    assert_client_refused(pair, "result.present");
    cr_expect_eq(world->asked.offers, RATLS_OFFER_RESULT);
    tls_pair_free(pair);
    fake_policy_rules(world->policy)->results.is_asked = false;
    mutual_world_free(world);
}

/* Only what its own policy compares, as if it knew. */
static void quote_less(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_QUOTE) {
        draft->selection.count = 1;
        draft->selection.banks[0].pcrs = 0xff;
    }
}

/*
 * Who comes is not known when the server asks: it asks for all that its policies compare, and each
 * client is judged by its own.
 */
Test(tls_mutual_names, policies_that_compare_other_pcrs)
{
    struct mutual_world *world = mutual_world_new();
    struct ratls_policy *other = fake_policy_new(world->tpm);
    struct ratls_rules *rules;
    struct tls_pair *pair;

    fake_policy_pcr(other, world->tpm, RATLS_ALG_SHA256, 11);
    fake_policy_pcr(other, world->tpm, RATLS_ALG_SHA384, 7);
    world->policy->rules = realloc(world->policy->rules, 2 * sizeof *rules);
    rules = &world->policy->rules[world->policy->count++];
    *rules = *fake_policy_rules(other);
    rules->for_clients = true;
    rules->ledger = world->policy->ledger;
    rules->servers.names = calloc(1, sizeof *rules->servers.names);
    rules->servers.names[rules->servers.count++] = strdup("other.example");
    other->count = 0;
    ratls_policy_free(other);

    fake_tpm_pcr(world->tpm, RATLS_ALG_SHA256, 11)[0] ^= 1;
    pair = connect_as(world, "DNS:" MUTUAL_NAME);
    assert_mutual(pair);
    cr_assert_eq(world->asked.selection.count, 2);
    cr_assert_eq(world->asked.selection.banks[0].pcrs, 0x8ff);
    tls_pair_free(pair);
    pair = connect_as(world, "DNS:other.example");
    assert_client_refused(pair, "ak.trust"); /* nobody is pinned there */
    cr_assert_eq(world->asked.key_id_count, 0);
    tls_pair_free(pair);
    world->tamper = quote_less;
    pair = connect_as(world, "DNS:" MUTUAL_NAME);
    assert_client_refused(pair, "pcr.selection");
    tls_pair_free(pair);
    mutual_world_free(world);
}
