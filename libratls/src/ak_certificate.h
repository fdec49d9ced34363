/*
 * Certificates of attestation keys in their plain form: version 3, signed by ecdsa-with-SHA256, and
 * with exactly those extensions that such a certificate needs, each of which says what it should;
 * one may say where its issuer's revocation list is.
 * OpenSSL takes 160 us to read one, of which nine tenths go into an object for its key.
 * Certificates in any other form are read by OpenSSL, good or bad: this reader only ever finds a
 * form, it never refuses a certificate.
 */
#ifndef RATLS_AK_CERTIFICATE_H
#define RATLS_AK_CERTIFICATE_H

#include "bytes.h"

/* Borrows from the bytes that it was read from. */
struct ratls_ak_certificate {
    struct ratls_slice tbs;    /* what is signed, as it stands */
    struct ratls_slice issuer; /* Name, whole */
    int64_t not_before, not_after;
    struct ratls_slice spki;          /* SubjectPublicKeyInfo, whole; what is in it was not read */
    struct ratls_slice issuer_key_id; /* of authorityKeyIdentifier */
    struct ratls_slice key_id;        /* of subjectKeyIdentifier: another one */
    struct ratls_slice names;         /* of subjectAltName: DNS names and IP addresses */
    struct ratls_slice r, s;          /* of the signature */
};

/*
 * True if the bytes are exactly one certificate in the plain form (RFC 5280, 4.1 and 4.2):
 * basicConstraints says that it is no CA, keyUsage has digitalSignature and not keyCertSign,
 * extKeyUsage is tcg-kp-AIKCertificate alone, subjectAltName has DNS names and IP addresses alone,
 * authorityKeyIdentifier a key identifier alone, of another key than subjectKeyIdentifier. If
 * cRLDistributionPoints is there, it is not critical, and of one point with one URI, which is
 * passed over. Nothing else is there. Nothing is verified.
 */
bool ratls_ak_certificate_read(struct ratls_slice der, struct ratls_ak_certificate *ret);

/*
 * Whether it has this DNS name, as text; what stands for an address, or begins with a dot, is not
 * compared so: false.
 */
bool ratls_ak_certificate_has_name(const struct ratls_ak_certificate *certificate,
                                   const char *name);

#endif
