/* Files of certificates: all of them are read, or the file is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "pki.h"

#define FILE_MAX 16384

struct file {
    char text[FILE_MAX];
    size_t len;
};

static EVP_PKEY *key;
static X509 *first, *second;

static void make_certificates(void)
{
    key = pki_key(PKI_P256);
    first = pki_ca("First", key, NULL, NULL);
    second = pki_ca("Second \x01\xc3\xa4, and more", key, NULL, NULL);
}

static void free_certificates(void)
{
    X509_free(first);
    X509_free(second);
    EVP_PKEY_free(key);
}

TestSuite(crypto_pem, .init = make_certificates, .fini = free_certificates);

static void append(struct file *file, BIO *bio)
{
    char *text;
    long len = BIO_get_mem_data(bio, &text);

    cr_assert(file->len + (size_t)len < sizeof file->text);
    memcpy(file->text + file->len, text, (size_t)len);
    file->len += (size_t)len;
    BIO_free(bio);
}

static void append_certificate(struct file *file, const X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());

    cr_assert(PEM_write_bio_X509(bio, certificate) == 1);
    append(file, bio);
}

static void append_text(struct file *file, const char *text)
{
    memcpy(file->text + file->len, text, strlen(text));
    file->len += strlen(text);
}

static void append_key(struct file *file)
{
    BIO *bio = BIO_new(BIO_s_mem());

    cr_assert(PEM_write_bio_PUBKEY(bio, key) == 1);
    append(file, bio);
}

static void expect_der(const struct ratls_pem_certificate *found, const X509 *certificate)
{
    size_t len;
    uint8_t *der = pki_der(certificate, &len);

    cr_expect(ratls_slice_equal(ratls_slice(found->der, found->len), ratls_slice(der, len)));
    cr_expect(ratls_certificate_equal(found->certificate, certificate));
    OPENSSL_free(der);
}

Test(crypto_pem, all_certificates)
{
    static struct file file;
    struct ratls_pem_certificate *list = NULL;
    struct ratls_error err = {0};
    size_t count = 0;

    append_text(&file, "of the vendor\n");
    append_certificate(&file, first);
    append_text(&file, "\nof the owner\n");
    append_certificate(&file, second);
    append_text(&file, "the end");
    cr_assert(eq(int, ratls_pem_certificates(ratls_slice(file.text, file.len), &list, &count, &err),
                 RATLS_OK),
              "%s", err.text);
    cr_assert(eq(sz, count, 2));
    expect_der(&list[0], first);
    expect_der(&list[1], second);
    cr_expect(eq(str, list[0].subject, "CN=First"));
    for (const char *p = list[1].subject; *p != '\0'; p++)
        cr_expect(p[0] >= ' ' && p[0] <= '~', "%s", list[1].subject);
    ratls_pem_certificates_free(list, count);
}

static void expect_refused(const struct file *file, const char *words)
{
    struct ratls_pem_certificate *list = NULL;
    struct ratls_error err = {0};
    size_t count = 0;

    cr_expect(eq(int,
                 ratls_pem_certificates(ratls_slice(file->text, file->len), &list, &count, &err),
                 RATLS_USAGE));
    cr_expect(eq(str, err.text, (char *)words));
    cr_expect(eq(ptr, list, NULL));
}

/* A file that is read to its first mistake would trust less than it says, without a word. */
Test(crypto_pem, refused)
{
    static struct file file;
    size_t len;

    expect_refused(&file, "no certificate in PEM");
    append_text(&file, "nothing\n");
    expect_refused(&file, "no certificate in PEM");
    append_certificate(&file, first);
    len = file.len;
    append_key(&file);
    expect_refused(&file, "something else than certificates in PEM");
    file.len = len;
    append_text(&file, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    expect_refused(&file, "a certificate that cannot be read");
    file.len = len;
    append_text(&file, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    expect_refused(&file, "not PEM to its end");
    file.len = len - 10;
    expect_refused(&file, "not PEM to its end");
}
