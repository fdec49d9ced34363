/* The cryptography that one renewal cannot do without, alone: what renewal.c is compared with. */
#ifndef RATLS_BENCH_RENEWAL_CRYPTO_H
#define RATLS_BENCH_RENEWAL_CRYPTO_H

#include <openssl/ssl.h>

struct renewal_crypto;

/* ssl: of a connection that is open, for its exporter. Ends the program if it cannot measure. */
struct renewal_crypto *renewal_crypto_new(SSL *ssl);
void renewal_crypto_free(struct renewal_crypto *crypto);

/*
 * Once, for both ends, without the TPM's signature: a nonce; on each side the exporter, the hash of
 * the TLS key, and that of the certificates; on the verifier's the hashes of the leaf, the PCR
 * values, the key's public area and the quote, and the verification; and two records of TLS,
 * encrypted and decrypted.
 */
void renewal_crypto_run(struct renewal_crypto *crypto);

#endif
