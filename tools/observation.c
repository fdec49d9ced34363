#include "observation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"

static enum ratls_status copy_bytes(struct ratls_slice in, uint8_t **ret, size_t *ret_len,
                                    struct ratls_error *err)
{
    uint8_t *copy = malloc(in.len + 1);

    if (copy == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (in.len > 0)
        memcpy(copy, in.p, in.len);
    free(*ret);
    *ret = copy;
    *ret_len = in.len;
    return RATLS_OK;
}

/* Only what goes on where the list ends: what else there is belongs to another moment. */
static enum ratls_status append_list(struct ratls_observation *o,
                                     const struct ratls_ima_slice *slice, struct ratls_error *err)
{
    uint8_t *list;

    if (slice->offset != o->ima_list_len || (o->ima_list_len > 0 && slice->list_alg != o->ima_alg))
        return RATLS_OK;
    if (slice->entries.len > RATLS_IMA_LIST_MAX - o->ima_list_len)
        return ratls_fail(err, RATLS_LIMIT, "the IMA list is longer than %u bytes",
                          RATLS_IMA_LIST_MAX);
    list = realloc(o->ima_list, o->ima_list_len + slice->entries.len + 1);
    if (list == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (slice->entries.len > 0)
        memcpy(list + o->ima_list_len, slice->entries.p, slice->entries.len);
    o->ima_list = list;
    o->ima_list_len += slice->entries.len;
    o->ima_alg = slice->list_alg;
    return RATLS_OK;
}

static enum ratls_status read_quote(struct ratls_observation *o, struct ratls_error *err)
{
    struct ratls_tpm_public key;
    size_t len;

    if (!ratls_evidence_read(ratls_slice(o->bytes, o->bytes_len), &o->evidence) ||
        !o->evidence.has_quote || !ratls_statement_read(o->evidence.statement, &o->statement) ||
        !ratls_tpm_read_attest(o->evidence.attest, &o->attest))
        return ratls_fail(err, RATLS_REJECTED, "the evidence is malformed: nothing was learned");
    if (o->evidence.is_ak_named)
        return ratls_fail(err, RATLS_REJECTED,
                          "the evidence was for a client that knows its attestation key, which is "
                          "not in it: nothing was learned; 'ratls probe --save' keeps all of it");
    if (!ratls_tpm_read_public(o->evidence.ak_public, &key))
        return ratls_fail(err, RATLS_REJECTED,
                          "the attestation key is malformed: nothing was learned");
    len = ratls_tpm_selection_values_len(o->attest.selection.banks, o->attest.selection.count);
    if (len == 0 || len != o->evidence.pcr_values.len)
        return ratls_fail(err, RATLS_REJECTED,
                          "the evidence has other PCR values than its quote: nothing was learned");
    return ratls_tpm_name(&key, o->ak_name, &o->ak_name_len, err);
}

enum ratls_status ratls_observe_evidence(struct ratls_observation *o,
                                         const struct ratls_expectation *expectation,
                                         struct ratls_slice evidence,
                                         const struct ratls_slice *more, size_t count,
                                         struct ratls_error *err)
{
    enum ratls_status status = copy_bytes(evidence, &o->bytes, &o->bytes_len, err);
    struct ratls_evidence further;

    if (status == RATLS_OK)
        status = read_quote(o, err);
    if (status != RATLS_OK)
        return status;
    o->has_quote = true;
    if (expectation != NULL) {
        const char *name = expectation->server_name == NULL ? "" : expectation->server_name;

        o->expectation = *expectation;
        snprintf(o->server_name, sizeof o->server_name, "%s", name);
        o->expectation.server_name = *name == '\0' ? NULL : o->server_name;
        o->when = expectation->now;
    }
    o->is_boot_of_peer = o->evidence.boot_log.len > 0;
    if (o->is_boot_of_peer)
        status = copy_bytes(o->evidence.boot_log, &o->boot_log, &o->boot_log_len, err);
    if (status == RATLS_OK && o->evidence.has_ima)
        status = append_list(o, &o->evidence.ima, err);
    for (size_t i = 0; status == RATLS_OK && i < count; i++)
        if (ratls_evidence_read(more[i], &further) && further.has_ima)
            status = append_list(o, &further.ima, err);
    return status;
}

enum ratls_status ratls_observe_boot_log(struct ratls_observation *o, struct ratls_slice log,
                                         struct ratls_error *err)
{
    o->is_boot_of_peer = false;
    return copy_bytes(log, &o->boot_log, &o->boot_log_len, err);
}

enum ratls_status ratls_observe_ima_list(struct ratls_observation *o, struct ratls_slice list,
                                         struct ratls_error *err)
{
    o->ima_alg = ratls_ima_choose_alg(list);
    return copy_bytes(list, &o->ima_list, &o->ima_list_len, err);
}

void ratls_observation_done(struct ratls_observation *o)
{
    ratls_facts_done(&o->facts);
    free(o->bytes);
    free(o->boot_log);
    free(o->boot);
    free(o->ima_list);
    *o = (struct ratls_observation){.source = ""};
}

struct ratls_slice ratls_observation_pcr(const struct ratls_observation *o, uint16_t bank,
                                         unsigned index)
{
    struct ratls_reader values = ratls_reader(o->evidence.pcr_values);

    for (size_t i = 0; o->has_quote && i < o->attest.selection.count; i++) {
        const struct ratls_pcr_bank *b = &o->attest.selection.banks[i];

        for (unsigned j = 0; j < RATLS_PCR_COUNT; j++) {
            struct ratls_slice value;

            if ((b->pcrs & UINT32_C(1) << j) == 0)
                continue;
            value = ratls_read_bytes(&values, ratls_tpm_hash_len(b->hash_alg));
            if (b->hash_alg == bank && j == index)
                return value;
        }
    }
    return ratls_slice(NULL, 0);
}
