/* Keys, certificates and requests that carry evidence (WIRE.md, 4). */
#ifndef RATLS_TOOL_ISSUE_H
#define RATLS_TOOL_ISSUE_H

#include <openssl/x509.h>

#include <ratls/error.h>

#include "bytes.h"
#include "options.h"

struct ratls_issue {
    EVP_PKEY *key;                  /* of the subject */
    const struct ratls_list *names; /* DNS names and IP addresses, at least one */
    struct ratls_slice evidence;
    unsigned days;
};

enum ratls_key_kind {
    RATLS_KEY_ECDSA_P256,
    RATLS_KEY_RSA_2048,
};

RATLS_MUST_CHECK enum ratls_status ratls_key_generate(enum ratls_key_kind kind, EVP_PKEY **ret_key,
                                                      struct ratls_error *err);

/* RATLS_USAGE unless every name is a DNS name or an IP address. */
RATLS_MUST_CHECK enum ratls_status ratls_names_check(const struct ratls_list *names,
                                                     struct ratls_error *err);

/* Self-signed. The caller frees it. */
RATLS_MUST_CHECK enum ratls_status ratls_issue_certificate(const struct ratls_issue *issue,
                                                           X509 **ret_certificate,
                                                           struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_issue_csr(const struct ratls_issue *issue,
                                                   X509_REQ **ret_csr, struct ratls_error *err);

/*
 * A certificate for a request that carries evidence. Only names and evidence are taken over from
 * it, whatever else it asks for. RATLS_MALFORMED if it is not signed by its key, or has neither.
 */
RATLS_MUST_CHECK enum ratls_status ratls_issue_from_csr(X509_REQ *csr, X509 *ca, EVP_PKEY *ca_key,
                                                        unsigned days, X509 **ret_certificate,
                                                        struct ratls_error *err);

/*
 * An unsigned certificate with the key and the extensions that a request asks for, so that one
 * reader of extensions serves both. NULL if memory is short. The caller frees it.
 */
X509 *ratls_csr_as_certificate(X509_REQ *csr);

#endif
