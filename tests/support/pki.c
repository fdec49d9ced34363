#include "pki.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S 3600L
#define DAY_S (24 * HOUR_S)

/* Prints where, and OpenSSL's reasons, and aborts. */
#define must(condition) must_hold((condition) ? 1 : 0, #condition, __LINE__)

static void must_hold(int held, const char *condition, int line)
{
    if (held)
        return;
    fprintf(stderr, "pki.c:%d: failed: %s\n", line, condition);
    ERR_print_errors_fp(stderr);
    abort();
}

EVP_PKEY *pki_key(enum pki_algorithm algorithm)
{
    EVP_PKEY *key = NULL;
    switch (algorithm) {
    case PKI_P256:
        key = EVP_EC_gen("P-256");
        break;
    case PKI_P384:
        key = EVP_EC_gen("P-384");
        break;
    case PKI_P521:
        key = EVP_EC_gen("P-521");
        break;
    case PKI_RSA2048:
        key = EVP_RSA_gen(2048);
        break;
    case PKI_RSA3072:
        key = EVP_RSA_gen(3072);
        break;
    }
    must(key);
    return key;
}

static void set_serial(X509 *certificate)
{
    unsigned char bytes[8];
    must(RAND_bytes(bytes, sizeof(bytes)) == 1);
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    must(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
    BN_free(number);
}

static void set_names(X509 *certificate, const char *subject, const X509 *issuer)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1,
                                    -1, 0));
    must(X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name));
}

static void add_extension(X509 *certificate, X509V3_CTX *ctx, int nid, const char *value)
{
    if (!value)
        return;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *certificate, const struct pki_spec *spec)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, spec->issuer ? spec->issuer : certificate, certificate, NULL, NULL, 0);
    const char *key_usage = spec->key_usage ? spec->key_usage
                            : spec->ca      ? "critical,keyCertSign,cRLSign"
                                            : "critical,digitalSignature";
    add_extension(certificate, &ctx, NID_basic_constraints, spec->ca ? spec->ca : "CA:FALSE");
    add_extension(certificate, &ctx, NID_key_usage, key_usage);
    add_extension(certificate, &ctx, NID_subject_key_identifier, "hash");
    add_extension(certificate, &ctx, NID_authority_key_identifier,
                  spec->issuer ? "keyid:always" : NULL);
    add_extension(certificate, &ctx, NID_ext_key_usage, spec->eku);
    add_extension(certificate, &ctx, NID_subject_alt_name, spec->names);
    for (size_t i = 0; i < PKI_EXTENSIONS_MAX && spec->extensions[i]; i++)
        must(X509_add_ext(certificate, spec->extensions[i], -1));
}

X509 *pki_certificate(const struct pki_spec *spec)
{
    X509 *certificate = X509_new();
    must(certificate && X509_set_version(certificate, X509_VERSION_3));
    set_serial(certificate);
    set_names(certificate, spec->subject, spec->issuer);
    must(X509_gmtime_adj(X509_getm_notBefore(certificate),
                         spec->not_before_s ? spec->not_before_s : -HOUR_S));
    must(X509_gmtime_adj(X509_getm_notAfter(certificate),
                         spec->not_after_s ? spec->not_after_s : DAY_S));
    must(X509_set_pubkey(certificate, spec->key));
    add_extensions(certificate, spec);
    must(X509_sign(certificate, spec->issuer ? spec->issuer_key : spec->key, EVP_sha256()));
    return certificate;
}

X509 *pki_ca(const char *subject, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    return pki_certificate(&(struct pki_spec){.subject = subject,
                                              .key = key,
                                              .issuer = issuer,
                                              .issuer_key = issuer_key,
                                              .ca = "critical,CA:TRUE"});
}

X509 *pki_ak_certificate(EVP_PKEY *ak, const char *names, X509 *issuer, EVP_PKEY *issuer_key)
{
    return pki_certificate(&(struct pki_spec){.subject = "attestation key",
                                              .key = ak,
                                              .issuer = issuer,
                                              .issuer_key = issuer_key,
                                              .names = names,
                                              .eku = PKI_EKU_AK});
}

X509 *pki_server_certificate(EVP_PKEY *key, const char *names, X509 *issuer, EVP_PKEY *issuer_key)
{
    return pki_certificate(&(struct pki_spec){.subject = "server",
                                              .key = key,
                                              .issuer = issuer,
                                              .issuer_key = issuer_key,
                                              .names = names,
                                              .eku = "serverAuth"});
}

uint8_t *pki_der(const X509 *certificate, size_t *ret_len)
{
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    must(len > 0);
    *ret_len = (size_t)len;
    return der;
}

void pki_write_certificate(const char *path, const X509 *certificate)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        perror(path);
    must(file != NULL);
    must(PEM_write_X509(file, certificate));
    must(fclose(file) == 0);
}
