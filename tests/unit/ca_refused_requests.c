/* Requests that are none, endorsement keys, and attestation keys. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <string.h>

#include "ca_refused_rows.h"
#include "denied.h"
#include "must.h"
#include "roca_modulus.h"

/* SAN: a directoryName with tpmManufacturer "id:00001014" (a software TPM), or another. */
#define SAN(digits)                                                                                \
    "\x30\x1c\xa4\x1a\x30\x18\x31\x16\x30\x14\x06\x05\x67\x81\x05\x02\x01\x0c\x0b"                 \
    "id:" digits

void ca_scene_deny(struct ca_scene *s, const char *kind, const char *value)
{
    const struct ratls_store_denial denial = {.kind = kind, .value = value, .reason = "test"};
    enum ratls_store_outcome outcome;

    must(ratls_store_deny(ratls_ca_store(s->world->ca), &denial, s->world->now, &outcome, NULL) ==
             RATLS_OK &&
         outcome == RATLS_STORE_DONE);
}

/* subjectDirectoryAttributes: tpmSpecification, family "1.2", level 0, revision 116. */
#define OLD_FAMILY                                                                                 \
    "\x30\x18\x30\x16\x06\x05\x67\x81\x05\x02\x10\x31\x0d\x30\x0b\x0c\x03"                         \
    "1.2\x02\x01\x00\x02\x01\x74"

static void cut(struct ca_scene *s)
{
    s->request_len--;
}

static void lengthen(struct ca_scene *s)
{
    memset(s->request, 0, sizeof s->request);
    s->request_len = RATLS_ENROLL_REQUEST_MAX + 1;
}

static void certify(struct ca_scene *s, const struct pki_spec *spec)
{
    ca_machine_certify(&s->machine, spec);
}

/* The changed certificate of the machine; the maker is its own. */
#define CERTIFIED(name, change)                                                                    \
    static void name(struct ca_scene *s)                                                           \
    {                                                                                              \
        struct pki_spec spec = ca_machine_spec(&s->machine, &s->world->maker);                     \
        change;                                                                                    \
        certify(s, &spec);                                                                         \
    }

CERTIFIED(expired, (spec.not_before_s = -7200, spec.not_after_s = -3600))
CERTIFIED(not_yet_valid, (spec.not_before_s = 3600, spec.not_after_s = 7200))
CERTIFIED(of_a_ca, (spec.ca = "critical,CA:TRUE"))
CERTIFIED(that_signs, (spec.key_usage = "critical,digitalSignature,keyAgreement"))
CERTIFIED(for_a_server, (spec.eku = "serverAuth"))
CERTIFIED(of_another_key, (spec.key = s->other.ek))
CERTIFIED(signed_by_itself, (spec.issuer = NULL, spec.issuer_key = s->machine.ek))

static void certify_with(struct ca_scene *s, int nid, bool is_critical, const char *der, size_t len)
{
    struct pki_spec spec = ca_machine_spec(&s->machine, &s->world->maker);
    ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();

    must(ASN1_OCTET_STRING_set(bytes, (const unsigned char *)der, (int)len) == 1);
    spec.extensions[0] = X509_EXTENSION_create_by_NID(NULL, nid, is_critical, bytes);
    certify(s, &spec);
    X509_EXTENSION_free(spec.extensions[0]);
    ASN1_OCTET_STRING_free(bytes);
}

static void of_software(struct ca_scene *s)
{
    certify_with(s, NID_subject_alt_name, false, SAN("00001014"), sizeof SAN("00001014") - 1);
}

static void of_tpm_1_2(struct ca_scene *s)
{
    certify_with(s, NID_subject_directory_attributes, false, OLD_FAMILY, sizeof OLD_FAMILY - 1);
}

/* One that is known to nobody here. */
static void with_critical_extension(struct ca_scene *s)
{
    certify_with(s, NID_netscape_comment, true, "\x16\x01x", 3);
}

static void with_changed_signature(struct ca_scene *s)
{
    s->machine.certificates[0][s->machine.certificate_lens[0] - 1] ^= 1;
}

static void cut_certificate(struct ca_scene *s)
{
    s->machine.certificate_lens[0]--;
}

static void of_denied_model(struct ca_scene *s)
{
    certify_with(s, NID_subject_alt_name, false, SAN("49465800"), sizeof SAN("49465800") - 1);
    ca_scene_deny(s, RATLS_DENIED_MODEL, "id:49465800");
}

static void by_another_maker(struct ca_scene *s)
{
    struct ca_maker maker;
    struct pki_spec spec;

    ca_maker_make(&maker);
    spec = ca_machine_spec(&s->machine, &maker);
    certify(s, &spec);
    ca_maker_done(&maker);
}

static void deny_ek(struct ca_scene *s)
{
    char hex[65];

    ca_machine_ek_text(&s->machine, hex);
    ca_scene_deny(s, RATLS_DENIED_EK, hex);
}

static void change_area(struct ca_scene *s)
{
    s->machine.area[7] ^= RATLS_TPMA_USER_WITH_AUTH;
}

