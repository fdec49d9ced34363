/* Keys and certificates of a CA, for the commands that make them. */
#ifndef RATLS_TOOL_CA_KEYS_H
#define RATLS_TOOL_CA_KEYS_H

#include <openssl/x509.h>

#include "ca_command.h"
#include "issuer.h"

/* What is to become an issuer. */
struct ratls_ca_new {
    OSSL_LIB_CTX *context;   /* with the providers of the configuration */
    const char *certificate; /* path */
    const char *key;         /* path or URI */
    const char *subject;     /* NULL: "CN=ratls CA" and the time */
    unsigned days;
    int64_t now;
    const char *given; /* NULL: self-signed. The certificate that another CA gave for the key */
};

struct ratls_ca_made {
    bool made_key, made_certificate; /* false: it was there */
};

#define RATLS_CA_DAYS_DEFAULT 3650
#define RATLS_CA_DAYS_MAX 9125

/*
 * Makes what is not there: a file with a P-256 key, of mode 0600, and a certificate. What is there
 * is used: a key, and a certificate of exactly this key. RATLS_USAGE if these do not fit.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_new_issuer(const struct ratls_ca_new *wish,
                                                       struct ratls_ca_made *ret_made,
                                                       struct ratls_error *err);
/* A request to another CA for the same, in a new file. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_new_request(const struct ratls_ca_new *wish,
                                                        const char *path,
                                                        struct ratls_ca_made *ret_made,
                                                        struct ratls_error *err);

/* What people compare: subject, end and SHA-256 of an issuer; and to JSON, as members. */
void ratls_ca_issuer_view(struct ratls_view *v, const struct ratls_issuers *issuers, size_t i);

#endif
