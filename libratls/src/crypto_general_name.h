/* Names in certificates that are made (RFC 5280, 4.2.1.6). */
#ifndef RATLS_CRYPTO_GENERAL_NAME_H
#define RATLS_CRYPTO_GENERAL_NAME_H

#include <openssl/x509v3.h>

#include "bytes.h"

/*
 * A DNS name or an IP address, by what the text looks like. NULL if memory is short, or the text is
 * longer than a name. The caller frees it.
 */
GENERAL_NAME *ratls_general_name(struct ratls_slice text);

#endif
