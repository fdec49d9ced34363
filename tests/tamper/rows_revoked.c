/* Certificates of attestation keys that their issuer has revoked, or may have. */
#include "must.h"
#include "pki_crl.h"
#include "rows.h"

#define HOUR_S 3600

/* The list of the scene's issuer; revoked: NULL or the certificate of the key. */
static void give_crl(struct scene *scene, X509 *revoked, int64_t from_s, int64_t until_s)
{
    const struct pki_crl_spec spec = {.issuer = scene->issuer,
                                      .issuer_key = scene->issuer_key,
                                      .revoked = revoked,
                                      .from_s = SCENE_NOW + from_s,
                                      .until_s = SCENE_NOW + until_s};
    size_t len;
    uint8_t *der = pki_crl(&spec, &len);

    must(ratls_crl_read(ratls_slice(der, len), scene->issuer, &scene->rules->issuers[0].crl,
                        NULL) == RATLS_OK);
    OPENSSL_free(der);
}

void give_good_crl(struct scene *scene)
{
    give_crl(scene, scene->issuer, -HOUR_S, HOUR_S); /* another certificate */
}

static void revoke(struct scene *scene)
{
    const unsigned char *p = scene->tpm->chain[0];
    X509 *certificate = d2i_X509(NULL, &p, (long)scene->tpm->chain_len[0]);

    must(certificate != NULL);
    give_crl(scene, certificate, -HOUR_S, HOUR_S);
    X509_free(certificate);
}

static void give_old_crl(struct scene *scene)
{
    give_crl(scene, NULL, -HOUR_S, 0);
}

static void give_early_crl(struct scene *scene)
{
    give_crl(scene, NULL, 1, HOUR_S);
}

/* It was accepted, and is known; then the list is no longer valid. */
static void outlive_crl(struct scene *scene)
{
    give_good_crl(scene);
    scene_name_keys(scene);
    scene->key_id_count = 0;
    scene->expectation.now += HOUR_S;
}

static void send_issuer_too(struct scene *scene)
{
    give_good_crl(scene);
    fake_tpm_add_certificate(scene->tpm, scene->issuer);
}

#define REVOKED_ROW(words, change, why)                                                            \
    {                                                                                              \
        .name = words, .check = RATLS_CHECK_AK_REVOKED, .not_run = NEEDS_AK_REVOKED,               \
        .trust = ROW_CERTIFIED, .after = change, .at = "quote.certificates",                       \
        .expected = "a certificate that is not revoked", .actual = why                             \
    }

static const struct row rows[] = {
    REVOKED_ROW("revoked", revoke, "a certificate that its issuer has revoked"),
    REVOKED_ROW("a list that is out of date", give_old_crl,
                "the CRL is out of date: fetch a new one"),
    REVOKED_ROW("a list of tomorrow", give_early_crl, "the CRL is not valid yet"),
    REVOKED_ROW("known, and the list has become old", outlive_crl,
                "the CRL is out of date: fetch a new one"),
    {.name = "a CA between the issuer and the key",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED | BIT(AK_REVOKED),
     .trust = ROW_CERTIFIED,
     .after = send_issuer_too},
};

const struct rows rows_revoked = {rows, sizeof rows / sizeof rows[0]};
