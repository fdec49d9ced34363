/* CRLs from the store: what is in each, and their numbers when several instances sign. */
#include "ca_scene.h"

#include <openssl/x509.h>
#include <pthread.h>

#include "crl_make.h"
#include "crypto_crl.h"
#include "store_sample.h"

#define RIVALS 4
#define ROUNDS 5
#define LIFETIME_S 600

static struct store_place place;
static struct ratls_store *store;
static struct ratls_ca_issuer_config config;
static struct ratls_issuers *issuers;
static EVP_PKEY *key;
static X509 *ca;

static struct ratls_issuers *open_issuers(void)
{
    struct ratls_issuers *opened = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(scene_open(&config, 1, &opened, &err), RATLS_OK, "%s", err.text);
    return opened;
}

static void make_world(void)
{
    scene_make();
    key = pki_key(PKI_P256);
    ca = scene_ca(key, 0);
    config = (struct ratls_ca_issuer_config){scene_certificate("ca.crt", ca),
                                             scene_key("ca.key", key, NULL)};
    issuers = open_issuers();
    store_place_make(&place);
    store = store_at(&place);
}

static void free_world(void)
{
    ratls_store_close(store);
    store_place_remove(&place);
    ratls_issuers_close(issuers);
    X509_free(ca);
    EVP_PKEY_free(key);
    scene_remove();
}

TestSuite(ca_publish, .init = make_world, .fini = free_world);

/* A certificate of this number; of the CA, or of another issuer. */
static void enroll(unsigned number, bool is_ours)
{
    struct store_sample sample;

    store_sample(&sample, number, number, number, number);
    if (is_ours)
        memcpy(sample.issue.issuer_sha256, ratls_issuer_sha256(issuers, 0), 32);
    cr_assert_eq(sample_enroll(store, &sample), RATLS_STORE_DONE);
}

static void revoke_one(unsigned number, unsigned reason)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct store_sample sample;
    size_t count = 0;

    store_sample(&sample, number, number, number, number);
    cr_assert_eq(ratls_store_revoke(store, RATLS_STORE_BY_SERIAL, sample.issue.serial, reason,
                                    SAMPLE_NOW + 2, &count, &outcome, NULL),
                 RATLS_OK);
    cr_assert_eq(count, 1);
}

/* The list that is published now: its entries. */
static int publish(int64_t now, int64_t number, X509_CRL **ret_list)
{
    struct ratls_store_crl crl = {0};
    struct ratls_error err = {0};
    const unsigned char *p;
    int count;

    cr_assert_eq(ratls_ca_publish(issuers, store, 0, now, LIFETIME_S, &crl, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect_eq(crl.number, number);
    cr_expect_eq(crl.this_update, now);
    cr_expect_eq(crl.next_update, now + LIFETIME_S);
    p = crl.der;
    *ret_list = d2i_X509_CRL(NULL, &p, (long)crl.len);
    cr_assert_not_null(*ret_list);
    cr_expect_eq(X509_CRL_verify(*ret_list, key), 1);
    count = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(*ret_list));
    ratls_store_crl_done(&crl);
    return count < 0 ? 0 : count; /* -1: no list of entries */
}

static int count_entries(int64_t now, int64_t number)
{
    X509_CRL *list = NULL;
    const int count = publish(now, number, &list);

    X509_CRL_free(list);
    return count;
}

Test(ca_publish, what_is_revoked)
{
    X509_CRL *list = NULL;
    X509_REVOKED *entry;
    const ASN1_INTEGER *serial;

    cr_expect_eq(count_entries(SAMPLE_NOW + 1, 1), 0);
    enroll(1, true);
    enroll(2, true);
    enroll(3, false);
    revoke_one(1, 4);
    revoke_one(3, 1);
    cr_expect_eq(publish(SAMPLE_NOW + 3, 2, &list), 1, "nothing of another issuer");
    entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(list), 0);
    serial = X509_REVOKED_get0_serialNumber(entry);
    cr_expect_eq(ASN1_STRING_length(serial), 13, "without leading zeros");
    cr_expect_eq(ASN1_STRING_get0_data(serial)[0], 1);
    X509_CRL_free(list);
    revoke_one(2, 0);
    cr_expect_eq(count_entries(SAMPLE_NOW + 4, 3), 2);
}

/* RFC 5280, 3.3: in one list after its end, and then no more. */
Test(ca_publish, what_has_ended)
{
    enroll(1, true);
    revoke_one(1, 4);
    cr_expect_eq(count_entries(SAMPLE_END - 10, 1), 1);
    cr_expect_eq(count_entries(SAMPLE_END + 10, 2), 1, "the first after its end");
    cr_expect_eq(count_entries(SAMPLE_END + 20, 3), 0);
}

