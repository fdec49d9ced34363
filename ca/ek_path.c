#include "ek_path.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "fail.h"

/* At OpenSSL's security level 2 every key and signature has 112 bits: no SHA-1, no RSA-1024. */
#define CHAIN_SECURITY_LEVEL 2
#define CHAIN_DEPTH_MAX 6
#define NAME_MAX_TEXT 256

#define EK_USAGE "2.23.133.8.1" /* TCG: tcg-kp-EKCertificate */
#define ANY_USAGE "2.5.29.37.0" /* RFC 5280, 4.2.1.12: anyExtendedKeyUsage */

/* How far one of the possible issuers led; only what led furthest is told. */
enum progress {
    NOWHERE = 0,
    NOT_SIGNED,
    NOT_VERIFIED,
    VERIFIED,
};

struct attempt {
    enum progress progress;
    enum ratls_ek_defect defect;
    char why[NAME_MAX_TEXT + 128];
    char missing[RATLS_EK_URL_MAX];
    size_t path_count;
    uint8_t root_sha256[32];
};

void ratls_ek_say(struct ratls_ek_answer *answer, enum ratls_ek_defect defect, const char *format,
                  ...)
{
    const size_t used = strlen(answer->why);
    char text[NAME_MAX_TEXT + 128];
    va_list list;

    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    answer->defects |= defect;
    snprintf(answer->why + used, sizeof answer->why - used, "%s%s", used == 0 ? "" : "; ", text);
}

/* ---- is it the issuer? ---- */

static bool has_same_key_id(X509 *subject, X509 *issuer)
{
    const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(subject);
    const ASN1_OCTET_STRING *has = X509_get0_subject_key_id(issuer);

    return wanted != NULL && has != NULL && ASN1_OCTET_STRING_cmp(wanted, has) == 0;
}

static void remove_spaces(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++)
        if (*from != ' ')
            *to++ = *from;
    *to = '\0';
}

/*
 * Intel writes the name of one of its CAs with one space less in what that has issued. RFC 5280,
 * 7.1, has one space where there are several, and OpenSSL goes by that; here the key must agree.
 */
static bool is_same_but_spaces(X509 *subject, X509 *issuer)
{
    char wanted[4 * NAME_MAX_TEXT], has[4 * NAME_MAX_TEXT];

    if (!has_same_key_id(subject, issuer))
        return false;
    ratls_ek_name_text(X509_get_issuer_name(subject), wanted, sizeof wanted);
    ratls_ek_name_text(X509_get_subject_name(issuer), has, sizeof has);
    if (strlen(wanted) > NAME_MAX_TEXT || strlen(has) > NAME_MAX_TEXT) /* none is cut */
        return false;
    remove_spaces(wanted);
    remove_spaces(has);
    return wanted[0] != '\0' && strcmp(wanted, has) == 0;
}

/* RFC 5280, 4.2.1.1: where both say which key it is, it must be the same. */
static bool is_issuer(X509 *subject, X509 *issuer)
{
    if (X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(issuer)) != 0)
        return is_same_but_spaces(subject, issuer);
    return X509_get0_authority_key_id(subject) == NULL ||
           X509_get0_subject_key_id(issuer) == NULL || has_same_key_id(subject, issuer);
}

/* ---- the issuer, up to a root ---- */

static bool has_usage(const EXTENDED_KEY_USAGE *usages, const char *wanted)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char oid[32];
        int len = OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usages, i), 1);

        if (len == (int)strlen(wanted) && strcmp(oid, wanted) == 0)
            return true;
    }
    return false;
}

/* A CA that was made for something else must not certify endorsement keys. */
static bool may_certify_eks(X509 *ca)
{
    int found = -1;
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(ca, NID_ext_key_usage, &found, NULL);
    bool may = found == -1 || has_usage(usages, EK_USAGE) || has_usage(usages, ANY_USAGE);

    EXTENDED_KEY_USAGE_free(usages);
    return may;
}

static bool allows_name(X509 *ca, X509 *subject)
{
    int found = -1;
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(ca, NID_name_constraints, &found, NULL);
    bool allows = found == -1 || (constraints != NULL &&
                                  NAME_CONSTRAINTS_check(subject, constraints) == X509_V_OK);

    NAME_CONSTRAINTS_free(constraints);
    return allows;
}

