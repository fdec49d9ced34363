/* Certificates and CRLs that a CA makes: what is in them, and that clients and OpenSSL take them.
 */
#include "ca_scene.h"

#include <openssl/x509v3.h>

#include "ak_certificate.h"
#include "certificate_make.h"
#include "crl_make.h"
#include "crypto.h"
#include "crypto_crl.h"
#include "crypto_tpm_maker.h"
#include "tpm_p256.h"

#define SERVER "bank.example"
#define DAY_S 86400

static EVP_PKEY *ca_key, *key;
static X509 *ca;
static struct ratls_issuers *issuers;
static int64_t now;
static uint8_t point[TPM_P256_POINT];

static void open_ca(enum pki_algorithm algorithm)
{
    struct ratls_ca_issuer_config config;
    struct ratls_error err = {0};

    scene_make();
    ca_key = pki_key(algorithm);
    ca = scene_ca(ca_key, 0);
    key = pki_key(PKI_P256);
    now = time(NULL);
    config = (struct ratls_ca_issuer_config){scene_certificate("ca.crt", ca),
                                             scene_key("ca.key", ca_key, NULL)};
    cr_assert_eq(scene_open(&config, 1, &issuers, &err), RATLS_OK, "%s", err.text);
}

static void close_ca(void)
{
    ratls_issuers_close(issuers);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    scene_remove();
}

static void open_usual(void)
{
    open_ca(PKI_P256);
}

TestSuite(ca_made, .fini = close_ca);

static const char *const texts[] = {SERVER, "2001:db8::1", "192.0.2.7", "www.bank.example"};

static struct ratls_ak_wish good_wish(struct ratls_slice names[static 4])
{
    for (size_t i = 0; i < 4; i++)
        names[i] = ratls_slice(texts[i], strlen(texts[i]));
    return (struct ratls_ak_wish){
        .key = key, .names = names, .name_count = 4, .now = now, .validity_s = 3600};
}

static struct ratls_ak_made make(const struct ratls_ak_wish *wish)
{
    struct ratls_ak_made made = {.der = NULL};
    struct ratls_error err = {0};

    cr_assert_eq(ratls_ak_certificate_make(issuers, wish, &made, &err), RATLS_OK, "%s", err.text);
    return made;
}

/* As a client asks: both ways, with this name. */
static void expect_taken(const struct ratls_ak_made *made, bool is_plain)
{
    const struct ratls_slice der = ratls_slice(made->der, made->len);
    const struct ratls_ak_chain chain = {&der, 1, ca, key, now};
    const struct ratls_tpm_public area = tpm_p256_area(key, point);
    char why[RATLS_WHY_MAX];
    int64_t until = 0;

    cr_assert_eq(ratls_ak_chain(&chain, &until, why, NULL), RATLS_OK);
    cr_expect_str_eq(why, "");
    cr_expect_eq(until, made->not_after);
    for (size_t i = 0; i < 4; i++)
        cr_expect(ratls_certificate_names(der, texts[i]), "%s", texts[i]);
    until = 0;
    cr_expect_eq(ratls_ak_chain_plain(&chain, &area, SERVER, &until), is_plain);
    cr_expect_eq(until, is_plain ? made->not_after : 0);
}

/* As OpenSSL verifies, as strictly as it can; with a CRL if there is one. */
static int verify(const struct ratls_ak_made *made, X509_CRL *crl)
{
    X509 *certificate = ratls_certificate_of_der(ratls_slice(made->der, made->len));
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int error;

    cr_assert(certificate != NULL && store != NULL && ctx != NULL);
    cr_assert_eq(X509_STORE_add_cert(store, ca), 1);
    if (crl != NULL)
        cr_assert_eq(X509_STORE_add_crl(store, crl), 1);
    cr_assert_eq(X509_STORE_CTX_init(ctx, store, certificate, NULL), 1);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_time(param, now);
    cr_assert_eq(X509_VERIFY_PARAM_set1_host(param, SERVER, 0), 1);
    cr_assert_eq(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT), 1);
    if (crl != NULL)
        cr_assert_eq(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK), 1);
    error = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    X509_free(certificate);
    return error;
}

static void expect_verified(const struct ratls_ak_made *made)
{
    const int error = verify(made, NULL);

    cr_expect_eq(error, X509_V_OK, "%s", X509_verify_cert_error_string(error));
}

static X509 *parse(const struct ratls_ak_made *made)
{
    X509 *certificate = ratls_certificate_of_der(ratls_slice(made->der, made->len));

    cr_assert_not_null(certificate);
    return certificate;
}

