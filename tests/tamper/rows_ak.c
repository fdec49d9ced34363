/* Keys that are no attestation keys, or not this server's. */
#include <stdlib.h>
#include <string.h>

#include "roca_modulus.h"
#include "rows.h"

#define NEEDS_AK_ALGORITHM (BIT(QUOTE_SIGNATURE) | BIT(PCR_DIGEST))
#define CURVE_POINT_BYTES 64
#define TWO_DAYS_S 172800

static void shorten_public(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.ak_public.len -= (size_t) * (int *)arg;
}

static void lengthen_public(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.ak_public.len += (size_t) * (int *)arg;
}

/* The last byte of y: no curve has this point. */
static void leave_curve(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->ak_public.p[draft->ak_public.len - 1] ^= 1;
}

/* The modulus comes last. */
static void use_weak_modulus(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        roca_modulus(0, draft->ak_public.p + draft->ak_public.len - ROCA_MODULUS_BYTES);
}

static void use_exponent_3(struct scene *scene)
{
    scene->tpm->area.exponent = 3;
}

static void name_by_sha1(struct scene *scene)
{
    scene->tpm->area.name_alg = RATLS_ALG_SHA1;
}

#define WITHOUT(attribute)                                                                         \
    static void without_##attribute(struct scene *scene)                                           \
    {                                                                                              \
        scene->tpm->area.attributes &= ~(uint32_t)RATLS_TPMA_##attribute;                          \
    }
#define WITH(attribute)                                                                            \
    static void with_##attribute(struct scene *scene)                                              \
    {                                                                                              \
        scene->tpm->area.attributes |= RATLS_TPMA_##attribute;                                     \
    }

WITHOUT(FIXED_TPM)
WITHOUT(FIXED_PARENT)
WITHOUT(SENSITIVE_DATA_ORIGIN)
WITHOUT(RESTRICTED)
WITHOUT(SIGN)
WITH(DECRYPT)
WITH(ENCRYPTED_DUPLICATION)
WITH(X509_SIGN)

static void sign_by_sha1(struct scene *scene)
{
    scene->tpm->area.scheme_hash = RATLS_ALG_SHA1;
}

static void allow_rsa(struct scene *scene)
{
    scene->rules->algorithms = RATLS_ALLOW_RSASSA;
}

static void allow_p256(struct scene *scene)
{
    scene->rules->algorithms = RATLS_ALLOW_ECDSA_P256;
}

static void pin_another(struct scene *scene)
{
    struct fake_tpm *another = fake_tpm_new(FAKE_ECDSA_P256);

    fake_policy_pin(scene->policy, another, SCENE_SERVER);
    fake_policy_pin(scene->policy, another, NULL);
    fake_tpm_free(another);
}

static void deny_key(struct scene *scene)
{
    fake_policy_deny_key(scene->policy, scene->tpm);
}

/* It was accepted, and the next evidence says only which of the known keys it is by. */
static void deny_known_key(struct scene *scene)
{
    scene_name_keys(scene);
    deny_key(scene);
}

static void deny_another(struct scene *scene)
{
    struct fake_tpm *another = fake_tpm_new(FAKE_ECDSA_P256);

    fake_policy_deny_key(scene->policy, another);
    pin_another(scene);
    fake_tpm_free(another);
}

static void certify_as(struct scene *scene, struct pki_spec spec)
{
    X509 *certificate = scene_certificate(scene, spec);
    struct fake_tpm *tpm = scene->tpm;

    OPENSSL_free(tpm->chain[0]);
    tpm->chain[0] = NULL;
    tpm->chain_count = 0;
    fake_tpm_add_certificate(tpm, certificate);
    X509_free(certificate);
}

/* A certificate as it should be, of which each row changes one thing. */
static struct pki_spec good_spec(const struct scene *scene)
{
    return (struct pki_spec){
        .subject = "ak", .key = scene->tpm->key, .names = "DNS:" SCENE_SERVER, .eku = PKI_EKU_AK};
}

static void wait_two_days(struct scene *scene)
{
    scene->expectation.now += TWO_DAYS_S;
}

static void certify_another_key(struct scene *scene)
{
    struct pki_spec spec = good_spec(scene);

    spec.key = pki_key(PKI_P256);
    certify_as(scene, spec);
    EVP_PKEY_free(spec.key);
}

