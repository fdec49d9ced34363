#include "request.h"

#include <string.h>

#include "tpm_wire.h"

#define VERSION 1
#define REQUEST_ITEMS 6
#define BANK_ITEMS 2
#define LOGS_MAX 2
#define BOOT_KIND 1
#define BOOT_ITEMS 2 /* kind, bank */
#define IMA_KIND 2
#define IMA_ITEMS 3        /* kind, bank, offset */
#define IMA_ITEMS_OFFSET 4 /* and the boot that the offset counts in */
#define IMA_BOOT_ITEMS 3
#define PCR_MASK ((UINT32_C(1) << RATLS_PCR_COUNT) - 1)

void ratls_request_to_attest(const struct ratls_request *request, struct ratls_attest_request *to)
{
    memcpy(to->nonce, request->nonce, sizeof to->nonce);
    to->offers = request->offers;
    to->selection = request->selection;
    to->logs = request->logs;
    to->key_id_count = request->key_id_count;
    memcpy(to->key_ids, request->key_ids, sizeof to->key_ids);
}

void ratls_request_of_attest(const struct ratls_attest_request *attest, struct ratls_request *ret)
{
    struct ratls_request request = {.offers = attest->offers,
                                    .selection = attest->selection,
                                    .logs = attest->logs,
                                    .key_id_count = attest->key_id_count};

    memcpy(request.nonce, attest->nonce, sizeof request.nonce);
    memcpy(request.key_ids, attest->key_ids, sizeof request.key_ids);
    *ret = request;
}

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

