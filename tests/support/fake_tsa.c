#include "fake_tsa.h"

#include <openssl/ess.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "must.h"
#include "pki.h"

#define IMPRINT_LEN 32

struct fake_tsa *fake_tsa_new(const struct pki_spec *spec)
{
    struct pki_spec usual = {.subject = "time stamps", .eku = "critical,timeStamping"};
    struct fake_tsa *tsa = calloc(1, sizeof *tsa);

    must(tsa != NULL);
    tsa->key = pki_key(PKI_P256);
    if (spec != NULL)
        usual = *spec;
    usual.key = tsa->key;
    tsa->certificate = pki_certificate(&usual);
    return tsa;
}

void fake_tsa_free(struct fake_tsa *tsa)
{
    if (tsa == NULL)
        return;
    EVP_PKEY_free(tsa->key);
    X509_free(tsa->certificate);
    X509_free(tsa->issuer);
    free(tsa);
}

static void set_time(const struct fake_stamp *stamp, TS_TST_INFO *info)
{
    ASN1_GENERALIZEDTIME *time = ASN1_GENERALIZEDTIME_set(NULL, (time_t)stamp->time);

    must(time != NULL);
    if (stamp->time_text != NULL)
        must(ASN1_STRING_set(time, stamp->time_text, -1) == 1);
    must(TS_TST_INFO_set_time(info, time) == 1);
    ASN1_GENERALIZEDTIME_free(time);
}

static void set_accuracy(const struct fake_stamp *stamp, TS_TST_INFO *info)
{
    TS_ACCURACY *accuracy = TS_ACCURACY_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();

    must(accuracy != NULL && number != NULL);
    must(ASN1_INTEGER_set(number, stamp->accuracy_s) == 1);
    if (stamp->accuracy_s != 0)
        must(TS_ACCURACY_set_seconds(accuracy, number) == 1);
    must(ASN1_INTEGER_set(number, stamp->accuracy_ms) == 1);
    if (stamp->accuracy_ms != 0)
        must(TS_ACCURACY_set_millis(accuracy, number) == 1);
    if (stamp->accuracy_s != 0 || stamp->accuracy_ms != 0)
        must(TS_TST_INFO_set_accuracy(info, accuracy) == 1);
    ASN1_INTEGER_free(number);
    TS_ACCURACY_free(accuracy);
}

static void set_imprint(const struct fake_stamp *stamp, TS_TST_INFO *info)
{
    uint8_t digest[IMPRINT_LEN];
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();

    must(imprint != NULL && algorithm != NULL && RAND_bytes(digest, sizeof digest) == 1);
    if (stamp->imprint != NULL)
        memcpy(digest, stamp->imprint, sizeof digest);
    X509_ALGOR_set_md(algorithm, EVP_sha256());
    must(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1);
    must(TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof digest) == 1);
    must(TS_TST_INFO_set_msg_imprint(info, imprint) == 1);
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
}