/* What OpenSSL does not ask of the issuer, because it does not know what is below it. */
static const char *find_objection(STACK_OF(X509) *path, X509 *subject)
{
    for (int i = 0; i < sk_X509_num(path); i++) {
        X509 *ca = sk_X509_value(path, i);
        const long limit = X509_get_pathlen(ca);

        if (X509_check_ca(ca) != 1 || (X509_get_key_usage(ca) & KU_KEY_CERT_SIGN) == 0)
            return "is not a CA that may certify";
        if (limit >= 0 && limit < i)
            return "may not have so many CAs below it";
        if (!may_certify_eks(ca))
            return "is not for endorsement keys, by its extended key usage";
        if (!allows_name(ca, subject))
            return "may not certify this name";
    }
    return NULL;
}

static void say_objection(struct attempt *attempt, STACK_OF(X509) *path, const char *objection)
{
    char name[NAME_MAX_TEXT];

    ratls_ek_name_text(X509_get_subject_name(sk_X509_value(path, 0)), name, sizeof name);
    attempt->defect = RATLS_EK_DEFECT_CHAIN;
    snprintf(attempt->why, sizeof attempt->why, "on the way from \"%s\" to the root a CA %s", name,
             objection);
}

/* Why OpenSSL found no good path. */
static void say_failure(struct attempt *attempt, X509_STORE_CTX *ctx)
{
    const int error = X509_STORE_CTX_get_error(ctx);
    X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    char name[NAME_MAX_TEXT] = "";

    attempt->defect = RATLS_EK_DEFECT_CHAIN;
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        if (at != NULL) {
            ratls_ek_name_text(X509_get_issuer_name(at), name, sizeof name);
            ratls_ek_issuer_url(at, attempt->missing);
        }
        snprintf(attempt->why, sizeof attempt->why, "\"%s\" is not among the roots", name);
        return;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        attempt->defect = RATLS_EK_DEFECT_TIME;
        break;
    case X509_V_ERR_CA_MD_TOO_WEAK:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        attempt->defect = RATLS_EK_DEFECT_SIGNATURE;
        break;
    default:
        break;
    }
    if (at != NULL)
        ratls_ek_name_text(X509_get_subject_name(at), name, sizeof name);
    snprintf(attempt->why, sizeof attempt->why, "CA \"%s\": %s", name,
             X509_verify_cert_error_string(error));
}

static bool set_parameters(X509_STORE_CTX *ctx, STACK_OF(X509) *pinned, int64_t now)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

    X509_STORE_CTX_set0_trusted_stack(ctx, pinned);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, CHAIN_SECURITY_LEVEL);
    return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT) == 1;
}

static void accept_path(struct attempt *attempt, STACK_OF(X509) *path)
{
    const int count = sk_X509_num(path);
    unsigned len = 0;

    if (X509_digest(sk_X509_value(path, count - 1), EVP_sha256(), attempt->root_sha256, &len) == 1)
        attempt->progress = VERIFIED;
    attempt->path_count = (size_t)count;
}

/* The issuer itself, by OpenSSL, with no trust in anything but the pinned roots. */
static enum ratls_status verify_issuer(X509 *issuer, X509 *subject, STACK_OF(X509) *pinned,
                                       STACK_OF(X509) *others, int64_t now, struct attempt *ret,
                                       struct ratls_error *err)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    enum ratls_status status = RATLS_OK;
    const char *objection;

    ret->progress = NOT_VERIFIED;
    if (ctx == NULL || X509_STORE_CTX_init(ctx, NULL, issuer, others) != 1 ||
        !set_parameters(ctx, pinned, now)) {
        status = ratls_fail(err, RATLS_MEMORY, "certificate chain");
        goto out;
    }
    if (X509_verify_cert(ctx) != 1) {
        if (X509_STORE_CTX_get_error(ctx) == X509_V_ERR_OUT_OF_MEM)
            status = ratls_fail(err, RATLS_MEMORY, "certificate chain");
        say_failure(ret, ctx);
        goto out;
    }
    objection = find_objection(X509_STORE_CTX_get0_chain(ctx), subject);
    if (objection == NULL)
        accept_path(ret, X509_STORE_CTX_get0_chain(ctx));
    else
        say_objection(ret, X509_STORE_CTX_get0_chain(ctx), objection);
out:
    X509_STORE_CTX_free(ctx);
    return status;
}

/* ---- all that may be the issuer ---- */

