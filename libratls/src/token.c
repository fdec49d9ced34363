/*
 * Time stamp tokens, over OpenSSL's TS and PKCS7. What TS_RESP_verify_signature() does: one signer,
 * its chain (for the purpose of time stamping: EKU timeStamping, critical and alone), the signing
 * certificate attribute, the digest of the content, the signature. What it does not, and is done
 * here: attributes of another type than it takes for granted (CVE-2025-69420, CVE-2026-22796),
 * signed attributes at all, the content type in them (RFC 5652, 11.1), how strong the digest is,
 * what a CA on the way is for, and all that TSTInfo says but its signature.
 */
#include "token.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "epoch.h"
#include "fail.h"

#define SECURITY_LEVEL 2 /* 112 bits, as for attestation keys: no SHA-1, no RSA-1024 */
#define CHAIN_DEPTH_MAX 3
#define TST_VERSION 1
#define GENERALIZED_TIME_MIN 15 /* YYYYMMDDhhmmssZ */

struct parsed {
    PKCS7 *pkcs7;
    TS_TST_INFO *info;
};

static void free_parsed(struct parsed *parsed)
{
    TS_TST_INFO_free(parsed->info);
    PKCS7_free(parsed->pkcs7);
}

static void say(char *why, const char *text)
{
    snprintf(why, RATLS_TOKEN_WHY_MAX, "%s", text);
}

/* RFC 3161, 2.4.2: in UTC, with seconds, and perhaps a fraction, which is cut off. */
static bool read_time(const ASN1_GENERALIZEDTIME *time, int64_t *ret_time)
{
    const int len = time == NULL ? 0 : ASN1_STRING_length(time);
    struct tm tm;

    if (len < GENERALIZED_TIME_MIN || ASN1_STRING_get0_data(time)[len - 1] != 'Z' ||
        ASN1_TIME_to_tm(time, &tm) != 1)
        return false;
    *ret_time = timegm(&tm);
    return *ret_time > 0;
}

/* 0 if it is left out; false if it is none. */
static bool read_part(const ASN1_INTEGER *number, uint64_t max, uint64_t *ret_value)
{
    *ret_value = 0;
    return number == NULL || (ASN1_INTEGER_get_uint64(ret_value, number) == 1 && *ret_value <= max);
}

static bool read_accuracy(const TS_ACCURACY *accuracy, uint64_t *ret_seconds)
{
    uint64_t seconds, millis, micros;

    *ret_seconds = 0;
    if (accuracy == NULL)
        return true;
    if (!read_part(TS_ACCURACY_get_seconds(accuracy), UINT32_MAX, &seconds) ||
        !read_part(TS_ACCURACY_get_millis(accuracy), 999, &millis) ||
        !read_part(TS_ACCURACY_get_micros(accuracy), 999, &micros))
        return false;
    *ret_seconds = seconds + (millis != 0 || micros != 0);
    return true;
}

/* NULL if this is a TSTInfo that says a time, and nothing that we had to know. */
static const char *read_info(TS_TST_INFO *info, struct ratls_token *ret_token)
{
    struct ratls_token token;

    if (TS_TST_INFO_get_version(info) != TST_VERSION)
        return "another version than 1";
    if (!read_time(TS_TST_INFO_get_time(info), &token.time))
        return "genTime is not a time in UTC";
    if (!read_accuracy(TS_TST_INFO_get_accuracy(info), &token.accuracy_s))
        return "an accuracy that is none";
    if (TS_TST_INFO_get_ext_by_critical(info, 1, -1) >= 0)
        return "a critical extension that is not known";
    *ret_token = token;
    return NULL;
}

static bool has_info(PKCS7 *pkcs7)
{
    return PKCS7_type_is_signed(pkcs7) && pkcs7->d.sign != NULL &&
           pkcs7->d.sign->contents != NULL &&
           OBJ_obj2nid(pkcs7->d.sign->contents->type) == NID_id_smime_ct_TSTInfo;
}

/* The whole of it, or why is set. */
static void parse(struct ratls_slice der, struct parsed *ret, struct ratls_token *ret_token,
                  char *why)
{
    const unsigned char *p = der.p;
    const char *wrong;

    if (der.len == 0 || der.len > RATLS_TOKEN_MAX) {
        snprintf(why, RATLS_TOKEN_WHY_MAX, "%zu bytes, not 1 to %d", der.len, RATLS_TOKEN_MAX);
        return;
    }
    ret->pkcs7 = d2i_PKCS7(NULL, &p, (long)der.len);
    if (ret->pkcs7 == NULL || p != der.p + der.len) {
        say(why, "not the DER of one SignedData");
        return;
    }
    if (!has_info(ret->pkcs7)) {
        say(why, "signed data without a TSTInfo");
        return;
    }
    ret->info = PKCS7_to_TS_TST_INFO(ret->pkcs7);
    if (ret->info == NULL)
        say(why, "a TSTInfo that cannot be read");
    else if ((wrong = read_info(ret->info, ret_token)) != NULL)
        say(why, wrong);
}

