/* Where the key of a CA is: for issuer.c, and for who makes a new CA. */
#ifndef RATLS_CA_ISSUER_KEY_H
#define RATLS_CA_ISSUER_KEY_H

#include <openssl/types.h>

#include <ratls/error.h>

/*
 * The private key in a file, or at a URI of OSSL_STORE that one of the providers of the context
 * knows. RATLS_USAGE, with words on what to do, if there is none, if it is of a kind that clients
 * do not take, or if others may read the file. The caller frees *ret_key. Nobody is asked for a
 * passphrase.
 */
RATLS_MUST_CHECK enum ratls_status ratls_issuer_key_open(OSSL_LIB_CTX *context, const char *key,
                                                         EVP_PKEY **ret_key,
                                                         struct ratls_error *err);

/*
 * The hash that goes with a key of a CA: "SHA256" for P-256 and RSA of 2048 to 4096 bits, "SHA384"
 * for P-384, "SHA512" for P-521. NULL: no key for a CA.
 */
const char *ratls_issuer_key_hash(const EVP_PKEY *key);

#define RATLS_KEY_PROPERTIES_MAX 64

/*
 * The query (property(7)) by which OpenSSL signs where the key is. Without it, it would take the
 * first provider that knows the algorithm, and give it what it gets of the key: the public part.
 */
void ratls_issuer_key_properties(const EVP_PKEY *key, char out[static RATLS_KEY_PROPERTIES_MAX]);

#endif
