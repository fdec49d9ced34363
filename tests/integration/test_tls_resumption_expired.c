/* A session is no way around a certificate that has expired since. */
#include <time.h>

#include "keys.h"
#include "patience.h"
#include "pki.h"
#include "tls_session.h"

#define LIFE_S 3
#define MAX_AGE_S 600

/* The key of the world is no longer pinned, but certified for a moment. */
static void certify(struct tls_world *world, struct ratls_rules *rules, EVP_PKEY *issuer_key)
{
    X509 *issuer = pki_ca("AK CA", issuer_key, NULL, NULL);
    X509 *certificate = pki_certificate(&(struct pki_spec){.subject = "ak",
                                                           .key = world->tpm->key,
                                                           .issuer = issuer,
                                                           .issuer_key = issuer_key,
                                                           .names = "DNS:" TLS_NAME,
                                                           .eku = PKI_EKU_AK,
                                                           .not_after_s = LIFE_S});

    rules->pin_count = 0;
    fake_policy_issuer(world->policy, issuer, TLS_NAME);
    fake_tpm_add_certificate(world->tpm, certificate);
    X509_free(certificate);
    X509_free(issuer);
}

Test(tls_resumption_expired, the_certificate_of_the_key, .timeout = 60)
{
    struct tls_world *world = tls_world_new();
    struct ratls_rules *rules = fake_policy_rules(world->policy);
    EVP_PKEY *issuer_key = pki_key(PKI_P256);
    SSL_SESSION *session;
    struct tls_pair *pair;
    time_t begin;

    rules->max_age_s = MAX_AGE_S;
    begin = time(NULL);
    certify(world, rules, issuer_key);
    session = first_session(world->client, world->server);
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    assert_resumed(pair);
    tls_pair_free(pair);
    while (time(NULL) < begin + LIFE_S + 1)
        sleep_ms(50);
    pair = offer_session(world->client, world->server, TLS_NAME, session);
    assert_refused(pair, "ak.trust");
    cr_expect_not(SSL_session_reused(pair->client.ssl), "it was offered all the same");
    tls_pair_free(pair);
    SSL_SESSION_free(session);
    EVP_PKEY_free(issuer_key);
    tls_world_free(world);
}