/* The area of a key that signs: a maker certifies keys, not what they are for. */
static void area_of_a_signing_key(struct ca_scene *s)
{
    s->machine.area[5] = (uint8_t)(s->machine.area[5] ^ 6);
}

static void claim_template(struct ca_scene *s)
{
    s->wish.request.ek_template = RATLS_EK_H2;
}

/* Nobody has its private key; the certificate is as good as any. */
static EVP_PKEY *make_roca_key(void)
{
    uint8_t modulus[ROCA_MODULUS_BYTES];
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params;
    BIGNUM *n;

    roca_modulus(0, modulus);
    n = BN_bin2bn(modulus, sizeof modulus, NULL);
    must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1);
    must(OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, 65537) == 1);
    params = OSSL_PARAM_BLD_to_param(build);
    must(EVP_PKEY_fromdata_init(ctx) == 1);
    must(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    return key;
}

static void ek_with_roca(struct ca_scene *s)
{
    struct pki_spec spec;

    EVP_PKEY_free(s->machine.ek);
    s->machine.ek = make_roca_key();
    must(ratls_ek_area(s->machine.profile, s->machine.ek, false, s->machine.area,
                       &s->machine.area_len, NULL) == RATLS_OK);
    spec = ca_machine_spec(&s->machine, &s->world->maker);
    certify(s, &spec);
}

static void ak_with_roca(struct ca_scene *s)
{
    EVP_PKEY_free(s->machine.ak->key);
    s->machine.ak->key = make_roca_key();
}

#define ATTRIBUTE(name, change)                                                                    \
    static void name(struct ca_scene *s)                                                           \
    {                                                                                              \
        s->machine.ak->area.attributes change;                                                     \
    }

ATTRIBUTE(unrestricted, &= ~(uint32_t)RATLS_TPMA_RESTRICTED)
ATTRIBUTE(not_fixed_tpm, &= ~(uint32_t)RATLS_TPMA_FIXED_TPM)
ATTRIBUTE(not_fixed_parent, &= ~(uint32_t)RATLS_TPMA_FIXED_PARENT)
ATTRIBUTE(imported, &= ~(uint32_t)RATLS_TPMA_SENSITIVE_DATA_ORIGIN)
ATTRIBUTE(not_signing, &= ~(uint32_t)RATLS_TPMA_SIGN)
ATTRIBUTE(duplicable, |= RATLS_TPMA_ENCRYPTED_DUPLICATION)
ATTRIBUTE(decrypting, |= RATLS_TPMA_DECRYPT)
ATTRIBUTE(x509_signing, |= RATLS_TPMA_X509_SIGN)
ATTRIBUTE(with_auth, |= RATLS_TPMA_USER_WITH_AUTH)

static void weak_hash(struct ca_scene *s)
{
    s->machine.ak->area.scheme_hash = RATLS_ALG_SHA1;
}

static void no_scheme(struct ca_scene *s)
{
    s->machine.ak->area.scheme = RATLS_ALG_NULL;
}

/* Behind nameAlg, at 2: the Name would be by SHA-1. */
static void weak_name(struct ca_scene *s)
{
    s->wish.ak_public[3] = RATLS_ALG_SHA1;
}

static void cut_ak(struct ca_scene *s)
{
    s->wish.request.ak_public.len--;
}

/* As keys are that can be used in one state of the machine only. */
static void sealed(struct ca_scene *s)
{
    const size_t at = 8, len = s->wish.request.ak_public.len;
    uint8_t *area = s->wish.ak_public;

    memmove(area + at + 2 + 32, area + at + 2, len - at - 2);
    area[at + 1] = 32;
    memset(area + at + 2, 0x5a, 32);
    s->wish.request.ak_public.len = len + 32;
}

static void deny_ak(struct ca_scene *s)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    char hex[2 * RATLS_TPM_NAME_MAX + 1];

    ratls_hex(ratls_slice(name, fake_tpm_name(s->machine.ak, name)), hex, sizeof hex);
    ca_scene_deny(s, RATLS_DENIED_AK, hex);
}

static void revoke_ak(struct ca_scene *s)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    const size_t len = fake_tpm_name(s->machine.ak, name);
    enum ratls_store_outcome outcome;
    size_t count;

    ca_scene_enrol(s, &s->machine, s->names);
    must(ratls_store_revoke(ratls_ca_store(s->world->ca), RATLS_STORE_BY_AK, ratls_slice(name, len),
                            1, s->world->now, &count, &outcome, NULL) == RATLS_OK &&
         count == 1);
}

/* The other machine was enrolled with the very key. */
static void steal_ak(struct ca_scene *s)
{
    fake_tpm_free(s->other.ak);
    s->other.ak = fake_tpm_new(FAKE_ECDSA_P256);
    EVP_PKEY_free(s->other.ak->key);
    s->other.ak->key = s->machine.ak->key;
    must(EVP_PKEY_up_ref(s->machine.ak->key) == 1);
    ca_scene_enrol_other(s, "other.bank.example");
}

