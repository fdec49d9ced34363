/* What a client asks a server for: the PCRs that the policy compares, and the logs that it reads.
 */
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "keys.h"
#include "tls_internal.h"

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
static enum ratls_status ask_for_list(const struct ratls_tls *tls, struct ratls_channel *channel)
{
    const struct ratls_rules *rules = channel->rules;
    struct ratls_log_request *logs = &channel->request.logs;
    enum ratls_status status;

    logs->ima_bank = rules->ima.bank;
    if (tls->begins_anew || rules->ledger == NULL)
        return RATLS_OK;
    status = ratls_ledger_find(rules->ledger, channel->server_name, rules->ima.sha256,
                               &channel->known, &channel->is_known, &channel->error);
    if (status == RATLS_OK && channel->is_known)
        status = name_known(&channel->known, logs, &channel->error);
    return status;
}

static enum ratls_status fill_by_rules(const struct ratls_tls *tls, struct ratls_channel *channel)
{
    const struct ratls_rules *rules = channel->rules;
    struct ratls_request *request = &channel->request;

    request->selection = rules->selection;
    request->key_id_count = ratls_key_cache_ids(rules->keys, channel->server_name, time(NULL),
                                                request->key_ids, RATLS_KEY_IDS_MAX);
    if (rules->boot.is_asked)
        request->logs.boot_bank = rules->boot.bank;
    return rules->ima.is_asked ? ask_for_list(tls, channel) : RATLS_OK;
}

enum ratls_status ratls_client_fill_request(const struct ratls_tls *tls,
                                            struct ratls_channel *channel)
{
    enum ratls_status status = RATLS_OK;

    if (channel->asked)
        return RATLS_OK; /* the second ClientHello repeats the first */
    if (tls->collects) {
        channel->request.selection = tls->collected;
        channel->request.logs = tls->collected_logs;
    } else {
        status = fill_by_rules(tls, channel);
    }
    return status == RATLS_OK ? ratls_random(channel->request.nonce, sizeof channel->request.nonce,
                                             &channel->error)
                              : status;
}
