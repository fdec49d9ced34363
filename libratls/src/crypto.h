/*
 * The only file of the library (with tls.c) that calls OpenSSL's EVP and X509. Digests are
 * prefetched once: EVP_sha256() costs a fetch in OpenSSL 3 each time.
 */
#ifndef RATLS_CRYPTO_H
#define RATLS_CRYPTO_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"
#include "tpm_wire.h"

#define RATLS_DIGEST_MAX 64

/* The fetched digest of SHA-256, SHA-384 or SHA-512; NULL for another, or if OpenSSL has it not. */
const EVP_MD *ratls_digest_method(uint16_t alg);

/*
 * Digest of the parts, one after the other. alg is a TPM_ALG_ID of SHA-256, SHA-384 or SHA-512
 * (SHA-1 is refused). Writes ratls_tpm_hash_len(alg) bytes.
 */
RATLS_MUST_CHECK enum ratls_status ratls_digest(uint16_t alg, const struct ratls_slice *parts,
                                                size_t count, uint8_t *out,
                                                struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_sha256(struct ratls_slice in, uint8_t out[static 32],
                                                struct ratls_error *err);

/* Part 1, 16 (Name): u16 nameAlg || digest of TPMT_PUBLIC. out has RATLS_TPM_NAME_MAX bytes. */
RATLS_MUST_CHECK enum ratls_status ratls_tpm_name(const struct ratls_tpm_public *key, uint8_t *out,
                                                  size_t *ret_len, struct ratls_error *err);
/* The QualifiedName of a primary key: nameAlg || digest(hierarchy handle || Name). */
RATLS_MUST_CHECK enum ratls_status ratls_tpm_qualified_name(struct ratls_slice name,
                                                            uint32_t hierarchy, uint8_t *out,
                                                            size_t *ret_len,
                                                            struct ratls_error *err);

/* A key as OpenSSL knows it. RATLS_MALFORMED if the point or the modulus is none. Caller frees. */
RATLS_MUST_CHECK enum ratls_status ratls_public_key(const struct ratls_tpm_public *key,
                                                    EVP_PKEY **ret_key, struct ratls_error *err);

/*
 * *ret_valid: whether the signature over message is one by this key, with exactly the scheme and
 * the hash of the key's public area; no other is ever tried.
 */
RATLS_MUST_CHECK enum ratls_status ratls_verify(EVP_PKEY *key, const struct ratls_tpm_public *area,
                                                const struct ratls_tpm_signature *signature,
                                                struct ratls_slice message, bool *ret_valid,
                                                struct ratls_error *err);

/*
 * SHA-256 of the DER SubjectPublicKeyInfo that a certificate of such a key has. RATLS_MALFORMED as
 * ratls_public_key().
 */
RATLS_MUST_CHECK enum ratls_status ratls_public_spki_sha256(const struct ratls_tpm_public *key,
                                                            uint8_t out[static 32],
                                                            struct ratls_error *err);

/* SHA-256 of the DER SubjectPublicKeyInfo of a certificate. */
RATLS_MUST_CHECK enum ratls_status
ratls_spki_sha256(const X509 *certificate, uint8_t out[static 32], struct ratls_error *err);

#define RATLS_WHY_MAX 128

/* The certificates (DER) that came with an attestation key, and what they are checked against. */
struct ratls_ak_chain {
    const struct ratls_slice *certificates; /* the key's own first, each certified by the next */
    size_t count;
    X509 *anchor; /* an issuer that the policy names: a root, or an intermediate CA */
    const EVP_PKEY *key;
    int64_t now; /* seconds since 1970-01-01 UTC */
};

/*
 * RFC 5280, 6. *ret_why is the empty string if the chain verifies up to the anchor, has no
 * certificate that this does not need, has extended key usage tcg-kp-AIKCertificate (2.23.133.8.3),
 * also in each CA that has any but anyExtendedKeyUsage, and holds exactly the key; then *ret_until
 * is the time when the first of the certificates, the anchor included, expires. Else *ret_why says
 * what is wrong.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_chain(const struct ratls_ak_chain *chain,
                                                  int64_t *ret_until,
                                                  char ret_why[static RATLS_WHY_MAX],
                                                  struct ratls_error *err);

/*
 * The same of a certificate in the plain form (ak_certificate.h) that the anchor itself has signed,
 * and whether it has the name: true only if ratls_ak_chain() and ratls_certificate_names() would
 * say so. False says nothing: they have to be asked. Only with an anchor under which
 * ratls_ak_chain() has verified another chain of one certificate: so all that it wants of an anchor
 * is there, but for the time.
 */
bool ratls_ak_chain_plain(const struct ratls_ak_chain *chain, const struct ratls_tpm_public *area,
                          const char *server_name, int64_t *ret_until);

/*
 * Whether a certificate (DER) has exactly this DNS name or IP address in its subjectAltName. A
 * wildcard names nothing: a certificate of an attestation key speaks for one machine.
 */
bool ratls_certificate_names(struct ratls_slice der, const char *server_name);
/* The DNS names and IP addresses of a certificate, comma-separated, escaped, for reports. */
void ratls_certificate_names_text(struct ratls_slice der, char *out, size_t cap);

/*
 * The one certificate of a CA in a file (PEM). RATLS_USAGE if there is none, more than one, or if
 * it is not one of a CA. Caller frees with ratls_certificate_free().
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ca_certificate(struct ratls_slice pem, X509 **ret_certificate, struct ratls_error *err);

struct ratls_pem_certificate {
    X509 *certificate;
    char *subject; /* escaped, for words */
    uint8_t *der;  /* as it stands in the file */
    size_t len;
};

/*
 * All certificates of a file (PEM), at least one. RATLS_USAGE if it has anything else, or a
 * certificate that cannot be read: none is left out in silence. The caller frees the list.
 */
RATLS_MUST_CHECK enum ratls_status ratls_pem_certificates(struct ratls_slice pem,
                                                          struct ratls_pem_certificate **ret_list,
                                                          size_t *ret_count,
                                                          struct ratls_error *err);
void ratls_pem_certificates_free(struct ratls_pem_certificate *list, size_t count);

/*
 * NULL if the bytes are not exactly one certificate in DER, of at most RATLS_CERTIFICATE_MAX, or
 * memory is short. Leaves nothing on OpenSSL's error stack.
 */
X509 *ratls_certificate_of_der(struct ratls_slice der);
bool ratls_certificate_equal(const X509 *a, const X509 *b);
void ratls_certificate_free(X509 *certificate); /* accepts NULL */

/*
 * HKDF-Expand-Label(secret, label, "", 32) of RFC 8446, 7.1. The hash is the one whose digest is
 * as long as the secret: SHA-256 or SHA-384.
 */
RATLS_MUST_CHECK enum ratls_status ratls_hkdf_expand_label(struct ratls_slice secret,
                                                           const char *label,
                                                           uint8_t out[static 32],
                                                           struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_random(uint8_t *out, size_t len, struct ratls_error *err);

#endif