static void certify_by_another_issuer(struct scene *scene)
{
    struct pki_spec spec = good_spec(scene);

    spec.issuer_key = pki_key(PKI_P256);
    spec.issuer = pki_ca("issuer", spec.issuer_key, NULL, NULL);
    certify_as(scene, spec);
    X509_free(spec.issuer);
    EVP_PKEY_free(spec.issuer_key);
}

static void certify_for_tls(struct scene *scene)
{
    struct pki_spec spec = good_spec(scene);

    spec.eku = "serverAuth";
    certify_as(scene, spec);
}

static void certify_other_name(struct scene *scene)
{
    struct pki_spec spec = good_spec(scene);

    spec.names = "DNS:shop.example,IP:192.0.2.1";
    certify_as(scene, spec);
}

static void send_no_certificate(struct scene *scene)
{
    OPENSSL_free(scene->tpm->chain[0]);
    scene->tpm->chain_count = 0;
}

static void send_no_der(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const uint8_t zeros[RATLS_CERTIFICATE_MAX];

    if (stage != FAKE_STATEMENT)
        return;
    draft->evidence.certificates[0] = ratls_slice(zeros, (size_t) * (int *)arg);
    (void)!ratls_evidence_manifest(&draft->evidence, draft->manifest, &draft->statement.manifest,
                                   NULL);
}

static void pin_for_another(struct scene *scene)
{
    fake_policy_pin(scene->policy, scene->tpm, "shop.example");
}

static void name_no_server(struct scene *scene)
{
    scene->expectation.server_name = NULL;
}

static void restrict_issuer(struct scene *scene)
{
    struct ratls_issuer *issuer = &scene->rules->issuers[0];

    issuer->servers.names = calloc(1, sizeof *issuer->servers.names);
    issuer->servers.names[0] = strdup("*.shop.example");
    issuer->servers.count = 1;
}

#define ATTRIBUTE_ROW(change, seen)                                                                \
    {                                                                                              \
        .name = "attestation key " #change, .check = RATLS_CHECK_AK_ATTRIBUTES, .before = change,  \
        .at = "quote.ak-public.objectAttributes",                                                  \
        .expected = "fixedTPM fixedParent sensitiveDataOrigin restricted sign", .actual = seen     \
    }

