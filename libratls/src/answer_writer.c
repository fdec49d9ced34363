#include "answer_writer.h"

#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "piece.h"
#include "tpm_wire.h"

#define ANSWER_MAX ((16u << 20) + (64u << 10)) /* WIRE.md, 6; the reader has the same */

/* Where the next piece of the list begins, if this evidence has not all of it. */
static bool find_more(struct ratls_slice in, const struct ratls_answer_writer *writer,
                      uint64_t *ret_offset)
{
    struct ratls_evidence evidence;
    uint64_t end;

    if (!ratls_evidence_read(in, &evidence) || !evidence.has_ima)
        return false;
    end = evidence.ima.offset + evidence.ima.entries.len;
    if (evidence.ima.entries.len == 0 || end >= evidence.ima.total || writer->len >= ANSWER_MAX)
        return false;
    *ret_offset = end;
    return true;
}

static enum ratls_status fail_no_evidence(struct ratls_error *err)
{
    return ratls_fail(err, RATLS_USAGE, "the attester returned evidence that is none");
}

static enum ratls_status find_key_id(const struct ratls_evidence *evidence,
                                     const struct ratls_attest_request *request,
                                     uint8_t out[static RATLS_KEY_ID_LEN], struct ratls_error *err)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t hash[32];
    struct ratls_tpm_public ak;
    size_t len;
    enum ratls_status status;

    if (evidence->is_ak_named) {
        if (evidence->ak_index >= request->key_id_count)
            return fail_no_evidence(err);
        memcpy(out, request->key_ids[evidence->ak_index], RATLS_KEY_ID_LEN);
        return RATLS_OK;
    }
    if (!ratls_tpm_read_public(evidence->ak_public, &ak))
        return fail_no_evidence(err);
    status = ratls_tpm_name(&ak, name, &len, err);
    if (status == RATLS_OK)
        status = ratls_sha256(ratls_slice(name, len), hash, err);
    if (status == RATLS_OK)
        memcpy(out, hash, RATLS_KEY_ID_LEN);
    return status;
}

/* Which list the offsets of further requests count in: that of the quote (WIRE.md, 2). */
static enum ratls_status name_list(struct ratls_slice in,
                                   const struct ratls_attest_request *request,
                                   struct ratls_log_request *logs, struct ratls_error *err)
{
    struct ratls_evidence evidence;
    struct ratls_tpm_attest attest;
    enum ratls_status status;

    if (!ratls_evidence_read(in, &evidence) || !ratls_tpm_read_attest(evidence.attest, &attest))
        return fail_no_evidence(err);
    status = find_key_id(&evidence, request, logs->ima_key_id, err);
    if (status != RATLS_OK)
        return status;
    logs->ima_reset_count = attest.reset_count;
    logs->ima_restart_count = attest.restart_count;
    return RATLS_OK;
}

enum ratls_status
ratls_answer_writer_begin(struct ratls_attester *attester, const struct ratls_turn *turn,
                          const struct ratls_attest_request *request, uint8_t *evidence, size_t len,
                          struct ratls_answer_writer *ret, struct ratls_error *err)
{
    struct ratls_answer_writer writer = {.attester = attester,
                                         .turn = *turn,
                                         .evidence = evidence,
                                         .evidence_len = len,
                                         .more = *request,
                                         .len = len};
    enum ratls_status status = RATLS_OK;

    writer.more.selection.count = 0;
    writer.more.key_id_count = 0;
    writer.more.logs.boot_bank = 0;
    writer.has_more = find_more(ratls_slice(evidence, len), &writer, &writer.more.logs.ima_offset);
    if (writer.has_more)
        status = name_list(ratls_slice(evidence, len), request, &writer.more.logs, err);
    if (status == RATLS_OK)
        *ret = writer;
    else
        free(evidence);
    return status;
}

void ratls_answer_writer_end(struct ratls_answer_writer *writer)
{
    free(writer->evidence);
    *writer = (struct ratls_answer_writer){0};
}

/* False: it is not what was asked for; the answer then ends without it. */
static bool goes_on(const struct ratls_answer_writer *writer, struct ratls_slice in)
{
    struct ratls_evidence evidence;

    return ratls_evidence_read(in, &evidence) && !evidence.has_quote && evidence.has_ima &&
           evidence.ima.entries.len > 0 && evidence.ima.offset == writer->more.logs.ima_offset &&
           in.len <= ANSWER_MAX - writer->len;
}

/*
 * What is behind the piece that is written next. That it cannot be had ends the answer: the
 * verifier sees what is missing, and says how much.
 */
static void fetch_more(struct ratls_answer_writer *writer)
{
    struct ratls_attester *attester = writer->attester;
    uint8_t *evidence = NULL;
    size_t len = 0;

    writer->has_more = false;
    if (attester->attest(attester, &writer->more, &evidence, &len, NULL) != RATLS_OK)
        return;
    if (!goes_on(writer, ratls_slice(evidence, len))) {
        free(evidence);
        return;
    }
    writer->evidence = evidence;
    writer->evidence_len = len;
    writer->len += len;
    writer->has_more = find_more(ratls_slice(evidence, len), writer, &writer->more.logs.ima_offset);
}

enum ratls_status ratls_answer_writer_next(struct ratls_answer_writer *writer, uint8_t **ret_piece,
                                           size_t *ret_len, bool *ret_last, struct ratls_error *err)
{
    struct ratls_piece piece = {.turn = writer->turn};
    uint8_t *evidence = writer->evidence;
    size_t cap = RATLS_PIECE_HEAD_MAX + writer->evidence_len;
    struct ratls_writer w;
    uint8_t *out;

    if (evidence == NULL)
        return ratls_fail(err, RATLS_USAGE, "all pieces of the answer are written");
    out = malloc(cap);
    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    piece.evidence = ratls_slice(evidence, writer->evidence_len);
    writer->evidence = NULL;
    if (writer->has_more)
        fetch_more(writer);
    piece.is_last = writer->evidence == NULL;
    w = ratls_writer(out, cap);
    ratls_piece_write(&piece, &w);
    free(evidence);
    if (w.failed) {
        free(out);
        return ratls_fail(err, RATLS_USAGE, "the attester returned %zu bytes", piece.evidence.len);
    }
    *ret_piece = out;
    *ret_len = w.len;
    *ret_last = piece.is_last;
    return RATLS_OK;
}
