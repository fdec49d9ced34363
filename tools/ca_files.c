#include "ca_files.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "enroll_message.h"
#include "fail.h"
#include "file.h"

#define MODE_PUBLIC 0644

enum ratls_status ratls_ca_out_path(const char *in, const char *ending_in, const char *ending,
                                    const char *out, char ret_path[static RATLS_CA_PATH_MAX],
                                    struct ratls_error *err)
{
    const size_t cut = ratls_path_ends_with(in, ending_in) ? strlen(ending_in) : 0;
    int len;

    if (out != NULL)
        len = snprintf(ret_path, RATLS_CA_PATH_MAX, "%s", out);
    else
        len = snprintf(ret_path, RATLS_CA_PATH_MAX, "%.*s%s", (int)(strlen(in) - cut), in, ending);
    if (len >= RATLS_CA_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", in);
    return RATLS_OK;
}

enum ratls_status ratls_ca_write_challenge(const char *path, struct ratls_slice message,
                                           int64_t *ret_until, struct ratls_error *err)
{
    struct ratls_enroll_challenge challenge;
    enum ratls_status status;

    if (!ratls_enroll_challenge_read(message, &challenge))
        return ratls_fail(err, RATLS_MALFORMED, "this is no challenge");
    status = ratls_file_write(path, message, MODE_PUBLIC, true, err);
    if (status == RATLS_OK)
        *ret_until = (int64_t)challenge.expires;
    return status;
}

static enum ratls_status add_pem(BIO *pem, struct ratls_slice der, int64_t *ret_until,
                                 struct ratls_error *err)
{
    X509 *certificate = ratls_certificate_of_der(der);
    struct tm end;
    enum ratls_status status = RATLS_OK;

    if (certificate == NULL)
        return ratls_fail(err, RATLS_MALFORMED, "a certificate that cannot be read");
    if (PEM_write_bio_X509(pem, certificate) != 1 ||
        ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        status = ratls_fail_openssl(err, "PEM of a certificate");
    else
        *ret_until = (int64_t)timegm(&end);
    ratls_certificate_free(certificate);
    return status;
}

static enum ratls_status write_chain(const char *path, const struct ratls_slice *certificates,
                                     size_t count, int64_t *ret_until, struct ratls_error *err)
{
    BIO *pem = BIO_new(BIO_s_mem());
    enum ratls_status status = RATLS_OK;
    int64_t until = 0, other = 0;
    char *text = NULL;
    long len;

    if (pem == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; i < count && status == RATLS_OK; i++)
        status = add_pem(pem, certificates[i], i == 0 ? &until : &other, err);
    len = BIO_get_mem_data(pem, &text);
    if (status == RATLS_OK)
        status = ratls_file_write(path, ratls_slice(text, (size_t)len), MODE_PUBLIC, true, err);
    if (status == RATLS_OK)
        *ret_until = until;
    BIO_free(pem);
    return status;
}

enum ratls_status ratls_ca_write_result(const char *path, struct ratls_slice message,
                                        int64_t *ret_until, struct ratls_error *err)
{
    struct ratls_enroll_result result;

    if (!ratls_enroll_result_read(message, &result))
        return ratls_fail(err, RATLS_MALFORMED, "this is no result");
    return write_chain(path, result.certificates, result.certificate_count, ret_until, err);
}

enum ratls_status ratls_ca_write_certificate(const char *path, struct ratls_slice der,
                                             struct ratls_error *err)
{
    int64_t until;

    return write_chain(path, &der, 1, &until, err);
}
