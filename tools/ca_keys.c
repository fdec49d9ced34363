#include "ca_keys.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "describe.h"
#include "ek_certificate.h"
#include "fail.h"
#include "issuer_key.h"
#include "issuer_make.h"
#include "pem.h"

#define SUBJECT_MAX 64
#define NAME_MAX_TEXT 512

static bool is_missing(const char *path)
{
    struct stat st;

    return stat(path, &st) != 0 && errno == ENOENT;
}

/* One that is made is not in a file yet: nothing stays behind if the rest cannot be done. */
static enum ratls_status take_key(const struct ratls_ca_new *wish, EVP_PKEY **ret_key,
                                  bool *ret_made, struct ratls_error *err)
{
    *ret_made = !ratls_ca_key_is_uri(wish->key) && is_missing(wish->key);
    return *ret_made ? ratls_issuer_key_make(ret_key, err)
                     : ratls_issuer_key_open(wish->context, wish->key, ret_key, err);
}

static enum ratls_status keep_key(const struct ratls_ca_new *wish, EVP_PKEY *key,
                                  const struct ratls_ca_made *made, struct ratls_error *err)
{
    return made->made_key ? ratls_pem_write_key(wish->key, key, false, err) : RATLS_OK;
}

/* Two CAs of one name would be hard to tell apart for people. */
static const char *subject_of(const struct ratls_ca_new *wish, char out[static SUBJECT_MAX])
{
    const time_t now = (time_t)wish->now;
    struct tm tm;

    if (wish->subject != NULL)
        return wish->subject;
    gmtime_r(&now, &tm);
    (void)strftime(out, SUBJECT_MAX, "CN=ratls CA %Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

static struct ratls_issuer_wish wish_of(const struct ratls_ca_new *wish, EVP_PKEY *key,
                                        char subject[static SUBJECT_MAX])
{
    return (struct ratls_issuer_wish){.context = wish->context,
                                      .key = key,
                                      .subject = subject_of(wish, subject),
                                      .now = wish->now,
                                      .days = wish->days};
}

/* Of a certificate that is there, or that another CA gave. */
static enum ratls_status check_certificate(const char *path, X509 *certificate, EVP_PKEY *key,
                                           const char *key_name, struct ratls_error *err)
{
    const char *fault = ratls_issuer_fault(certificate);

    if (fault != NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: %s", path, fault);
    if (EVP_PKEY_eq(X509_get0_pubkey(certificate), key) != 1)
        return ratls_fail(err, RATLS_USAGE, "%s: not a certificate of the key %s", path, key_name);
    return RATLS_OK;
}

static enum ratls_status take_certificate(const struct ratls_ca_new *wish, EVP_PKEY *key,
                                          struct ratls_ca_made *made, struct ratls_error *err)
{
    char subject[SUBJECT_MAX];
    const struct ratls_issuer_wish wanted = wish_of(wish, key, subject);
    const bool is_new = is_missing(wish->certificate);
    const char *path = wish->given != NULL ? wish->given : wish->certificate;
    X509 *certificate = NULL;
    enum ratls_status status;

    if (is_new && wish->given == NULL)
        status = ratls_issuer_certificate_make(&wanted, &certificate, err);
    else
        status = ratls_pem_read_certificate(path, &certificate, err);
    if (status == RATLS_OK)
        status = check_certificate(path, certificate, key, wish->key, err);
    if (status == RATLS_OK)
        status = keep_key(wish, key, made, err);
    if (status == RATLS_OK && (is_new || (wish->given != NULL && strcmp(path, wish->certificate))))
        status = ratls_pem_write_certificate(wish->certificate, certificate, false, err);
    if (status == RATLS_OK)
        made->made_certificate = is_new;
    X509_free(certificate);
    return status;
}

enum ratls_status ratls_ca_new_issuer(const struct ratls_ca_new *wish,
                                      struct ratls_ca_made *ret_made, struct ratls_error *err)
{
    struct ratls_ca_made made = {.made_key = false};
    EVP_PKEY *key = NULL;
    enum ratls_status status = take_key(wish, &key, &made.made_key, err);

    if (status == RATLS_OK)
        status = take_certificate(wish, key, &made, err);
    if (status == RATLS_OK)
        *ret_made = made;
    EVP_PKEY_free(key);
    return status;
}

enum ratls_status ratls_ca_new_request(const struct ratls_ca_new *wish, const char *path,
                                       struct ratls_ca_made *ret_made, struct ratls_error *err)
{
    struct ratls_ca_made made = {.made_key = false};
    char subject[SUBJECT_MAX];
    X509_REQ *request = NULL;
    EVP_PKEY *key = NULL;
    enum ratls_status status = take_key(wish, &key, &made.made_key, err);

    if (status == RATLS_OK) {
        const struct ratls_issuer_wish wanted = wish_of(wish, key, subject);

        status = ratls_issuer_request_make(&wanted, &request, err);
    }
    if (status == RATLS_OK)
        status = keep_key(wish, key, &made, err);
    if (status == RATLS_OK)
        status = ratls_pem_write_csr(path, request, false, err);
    if (status == RATLS_OK)
        *ret_made = made;
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return status;
}

void ratls_ca_issuer_view(struct ratls_view *v, const struct ratls_issuers *issuers, size_t i)
{
    char subject[NAME_MAX_TEXT], until[RATLS_TIME_TEXT_MAX];
    int64_t from, end;

    ratls_ek_name_text(X509_get_subject_name(ratls_issuer_certificate(issuers, i)), subject,
                       sizeof subject);
    ratls_issuer_validity(issuers, i, &from, &end);
    ratls_time_text(end, until);
    ratls_view_text(v, "subject", "subject", subject);
    ratls_view_text(v, "notAfter", "valid until", until);
    ratls_view_digest(v, "sha256", "SHA-256", ratls_slice(ratls_issuer_sha256(issuers, i), 32));
}