static void expect_form(const struct ratls_ak_made *made)
{
    X509 *certificate = parse(made);
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    uint8_t bytes[RATLS_SERIAL_LEN];

    cr_expect_eq(X509_get_version(certificate), X509_VERSION_3);
    cr_expect_not(BN_is_negative(serial));
    cr_assert_eq(BN_bn2binpad(serial, bytes, sizeof bytes), RATLS_SERIAL_LEN);
    cr_assert_eq(made->serial_len, RATLS_SERIAL_LEN);
    cr_expect_arr_eq(bytes, made->serial, sizeof bytes);
    cr_expect_eq(X509_get_ext_count(certificate), 6);
    cr_expect_eq(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
    cr_expect_eq(X509_check_ca(certificate), 0);
    cr_expect_eq(made->not_before, now - RATLS_CA_SKEW_S);
    cr_expect_eq(made->not_after, now + 3600);
    cr_expect_not(ratls_certificate_is_software(certificate));
    BN_free(serial);
    X509_free(certificate);
}

Test(ca_made, by_each_kind_of_key)
{
    static const struct {
        enum pki_algorithm algorithm;
        int signature;
    } rows[] = {
        {PKI_P256, NID_ecdsa_with_SHA256},
        {PKI_P384, NID_ecdsa_with_SHA384},
        {PKI_P521, NID_ecdsa_with_SHA512},
        {PKI_RSA2048, NID_sha256WithRSAEncryption},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_slice names[4];
        struct ratls_ak_wish wish;
        struct ratls_ak_made made;
        X509 *certificate;

        open_ca(rows[i].algorithm);
        wish = good_wish(names);
        made = make(&wish);
        certificate = parse(&made);
        cr_expect_eq(X509_get_signature_nid(certificate), rows[i].signature);
        expect_form(&made);
        expect_taken(&made, rows[i].algorithm == PKI_P256);
        expect_verified(&made);
        X509_free(certificate);
        free(made.der);
        if (i + 1 < sizeof rows / sizeof *rows)
            close_ca();
    }
}

Test(ca_made, with_a_place_of_the_crl, .init = open_usual)
{
    struct ratls_slice names[4];
    struct ratls_ak_wish wish = good_wish(names);
    struct ratls_ak_made made;
    CRL_DIST_POINTS *points;
    X509 *certificate;

    wish.crl_url = "http://ca.example/ratls.crl?a,b";
    made = make(&wish);
    certificate = parse(&made);
    points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    cr_assert_eq(sk_DIST_POINT_num(points), 1);
    cr_expect_eq(ASN1_STRING_length(sk_GENERAL_NAME_value(
                                        sk_DIST_POINT_value(points, 0)->distpoint->name.fullname, 0)
                                        ->d.uniformResourceIdentifier),
                 (int)strlen(wish.crl_url));
    expect_taken(&made, true);
    expect_verified(&made);
    CRL_DIST_POINTS_free(points);
    X509_free(certificate);
    free(made.der);
}

/* Whatever gave the TPM away as software is seen by clients, too. */
Test(ca_made, of_software_tpms, .init = open_usual)
{
    static const struct ratls_ek_certificate makers[] = {
        {.manufacturer = "id:00001014", .model = "swtpm", .version = "id:20191023"},
        {.manufacturer = "id:53572020"},
        {.manufacturer = "", .model = "simulator"},
        {.manufacturer = "id:49465800", .model = "SLB 9670", .version = "id:0007"},
        {.manufacturer = ""},
    };

    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        struct ratls_slice names[4];
        struct ratls_ak_wish wish = good_wish(names);
        struct ratls_tpm_maker maker;
        struct ratls_ak_made made;
        GENERAL_NAMES *found;
        X509 *certificate;

        wish.software = &makers[i];
        made = make(&wish);
        certificate = parse(&made);
        cr_expect(ratls_certificate_is_software(certificate), "%zu", i);
        found = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
        ratls_tpm_maker_read(found, &maker);
        cr_expect_str_eq(maker.manufacturer, makers[i].manufacturer);
        cr_expect_str_eq(maker.model, makers[i].model);
        cr_expect_str_eq(maker.version, makers[i].version);
        expect_taken(&made, false);
        expect_verified(&made);
        GENERAL_NAMES_free(found);
        X509_free(certificate);
        free(made.der);
    }
}

Test(ca_made, time_is_cut_to_the_issuers, .init = open_usual)
{
    struct ratls_slice names[4];
    struct ratls_ak_wish wish = good_wish(names);
    struct ratls_error err = {0};
    struct ratls_ak_made made;
    int64_t from, until;

    ratls_issuer_validity(issuers, 0, &from, &until);
    wish.validity_s = 30 * DAY_S;
    made = make(&wish);
    cr_expect_eq(made.not_after, until);
    expect_taken(&made, true);
    free(made.der);
    wish.now = from + 1;
    made = make(&wish);
    cr_expect_eq(made.not_before, from);
    free(made.der);
    made.der = NULL;
    wish.now = until;
    cr_expect_eq(ratls_ak_certificate_make(issuers, &wish, &made, &err), RATLS_USAGE);
    cr_expect_null(made.der);
}

