/* A certificate or a request from the bytes of a file: PEM, or else DER up to the last byte. */
#ifndef RATLS_TOOL_X509_FILE_H
#define RATLS_TOOL_X509_FILE_H

#include <openssl/x509.h>

#include "bytes.h"

/* Both: NULL if the bytes are something else. The caller frees what comes back. */
X509 *ratls_certificate_read(struct ratls_slice bytes);
X509_REQ *ratls_csr_read(struct ratls_slice bytes);

#endif
