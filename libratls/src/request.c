#include "request.h"

#include <string.h>

#include "cbor.h"
#include "tpm_wire.h"

#define VERSION 1
#define REQUEST_ITEMS 4
#define BANK_ITEMS 2
#define PCR_MASK ((UINT32_C(1) << RATLS_PCR_COUNT) - 1)

bool ratls_selection_valid(const struct ratls_pcr_selection *selection)
{
    if (selection->count < 1 || selection->count > RATLS_BANKS_MAX)
        return false;
    for (size_t i = 0; i < selection->count; i++) {
        const struct ratls_pcr_bank *bank = &selection->banks[i];

        if (!ratls_tpm_is_strong_hash(bank->hash_alg))
            return false;
        if (i > 0 && bank->hash_alg <= selection->banks[i - 1].hash_alg)
            return false;
        if (bank->pcrs == 0 || (bank->pcrs & ~PCR_MASK) != 0)
            return false;
    }
    return true;
}

static bool are_key_ids_ascending(const struct ratls_request *request)
{
    for (size_t i = 1; i < request->key_id_count; i++)
        if (memcmp(request->key_ids[i - 1], request->key_ids[i], RATLS_KEY_ID_LEN) >= 0)
            return false;
    return true;
}

static void read_bank(struct ratls_cbor *c, struct ratls_pcr_bank *ret_bank)
{
    struct ratls_pcr_bank bank = {0};
    size_t count;
    uint64_t lowest = 0;

    ratls_cbor_array(c, BANK_ITEMS, BANK_ITEMS);
    bank.hash_alg = (uint16_t)ratls_cbor_uint(c, UINT16_MAX);
    count = ratls_cbor_array(c, 1, RATLS_PCR_COUNT);
    for (size_t i = 0; i < count; i++) {
        uint64_t pcr = ratls_cbor_uint(c, RATLS_PCR_COUNT - 1);

        if (pcr < lowest)
            c->failed = true;
        lowest = pcr + 1;
        bank.pcrs |= UINT32_C(1) << pcr;
    }
    *ret_bank = bank;
}

static void read_body(struct ratls_cbor *c, struct ratls_request *request)
{
    struct ratls_slice nonce = ratls_cbor_bytes(c, RATLS_NONCE_LEN, RATLS_NONCE_LEN);

    if (!c->failed)
        memcpy(request->nonce, nonce.p, nonce.len);
    request->selection.count = ratls_cbor_array(c, 1, RATLS_BANKS_MAX);
    for (size_t i = 0; i < request->selection.count; i++)
        read_bank(c, &request->selection.banks[i]);
    request->key_id_count = ratls_cbor_array(c, 0, RATLS_KEY_IDS_MAX);
    for (size_t i = 0; i < request->key_id_count; i++) {
        struct ratls_slice id = ratls_cbor_bytes(c, RATLS_KEY_ID_LEN, RATLS_KEY_ID_LEN);

        if (!c->failed)
            memcpy(request->key_ids[i], id.p, id.len);
    }
}

enum ratls_request_result ratls_request_read(struct ratls_slice in, struct ratls_request *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_request request = {0};
    size_t items = ratls_cbor_array(&c, 1, SIZE_MAX);
    uint64_t version = ratls_cbor_uint(&c, UINT64_MAX);

    if (c.failed)
        return RATLS_REQUEST_MALFORMED;
    if (version != VERSION)
        return RATLS_REQUEST_OTHER_VERSION;
    if (items != REQUEST_ITEMS)
        return RATLS_REQUEST_MALFORMED;
    read_body(&c, &request);
    if (!ratls_cbor_done(&c) || !ratls_selection_valid(&request.selection) ||
        !are_key_ids_ascending(&request))
        return RATLS_REQUEST_MALFORMED;
    *ret = request;
    return RATLS_REQUEST_OK;
}

static void write_bank(const struct ratls_pcr_bank *bank, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, BANK_ITEMS);
    ratls_cbor_put_uint(w, bank->hash_alg);
    ratls_cbor_put_array(w, (size_t)__builtin_popcount(bank->pcrs));
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++)
        if ((bank->pcrs >> pcr & 1) != 0)
            ratls_cbor_put_uint(w, pcr);
}

void ratls_request_write(const struct ratls_request *request, struct ratls_writer *w)
{
    if (!ratls_selection_valid(&request->selection) || request->key_id_count > RATLS_KEY_IDS_MAX ||
        !are_key_ids_ascending(request)) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_array(w, REQUEST_ITEMS);
    ratls_cbor_put_uint(w, VERSION);
    ratls_cbor_put_bytes(w, ratls_slice(request->nonce, sizeof request->nonce));
    ratls_cbor_put_array(w, request->selection.count);
    for (size_t i = 0; i < request->selection.count; i++)
        write_bank(&request->selection.banks[i], w);
    ratls_cbor_put_array(w, request->key_id_count);
    for (size_t i = 0; i < request->key_id_count; i++)
        ratls_cbor_put_bytes(w, ratls_slice(request->key_ids[i], RATLS_KEY_ID_LEN));
}