static const struct ca_row rows[] = {
    {.name = "nothing is wrong, P-256", .reason = "", .status = 200, .at_answer = true},
    {.name = "nothing is wrong, RSA",
     .reason = "",
     .status = 200,
     .at_answer = true,
     .ek_template = RATLS_EK_L1,
     .ak = FAKE_RSASSA,
     .config = "algorithms: [rsassa]\n"},
    {.name = "nothing is wrong, H-3",
     .reason = "",
     .status = 200,
     .at_answer = true,
     .ek_template = RATLS_EK_H3},
    {.name = "with userWithAuth",
     .reason = "",
     .status = 200,
     .at_answer = true,
     .prepare = with_auth},
    {.name = "with an authPolicy", .reason = "", .status = 201, .ask = sealed},
    {.name = "cut", .reason = "malformed", .status = 400, .changed = cut},
    {.name = "too long", .reason = "too-long", .status = 413, .changed = lengthen},
    {.name = "expired", .reason = "ek-time", .status = 422, .prepare = expired},
    {.name = "not yet valid", .reason = "ek-time", .status = 422, .prepare = not_yet_valid},
    {.name = "certificate of a CA", .reason = "ek-ca", .status = 422, .prepare = of_a_ca},
    {.name = "EK that signs", .reason = "ek-usage", .status = 422, .prepare = that_signs},
    {.name = "of a server", .reason = "ek-purpose", .status = 422, .prepare = for_a_server},
    {.name = "of another EK", .reason = "ek-area", .status = 422, .prepare = of_another_key},
    {.name = "by itself", .reason = "ek-chain", .status = 422, .prepare = signed_by_itself},
    {.name = "by another maker", .reason = "ek-chain", .status = 422, .prepare = by_another_maker},
    {.name = "software TPM", .reason = "ek-software", .status = 422, .prepare = of_software},
    {.name = "software TPM that may",
     .reason = "",
     .status = 200,
     .at_answer = true,
     .prepare = of_software,
     .config = "software-tpm: insecure-allow\n"},
    {.name = "cut EK certificate",
     .reason = "ek-format",
     .status = 422,
     .prepare = cut_certificate},
    {.name = "changed EK certificate",
     .reason = "ek-signature",
     .status = 422,
     .prepare = with_changed_signature},
    {.name = "unknown critical extension",
     .reason = "ek-critical",
     .status = 422,
     .prepare = with_critical_extension},
    {.name = "of a TPM 1.2", .reason = "ek-family", .status = 422, .prepare = of_tpm_1_2},
    {.name = "EK with ROCA",
     .reason = "ek-key",
     .status = 422,
     .ek_template = RATLS_EK_L1,
     .prepare = ek_with_roca},
    {.name = "area with another bit", .reason = "ek-area", .status = 422, .prepare = change_area},
    {.name = "area of a signing key",
     .reason = "ek-area",
     .status = 422,
     .prepare = area_of_a_signing_key},
    {.name = "another template", .reason = "ek-area", .status = 422, .ask = claim_template},
    {.name = "EK denied", .reason = "ek-denied", .status = 403, .prepare = deny_ek},
    {.name = "model denied", .reason = "ek-denied", .status = 403, .prepare = of_denied_model},
    {.name = "unrestricted", .reason = "ak-attributes", .status = 422, .prepare = unrestricted},
    {.name = "not fixedTPM", .reason = "ak-attributes", .status = 422, .prepare = not_fixed_tpm},
    {.name = "not fixedParent",
     .reason = "ak-attributes",
     .status = 422,
     .prepare = not_fixed_parent},
    {.name = "imported", .reason = "ak-attributes", .status = 422, .prepare = imported},
    {.name = "not for signing", .reason = "ak-attributes", .status = 422, .prepare = not_signing},
    {.name = "encryptedDuplication",
     .reason = "ak-attributes",
     .status = 422,
     .prepare = duplicable},
    {.name = "decrypt", .reason = "ak-attributes", .status = 422, .prepare = decrypting},
    {.name = "x509sign", .reason = "ak-attributes", .status = 422, .prepare = x509_signing},
    {.name = "SHA-1", .reason = "ak-algorithm", .status = 422, .prepare = weak_hash},
    {.name = "another algorithm",
     .reason = "ak-algorithm",
     .status = 422,
     .config = "algorithms: [rsassa]\n"},
    {.name = "name by SHA-1", .reason = "ak-format", .status = 422, .ask = weak_name},
    {.name = "cut AK", .reason = "ak-format", .status = 422, .ask = cut_ak},
    {.name = "AK without a scheme", .reason = "ak-algorithm", .status = 422, .prepare = no_scheme},
    {.name = "AK with ROCA",
     .reason = "ak-format",
     .status = 422,
     .ak = FAKE_RSASSA,
     .prepare = ak_with_roca},
    {.name = "AK denied", .reason = "ak-denied", .status = 403, .prepare = deny_ak},
    {.name = "AK revoked", .reason = "ak-denied", .status = 403, .prepare = revoke_ak},
    {.name = "AK of another EK", .reason = "ak-enrolled", .status = 403, .prepare = steal_ak},
};

const struct ca_row *ca_rows_request(size_t *ret_count)
{
    *ret_count = sizeof rows / sizeof rows[0];
    return rows;
}
