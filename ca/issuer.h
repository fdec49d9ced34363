/*
 * The issuers of a CA: their certificates, and their keys, which may be in a TPM or a smart card.
 * They live in an OSSL_LIB_CTX of their own with the providers of the configuration.
 */
#ifndef RATLS_CA_ISSUER_H
#define RATLS_CA_ISSUER_H

#include <openssl/types.h>
#include <openssl/x509v3.h>

#include "config.h"

#define RATLS_CA_SKEW_S 300 /* what is made is valid that long before: clocks differ */

struct ratls_issuers;

/*
 * Opens the certificates and keys of a configuration. RATLS_USAGE, with words on what to do, for a
 * certificate that is none of a CA that may sign certificates and CRLs, for a key that is not the
 * certificate's, or that others may read, and for a provider that is not there. What is not valid
 * any more is opened too: ratls_issuers_may_issue().
 *
 * For one thread at a time.
 */
RATLS_MUST_CHECK enum ratls_status ratls_issuers_open(const struct ratls_ca_config *config,
                                                      struct ratls_issuers **ret_issuers,
                                                      struct ratls_error *err);
void ratls_issuers_close(struct ratls_issuers *issuers); /* accepts NULL */

size_t ratls_issuers_count(const struct ratls_issuers *issuers);
OSSL_LIB_CTX *ratls_issuers_context(const struct ratls_issuers *issuers);
/* In the order of the configuration; they are the issuers'. */
X509 *ratls_issuer_certificate(const struct ratls_issuers *issuers, size_t i);
EVP_PKEY *ratls_issuer_key(const struct ratls_issuers *issuers, size_t i);
const EVP_MD *ratls_issuer_hash(const struct ratls_issuers *issuers, size_t i);
/* For what is to be signed: that the provider of the key does it. */
const char *ratls_issuer_properties(const struct ratls_issuers *issuers, size_t i);
struct ratls_slice ratls_issuer_der(const struct ratls_issuers *issuers, size_t i);
/* SHA-256 of the certificate, 32 bytes: issuer_sha256 of the store. */
const uint8_t *ratls_issuer_sha256(const struct ratls_issuers *issuers, size_t i);
/* From when and until when its certificate is valid, in seconds since 1970-01-01 UTC. */
void ratls_issuer_validity(const struct ratls_issuers *issuers, size_t i, int64_t *ret_from,
                           int64_t *ret_until);

/* RATLS_USAGE, with words on what to do, unless the first issuer is valid at `now`. */
RATLS_MUST_CHECK enum ratls_status ratls_issuers_may_issue(const struct ratls_issuers *issuers,
                                                           int64_t now, struct ratls_error *err);

/*
 * What certificates and CRLs say of the key that signs them (RFC 5280, 4.2.1.1). By hand:
 * X509V3_EXT_conf_nid() of OpenSSL 3.5 crashes where memory is short. NULL then, or if the issuer
 * has no subjectKeyIdentifier.
 */
AUTHORITY_KEYID *ratls_issuer_key_id(X509 *issuer);

/*
 * Why a certificate is not that of an issuer whose certificates and CRLs clients take; NULL if it
 * is. The time is not looked at.
 */
const char *ratls_issuer_fault(X509 *certificate);

#endif