/* Of this type; absent is fine unless it is required. OpenSSL looks at the first, and so do we. */
static bool is_attribute(PKCS7_SIGNER_INFO *signer, int nid, int type, bool is_required)
{
    const ASN1_TYPE *value = PKCS7_get_signed_attribute(signer, nid);

    return value == NULL ? !is_required && X509at_get_attr_by_NID(signer->auth_attr, nid, -1) < 0
                         : value->type == type;
}

/*
 * Without signed attributes the signature would be over the content itself, and what was signed as
 * attributes could be passed off as content; with them, their content type says which it is.
 */
static const char *find_bad_attribute(PKCS7_SIGNER_INFO *signer)
{
    const ASN1_TYPE *content;

    if (!is_attribute(signer, NID_pkcs9_contentType, V_ASN1_OBJECT, true) ||
        !is_attribute(signer, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, true) ||
        !is_attribute(signer, NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE, false) ||
        !is_attribute(signer, NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE, false))
        return "signed attributes are missing, or of another type";
    content = PKCS7_get_signed_attribute(signer, NID_pkcs9_contentType);
    if (OBJ_obj2nid(content->value.object) != NID_id_smime_ct_TSTInfo)
        return "signed as something else than a TSTInfo";
    return NULL;
}

static bool is_strong_digest(PKCS7_SIGNER_INFO *signer)
{
    const ASN1_OBJECT *digest = NULL;
    X509_ALGOR *algorithm = NULL;
    int nid;

    PKCS7_SIGNER_INFO_get0_algs(signer, NULL, &algorithm, NULL);
    if (algorithm == NULL)
        return false;
    X509_ALGOR_get0(&digest, NULL, NULL, algorithm);
    nid = OBJ_obj2nid(digest);
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

/* What must hold before OpenSSL looks at the signature; NULL if all does. */
static const char *find_bad_signer(PKCS7 *pkcs7)
{
    STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(pkcs7);
    PKCS7_SIGNER_INFO *signer;

    if (sk_PKCS7_SIGNER_INFO_num(signers) != 1)
        return "not signed by exactly one";
    signer = sk_PKCS7_SIGNER_INFO_value(signers, 0);
    if (!is_strong_digest(signer))
        return "signed with another digest than SHA-256, SHA-384 or SHA-512";
    return find_bad_attribute(signer);
}

/* A CA that was certified for web servers only must not certify clocks: OpenSSL does not look. */
static int check_usage(int ok, X509_STORE_CTX *ctx)
{
    X509 *certificate = X509_STORE_CTX_get_current_cert(ctx);
    uint32_t usages;

    if (ok != 1 || certificate == NULL || X509_STORE_CTX_get_error_depth(ctx) == 0)
        return ok;
    usages = X509_get_extended_key_usage(certificate); /* all bits if there is none */
    if ((usages & (XKU_TIMESTAMP | XKU_ANYEKU)) != 0)
        return ok;
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_INVALID_PURPOSE);
    return 0;
}

/* The authorities of the policy alone, also if they are no roots; never the system's store. */
static X509_STORE *make_store(const struct ratls_authorities *authorities, int64_t now)
{
    X509_STORE *store = X509_STORE_new();
    bool is_good = store != NULL;

    for (size_t i = 0; is_good && i < authorities->count; i++)
        is_good = X509_STORE_add_cert(store, authorities->certificates[i]) == 1;
    if (is_good) {
        X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);

        X509_VERIFY_PARAM_set_time(param, (time_t)now);
        X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
        X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
        X509_STORE_set_verify_cb(store, check_usage);
        is_good = X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN |
                                                         X509_V_FLAG_X509_STRICT) == 1;
    }
    if (is_good)
        return store;
    X509_STORE_free(store);
    return NULL;
}

/* OpenSSL's own reason, if it has one. */
static void say_openssl(char *why)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long code = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);
    const char *reason = ERR_reason_error_string(code);

    if ((flags & ERR_TXT_STRING) != 0 && data != NULL && data[0] != '\0')
        say(why, data);
    else
        say(why, reason == NULL ? "not verified" : reason);
}

/* The errors of OpenSSL are those of this call: whoever calls has set a mark and cleared. */
static enum ratls_status verify(PKCS7 *pkcs7, const struct ratls_authorities *authorities,
                                int64_t now, char *why, struct ratls_error *err)
{
    X509_STORE *store = make_store(authorities, now);
    STACK_OF(X509) *known = sk_X509_new_null(); /* a token may leave its certificate out */
    enum ratls_status status = RATLS_OK;
    bool is_ready = store != NULL && known != NULL;

    for (size_t i = 0; is_ready && i < authorities->count; i++)
        is_ready = sk_X509_push(known, authorities->certificates[i]) > 0;
    if (!is_ready)
        status = ratls_fail(err, RATLS_MEMORY, "authorities of time stamps");
    else if (TS_RESP_verify_signature(pkcs7, known, store, NULL) != 1)
        say_openssl(why);
    sk_X509_free(known);
    X509_STORE_free(store);
    return status;
}

