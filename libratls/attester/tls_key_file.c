/* The key for TLS as a file: what tpm2-openssl reads (draft-bottomley-tpm2-keys, 3.1). */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "der.h"
#include "fail.h"
#include "tls_key.h"

#define PEM_NAME "TSS2 PRIVATE KEY"
#define EMPTY_AUTH 0xa0 /* [0] EXPLICIT BOOLEAN */
/* Of P-256 they have 90 and 226 bytes. */
#define AREA_MAX 256
#define FILE_MAX 1024

#define LONG_FORM 0x80 /* X.690, 8.1.3.5 */
#define SHORT_FORM_MAX 0x7f

/* 2.23.133.10.1.3: a key that TPM2_Load takes. */
static const uint8_t loadable[] = {0x67, 0x81, 0x05, 0x0a, 0x01, 0x03};
static const uint8_t yes[] = {RATLS_DER_BOOLEAN, 1, 0xff};
/* TPM_RH_OWNER: the primary key that every user of this format makes there. */
static const uint8_t owner[] = {0x40, 0x00, 0x00, 0x01};

static void put_head(struct ratls_writer *w, uint8_t tag, size_t len)
{
    ratls_write_u8(w, tag);
    if (len > UINT8_MAX) {
        ratls_write_u8(w, LONG_FORM | 2);
        ratls_write_u16(w, (uint16_t)len);
        return;
    }
    if (len > SHORT_FORM_MAX)
        ratls_write_u8(w, LONG_FORM | 1);
    ratls_write_u8(w, (uint8_t)len);
}

static void put(struct ratls_writer *w, uint8_t tag, struct ratls_slice content)
{
    put_head(w, tag, content.len);
    ratls_write_bytes(w, content);
}

static void write_content(struct ratls_slice area, struct ratls_slice blob, struct ratls_writer *w)
{
    put(w, RATLS_DER_OID, ratls_slice(loadable, sizeof loadable));
    put(w, EMPTY_AUTH, ratls_slice(yes, sizeof yes));
    put(w, RATLS_DER_INTEGER, ratls_slice(owner, sizeof owner));
    put(w, RATLS_DER_OCTET_STRING, area);
    put(w, RATLS_DER_OCTET_STRING, blob);
}

static enum ratls_status write_pem(struct ratls_slice der, char **ret_pem, size_t *ret_len,
                                   struct ratls_error *err)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL, *copy = NULL;
    long len = 0;

    if (out != NULL && PEM_write_bio(out, PEM_NAME, "", der.p, (long)der.len) > 0)
        len = BIO_get_mem_data(out, &text);
    if (len > 0)
        copy = OPENSSL_memdup(text, (size_t)len);
    BIO_free(out);
    if (copy == NULL)
        return ratls_fail_openssl(err, "cannot write the key for TLS");
    *ret_pem = copy;
    *ret_len = (size_t)len;
    return RATLS_OK;
}

enum ratls_status ratls_tls_key_write(const struct ratls_tls_key *key, char **ret_pem,
                                      size_t *ret_len, struct ratls_error *err)
{
    uint8_t area[AREA_MAX], blob[sizeof key->blob], der[FILE_MAX];
    struct ratls_writer counter = ratls_writer(NULL, sizeof der);
    struct ratls_writer w = ratls_writer(der, sizeof der);
    size_t area_len = 0, blob_len = 0;

    if (Tss2_MU_TPM2B_PUBLIC_Marshal(&key->area, area, sizeof area, &area_len) != 0 ||
        Tss2_MU_TPM2B_PRIVATE_Marshal(&key->blob, blob, sizeof blob, &blob_len) != 0)
        return ratls_fail(err, RATLS_TPM, "the TPM's key for TLS cannot be written");
    write_content(ratls_slice(area, area_len), ratls_slice(blob, blob_len), &counter);
    put_head(&w, RATLS_DER_SEQUENCE, counter.len);
    write_content(ratls_slice(area, area_len), ratls_slice(blob, blob_len), &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "the TPM's key for TLS is too long");
    return write_pem(ratls_writer_slice(&w), ret_pem, ret_len, err);
}

static bool is_same(struct ratls_slice a, const void *b, size_t len)
{
    return a.len == len && memcmp(a.p, b, len) == 0;
}

static bool read_der(struct ratls_slice der, struct ratls_tls_key *key)
{
    struct ratls_reader r = ratls_reader(der);
    struct ratls_reader in = ratls_reader(ratls_der_take(&r, RATLS_DER_SEQUENCE));
    struct ratls_slice area, blob;
    size_t area_len = 0, blob_len = 0;

    if (!is_same(ratls_der_take(&in, RATLS_DER_OID), loadable, sizeof loadable) ||
        !is_same(ratls_der_take(&in, EMPTY_AUTH), yes, sizeof yes) ||
        !is_same(ratls_der_take(&in, RATLS_DER_INTEGER), owner, sizeof owner))
        return false;
    area = ratls_der_take(&in, RATLS_DER_OCTET_STRING);
    blob = ratls_der_take(&in, RATLS_DER_OCTET_STRING);
    if (!ratls_reader_done(&r) || !ratls_reader_done(&in))
        return false;
    return Tss2_MU_TPM2B_PUBLIC_Unmarshal(area.p, area.len, &area_len, &key->area) == 0 &&
           Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob.p, blob.len, &blob_len, &key->blob) == 0 &&
           area_len == area.len && blob_len == blob.len;
}

enum ratls_status ratls_tls_key_read(const char *path, struct ratls_tls_key *ret_key,
                                     struct ratls_error *err)
{
    struct ratls_tls_key key = {0};
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    bool is_good;
    BIO *in;

    ERR_set_mark();
    in = BIO_new_file(path, "r");
    is_good = in != NULL && PEM_read_bio(in, &name, &header, &der, &len) == 1 &&
              strcmp(name, PEM_NAME) == 0 && header[0] == '\0' && len <= FILE_MAX &&
              read_der(ratls_slice(der, (size_t)len), &key);
    ERR_pop_to_mark();
    BIO_free(in);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    if (!is_good)
        return ratls_fail(err, RATLS_USAGE, "%s: not a key for TLS that ratls init has made", path);
    *ret_key = key;
    return RATLS_OK;
}
