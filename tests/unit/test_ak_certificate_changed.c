/* The same (test_ak_certificate.c) of certificates that were changed, and signed again or not. */
#include <stdlib.h>
#include <string.h>

#include "ak_certificate_scene.h"

#define DER_MAX 2048
#define CHANGED_COUNT 20000

static void put_head(struct ratls_writer *w, uint8_t tag, size_t len)
{
    ratls_write_u8(w, tag);
    if (len >= 0x100) {
        ratls_write_u8(w, 0x82);
        ratls_write_u16(w, (uint16_t)len);
        return;
    }
    if (len >= 0x80)
        ratls_write_u8(w, 0x81);
    ratls_write_u8(w, (uint8_t)len);
}

static struct ratls_slice sign_again(struct ratls_slice tbs, uint8_t out[static DER_MAX])
{
    static const uint8_t alg[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                  0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    uint8_t signature[80];
    size_t len = sizeof signature;
    struct ratls_writer w = ratls_writer(out, DER_MAX);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    cr_assert(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, ca_key) == 1 &&
              EVP_DigestSign(ctx, signature, &len, tbs.p, tbs.len) == 1);
    EVP_MD_CTX_free(ctx);
    put_head(&w, 0x30, tbs.len + sizeof alg + 3 + len);
    ratls_write_bytes(&w, tbs);
    ratls_write_bytes(&w, ratls_slice(alg, sizeof alg));
    put_head(&w, 0x03, len + 1);
    ratls_write_u8(&w, 0);
    ratls_write_bytes(&w, ratls_slice(signature, len));
    cr_assert_not(w.failed);
    return ratls_writer_slice(&w);
}

/* Also with the place of a list. */
static struct ratls_slice make_changeable(bool has_list, uint8_t **ret_owned)
{
    struct pki_spec spec = good_spec();
    struct ratls_slice der;

    if (has_list)
        spec.extensions[0] = X509V3_EXT_nconf_nid(NULL, NULL, NID_crl_distribution_points,
                                                  "URI:http://ca.example/list");
    der = make_der(spec, ret_owned);
    X509_EXTENSION_free(spec.extensions[0]);
    return der;
}

/* Each byte of what is signed, changed in several ways, with a signature that holds. */
static void miss_nearly(bool has_list)
{
    static const uint8_t flips[] = {0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xff};
    uint8_t *owned, tbs[DER_MAX], der[DER_MAX];
    struct ratls_slice good = make_changeable(has_list, &owned);
    struct ratls_ak_certificate certificate;
    size_t taken = 0;

    cr_assert(ratls_ak_certificate_read(good, &certificate));
    cr_assert_lt(certificate.tbs.len, sizeof tbs);
    memcpy(tbs, certificate.tbs.p, certificate.tbs.len);
    cr_assert(compare(sign_again(ratls_slice(tbs, certificate.tbs.len), der), "unchanged", 0));
    for (size_t i = 0; i < certificate.tbs.len; i++)
        for (size_t k = 0; k < sizeof flips; k++) {
            tbs[i] ^= flips[k];
            taken += (size_t)compare(sign_again(ratls_slice(tbs, certificate.tbs.len), der),
                                     "changed", i);
            tbs[i] ^= flips[k];
        }
    cr_expect_gt(taken, 20, "serial number, subject and names may vary: %zu", taken);
    OPENSSL_free(owned);
}

Test(ak_certificate_changed, near_misses_with_good_signatures, .init = set_up, .fini = tear_down)
{
    miss_nearly(false);
}

Test(ak_certificate_changed, near_misses_with_a_list, .init = set_up, .fini = tear_down)
{
    miss_nearly(true);
}

/* One to three changes in one certificate: a byte, or a few from elsewhere in it. */
static void change_randomly(uint8_t *tbs, size_t len, unsigned *seed)
{
    for (int count = 1 + rand_r(seed) % 3; count > 0; count--) {
        const size_t at = (size_t)rand_r(seed) % len;
        const size_t from = (size_t)rand_r(seed) % len;
        const size_t run = 1 + (size_t)rand_r(seed) % 12;

        if (rand_r(seed) % 2 == 0)
            tbs[at] = (uint8_t)rand_r(seed);
        else if (at + run <= len && from + run <= len)
            memmove(tbs + at, tbs + from, run);
    }
}

static void change_several_times(bool has_list)
{
    uint8_t *owned, tbs[DER_MAX], der[DER_MAX];
    struct ratls_slice good = make_changeable(has_list, &owned);
    struct ratls_ak_certificate certificate;
    size_t taken = 0;
    unsigned seed = 1;

    cr_assert(ratls_ak_certificate_read(good, &certificate));
    for (size_t i = 0; i < CHANGED_COUNT; i++) {
        memcpy(tbs, certificate.tbs.p, certificate.tbs.len);
        change_randomly(tbs, certificate.tbs.len, &seed);
        taken += (size_t)compare(sign_again(ratls_slice(tbs, certificate.tbs.len), der),
                                 "changed several times", i);
    }
    cr_expect_gt(taken, CHANGED_COUNT / 100);
    OPENSSL_free(owned);
}

Test(ak_certificate_changed, several_changes_with_good_signatures, .init = set_up,
     .fini = tear_down)
{
    change_several_times(false);
}

Test(ak_certificate_changed, several_changes_with_a_list, .init = set_up, .fini = tear_down)
{
    change_several_times(true);
}

/* Each bit of the whole, signed once. */
static void change_bits(bool has_list)
{
    uint8_t *owned;
    struct ratls_slice der = make_changeable(has_list, &owned);

    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        owned[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_expect_not(ask_plain(der).accepted, "bit %zu", bit);
        owned[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < der.len; len++)
        cr_expect_not(ask_plain(ratls_slice(owned, len)).accepted, "%zu bytes", len);
    OPENSSL_free(owned);
}

Test(ak_certificate_changed, one_bit_of_a_certificate, .init = set_up, .fini = tear_down)
{
    change_bits(false);
}

Test(ak_certificate_changed, one_bit_with_a_list, .init = set_up, .fini = tear_down)
{
    change_bits(true);
}
