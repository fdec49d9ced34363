/* Serial numbers of certificates that are made (RFC 5280, 4.1.2.2). */
#ifndef RATLS_CRYPTO_SERIAL_H
#define RATLS_CRYPTO_SERIAL_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#define RATLS_SERIAL_LEN 16

/* Random, positive, and never short. False if OpenSSL has no random bytes, or memory is short. */
bool ratls_serial_set(X509 *certificate, uint8_t ret_serial[static RATLS_SERIAL_LEN]);

#endif
