#include "tls_key_item.h"

#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "evidence.h"
#include "fail.h"

#define ITEM_PARTS 3
#define LABEL "ratls-tls-key-1"
#define PREFIX 0x03

bool ratls_tls_key_item_read(struct ratls_slice in, struct ratls_tls_key_item *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_tls_key_item item;

    ratls_cbor_array(&c, ITEM_PARTS, ITEM_PARTS);
    item.public_area = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    item.attest = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    item.signature = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    if (!ratls_cbor_done(&c))
        return false;
    *ret = item;
    return true;
}

static bool is_within(struct ratls_slice bytes)
{
    return bytes.len >= 1 && bytes.len <= RATLS_TPM_STRUCTURE_MAX;
}

void ratls_tls_key_item_write(const struct ratls_tls_key_item *item, struct ratls_writer *w)
{
    if (!is_within(item->public_area) || !is_within(item->attest) || !is_within(item->signature)) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_array(w, ITEM_PARTS);
    ratls_cbor_put_bytes(w, item->public_area);
    ratls_cbor_put_bytes(w, item->attest);
    ratls_cbor_put_bytes(w, item->signature);
}

enum ratls_status ratls_tls_key_extra_data(const uint8_t spki_sha256[static 32],
                                           uint8_t out[static 32], struct ratls_error *err)
{
    static const uint8_t prefix = PREFIX;
    const struct ratls_slice parts[] = {ratls_slice(&prefix, sizeof prefix),
                                        ratls_slice(LABEL, strlen(LABEL)),
                                        ratls_slice(spki_sha256, 32)};

    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, out, err);
}
