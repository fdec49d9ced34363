#include "issuer_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "fail.h"
#include "trusted_file.h"

#define KEY_FILE_MAX 65536
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096 /* as clients have it */
#define GROUP_NAME_MAX 32

const char *ratls_issuer_key_hash(const EVP_PKEY *key)
{
    static const struct {
        const char *group, *hash;
    } curves[] = {{"prime256v1", "SHA256"}, {"P-256", "SHA256"},     {"secp384r1", "SHA384"},
                  {"P-384", "SHA384"},      {"secp521r1", "SHA512"}, {"P-521", "SHA512"}};
    char group[GROUP_NAME_MAX] = "";
    const int bits = EVP_PKEY_get_bits(key);

    if (EVP_PKEY_is_a(key, "RSA"))
        return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? "SHA256" : NULL;
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].group, group) == 0)
            return curves[i].hash;
    return NULL;
}

void ratls_issuer_key_properties(const EVP_PKEY *key, char out[static RATLS_KEY_PROPERTIES_MAX])
{
    const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(key);

    (void)snprintf(out, RATLS_KEY_PROPERTIES_MAX, "?provider=%s",
                   provider == NULL ? "default" : OSSL_PROVIDER_get0_name(provider));
}

/* The first private key that a store has; NULL if it has none, or cannot be read. */
static EVP_PKEY *take_key(OSSL_STORE_CTX *store)
{
    EVP_PKEY *key = NULL;

    if (OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) != 1)
        return NULL;
    while (key == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (info == NULL && OSSL_STORE_error(store))
            break;
        if (info != NULL && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    return key;
}

static enum ratls_status read_uri(OSSL_LIB_CTX *context, const char *uri, EVP_PKEY **ret_key,
                                  struct ratls_error *err)
{
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex(uri, context, NULL, UI_null(), NULL, NULL, NULL, NULL);
    EVP_PKEY *key = store == NULL ? NULL : take_key(store);

    (void)OSSL_STORE_close(store);
    if (key == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: no private key that can be used there: does a provider of the "
                          "configuration (providers) know such URIs, and may this user use the "
                          "device? 'openssl storeutl -provider ... -keys %s'",
                          uri, uri);
    *ret_key = key;
    return RATLS_OK;
}

/* A group may read it, so that a service need not own it; nobody else may. */
static enum ratls_status check_rights(int fd, const char *path, struct ratls_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return ratls_fail(err, RATLS_IO, "%s: cannot look at it", path);
    if ((st.st_mode & (S_IROTH | S_IWGRP)) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: others may read or change the key of the CA (mode %04o): 'chmod "
                          "g-w,o= %s', and make a new key if somebody may have read it",
                          path, (unsigned)(st.st_mode & 07777), path);
    return RATLS_OK;
}

static enum ratls_status read_bytes(const char *path, uint8_t **ret_bytes, size_t *ret_len,
                                    struct ratls_error *err)
{
    size_t size = 0;
    int fd = -1;
    enum ratls_status status = ratls_trusted_file_open(path, KEY_FILE_MAX, &fd, &size, err);

    if (status != RATLS_OK)
        return status;
    status = check_rights(fd, path, err);
    if (status == RATLS_OK)
        status = ratls_trusted_file_read(fd, path, size, ret_bytes, ret_len, err);
    close(fd);
    return status;
}

static enum ratls_status read_file(OSSL_LIB_CTX *context, const char *path, EVP_PKEY **ret_key,
                                   struct ratls_error *err)
{
    OSSL_STORE_CTX *store = NULL;
    EVP_PKEY *key = NULL;
    uint8_t *bytes = NULL;
    BIO *bio = NULL;
    size_t len = 0;
    enum ratls_status status = read_bytes(path, &bytes, &len, err);

    if (status != RATLS_OK)
        return status;
    bio = BIO_new_mem_buf(bytes, (int)len);
    if (bio != NULL)
        store = OSSL_STORE_attach(bio, "file", context, NULL, UI_null(), NULL, NULL, NULL, NULL);
    if (store != NULL)
        key = take_key(store);
    (void)OSSL_STORE_close(store);
    BIO_free(bio);
    OPENSSL_cleanse(bytes, len);
    free(bytes);
    if (key == NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: no private key without a passphrase (PEM or DER) there; a key of a "
                          "TPM (TSS2 PRIVATE KEY) needs providers: [default, tpm2]",
                          path);
    *ret_key = key;
    return RATLS_OK;
}

enum ratls_status ratls_issuer_key_open(OSSL_LIB_CTX *context, const char *name, EVP_PKEY **ret_key,
                                        struct ratls_error *err)
{
    EVP_PKEY *key = NULL;
    enum ratls_status status;

    ERR_set_mark();
    status = ratls_ca_key_is_uri(name) ? read_uri(context, name, &key, err)
                                       : read_file(context, name, &key, err);
    if (status == RATLS_OK && ratls_issuer_key_hash(key) == NULL) {
        EVP_PKEY_free(key);
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: not a key for a CA: P-256, P-384, P-521, or RSA of 2048 to 4096 "
                            "bits, as clients take them",
                            name);
    }
    ERR_pop_to_mark();
    if (status == RATLS_OK)
        *ret_key = key;
    return status;
}