bool ratls_selection_is(const struct ratls_pcr_selection *selection,
                        const struct ratls_pcr_bank *banks, size_t count)
{
    if (selection->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (selection->banks[i].hash_alg != banks[i].hash_alg ||
            selection->banks[i].pcrs != banks[i].pcrs)
            return false;
    return true;
}

static bool are_logs_valid(const struct ratls_log_request *logs)
{
    if (logs->boot_bank != 0 && !ratls_tpm_is_strong_hash(logs->boot_bank))
        return false;
    if (logs->ima_bank == 0)
        return logs->ima_offset == 0;
    return ratls_tpm_is_strong_hash(logs->ima_bank);
}

/* Evidence behind the handshake comes in frames. */
static bool are_offers_valid(unsigned offers)
{
    return offers <= RATLS_OFFER_ALL &&
           ((offers & RATLS_OFFER_EXPORTER) == 0 || (offers & RATLS_OFFER_FRAMES) != 0);
}

static size_t count_logs(const struct ratls_log_request *logs)
{
    return (size_t)(logs->boot_bank != 0) + (size_t)(logs->ima_bank != 0);
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

void ratls_selection_read(struct ratls_cbor *c, struct ratls_pcr_selection *ret)
{
    ret->count = ratls_cbor_array(c, 0, RATLS_BANKS_MAX);
    for (size_t i = 0; i < ret->count; i++)
        read_bank(c, &ret->banks[i]);
}

/* Whether the rules between the fields hold; those of each field are the reader's. */
static bool is_valid(const struct ratls_request *request)
{
    if (request->selection.count == 0 && count_logs(&request->logs) == 0)
        return false;
    if (request->selection.count != 0 && !ratls_selection_valid(&request->selection))
        return false;
    if (!are_offers_valid(request->offers))
        return false;
    return are_logs_valid(&request->logs) && request->key_id_count <= RATLS_KEY_IDS_MAX &&
           are_key_ids_ascending(request);
}

/* No offset without the boot that it counts in, no boot without an offset. */
static void read_ima(struct ratls_cbor *c, size_t items, struct ratls_log_request *logs)
{
    struct ratls_slice key_id;

    logs->ima_offset = ratls_cbor_uint(c, UINT64_MAX);
    if ((logs->ima_offset != 0) != (items == IMA_ITEMS_OFFSET))
        c->failed = true;
    if (c->failed || logs->ima_offset == 0)
        return;
    ratls_cbor_array(c, IMA_BOOT_ITEMS, IMA_BOOT_ITEMS);
    key_id = ratls_cbor_bytes(c, RATLS_KEY_ID_LEN, RATLS_KEY_ID_LEN);
    if (!c->failed)
        memcpy(logs->ima_key_id, key_id.p, key_id.len);
    logs->ima_reset_count = (uint32_t)ratls_cbor_uint(c, UINT32_MAX);
    logs->ima_restart_count = (uint32_t)ratls_cbor_uint(c, UINT32_MAX);
}

static void read_logs(struct ratls_cbor *c, struct ratls_log_request *logs)
{
    size_t count = ratls_cbor_array(c, 0, LOGS_MAX);
    uint64_t last = 0;

    for (size_t i = 0; i < count; i++) {
        size_t items = ratls_cbor_array(c, BOOT_ITEMS, IMA_ITEMS_OFFSET);
        uint64_t kind = ratls_cbor_uint(c, IMA_KIND);
        uint16_t bank = (uint16_t)ratls_cbor_uint(c, UINT16_MAX);

        if (kind <= last || bank == 0 || (kind == BOOT_KIND) != (items == BOOT_ITEMS))
            c->failed = true;
        last = kind;
        if (kind == BOOT_KIND) {
            logs->boot_bank = bank;
        } else {
            logs->ima_bank = bank;
            read_ima(c, items, logs);
        }
    }
}

static void read_body(struct ratls_cbor *c, struct ratls_request *request)
{
    struct ratls_slice nonce = ratls_cbor_bytes(c, RATLS_NONCE_LEN, RATLS_NONCE_LEN);

    if (!c->failed)
        memcpy(request->nonce, nonce.p, nonce.len);
    request->offers = (unsigned)ratls_cbor_uint(c, RATLS_OFFER_ALL);
    ratls_selection_read(c, &request->selection);
    request->key_id_count = ratls_cbor_array(c, 0, RATLS_KEY_IDS_MAX);
    for (size_t i = 0; i < request->key_id_count; i++) {
        struct ratls_slice id = ratls_cbor_bytes(c, RATLS_KEY_ID_LEN, RATLS_KEY_ID_LEN);

        if (!c->failed)
            memcpy(request->key_ids[i], id.p, id.len);
    }
    read_logs(c, &request->logs);
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
    if (!ratls_cbor_done(&c) || !is_valid(&request))
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

void ratls_selection_write(const struct ratls_pcr_selection *selection, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, selection->count);
    for (size_t i = 0; i < selection->count; i++)
        write_bank(&selection->banks[i], w);
}

static void write_logs(const struct ratls_log_request *logs, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, count_logs(logs));
    if (logs->boot_bank != 0) {
        ratls_cbor_put_array(w, BOOT_ITEMS);
        ratls_cbor_put_uint(w, BOOT_KIND);
        ratls_cbor_put_uint(w, logs->boot_bank);
    }
    if (logs->ima_bank == 0)
        return;
    ratls_cbor_put_array(w, logs->ima_offset == 0 ? IMA_ITEMS : IMA_ITEMS_OFFSET);
    ratls_cbor_put_uint(w, IMA_KIND);
    ratls_cbor_put_uint(w, logs->ima_bank);
    ratls_cbor_put_uint(w, logs->ima_offset);
    if (logs->ima_offset == 0)
        return;
    ratls_cbor_put_array(w, IMA_BOOT_ITEMS);
    ratls_cbor_put_bytes(w, ratls_slice(logs->ima_key_id, RATLS_KEY_ID_LEN));
    ratls_cbor_put_uint(w, logs->ima_reset_count);
    ratls_cbor_put_uint(w, logs->ima_restart_count);
}

void ratls_request_write(const struct ratls_request *request, struct ratls_writer *w)
{
    if (!is_valid(request)) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_array(w, REQUEST_ITEMS);
    ratls_cbor_put_uint(w, VERSION);
    ratls_cbor_put_bytes(w, ratls_slice(request->nonce, sizeof request->nonce));
    ratls_cbor_put_uint(w, request->offers);
    ratls_selection_write(&request->selection, w);
    ratls_cbor_put_array(w, request->key_id_count);
    for (size_t i = 0; i < request->key_id_count; i++)
        ratls_cbor_put_bytes(w, ratls_slice(request->key_ids[i], RATLS_KEY_ID_LEN));
    write_logs(&request->logs, w);
}