static enum ratls_status try_issuers(STACK_OF(X509) *candidates, X509 *subject,
                                     STACK_OF(X509) *pinned, STACK_OF(X509) *others, int64_t now,
                                     struct attempt *best, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (int i = 0; best->progress != VERIFIED && i < sk_X509_num(candidates); i++) {
        X509 *issuer = sk_X509_value(candidates, i);
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        struct attempt attempt = {.progress = NOT_SIGNED, .defect = RATLS_EK_DEFECT_SIGNATURE};

        if (!is_issuer(subject, issuer))
            continue;
        snprintf(attempt.why, sizeof attempt.why, "not signed by the CA of its issuer's name");
        if (key != NULL && X509_verify(subject, key) == 1)
            status = verify_issuer(issuer, subject, pinned, others, now, &attempt, err);
        if (status != RATLS_OK)
            return status;
        if (attempt.progress > best->progress)
            *best = attempt;
    }
    return RATLS_OK;
}

/* The other certificates that came along help to find the way, as intermediates do. */
static enum ratls_status append_sent(const struct ratls_ek_question *question, STACK_OF(X509) *to,
                                     struct ratls_ek_answer *answer, struct ratls_error *err)
{
    for (size_t i = 1; i < question->count; i++) {
        const struct ratls_slice der = question->certificates[i];
        const unsigned char *p = der.p;
        X509 *certificate =
            der.len <= RATLS_EK_CERTIFICATE_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;

        if (certificate == NULL || p != der.p + der.len)
            ratls_ek_say(answer, RATLS_EK_DEFECT_FORMAT,
                         "certificate %zu of the chain is not the DER of one X.509 certificate",
                         i + 1);
        else if (sk_X509_push(to, certificate) > 0)
            continue;
        else
            return X509_free(certificate), ratls_fail(err, RATLS_MEMORY, "certificate chain");
        X509_free(certificate);
    }
    return RATLS_OK;
}

static void say_best(const struct attempt *best, struct ratls_ek_answer *answer)
{
    char name[NAME_MAX_TEXT];

    if (best->progress == VERIFIED) {
        answer->path_count = best->path_count;
        memcpy(answer->root_sha256, best->root_sha256, sizeof answer->root_sha256);
        return;
    }
    if (best->progress != NOWHERE) {
        ratls_ek_say(answer, best->defect, "%s", best->why);
        memcpy(answer->missing, best->missing, sizeof answer->missing);
        return;
    }
    ratls_ek_name_text(X509_get_issuer_name(answer->ek.certificate), name, sizeof name);
    ratls_ek_say(answer, RATLS_EK_DEFECT_CHAIN, "its issuer \"%s\" is not among the roots", name);
    ratls_ek_issuer_url(answer->ek.certificate, answer->missing);
}

/* Intermediates of the store, and behind them those that were sent, which `sent` owns. */
static bool join(STACK_OF(X509) *others, STACK_OF(X509) *sent)
{
    for (int i = 0; i < sk_X509_num(sent); i++)
        if (sk_X509_push(others, sk_X509_value(sent, i)) <= 0)
            return false;
    return true;
}

enum ratls_status ratls_ek_path(const struct ratls_ek_question *question,
                                struct ratls_ek_answer *answer, struct ratls_error *err)
{
    STACK_OF(X509) *pinned = ratls_roots_stack(question->roots, RATLS_ROOT_PINNED);
    STACK_OF(X509) *others = ratls_roots_stack(question->roots, RATLS_ROOT_INTERMEDIATE);
    STACK_OF(X509) *sent = sk_X509_new_null();
    X509 *subject = answer->ek.certificate;
    struct attempt best = {.progress = NOWHERE};
    enum ratls_status status = RATLS_OK;

    ERR_set_mark();
    if (pinned == NULL || others == NULL || sent == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "certificate chain");
    if (status == RATLS_OK)
        status = append_sent(question, sent, answer, err);
    if (status == RATLS_OK && !join(others, sent))
        status = ratls_fail(err, RATLS_MEMORY, "certificate chain");
    if (status == RATLS_OK)
        status = try_issuers(pinned, subject, pinned, others, question->now, &best, err);
    if (status == RATLS_OK)
        status = try_issuers(others, subject, pinned, others, question->now, &best, err);
    if (status == RATLS_OK)
        say_best(&best, answer);
    ERR_pop_to_mark();
    sk_X509_free(pinned);
    sk_X509_free(others);
    sk_X509_pop_free(sent, X509_free);
    return status;
}
