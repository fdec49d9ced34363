#include "roots_file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "der.h"
#include "fail.h"

static bool is_pem(struct ratls_slice file)
{
    static const char begin[] = "-----BEGIN ";

    return file.len > 0 && memmem(file.p, file.len, begin, sizeof begin - 1) != NULL;
}

bool ratls_roots_is_file(struct ratls_slice file)
{
    return (file.len > 0 && file.p[0] == RATLS_DER_SEQUENCE) || is_pem(file);
}

static bool is_certificate(const char *label)
{
    return strcmp(label, PEM_STRING_X509) == 0 || strcmp(label, PEM_STRING_X509_OLD) == 0;
}

/* *ret_end: there is no further block. */
static enum ratls_status read_block(BIO *bio, ratls_roots_take *take, void *arg, bool *ret_end,
                                    bool *whole, struct ratls_error *err)
{
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    enum ratls_status status = RATLS_OK;
    long len = 0;

    *ret_end = PEM_read_bio(bio, &label, &header, &der, &len) != 1;
    if (!*ret_end && is_certificate(label))
        status = take(arg, ratls_slice(der, (size_t)len), err);
    if (*ret_end && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        *whole = false;
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return status;
}

enum ratls_status ratls_roots_read(struct ratls_slice file, ratls_roots_take *take, void *arg,
                                   bool *ret_whole, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    bool whole = true, end = false;
    BIO *bio;

    *ret_whole = true;
    if (!is_pem(file))
        return take(arg, file, err);
    if (file.len > INT32_MAX)
        return ratls_fail(err, RATLS_LIMIT, "too long for certificates");
    ERR_set_mark();
    bio = BIO_new_mem_buf(file.p, (int)file.len);
    if (bio == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    while (status == RATLS_OK && !end)
        status = read_block(bio, take, arg, &end, &whole, err);
    BIO_free(bio);
    ERR_pop_to_mark();
    *ret_whole = whole;
    return status;
}
