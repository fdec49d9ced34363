#include "ek_nv.h"

#include "der.h"

static bool is_filling(struct ratls_slice rest)
{
    for (size_t i = 0; i < rest.len; i++)
        if (rest.p[i] != rest.p[0] || (rest.p[0] != 0x00 && rest.p[0] != 0xff))
            return false;
    return true;
}

/* The next element, which is taken for a certificate: what it is, who verifies it finds out. */
static struct ratls_slice take(struct ratls_slice *content)
{
    struct ratls_reader r = ratls_reader(*content);
    const struct ratls_slice taken = ratls_der_take_whole(&r, RATLS_DER_SEQUENCE);

    if (!r.failed)
        *content = r.rest;
    return taken;
}

bool ratls_ek_nv_certificate(struct ratls_slice content, struct ratls_slice *ret_certificate)
{
    const struct ratls_slice certificate = take(&content);

    if (certificate.len == 0 || !is_filling(content))
        return false;
    *ret_certificate = certificate;
    return true;
}

bool ratls_ek_nv_chain(struct ratls_slice content,
                       struct ratls_slice out[static RATLS_EK_CHAIN_MAX], size_t *ret_count)
{
    size_t count = 0;

    while (!is_filling(content)) {
        const struct ratls_slice certificate = take(&content);

        if (certificate.len == 0 || count == RATLS_EK_CHAIN_MAX)
            return false;
        out[count++] = certificate;
    }
    *ret_count = count;
    return true;
}
