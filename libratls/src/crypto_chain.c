/* Certificates of attestation keys: their chain and their names, from the DER of a peer. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "evidence.h"
#include "fail.h"

/* At OpenSSL's security level 2 every key and signature has 112 bits: no SHA-1, no RSA-1024. */
#define CHAIN_SECURITY_LEVEL 2

#define NAME_TEXT_MAX 260

#define AIK_USAGE "2.23.133.8.3" /* TCG EK Credential Profile: tcg-kp-AIKCertificate */
#define ANY_USAGE "2.5.29.37.0"  /* RFC 5280, 4.2.1.12: anyExtendedKeyUsage */

enum ratls_status ratls_spki_sha256(const X509 *certificate, uint8_t out[static 32],
                                    struct ratls_error *err)
{
    uint8_t *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len <= 0)
        return ratls_fail_openssl(err, "SubjectPublicKeyInfo");
    enum ratls_status status = ratls_sha256((struct ratls_slice){der, (size_t)len}, out, err);
    OPENSSL_free(der);
    return status;
}

X509 *ratls_certificate_of_der(struct ratls_slice der)
{
    if (der.len == 0 || der.len > RATLS_CERTIFICATE_MAX)
        return NULL;
    ERR_set_mark();
    const unsigned char *p = der.p;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    if (certificate && p != der.p + der.len) {
        X509_free(certificate);
        certificate = NULL;
    }
    ERR_pop_to_mark();
    return certificate;
}

/* The certificates of the chain in *ret, or why not. */
static enum ratls_status read_chain(const struct ratls_ak_chain *chain, STACK_OF(X509) *ret,
                                    char *why, struct ratls_error *err)
{
    if (chain->count < 1 || chain->count > RATLS_CERTIFICATES_MAX) {
        snprintf(why, RATLS_WHY_MAX, "%zu certificates, not 1 to %d", chain->count,
                 RATLS_CERTIFICATES_MAX);
        return RATLS_OK;
    }
    for (size_t i = 0; i < chain->count; i++) {
        X509 *certificate = ratls_certificate_of_der(chain->certificates[i]);
        if (!certificate) {
            snprintf(why, RATLS_WHY_MAX, "certificate %zu is not the DER of one X.509 certificate",
                     i + 1);
            return RATLS_OK;
        }
        if (!sk_X509_push(ret, certificate)) {
            X509_free(certificate);
            return ratls_fail(err, RATLS_MEMORY, "certificate chain");
        }
    }
    return RATLS_OK;
}

/* The anchor alone is trusted, also if it is an intermediate CA; never the system's store. */
static bool set_parameters(X509_STORE_CTX *ctx, STACK_OF(X509) *anchors, int64_t now)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_VERIFY_PARAM_set_depth(param, RATLS_CERTIFICATES_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, CHAIN_SECURITY_LEVEL);
    return X509_VERIFY_PARAM_set_flags(param,
                                       X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT) == 1;
}

/* Every certificate that was sent is part of the path, in this order, and the anchor ends it. */
static void check_path(STACK_OF(X509) *path, STACK_OF(X509) *sent, const X509 *anchor, char *why)
{
    for (int i = 0; i < sk_X509_num(sent); i++)
        if (i >= sk_X509_num(path) ||
            X509_cmp(sk_X509_value(path, i), sk_X509_value(sent, i)) != 0) {
            snprintf(why, RATLS_WHY_MAX,
                     "certificate %d is not part of the path to the issuer at this place", i + 1);
            return;
        }
    if (X509_cmp(sk_X509_value(path, sk_X509_num(path) - 1), anchor) != 0)
        snprintf(why, RATLS_WHY_MAX, "the path does not end at the issuer");
}

static bool has_usage(const EXTENDED_KEY_USAGE *usages, const char *wanted)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char oid[32];
        int len = OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usages, i), 1);
        if (len == (int)strlen(wanted) && strcmp(oid, wanted) == 0)
            return true;
    }
    return false;
}

/*
 * Extended key usages, of the CAs too: one that was made for web servers only must not certify
 * attestation keys. OpenSSL does the same for the purposes that it knows.
 */
static void check_usages(STACK_OF(X509) *path, char *why)
{
    for (int i = 0; why[0] == '\0' && i < sk_X509_num(path); i++) {
        int found;
        EXTENDED_KEY_USAGE *usages =
            X509_get_ext_d2i(sk_X509_value(path, i), NID_ext_key_usage, &found, NULL);
        bool is_open = i > 0 && (found == -1 || has_usage(usages, ANY_USAGE));
        if (!is_open && !has_usage(usages, AIK_USAGE))
            snprintf(
                why, RATLS_WHY_MAX,
                "certificate %d: extended key usage lacks tcg-kp-AIKCertificate (2.23.133.8.3)",
                i + 1);
        EXTENDED_KEY_USAGE_free(usages);
    }
}

static void check_leaf(X509 *leaf, const EVP_PKEY *key, char *why)
{
    if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE)) /* all bits if there is none */
        snprintf(why, RATLS_WHY_MAX, "key usage lacks digitalSignature");
    else if (EVP_PKEY_eq(X509_get0_pubkey(leaf), key) != 1)
        snprintf(why, RATLS_WHY_MAX, "certifies another key than the attestation key");
}

static bool read_expiry(STACK_OF(X509) *path, int64_t *ret_until)
{
    int64_t until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(path); i++) {
        struct tm tm;
        if (!ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(path, i)), &tm))
            return false;
        int64_t end = timegm(&tm);
        until = end < until ? end : until;
    }
    *ret_until = until;
    return true;
}

