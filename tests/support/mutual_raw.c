#include "mutual_raw.h"

#include <stdlib.h>
#include <string.h>

#include "must.h"

static int add(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
               size_t *ret_len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct mutual_raw *raw = arg;
    const struct tls_bytes *bytes = &raw->request;

    (void)ssl, (void)type, (void)certificate, (void)alert;
    if (context & SSL_EXT_TLS1_3_CERTIFICATE) {
        if (raw->chain_index != SIZE_MAX && chain_index != raw->chain_index)
            return 0;
        bytes = raw->reflects ? &raw->reflected : &raw->evidence;
    }
    if (bytes->len == 0)
        return 0;
    *out = bytes->p;
    *ret_len = bytes->len;
    return 1;
}

static int keep(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t len,
                X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct mutual_raw *raw = arg;
    struct tls_bytes *bytes =
        context & SSL_EXT_TLS1_3_CERTIFICATE_REQUEST ? &raw->demand : &raw->reflected;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    bytes->len = 0;
    tls_bytes_add(bytes, in, len);
    return 1;
}

SSL_CTX *mutual_raw_client(struct mutual_world *world, struct mutual_raw *raw)
{
    SSL_CTX *ctx = tls_plain_client(world->base);

    must(SSL_CTX_use_certificate(ctx, world->certificate) == 1 &&
         SSL_CTX_use_PrivateKey(ctx, world->key) == 1);
    must(SSL_CTX_add_custom_ext(ctx, TLS_EXTENSION,
                                SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS |
                                    SSL_EXT_TLS1_3_CERTIFICATE_REQUEST | SSL_EXT_TLS1_3_CERTIFICATE,
                                add, NULL, raw, keep, raw) == 1);
    return ctx;
}

void mutual_raw_clear(struct mutual_raw *raw)
{
    free(raw->request.p);
    free(raw->evidence.p);
    free(raw->reflected.p);
    free(raw->demand.p);
}
