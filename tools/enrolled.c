#include "enrolled.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <ratls/attester_tpm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "file.h"
#include "paths.h"
#include "x509_file.h"

#define AK_PUBLIC_MAX 512

static enum ratls_status read_key(const char *state_dir, EVP_PKEY **ret_key,
                                  struct ratls_error *err)
{
    uint8_t bytes[AK_PUBLIC_MAX];
    struct ratls_tpm_public area;
    size_t len = 0;
    enum ratls_status status = ratls_tpm_ak_public(state_dir, bytes, sizeof bytes, &len, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_tpm_read_public(ratls_slice(bytes, len), &area))
        return ratls_fail(err, RATLS_MALFORMED, "%s: the attestation key is unreadable", state_dir);
    return ratls_public_key(&area, ret_key, err);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

/* What cannot be read counts as not there: another enrolment replaces it. */
static void read_certificate(struct ratls_slice file, const EVP_PKEY *key,
                             struct ratls_enrolled *enrolled)
{
    X509 *certificate;

    ERR_set_mark();
    certificate = ratls_certificate_read(file);
    if (certificate != NULL && EVP_PKEY_eq(X509_get0_pubkey(certificate), key) == 1 &&
        ratls_enroll_names_of_certificate(certificate, &enrolled->names, NULL) == RATLS_OK) {
        enrolled->is_there = true;
        enrolled->not_before = seconds_of(X509_get0_notBefore(certificate));
        enrolled->not_after = seconds_of(X509_get0_notAfter(certificate));
    } else {
        memset(enrolled, 0, sizeof *enrolled); /* it is too long for a stack */
    }
    X509_free(certificate);
    ERR_pop_to_mark();
}

static enum ratls_status read_file(const char *state_dir, uint8_t **ret_bytes, size_t *ret_len,
                                   struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];

    if (snprintf(path, sizeof path, "%s/ak.crt", state_dir) >= (int)sizeof path)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", state_dir);
    if (access(path, F_OK) != 0)
        return RATLS_OK;
    return ratls_file_read(path, ret_bytes, ret_len, err);
}

enum ratls_status ratls_enrolled_read(const char *state_dir, struct ratls_enrolled **ret_enrolled,
                                      struct ratls_error *err)
{
    struct ratls_enrolled *enrolled = calloc(1, sizeof *enrolled);
    EVP_PKEY *key = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status;

    if (enrolled == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = read_key(state_dir, &key, err);
    if (status == RATLS_OK)
        status = read_file(state_dir, &bytes, &len, err);
    if (status == RATLS_OK && bytes != NULL)
        read_certificate(ratls_slice(bytes, len), key, enrolled);
    EVP_PKEY_free(key);
    free(bytes);
    if (status == RATLS_OK)
        *ret_enrolled = enrolled;
    else
        free(enrolled);
    return status;
}

bool ratls_enrolled_is_fresh(const struct ratls_enrolled *enrolled, int64_t now)
{
    const int64_t third = (enrolled->not_after - enrolled->not_before) / 3;

    return enrolled->is_there && enrolled->not_before <= now && now < enrolled->not_after - third;
}
