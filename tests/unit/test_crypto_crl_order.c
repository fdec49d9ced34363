/* Which revocation list may take the place of which. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "crypto_crl.h"
#include "pki_crl.h"

#define FROM 1700000000
#define UNTIL 1700086400

static EVP_PKEY *key;
static X509 *issuer, *bad;

static void make_world(void)
{
    struct pki_spec spec = {
        .subject = "issuer", .ca = "critical,CA:TRUE", .key_usage = "critical,keyCertSign,cRLSign"};

    spec.key = key = pki_key(PKI_P256);
    issuer = pki_certificate(&spec);
    bad = pki_ak_certificate(key, "DNS:a.example", issuer, key);
}

static void free_world(void)
{
    X509_free(issuer);
    X509_free(bad);
    EVP_PKEY_free(key);
}

TestSuite(crypto_crl_order, .init = make_world, .fini = free_world);

static struct ratls_crl *make(struct pki_crl_spec spec)
{
    struct ratls_crl *list = NULL;
    struct ratls_error err = {0};
    uint8_t *der;
    size_t len;

    spec.issuer = issuer;
    spec.issuer_key = key;
    spec.until_s = UNTIL;
    der = pki_crl(&spec, &len);

    cr_assert(eq(int, ratls_crl_read(ratls_slice(der, len), issuer, &list, &err), RATLS_OK), "%s",
              err.text);
    OPENSSL_free(der);
    return list;
}

static struct ratls_crl *make_list(long number, int64_t from, X509 *revoked)
{
    return make((struct pki_crl_spec){.number = number, .from_s = from, .revoked = revoked});
}

Test(crypto_crl_order, follows)
{
    static const struct {
        long old, number;
        int64_t later; /* seconds */
        const char *why;
    } rows[] = {
        {7, 8, 1, ""},
        {7, 8, 0, ""},
        {7, 1000000, 1, ""},
        {7, 8, -1, "it is not of a later time than the one that is there"},
        {7, 6, 1, "its number is lower than that of the one that is there"},
        {7, 6, -1, "its number is lower than that of the one that is there"},
        {7, 7, 1, "it is another one with the same number"},
        {7, 7, 0, "it is another one with the same number"},
        {7, -1, 1, "it has no number, and the one that is there has one"},
        {-1, 7, 1, ""},
        {-1, 7, 0, ""},
        {-1, 7, -1, "it is not of a later time than the one that is there"},
        {-1, -1, 1, ""},
        {-1, -1, 0, "it is not of a later time than the one that is there"},
        {-1, -1, -1, "it is not of a later time than the one that is there"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_crl *old = make_list(rows[i].old, FROM, NULL);
        struct ratls_crl *list = make_list(rows[i].number, FROM + rows[i].later, bad);
        char why[RATLS_WHY_MAX] = "?";

        cr_expect(eq(int, ratls_crl_follows(list, old, why), rows[i].why[0] == '\0'), "row %zu", i);
        cr_expect(eq(str, why, (char *)rows[i].why), "row %zu", i);
        ratls_crl_free(old);
        ratls_crl_free(list);
    }
}

Test(crypto_crl_order, says)
{
    struct ratls_crl *with = make_list(1000007, FROM, bad), *without = make_list(-1, FROM, NULL);
    char number[RATLS_CRL_NUMBER_MAX];

    ratls_crl_number(with, number);
    cr_expect(eq(str, number, "1000007"));
    ratls_crl_number(without, number);
    cr_expect(eq(str, number, ""));
    cr_expect(eq(sz, ratls_crl_count(with), 1));
    cr_expect(eq(sz, ratls_crl_count(without), 0));
    cr_expect(eq(i64, ratls_crl_from(with), FROM));
    cr_expect(ratls_crl_same(with, with));
    cr_expect(not(ratls_crl_same(with, without)));
    ratls_crl_free(with);
    ratls_crl_free(without);
}

/* 20 octets are allowed (RFC 5280, 5.2.3). */
Test(crypto_crl_order, long_numbers)
{
    struct ratls_crl *most = make_list(INT32_MAX, FROM, NULL);
    struct ratls_crl *more = make_list((long)INT32_MAX + 1, FROM, NULL);
    struct ratls_crl *longest = make((struct pki_crl_spec){.number_octets = 20, .from_s = FROM});
    char number[RATLS_CRL_NUMBER_MAX];
    char why[RATLS_WHY_MAX];

    cr_expect(ratls_crl_follows(more, most, why), "%s", why);
    cr_expect(not(ratls_crl_follows(most, more, why)));
    cr_expect(ratls_crl_follows(longest, more, why), "%s", why);
    cr_expect(not(ratls_crl_follows(more, longest, why)));
    ratls_crl_number(longest, number);
    cr_expect(eq(str, number, "97433442488726861213578988847752201310395502865"));
    ratls_crl_free(most);
    ratls_crl_free(more);
    ratls_crl_free(longest);
}
