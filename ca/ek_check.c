#include "ek_check.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "crypto_roca.h"
#include "ek_path.h"
#include "fail.h"

#define KEY_USAGE_FORBIDDEN                                                                        \
    (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_CERT_SIGN | KU_CRL_SIGN)

/* X509_verify() takes what OpenSSL knows; only SHA-2 is good enough for a signature of today. */
static void check_signature_algorithm(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    int digest = NID_undef;

    (void)q;
    if (X509_get_signature_info(a->ek.certificate, &digest, NULL, NULL, NULL) != 1)
        digest = NID_undef;
    if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
        ratls_ek_say(a, RATLS_EK_DEFECT_SIGNATURE, "signed with %s, not with SHA-2",
                     digest == NID_undef ? "an unknown algorithm" : OBJ_nid2sn(digest));
}

static void check_form(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    (void)q;
    if (!a->ek.is_readable)
        ratls_ek_say(a, RATLS_EK_DEFECT_FORMAT, "an extension is there twice, or cannot be read");
    if (X509_get_version(a->ek.certificate) != X509_VERSION_3)
        ratls_ek_say(a, RATLS_EK_DEFECT_FORMAT, "not of version 3");
}

/* RFC 5280, 4.1.2.5. */
static void check_time(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    time_t now = (time_t)q->now;

    if (X509_cmp_time(X509_get0_notBefore(a->ek.certificate), &now) >= 0)
        ratls_ek_say(a, RATLS_EK_DEFECT_TIME, "not valid yet");
    if (X509_cmp_time(X509_get0_notAfter(a->ek.certificate), &now) <= 0)
        ratls_ek_say(a, RATLS_EK_DEFECT_TIME, "expired");
}

/*
 * RFC 5280, 4.2. These are looked at here, or ask for nothing: subjectAltName is critical where
 * there is no subject, and any policy is as good as another.
 */
static void check_critical(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    static const int known[] = {NID_subject_alt_name, NID_basic_constraints, NID_key_usage,
                                NID_ext_key_usage, NID_certificate_policies};

    (void)q;
    for (int i = 0; i < X509_get_ext_count(a->ek.certificate); i++) {
        X509_EXTENSION *extension = X509_get_ext(a->ek.certificate, i);
        const ASN1_OBJECT *type = X509_EXTENSION_get_object(extension);
        bool is_known = X509_EXTENSION_get_critical(extension) == 0;
        char oid[64];

        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            is_known = is_known || OBJ_obj2nid(type) == known[k];
        OBJ_obj2txt(oid, sizeof oid, type, 1);
        if (!is_known)
            ratls_ek_say(a, RATLS_EK_DEFECT_CRITICAL, "extension %s is critical, and not known",
                         oid);
    }
}

/*
 * keyEncipherment for RSA, keyAgreement for ECC; Intel has the former for ECC, too. A key that may
 * sign is no endorsement key, whatever else is said of it: Google certifies attestation keys so.
 */
static void check_usage(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    const uint32_t usage = X509_get_key_usage(a->ek.certificate);
    const bool is_ecc = a->ek.key != NULL && EVP_PKEY_is_a(a->ek.key, "EC");
    const uint32_t wanted = is_ecc ? KU_KEY_AGREEMENT | KU_KEY_ENCIPHERMENT : KU_KEY_ENCIPHERMENT;

    (void)q;
    if (a->ek.is_ca)
        ratls_ek_say(a, RATLS_EK_DEFECT_CA, "the certificate of a CA");
    if (usage == UINT32_MAX)
        ratls_ek_say(a, RATLS_EK_DEFECT_USAGE, "has no key usage");
    else if ((usage & wanted) == 0 || (usage & KEY_USAGE_FORBIDDEN) != 0)
        ratls_ek_say(a, RATLS_EK_DEFECT_USAGE, "key usage is not %s alone",
                     is_ecc ? "keyAgreement" : "keyEncipherment");
}

/* A pinned root may certify other things than endorsement keys: the certificate must say it. */
static void check_purpose(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    const bool names_tpm = a->ek.manufacturer[0] != '\0';

    (void)q;
    if (!a->ek.is_for_ek && (a->ek.has_extended_usage || (!names_tpm && !a->ek.is_google)))
        ratls_ek_say(a, RATLS_EK_DEFECT_PURPOSE,
                     "nothing says that the key is a TPM's: neither extended key usage "
                     "tcg-kp-EKCertificate (2.23.133.8.1) nor the maker of a TPM");
    if (a->ek.family[0] != '\0' && strcmp(a->ek.family, "2.0") != 0)
        ratls_ek_say(a, RATLS_EK_DEFECT_FAMILY, "of a TPM %s", a->ek.family);
}