/* Builds and checks the path; why is empty if nothing is wrong. */
static enum ratls_status verify_path(const struct ratls_ak_chain *chain, STACK_OF(X509) *sent,
                                     int64_t *ret_until, char *why, struct ratls_error *err)
{
    enum ratls_status status = RATLS_MEMORY;
    X509 *leaf = sk_X509_value(sent, 0);
    STACK_OF(X509) *anchors = sk_X509_new_null();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int result;

    if (!anchors || !sk_X509_push(anchors, chain->anchor) || !ctx ||
        !X509_STORE_CTX_init(ctx, NULL, leaf, sent) || !set_parameters(ctx, anchors, chain->now)) {
        ratls_fail(err, RATLS_MEMORY, "certificate chain");
        goto out;
    }
    result = X509_verify_cert(ctx);
    if (result < 0 && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_OUT_OF_MEM) {
        ratls_fail(err, RATLS_MEMORY, "certificate chain");
        goto out;
    }
    status = RATLS_OK;
    if (result != 1) {
        snprintf(why, RATLS_WHY_MAX, "certificate %d: %s", X509_STORE_CTX_get_error_depth(ctx) + 1,
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
        goto out;
    }
    check_path(X509_STORE_CTX_get0_chain(ctx), sent, chain->anchor, why);
    if (why[0] == '\0')
        check_usages(X509_STORE_CTX_get0_chain(ctx), why);
    if (why[0] == '\0')
        check_leaf(leaf, chain->key, why);
    if (why[0] == '\0' && !read_expiry(X509_STORE_CTX_get0_chain(ctx), ret_until))
        snprintf(why, RATLS_WHY_MAX, "notAfter is not a time");
out:
    X509_STORE_CTX_free(ctx);
    sk_X509_free(anchors);
    return status;
}

enum ratls_status ratls_ak_chain(const struct ratls_ak_chain *chain, int64_t *ret_until,
                                 char ret_why[static RATLS_WHY_MAX], struct ratls_error *err)
{
    char why[RATLS_WHY_MAX] = "";
    STACK_OF(X509) *sent = sk_X509_new_null();
    if (!sent)
        return ratls_fail(err, RATLS_MEMORY, "certificate chain");
    ERR_set_mark();
    enum ratls_status status = read_chain(chain, sent, why, err);
    if (status == RATLS_OK && why[0] == '\0')
        status = verify_path(chain, sent, ret_until, why, err);
    ERR_pop_to_mark();
    sk_X509_pop_free(sent, X509_free);
    if (status == RATLS_OK)
        memcpy(ret_why, why, sizeof(why));
    return status;
}

static bool names_server(X509 *certificate, const char *server_name)
{
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(server_name);
    if (ip) {
        int found = X509_check_ip(certificate, ASN1_STRING_get0_data(ip),
                                  (size_t)ASN1_STRING_length(ip), 0);
        ASN1_OCTET_STRING_free(ip);
        return found == 1;
    }
    return X509_check_host(certificate, server_name, strlen(server_name),
                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
                           NULL) == 1;
}

bool ratls_certificate_names(struct ratls_slice der, const char *server_name)
{
    /* X509_check_host() takes a leading dot for every subdomain, and "" for no question at all. */
    if (!server_name || server_name[0] == '\0' || server_name[0] == '.')
        return false;
    X509 *certificate = ratls_certificate_of_der(der);
    if (!certificate)
        return false;
    ERR_set_mark();
    bool named = names_server(certificate, server_name);
    ERR_pop_to_mark();
    X509_free(certificate);
    return named;
}

/* The text of a DNS name or an IP address; false for a name of another kind. */
static bool write_name_text(const GENERAL_NAME *name, char out[static NAME_TEXT_MAX])
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return false;
    struct ratls_slice bytes = {ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)};
    if (type == GEN_IPADD && bytes.len == sizeof(struct in_addr))
        return inet_ntop(AF_INET, bytes.p, out, NAME_TEXT_MAX);
    if (type == GEN_IPADD && bytes.len == sizeof(struct in6_addr))
        return inet_ntop(AF_INET6, bytes.p, out, NAME_TEXT_MAX);
    ratls_escape(bytes, out, NAME_TEXT_MAX);
    return true;
}

/* Appends to out; what does not fit becomes "...", and then nothing more is appended. */
static bool append_text(char *out, size_t cap, const char *text)
{
    size_t used = strlen(out);
    int len = snprintf(out + used, cap - used, "%s%s", used > 0 ? ", " : "", text);
    if (len >= 0 && (size_t)len < cap - used)
        return true;
    if (cap > sizeof("..."))
        memcpy(out + cap - sizeof("..."), "...", sizeof("..."));
    return false;
}

void ratls_certificate_names_text(struct ratls_slice der, char *out, size_t cap)
{
    if (cap == 0)
        return;
    out[0] = '\0';
    X509 *certificate = ratls_certificate_of_der(der);
    ERR_set_mark();
    GENERAL_NAMES *names =
        certificate ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
    ERR_pop_to_mark();
    bool fits = true;
    for (int i = 0; fits && i < sk_GENERAL_NAME_num(names); i++) {
        char text[NAME_TEXT_MAX];
        if (write_name_text(sk_GENERAL_NAME_value(names, i), text))
            fits = append_text(out, cap, text);
    }
    if (out[0] == '\0')
        snprintf(out, cap, "%s", certificate ? "no name" : "no certificate");
    GENERAL_NAMES_free(names);
    X509_free(certificate);
}