static void add_critical(TS_TST_INFO *info)
{
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);

    must(extension != NULL && TS_TST_INFO_add_ext(info, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(value);
}

static TS_TST_INFO *make_info(const struct fake_stamp *stamp)
{
    TS_TST_INFO *info = TS_TST_INFO_new();
    ASN1_OBJECT *policy = OBJ_txt2obj("1.3.6.1.4.1.99999.2", 1);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    must(info != NULL && policy != NULL && serial != NULL && ASN1_INTEGER_set(serial, 7) == 1);
    must(TS_TST_INFO_set_version(info, stamp->version == 0 ? 1 : stamp->version) == 1);
    must(TS_TST_INFO_set_policy_id(info, policy) == 1);
    must(TS_TST_INFO_set_serial(info, serial) == 1);
    set_imprint(stamp, info);
    set_time(stamp, info);
    set_accuracy(stamp, info);
    if (stamp->has_critical)
        add_critical(info);
    ASN1_INTEGER_free(serial);
    ASN1_OBJECT_free(policy);
    return info;
}

/* Empty: PKCS7_dataFinal() puts in what was written. */
static PKCS7 *make_content(const struct fake_stamp *stamp)
{
    PKCS7 *outer = PKCS7_new();
    PKCS7 *inner = PKCS7_new();
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_TYPE *other = ASN1_TYPE_new();

    must(outer != NULL && inner != NULL && octets != NULL && other != NULL);
    ASN1_TYPE_set(other, V_ASN1_OCTET_STRING, octets);
    must(PKCS7_set0_type_other(
             inner, stamp->content == 0 ? NID_id_smime_ct_TSTInfo : stamp->content, other) == 1);
    must(PKCS7_set_type(outer, NID_pkcs7_signed) == 1);
    must(PKCS7_set_content(outer, inner) == 1);
    return outer;
}

static void write_content(PKCS7 *p7, const struct fake_stamp *stamp)
{
    TS_TST_INFO *info = make_info(stamp);
    BIO *bio = PKCS7_dataInit(p7, NULL);
    uint8_t *der = NULL;
    int len = i2d_TS_TST_INFO(info, &der);

    must(bio != NULL && len > 0);
    len = stamp->is_cut ? len / 2 : len;
    must(BIO_write(bio, der, len) == len);
    OPENSSL_free(der);
    must(PKCS7_dataFinal(p7, bio) == 1);
    BIO_free_all(bio);
    TS_TST_INFO_free(info);
}

/* RFC 5816: the certificate that signed, by its hash. */
static void add_ess(const struct fake_tsa *tsa, PKCS7_SIGNER_INFO *signer)
{
    ESS_SIGNING_CERT_V2 *ess =
        OSSL_ESS_signing_cert_v2_new_init(EVP_sha256(), tsa->certificate, NULL, 0);
    ASN1_STRING *value = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    uint8_t *der = NULL;
    int len = i2d_ESS_SIGNING_CERT_V2(ess, &der);

    must(len > 0 && value != NULL && ASN1_STRING_set(value, der, len) == 1);
    must(PKCS7_add_signed_attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE,
                                    value) == 1);
    OPENSSL_free(der);
    ESS_SIGNING_CERT_V2_free(ess);
}

static void add_attributes(const struct fake_tsa *tsa, const struct fake_stamp *stamp,
                           PKCS7_SIGNER_INFO *signer)
{
    int content = stamp->signed_content == 0 ? NID_id_smime_ct_TSTInfo : stamp->signed_content;

    must(PKCS7_add_signed_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT,
                                    OBJ_nid2obj(content)) == 1);
    if (!stamp->has_no_ess)
        add_ess(tsa, signer);
}

static void sign(const struct fake_tsa *tsa, const struct fake_stamp *stamp, PKCS7 *p7)
{
    PKCS7_SIGNER_INFO *signer = PKCS7_add_signature(
        p7, tsa->certificate, tsa->key, stamp->digest == NULL ? EVP_sha256() : stamp->digest);

    must(signer != NULL);
    if (!stamp->has_no_attributes)
        add_attributes(tsa, stamp, signer);
}

/*
 * After the signature, for OpenSSL makes no such thing: the value of an attribute, a SET behind its
 * OID, has another type.
 */
static void change_type(uint8_t *der, size_t len, int nid, int type)
{
    const ASN1_OBJECT *oid = OBJ_nid2obj(nid);
    size_t i = 0, at;

    if (type == 0)
        return;
    while (i + OBJ_length(oid) < len && memcmp(der + i, OBJ_get0_data(oid), OBJ_length(oid)) != 0)
        i++;
    at = i + OBJ_length(oid);
    must(at + 4 < len && der[at] == (V_ASN1_SET | V_ASN1_CONSTRUCTED));
    at += der[at + 1] < 0x80 ? 2 : 2 + (der[at + 1] & 0x7f);
    der[at] = (uint8_t)type;
}

size_t fake_tsa_token(const struct fake_tsa *tsa, const struct fake_stamp *stamp,
                      uint8_t out[static RATLS_TOKEN_MAX])
{
    PKCS7 *p7 = make_content(stamp);
    uint8_t *der = NULL;
    int len;

    if (!stamp->has_no_certificate)
        must(PKCS7_add_certificate(p7, tsa->certificate) == 1);
    if (tsa->issuer != NULL)
        must(PKCS7_add_certificate(p7, tsa->issuer) == 1);
    sign(tsa, stamp, p7);
    if (stamp->is_signed_twice)
        sign(tsa, stamp, p7);
    write_content(p7, stamp);
    len = i2d_PKCS7(p7, &der);
    must(len > 0 && len <= RATLS_TOKEN_MAX);
    change_type(der, (size_t)len, NID_pkcs9_messageDigest, stamp->digest_type);
    change_type(der, (size_t)len, NID_id_smime_aa_signingCertificateV2, stamp->ess_type);
    memcpy(out, der, (size_t)len);
    OPENSSL_free(der);
    PKCS7_free(p7);
    return (size_t)len;
}
