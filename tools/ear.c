#include "ear.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto_ecdsa.h"
#include "fail.h"
#include "file.h"
#include "pem.h"
#include "policy_duration.h"

#define EAR_MODE 0644
#define LIFETIME_DEFAULT_S 3600

static bool is_stdout(const struct ratls_ear *ear)
{
    return ear->path != NULL && strcmp(ear->path, "-") == 0;
}

static enum ratls_status read_format(const char *name, enum ratls_result_format *ret_format,
                                     struct ratls_error *err)
{
    if (name == NULL || strcmp(name, "cwt") == 0)
        *ret_format = RATLS_RESULT_CWT;
    else if (strcmp(name, "jwt") == 0)
        *ret_format = RATLS_RESULT_JWT;
    else
        return ratls_fail(err, RATLS_USAGE, "--ear-format: '%s' is neither cwt nor jwt", name);
    return RATLS_OK;
}

static enum ratls_status read_lifetime(const char *text, uint64_t *ret_s, struct ratls_error *err)
{
    *ret_s = text == NULL ? LIFETIME_DEFAULT_S : ratls_duration_s(text);
    if (*ret_s == 0 || *ret_s > INT32_MAX)
        return ratls_fail(err, RATLS_USAGE,
                          "--ear-expires: '%s' is not a whole number and a unit, such as 90s, 30m "
                          "or 24h",
                          text);
    return RATLS_OK;
}

enum ratls_status ratls_ear_begin(struct ratls_ear *ear, struct ratls_error *err)
{
    enum ratls_status status;

    if (ear->path == NULL && ear->format == NULL && ear->key_path == NULL && ear->lifetime == NULL)
        return RATLS_OK;
    if (ear->path == NULL || ear->key_path == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "--ear says where the result goes, --ear-key who signs it: both or none");
    status = read_format(ear->format, &ear->options.format, err);
    if (status == RATLS_OK)
        status = read_lifetime(ear->lifetime, &ear->options.lifetime_s, err);
    if (status == RATLS_OK)
        status = ratls_pem_read_key(ear->key_path, &ear->options.key, err);
    if (status == RATLS_OK && ratls_ecdsa_of(ear->options.key) == NULL)
        status =
            ratls_fail(err, RATLS_USAGE, "%s: not an ECDSA key on P-256 or P-384", ear->key_path);
    return status;
}

void ratls_ear_end(struct ratls_ear *ear)
{
    EVP_PKEY_free(ear->options.key);
    ear->options.key = NULL;
}

FILE *ratls_ear_report_to(const struct ratls_ear *ear)
{
    return is_stdout(ear) ? stderr : stdout;
}

static enum ratls_status write_out(const struct ratls_ear *ear, struct ratls_slice bytes,
                                   struct ratls_error *err)
{
    if (!is_stdout(ear))
        return ratls_file_write(ear->path, bytes, EAR_MODE, true, err);
    if (fwrite(bytes.p, 1, bytes.len, stdout) == bytes.len && fflush(stdout) == 0)
        return RATLS_OK;
    return ratls_fail(err, RATLS_IO, "standard output: %s", strerror(errno));
}

enum ratls_status ratls_ear_write(const struct ratls_ear *ear, const struct ratls_report *report,
                                  const X509 *certificate, struct ratls_error *err)
{
    struct ratls_result_options options = ear->options;
    enum ratls_status status;
    uint8_t *spki = NULL, *bytes = NULL;
    size_t len = 0;
    int spki_len;

    if (ear->path == NULL)
        return RATLS_OK;
    options.now = (int64_t)time(NULL);
    if (certificate != NULL) {
        spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
        if (spki_len <= 0)
            return ratls_fail_openssl(err, "the server's key");
        options.spki = spki;
        options.spki_len = (size_t)spki_len;
    }
    status = ratls_result_make(report, &options, &bytes, &len, err);
    OPENSSL_free(spki);
    if (status == RATLS_OK)
        status = write_out(ear, ratls_slice(bytes, len), err);
    free(bytes);
    return status;
}
