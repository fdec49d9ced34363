/* Genuine evidence beside a TLS key that the peer has not: TLS itself must stop it. */
#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "must.h"
#include "pki.h"
#include "tls_assert.h"

/* The public half of one key and the private half of another: it signs, and nothing fits. */
static EVP_PKEY *mix_keys(const EVP_PKEY *shown, const EVP_PKEY *used)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    uint8_t point[133];
    size_t len = 0;
    BIGNUM *scalar = NULL;
    EVP_PKEY *mixed = NULL;
    OSSL_PARAM *params;

    must(EVP_PKEY_get_octet_string_param(shown, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                         &len) == 1);
    must(EVP_PKEY_get_bn_param(used, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) == 1);
    must(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
         OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, len) == 1 &&
         OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1);
    params = OSSL_PARAM_BLD_to_param(build);
    must(params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
         EVP_PKEY_fromdata(ctx, &mixed, EVP_PKEY_KEYPAIR, params) == 1);
    OSSL_PARAM_free(params);
    BN_clear_free(scalar);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(build);
    return mixed;
}

/* The evidence is that of this session and is accepted; the signature of CertificateVerify is not.
 */
Test(tls_key, certificate_verify_by_another_key)
{
    struct tls_world *world = tls_world_new();
    EVP_PKEY *own = pki_key(PKI_P256);
    EVP_PKEY *mixed = mix_keys(world->key, own);
    SSL_CTX *server = tls_plain_server(world);
    struct tls_pair *pair;

    cr_assert(SSL_CTX_use_PrivateKey(server, mixed));
    cr_assert_eq(ratls_tls_attest(server, world->attester, NULL), RATLS_OK);
    pair = tls_pair_new(world->client, server, TLS_NAME);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(pair->client.done, -1);
    cr_assert_eq(pair->client.alert_sent, SSL_AD_DECRYPT_ERROR, "%s", pair->client.reason_text);
    cr_assert_eq(ERR_GET_LIB(pair->client.last_reason), ERR_LIB_SSL);
    cr_assert_eq(ERR_GET_REASON(pair->client.last_reason), SSL_R_BAD_SIGNATURE, "%s",
                 ERR_reason_error_string(pair->client.last_reason));
    cr_assert(ratls_report_accepted(ratls_tls_report(pair->client.ssl)), "this tests nothing");
    cr_assert_eq(world->attested, 1);
    assert_nothing_leaves(pair);
    tls_pair_free(pair);
    SSL_CTX_free(server);
    EVP_PKEY_free(mixed);
    EVP_PKEY_free(own);
    tls_world_free(world);
}