Test(ca_made, names_and_subject, .init = open_usual)
{
    char longest[253 + 1] = "";
    struct ratls_slice name = ratls_slice(longest, 253);
    struct ratls_ak_wish wish = {
        .key = key, .names = &name, .name_count = 1, .now = now, .validity_s = 60};
    struct ratls_ak_made made;
    char subject[128];
    X509 *certificate;

    memset(longest, 'a', sizeof longest);
    for (size_t i = 60; i < 253; i += 60)
        longest[i] = '.';
    longest[253] = '\0';
    made = make(&wish);
    certificate = parse(&made);
    X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    cr_expect_str_eq(subject, "/CN=ratls attestation key");
    cr_expect(ratls_certificate_names(ratls_slice(made.der, made.len), longest));
    X509_free(certificate);
    free(made.der);
    made.der = NULL;
    wish.name_count = 0;
    cr_expect_eq(ratls_ak_certificate_make(issuers, &wish, &made, NULL), RATLS_USAGE);
    cr_expect_null(made.der);
}

/* ---- CRLs ---- */

static struct ratls_crl_entry entry_of(const struct ratls_ak_made *made, unsigned reason)
{
    struct ratls_crl_entry entry = {
        .serial_len = made->serial_len, .at = now - 5, .reason = reason};

    memcpy(entry.serial, made->serial, made->serial_len);
    return entry;
}

static X509_CRL *parse_list(const uint8_t *der, size_t len)
{
    const unsigned char *p = der;
    X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)len);

    cr_assert(list != NULL && p == der + len);
    return list;
}

/* Of the entry of a serial number; -1: it says none. */
static long reason_of(X509_CRL *list, const struct ratls_ak_made *made)
{
    X509 *certificate = parse(made);
    X509_REVOKED *entry = NULL;
    ASN1_ENUMERATED *reason;
    long value;

    cr_assert_eq(X509_CRL_get0_by_cert(list, &entry, certificate), 1);
    reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    value = reason == NULL ? -1 : ASN1_ENUMERATED_get(reason);
    ASN1_ENUMERATED_free(reason);
    X509_free(certificate);
    return value;
}

Test(ca_made, crl, .init = open_usual)
{
    struct ratls_slice names[4];
    const struct ratls_ak_wish wish = good_wish(names);
    struct ratls_ak_made good = make(&wish), bad = make(&wish), worse = make(&wish);
    const struct ratls_crl_entry entries[] = {entry_of(&bad, 1), entry_of(&worse, 0)};
    const struct ratls_crl_wish list = {.entries = entries,
                                        .count = 2,
                                        .number = INT64_C(0x123456789a),
                                        .this_update = now - 10,
                                        .next_update = now + 600};
    struct ratls_crl *crl = NULL;
    struct ratls_error err = {0};
    char why[RATLS_WHY_MAX];
    uint8_t *der = NULL;
    ASN1_INTEGER *number;
    X509_CRL *parsed;
    int64_t value = 0;
    size_t len = 0;

    cr_assert_eq(ratls_crl_make(issuers, 0, &list, &der, &len, &err), RATLS_OK, "%s", err.text);
    cr_assert_eq(ratls_crl_read(ratls_slice(der, len), ca, &crl, &err), RATLS_OK, "%s", err.text);
    cr_expect_eq(ratls_crl_until(crl), now + 600);
    cr_expect(ratls_crl_clears(crl, ratls_slice(good.der, good.len), now, why), "%s", why);
    cr_expect_not(ratls_crl_clears(crl, ratls_slice(bad.der, bad.len), now, why));
    cr_expect_not(ratls_crl_clears(crl, ratls_slice(worse.der, worse.len), now, why));
    cr_expect_not(ratls_crl_clears(crl, ratls_slice(good.der, good.len), now + 600, why));
    parsed = parse_list(der, len);
    number = X509_CRL_get_ext_d2i(parsed, NID_crl_number, NULL, NULL);
    cr_expect(number != NULL && ASN1_INTEGER_get_int64(&value, number) == 1);
    cr_expect_eq(value, list.number);
    cr_expect_eq(reason_of(parsed, &bad), CRL_REASON_KEY_COMPROMISE);
    cr_expect_eq(reason_of(parsed, &worse), -1);
    cr_expect_eq(verify(&good, parsed), X509_V_OK);
    cr_expect_eq(verify(&bad, parsed), X509_V_ERR_CERT_REVOKED);
    cr_expect_eq(verify(&worse, parsed), X509_V_ERR_CERT_REVOKED);
    ASN1_INTEGER_free(number);
    X509_CRL_free(parsed);
    ratls_crl_free(crl);
    free(der);
    free(good.der);
    free(bad.der);
    free(worse.der);
}

Test(ca_made, empty_crl, .init = open_usual)
{
    const struct ratls_crl_wish list = {.number = 1, .this_update = now, .next_update = now + 600};
    struct ratls_crl *crl = NULL;
    struct ratls_error err = {0};
    uint8_t *der = NULL;
    X509_CRL *parsed;
    size_t len = 0;

    cr_assert_eq(ratls_crl_make(issuers, 0, &list, &der, &len, &err), RATLS_OK, "%s", err.text);
    cr_expect_eq(ratls_crl_read(ratls_slice(der, len), ca, &crl, &err), RATLS_OK, "%s", err.text);
    parsed = parse_list(der, len);
    cr_expect_null(X509_CRL_get_REVOKED(parsed), "RFC 5280, 5.1.2.6: then it is left out");
    X509_CRL_free(parsed);
    ratls_crl_free(crl);
    free(der);
}