static const struct row rows[] = {
    {.name = "public area without its last byte",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .tamper = shorten_public,
     .param = 1,
     .at = "quote.ak-public",
     .actual = "unreadable, name by none, 87 bytes"},
    {.name = "public area without a point",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .tamper = shorten_public,
     .param = CURVE_POINT_BYTES + 4},
    {.name = "public area with a byte more",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .tamper = lengthen_public,
     .param = 1},
    {.name = "a point beside the curve",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .trust = ROW_CERTIFIED, /* another point makes another Name: nobody looks at one unknown */
     .tamper = leave_curve,
     .actual = "ecc, name by sha256, 88 bytes, the public key is not a point of P-256"},
    {.name = "RSA with exponent 3",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .algorithm = FAKE_RSASSA,
     .before = use_exponent_3,
     .expected = "a TPMT_PUBLIC: P-256, P-384, P-521, or RSA of 2048 to 4096 bits with exponent "
                 "65537; name by SHA-2"},
    {.name = "RSA key that can be factored",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .algorithm = FAKE_RSASSA,
     .trust = ROW_CERTIFIED,
     .tamper = use_weak_modulus,
     .actual = "rsa, name by sha256, 280 bytes, a weak RSA key (CVE-2017-15361)"},
    {.name = "Name by SHA-1",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .before = name_by_sha1,
     .actual = "ecc, name by sha1, 88 bytes, no such key"},
    ATTRIBUTE_ROW(without_FIXED_TPM, "fixedParent sensitiveDataOrigin restricted sign"),
    ATTRIBUTE_ROW(without_FIXED_PARENT, "fixedTPM sensitiveDataOrigin restricted sign"),
    ATTRIBUTE_ROW(without_SENSITIVE_DATA_ORIGIN, "fixedTPM fixedParent restricted sign"),
    ATTRIBUTE_ROW(without_RESTRICTED, "fixedTPM fixedParent sensitiveDataOrigin sign"),
    ATTRIBUTE_ROW(without_SIGN, "fixedTPM fixedParent sensitiveDataOrigin restricted"),
    ATTRIBUTE_ROW(with_DECRYPT, "fixedTPM fixedParent sensitiveDataOrigin restricted sign decrypt"),
    ATTRIBUTE_ROW(with_ENCRYPTED_DUPLICATION,
                  "fixedTPM fixedParent sensitiveDataOrigin restricted sign encryptedDuplication"),
    ATTRIBUTE_ROW(with_X509_SIGN,
                  "fixedTPM fixedParent sensitiveDataOrigin restricted sign x509sign"),
    {.name = "signs by SHA-1",
     .check = RATLS_CHECK_AK_ALGORITHM,
     .not_run = NEEDS_AK_ALGORITHM,
     .before = sign_by_sha1,
     .at = "quote.ak-public.scheme",
     .expected = "ecdsa-p256, ecdsa-p384, ecdsa-p521, rsassa, rsapss; by sha256, sha384 or sha512",
     .actual = "ecdsa-p256 by sha1"},
    {.name = "P-256 where the policy wants RSASSA",
     .check = RATLS_CHECK_AK_ALGORITHM,
     .not_run = NEEDS_AK_ALGORITHM,
     .after = allow_rsa,
     .expected = "rsassa; by sha256, sha384 or sha512",
     .actual = "ecdsa-p256 by sha256"},
    {.name = "P-384 where the policy wants P-256",
     .check = RATLS_CHECK_AK_ALGORITHM,
     .not_run = NEEDS_AK_ALGORITHM,
     .algorithm = FAKE_ECDSA_P384,
     .after = allow_p256,
     .actual = "ecdsa-p384 by sha384"},
    {.name = "RSAPSS where the policy wants RSASSA",
     .check = RATLS_CHECK_AK_ALGORITHM,
     .not_run = NEEDS_AK_ALGORITHM,
     .algorithm = FAKE_RSAPSS,
     .after = allow_rsa,
     .actual = "rsapss by sha256, 2048 bits, exponent 65537"},
    {.name = "pinned, and denied",
     .check = RATLS_CHECK_AK_DENIED,
     .not_run = NEEDS_AK_DENIED,
     .after = deny_key,
     .at = "quote.ak-public",
     .expected = "a key that is not among deny-keys"},
    {.name = "certified, and denied",
     .check = RATLS_CHECK_AK_DENIED,
     .not_run = NEEDS_AK_DENIED,
     .trust = ROW_CERTIFIED,
     .after = deny_key},
    {.name = "known, named, and denied",
     .check = RATLS_CHECK_AK_DENIED,
     .not_run = NEEDS_AK_DENIED,
     .trust = ROW_CERTIFIED,
     .after = deny_known_key},
    {.name = "unknown, where another key is denied",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_TRUST,
     .trust = ROW_UNKNOWN,
     .after = deny_another},
    {.name = "unknown key",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_TRUST,
     .trust = ROW_UNKNOWN,
     .after = pin_another,
     .expected = "one of 2 pinned keys"},
    {.name = "no certificate",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .after = send_no_certificate,
     .expected = "a certificate by issuer.pem"},
    {.name = "expired certificate",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .after = wait_two_days},
    {.name = "certificate of another key",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .after = certify_another_key},
    {.name = "certificate by another issuer of the same name",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .after = certify_by_another_issuer},
    {.name = "certificate of a TLS server",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .after = certify_for_tls},
    {.name = "certificate that is none",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .tamper = send_no_der,
     .param = 1},
    {.name = "8192 zeros for a certificate",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .tamper = send_no_der,
     .param = RATLS_CERTIFICATE_MAX},
    {.name = "pinned for another server",
     .check = RATLS_CHECK_AK_SERVER,
     .trust = ROW_UNKNOWN,
     .after = pin_for_another,
     .expected = SCENE_SERVER,
     .actual = "shop.example"},
    {.name = "pinned for a server, and none is meant",
     .check = RATLS_CHECK_AK_SERVER,
     .after = name_no_server,
     .expected = "any server (none is named)",
     .actual = SCENE_SERVER},
    {.name = "certified for another server",
     .check = RATLS_CHECK_AK_SERVER,
     .trust = ROW_CERTIFIED,
     .after = certify_other_name,
     .expected = SCENE_SERVER,
     .actual = "shop.example, 192.0.2.1"},
    {.name = "certified, and no server is meant",
     .check = RATLS_CHECK_AK_SERVER,
     .trust = ROW_CERTIFIED,
     .after = name_no_server,
     .expected = "any server (none is named)",
     .actual = SCENE_SERVER},
    {.name = "an issuer for other servers",
     .check = RATLS_CHECK_AK_SERVER,
     .trust = ROW_CERTIFIED,
     .after = restrict_issuer,
     .expected = SCENE_SERVER,
     .actual = "*.shop.example"},
};

const struct rows rows_ak = {rows, sizeof rows / sizeof rows[0]};