/* A list that was signed while a clock was ahead does not end what is revoked. */
Test(ca_publish, a_clock_that_was_ahead)
{
    enroll(1, true);
    revoke_one(1, 1);
    cr_expect_eq(count_entries(SAMPLE_END + 10, 1), 1);
    cr_expect_eq(count_entries(SAMPLE_NOW + 10, 2), 1, "it is valid again, and stays revoked");
    cr_expect_eq(count_entries(SAMPLE_NOW + 20, 3), 1);
}

/* As long as clients take it: or a CA with much to revoke could tell nobody. */
Test(ca_publish, the_longest)
{
    uint8_t *bytes = calloc(1, RATLS_CRL_FILE_MAX);
    struct ratls_store_crl crl = {.number = 1,
                                  .this_update = SAMPLE_NOW,
                                  .next_update = SAMPLE_NOW + LIFETIME_S,
                                  .der = bytes,
                                  .len = RATLS_CRL_FILE_MAX};
    const uint8_t *issuer = ratls_issuer_sha256(issuers, 0);
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_store_crl read = {0};
    struct ratls_error err = {0};

    cr_assert_not_null(bytes);
    cr_assert_eq(ratls_store_put_crl(store, issuer, &crl, SAMPLE_NOW, &outcome, &err), RATLS_OK,
                 "%s", err.text);
    cr_assert_eq(ratls_store_last_crl(store, issuer, &read, &outcome, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect_eq(read.len, crl.len);
    ratls_store_crl_done(&read);
    free(bytes);
}

/* A client whose clock is a little behind takes it, too. */
Test(ca_publish, clocks)
{
    struct ratls_store_crl crl = {0};
    struct ratls_crl *list = NULL;
    struct ratls_error err = {0};
    X509 *good = pki_ak_certificate(key, "DNS:a.example", ca, key);
    char why[RATLS_WHY_MAX];
    size_t len = 0;
    uint8_t *der = pki_der(good, &len);
    const struct ratls_slice certificate = ratls_slice(der, len);

    cr_assert_eq(ratls_ca_publish(issuers, store, 0, SAMPLE_NOW, LIFETIME_S, &crl, &err), RATLS_OK);
    cr_assert_eq(ratls_crl_read(ratls_slice(crl.der, crl.len), ca, &list, &err), RATLS_OK);
    cr_expect(ratls_crl_clears(list, certificate, SAMPLE_NOW - RATLS_CA_SKEW_S, why), "%s", why);
    cr_expect_not(ratls_crl_clears(list, certificate, SAMPLE_NOW - RATLS_CA_SKEW_S - 1, why));
    cr_expect(ratls_crl_clears(list, certificate, SAMPLE_NOW + LIFETIME_S - 1, why), "%s", why);
    cr_expect_not(ratls_crl_clears(list, certificate, SAMPLE_NOW + LIFETIME_S, why));
    ratls_crl_free(list);
    ratls_store_crl_done(&crl);
    OPENSSL_free(der);
    X509_free(good);
}

/* An instance of its own. */
static void *publish_often(void *arg)
{
    int64_t *numbers = arg;
    struct ratls_store *own = store_at(&place);
    struct ratls_issuers *own_issuers = open_issuers();

    for (size_t i = 0; i < ROUNDS; i++) {
        struct ratls_store_crl crl = {0};
        struct ratls_error err = {0};

        if (ratls_ca_publish(own_issuers, own, 0, SAMPLE_NOW + 3, LIFETIME_S, &crl, &err) ==
            RATLS_OK)
            numbers[i] = crl.number;
        else
            fprintf(stderr, "%s\n", err.text);
        ratls_store_crl_done(&crl);
    }
    ratls_issuers_close(own_issuers);
    ratls_store_close(own);
    return NULL;
}

Test(ca_publish, several_instances)
{
    bool seen[RIVALS * ROUNDS + 1] = {false};
    int64_t numbers[RIVALS][ROUNDS] = {{0}};
    pthread_t threads[RIVALS];

    for (size_t i = 0; i < RIVALS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, publish_often, numbers[i]), 0);
    for (size_t i = 0; i < RIVALS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < RIVALS; i++)
        for (size_t k = 0; k < ROUNDS; k++) {
            cr_assert(numbers[i][k] >= 1 && numbers[i][k] <= RIVALS * ROUNDS);
            cr_expect_not(seen[numbers[i][k]], "%d twice", (int)numbers[i][k]);
            seen[numbers[i][k]] = true;
        }
}
