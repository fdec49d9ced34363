#include "evidence_ima.h"

#include <ratls/attester.h>

#include "cbor.h"
#include "tpm_wire.h"

#define ITEMS 4

static bool is_list_alg(uint64_t alg)
{
    return alg == RATLS_ALG_SHA1 || (alg <= UINT16_MAX && ratls_tpm_is_strong_hash((uint16_t)alg));
}

/* Entries lie within the list. An offset behind its end says that there are none. */
bool ratls_ima_slice_valid(const struct ratls_ima_slice *ima)
{
    return is_list_alg(ima->list_alg) &&
           (ima->entries.len == 0 ||
            (ima->offset <= ima->total && ima->entries.len <= ima->total - ima->offset));
}

bool ratls_ima_slice_read(struct ratls_slice in, struct ratls_ima_slice *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_ima_slice ima = {0};

    ratls_cbor_array(&c, ITEMS, ITEMS);
    ima.list_alg = (uint16_t)ratls_cbor_uint(&c, UINT16_MAX);
    ima.offset = ratls_cbor_uint(&c, UINT64_MAX);
    ima.total = ratls_cbor_uint(&c, UINT64_MAX);
    ima.entries = ratls_cbor_bytes(&c, 0, RATLS_EVIDENCE_MAX);
    if (!ratls_cbor_done(&c) || !ratls_ima_slice_valid(&ima))
        return false;
    *ret = ima;
    return true;
}

void ratls_ima_slice_write(const struct ratls_ima_slice *ima, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, ITEMS);
    ratls_cbor_put_uint(w, ima->list_alg);
    ratls_cbor_put_uint(w, ima->offset);
    ratls_cbor_put_uint(w, ima->total);
    ratls_cbor_put_bytes(w, ima->entries);
}
