/*
 * QUIC encrypts by itself, with secrets that the handshake hands out: what OpenSSL closes then, the
 * program goes on with. So nobody is attested, or accepted, over it.
 */
#include <openssl/err.h>

#include "tls_internal.h"

/* What SSL_version() says of OpenSSL's own QUIC, which is new in 3.2: a number of no TLS. */
#define QUIC_VERSION 1

/*
 * New in OpenSSL 3.5; looked for as this library is loaded, for it may have been compiled with an
 * older one. It fails for all but a QUIC of another library.
 */
extern int SSL_set_quic_tls_transport_params(SSL *ssl, const unsigned char *params,
                                             size_t params_len) __attribute__((weak));

bool ratls_is_quic_of_openssl(const SSL *ssl)
{
    return SSL_version(ssl) == QUIC_VERSION;
}

bool ratls_is_quic(SSL *ssl)
{
    bool is_other;

    if (ratls_is_quic_of_openssl(ssl))
        return true;
    if (SSL_set_quic_tls_transport_params == NULL)
        return false;
    ERR_set_mark();
    is_other = SSL_set_quic_tls_transport_params(ssl, NULL, 0) == 1;
    ERR_pop_to_mark();
    return is_other;
}