static bool fits_any(const EVP_PKEY *key)
{
    const struct ratls_ek_profile *profile;

    for (unsigned id = RATLS_EK_L1; (profile = ratls_ek_profile(id)) != NULL; id++)
        if (ratls_ek_fits(profile, key))
            return true;
    return false;
}

static void check_key(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    const EVP_PKEY *key = a->ek.key;
    const char *type = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);

    (void)q;
    if (key == NULL)
        ratls_ek_say(a, RATLS_EK_DEFECT_KEY, "its key cannot be read");
    else if (!fits_any(key))
        ratls_ek_say(a, RATLS_EK_DEFECT_KEY, "no TPM 2.0 has such an endorsement key: %s, %d bits",
                     type == NULL ? "unknown" : type, EVP_PKEY_get_bits(key));
    else if (ratls_is_roca(key))
        ratls_ek_say(a, RATLS_EK_DEFECT_KEY,
                     "its key can be factored (ROCA, CVE-2017-15361): the TPM needs new firmware, "
                     "and the maker's procedure for a new key");
}

static void check_software(const struct ratls_ek_question *q, struct ratls_ek_answer *a)
{
    if (a->ek.is_software && !q->allows_software)
        ratls_ek_say(a, RATLS_EK_DEFECT_SOFTWARE,
                     "a software TPM (%s %s): whoever runs it knows its keys",
                     a->ek.manufacturer[0] == '\0' ? "simulator" : a->ek.manufacturer, a->ek.model);
}

static enum ratls_status check_area(const struct ratls_ek_question *q, struct ratls_ek_answer *a,
                                    struct ratls_error *err)
{
    bool matches = false;
    enum ratls_status status = RATLS_OK;

    if (q->profile == NULL || a->ek.key == NULL)
        return RATLS_OK;
    if (ratls_ek_fits(q->profile, a->ek.key))
        status = ratls_ek_area_matches(q->profile, a->ek.key, q->area, &matches, err);
    if (status == RATLS_OK && !matches)
        ratls_ek_say(a, RATLS_EK_DEFECT_AREA,
                     "the public area is not that of template %s with the certificate's key",
                     q->profile->name);
    return status;
}

static enum ratls_status check_all(const struct ratls_ek_question *q, struct ratls_ek_answer *a,
                                   struct ratls_error *err)
{
    static void (*const checks[])(const struct ratls_ek_question *, struct ratls_ek_answer *) = {
        check_form,  check_signature_algorithm,
        check_time,  check_critical,
        check_usage, check_purpose,
        check_key,   check_software,
    };
    enum ratls_status status = ratls_ek_path(q, a, err);

    for (size_t i = 0; status == RATLS_OK && i < sizeof checks / sizeof *checks; i++)
        checks[i](q, a);
    if (status == RATLS_OK)
        status = check_area(q, a, err);
    return status;
}

enum ratls_status ratls_ek_check(const struct ratls_ek_question *question,
                                 struct ratls_ek_answer *ret_answer, struct ratls_error *err)
{
    struct ratls_ek_answer answer = {.defects = 0};
    struct ratls_error why = {0};
    enum ratls_status status;

    if (question->count < 1 || question->count > RATLS_EK_CERTIFICATES_MAX)
        return ratls_fail(err, RATLS_USAGE, "%zu certificates, not 1 to %d", question->count,
                          RATLS_EK_CERTIFICATES_MAX);
    status = ratls_ek_certificate_read(question->certificates[0], &answer.ek, &why);
    if (status == RATLS_MALFORMED) {
        ratls_ek_say(&answer, RATLS_EK_DEFECT_FORMAT, "%s", why.text);
        status = RATLS_OK;
    } else if (status == RATLS_OK) {
        status = check_all(question, &answer, err);
    } else {
        return ratls_fail(err, status, "%s", why.text);
    }
    if (status != RATLS_OK) {
        ratls_ek_answer_done(&answer);
        return status;
    }
    *ret_answer = answer;
    return RATLS_OK;
}

void ratls_ek_answer_done(struct ratls_ek_answer *answer)
{
    ratls_ek_certificate_done(&answer->ek);
}