/* authorities == NULL: by whom it is signed is not looked at. */
static enum ratls_status examine(struct ratls_slice der,
                                 const struct ratls_authorities *authorities, int64_t now,
                                 struct ratls_token *ret_token, char *ret_why,
                                 struct ratls_error *err)
{
    char why[RATLS_TOKEN_WHY_MAX] = "";
    struct parsed parsed = {0};
    struct ratls_token token = {0};
    enum ratls_status status = RATLS_OK;
    const char *wrong;

    ERR_set_mark();
    parse(der, &parsed, &token, why);
    if (why[0] == '\0' && authorities != NULL) {
        if ((wrong = find_bad_signer(parsed.pkcs7)) != NULL)
            say(why, wrong);
        else
            status = verify(parsed.pkcs7, authorities, now, why, err);
    }
    /* Not the peer's fault. */
    if (why[0] != '\0' && ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    ERR_pop_to_mark();
    free_parsed(&parsed);
    if (status != RATLS_OK)
        return status;
    *ret_token = token;
    memcpy(ret_why, why, sizeof why);
    return RATLS_OK;
}

enum ratls_status ratls_token_verify(struct ratls_slice der,
                                     const struct ratls_authorities *authorities, int64_t now,
                                     struct ratls_token *ret_token,
                                     char ret_why[static RATLS_TOKEN_WHY_MAX],
                                     struct ratls_error *err)
{
    if (authorities == NULL || authorities->count == 0)
        return ratls_fail(err, RATLS_USAGE, "no authority of time stamps to verify one by");
    return examine(der, authorities, now, ret_token, ret_why, err);
}

enum ratls_status ratls_token_read(struct ratls_slice der, struct ratls_token *ret_token,
                                   char ret_why[static RATLS_TOKEN_WHY_MAX],
                                   struct ratls_error *err)
{
    return examine(der, NULL, 0, ret_token, ret_why, err);
}

bool ratls_token_stamps(struct ratls_slice der, struct ratls_slice digest)
{
    char why[RATLS_TOKEN_WHY_MAX] = "";
    struct parsed parsed = {0};
    struct ratls_token token;
    bool is_stamped = false;

    ERR_set_mark();
    parse(der, &parsed, &token, why);
    if (why[0] == '\0') {
        const ASN1_OCTET_STRING *imprint =
            TS_MSG_IMPRINT_get_msg(TS_TST_INFO_get_msg_imprint(parsed.info));

        is_stamped = ratls_slice_equal(digest, ratls_slice(ASN1_STRING_get0_data(imprint),
                                                           (size_t)ASN1_STRING_length(imprint)));
    }
    ERR_pop_to_mark();
    free_parsed(&parsed);
    return is_stamped;
}

bool ratls_authority_valid(X509 *certificate)
{
    return X509_check_ca(certificate) == 1 ||
           X509_check_purpose(certificate, X509_PURPOSE_TIMESTAMP_SIGN, 0) == 1;
}

bool ratls_authority_expired(const X509 *certificate, int64_t now)
{
    time_t t = (time_t)now;

    return X509_cmp_time(X509_get0_notAfter(certificate), &t) <= 0;
}

/* One element with a definite length: what is in it, and what is behind it. */
static bool take_element(struct ratls_slice in, int *ret_tag, struct ratls_slice *ret_content,
                         struct ratls_slice *ret_rest)
{
    const unsigned char *p = in.p;
    long len = 0;
    int class = 0;
    int form;

    if (in.len == 0 || in.len > INT32_MAX)
        return false;
    form = ASN1_get_object(&p, &len, ret_tag, &class, (long)in.len);
    if ((form & 0x81) != 0 || class != V_ASN1_UNIVERSAL)
        return false;
    *ret_content = ratls_slice(p, (size_t)len);
    *ret_rest = ratls_slice(p + len, in.len - (size_t)(p - in.p) - (size_t)len);
    return true;
}

struct ratls_slice ratls_token_find(struct ratls_slice bytes)
{
    const struct ratls_slice none = {NULL, 0};
    struct ratls_slice content, first, rest;
    int tag = 0;

    ERR_set_mark();
    if (!take_element(bytes, &tag, &content, &rest) || tag != V_ASN1_SEQUENCE || rest.len != 0 ||
        !take_element(content, &tag, &first, &rest))
        bytes = none;
    /* A token begins with its content type; an answer with a status, 0 or 1 if it was granted. */
    if (bytes.len != 0 && tag != V_ASN1_OBJECT) {
        struct ratls_slice token = rest;

        bytes = none;
        if (tag == V_ASN1_SEQUENCE && take_element(first, &tag, &content, &rest) &&
            tag == V_ASN1_INTEGER && content.len == 1 && content.p[0] <= 1)
            bytes = token;
    }
    ERR_pop_to_mark();
    return bytes;
}
