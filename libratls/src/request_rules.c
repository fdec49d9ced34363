#include "request_rules.h"

#include <string.h>
#include <time.h>

#include "crypto.h"
#include "keys.h"

/* How far this server's list is known, and in which list that counts (WIRE.md, 2). */
static enum ratls_status name_known(const struct ratls_ledger_row *row,
                                    struct ratls_log_request *logs, struct ratls_error *err)
{
    uint8_t hash[32];
    enum ratls_status status = ratls_sha256(ratls_slice(row->ak_name, row->ak_name_len), hash, err);

    if (status != RATLS_OK)
        return status;
    logs->ima_offset = row->ima.offset + row->pending_len;
    logs->ima_reset_count = row->reset_count;
    logs->ima_restart_count = row->restart_count;
    memcpy(logs->ima_key_id, hash, sizeof logs->ima_key_id);
    return RATLS_OK;
}

/*
 * A ledger that cannot be read is a mistake that somebody must hear of: to begin at 0 would be as
 * safe, but slow at each connection, and a program has no other ear for it than a failure.
 */
static enum ratls_status find_known(const struct ratls_rules *rules, const char *peer_name,
                                    struct ratls_log_request *logs, struct ratls_known *known,
                                    struct ratls_error *err)
{
    enum ratls_status status = ratls_ledger_find(rules->ledger, peer_name, rules->ima.sha256,
                                                 &known->row, &known->is_known, err);

    if (status == RATLS_OK && known->is_known)
        status = name_known(&known->row, logs, err);
    return status;
}

enum ratls_status ratls_request_by_rules(const struct ratls_rules *rules, const char *peer_name,
                                         bool begins_anew, struct ratls_request *ret_request,
                                         struct ratls_known *ret_known, struct ratls_error *err)
{
    struct ratls_request *request = ret_request;

    request->selection = rules->selection;
    if (rules->freshness == RATLS_FRESHNESS_EPOCH)
        request->offers |= RATLS_OFFER_EPOCH;
    if (!begins_anew)
        request->key_id_count = ratls_key_cache_ids(rules->keys, peer_name, time(NULL),
                                                    request->key_ids, RATLS_KEY_IDS_MAX);
    if (rules->results.is_asked)
        request->offers |= RATLS_OFFER_RESULT;
    if (rules->needs_tpm_tls_key)
        request->offers |= RATLS_OFFER_TLS_KEY;
    if (rules->boot.is_asked)
        request->logs.boot_bank = rules->boot.bank;
    if (!rules->ima.is_asked)
        return RATLS_OK;
    request->logs.ima_bank = rules->ima.bank;
    if (begins_anew || rules->ledger == NULL)
        return RATLS_OK;
    return find_known(rules, peer_name, &request->logs, ret_known, err);
}
