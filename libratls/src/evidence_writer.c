/* Evidence as it is sent, and what the statement says of it. */
#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "evidence.h"
#include "evidence_items.h"
#include "fail.h"
#include "statement.h"

#define MANIFEST_LEN 32
/* That the two heads around entries grow, from none to as many as can be. */
#define IMA_HEADS_MAX 4

/* Around a certificate: label, array, content format and two heads of at most 3 bytes. */
#define CERTIFICATE_OVERHEAD_MAX 16
#define RECORD_OVERHEAD_MAX 64

/*
 * The IMA list takes what the others leave. Quote, certificates, boot log and proof of the TLS key
 * always fit. A token beside the largest of all of them would not, which no machine has: then
 * nothing is written.
 */
_Static_assert(3 * RECORD_OVERHEAD_MAX + QUOTE_MAX + RATLS_BOOT_LOG_MAX + RATLS_TLS_KEY_ITEM_MAX +
                       RATLS_CERTIFICATES_MAX *
                           (RATLS_CERTIFICATE_MAX + CERTIFICATE_OVERHEAD_MAX) <=
                   RATLS_EVIDENCE_MAX,
               "a quote and the logs of the boot fit the extension at their largest");

static bool is_within(struct ratls_slice bytes, size_t max)
{
    return bytes.len >= 1 && bytes.len <= max;
}

static bool is_ak_writable(const struct ratls_evidence *evidence)
{
    if (evidence->is_ak_named)
        return evidence->ak_public.len == 0 && evidence->ak_index < RATLS_KEY_IDS_MAX;
    return is_within(evidence->ak_public, RATLS_TPM_STRUCTURE_MAX);
}

static bool is_quote_writable(const struct ratls_evidence *evidence)
{
    const struct ratls_merkle_path *path = &evidence->path;

    if (evidence->certificate_count > RATLS_CERTIFICATES_MAX)
        return false;
    for (size_t i = 0; i < evidence->certificate_count; i++)
        if (!is_within(evidence->certificates[i], RATLS_CERTIFICATE_MAX))
            return false;
    if (evidence->token.len != 0 &&
        (evidence->token.len > RATLS_TOKEN_MAX || !ratls_epoch_session_valid(&evidence->session)))
        return false;
    return path->leaf_index < RATLS_MERKLE_LEAVES_MAX && path->tree_size >= 1 &&
           path->tree_size <= RATLS_MERKLE_LEAVES_MAX && path->count <= RATLS_MERKLE_DEPTH_MAX &&
           is_within(evidence->statement, RATLS_STATEMENT_MAX) &&
           is_within(evidence->attest, RATLS_TPM_STRUCTURE_MAX) &&
           is_within(evidence->signature, RATLS_TPM_STRUCTURE_MAX) && is_ak_writable(evidence) &&
           is_within(evidence->pcr_values, RATLS_PCR_VALUES_MAX);
}

/* Whether the reader would take it: what one side writes, no other side has to puzzle over. */
static bool is_writable(const struct ratls_evidence *evidence)
{
    if (evidence->boot_log.len > RATLS_BOOT_LOG_MAX || evidence->result.len > RATLS_RESULT_MAX ||
        evidence->tls_key.len > RATLS_TLS_KEY_ITEM_MAX || !is_epoch_whole(evidence))
        return false;
    if (evidence->has_ima && !ratls_ima_slice_valid(&evidence->ima))
        return false;
    if (evidence->has_quote)
        return is_quote_writable(evidence);
    return evidence->certificate_count == 0 && evidence->token.len == 0 &&
           evidence->result.len == 0 && evidence->tls_key.len == 0 &&
           (evidence->boot_log.len != 0 || evidence->has_ima);
}

static void write_quote(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    const struct ratls_merkle_path *path = &evidence->path;

    ratls_cbor_put_array(w, QUOTE_ITEMS);
    ratls_cbor_put_bytes(w, evidence->statement);
    ratls_cbor_put_array(w, PATH_ITEMS);
    ratls_cbor_put_uint(w, path->leaf_index);
    ratls_cbor_put_uint(w, path->tree_size);
    ratls_cbor_put_bytes(w, ratls_slice(path->hashes, path->count * NODE_LEN));
    ratls_cbor_put_bytes(w, evidence->attest);
    ratls_cbor_put_bytes(w, evidence->signature);
    if (evidence->is_ak_named)
        ratls_cbor_put_uint(w, evidence->ak_index);
    else
        ratls_cbor_put_bytes(w, evidence->ak_public);
    ratls_cbor_put_bytes(w, evidence->pcr_values);
}

/* Of a record whose type is a Content-Format. */
static void write_numbered_start(uint64_t label, uint64_t format, size_t len,
                                 struct ratls_writer *w)
{
    ratls_cbor_put_uint(w, label);
    ratls_cbor_put_array(w, RECORD_ITEMS);
    ratls_cbor_put_uint(w, format);
    ratls_cbor_put_bytes_head(w, len);
}

static void write_certificate_start(size_t i, size_t len, struct ratls_writer *w)
{
    write_numbered_start(CERTIFICATE_LABEL + i, CERTIFICATE_CONTENT_FORMAT, len, w);
}

static void write_record_start(uint64_t label, const char *media_type, size_t len,
                               struct ratls_writer *w)
{
    ratls_cbor_put_uint(w, label);
    ratls_cbor_put_array(w, RECORD_ITEMS);
    ratls_cbor_put_text(w, ratls_slice(media_type, strlen(media_type)));
    ratls_cbor_put_bytes_head(w, len);
}

static void write_quote_record(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    struct ratls_writer counter = ratls_writer(NULL, QUOTE_MAX);

    write_quote(evidence, &counter);
    write_numbered_start(QUOTE_LABEL, QUOTE_CONTENT_FORMAT, counter.len, w);
    write_quote(evidence, w);
    ratls_cbor_put_uint(w, EVIDENCE_INDICATOR);
    for (size_t i = 0; i < evidence->certificate_count; i++) {
        write_certificate_start(i, evidence->certificates[i].len, w);
        ratls_write_bytes(w, evidence->certificates[i]);
        ratls_cbor_put_uint(w, ENDORSEMENT_INDICATOR);
    }
}

static void write_log_records(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    struct ratls_writer counter = ratls_writer(NULL, RATLS_EVIDENCE_MAX);

    if (evidence->boot_log.len != 0) {
        write_record_start(BOOT_LOG_LABEL, BOOT_LOG_MEDIA_TYPE, evidence->boot_log.len, w);
        ratls_write_bytes(w, evidence->boot_log);
        ratls_cbor_put_uint(w, EVIDENCE_INDICATOR);
    }
    if (!evidence->has_ima)
        return;
    ratls_ima_slice_write(&evidence->ima, &counter);
    if (counter.failed)
        w->failed = true;
    write_record_start(IMA_LABEL, IMA_MEDIA_TYPE, counter.len, w);
    ratls_ima_slice_write(&evidence->ima, w);
    ratls_cbor_put_uint(w, EVIDENCE_INDICATOR);
}

static void write_epoch_records(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    struct ratls_writer counter = ratls_writer(NULL, SESSION_MAX);

    if (evidence->token.len == 0)
        return;
    write_record_start(TOKEN_LABEL, TOKEN_MEDIA_TYPE, evidence->token.len, w);
    ratls_write_bytes(w, evidence->token);
    ratls_cbor_put_uint(w, ENDORSEMENT_INDICATOR);
    ratls_epoch_session_write(&evidence->session, &counter);
    write_record_start(SESSION_LABEL, SESSION_MEDIA_TYPE, counter.len, w);
    ratls_epoch_session_write(&evidence->session, w);
    ratls_cbor_put_uint(w, EVIDENCE_INDICATOR);
}

static void write_result(struct ratls_slice result, struct ratls_writer *w)
{
    write_numbered_start(RESULT_LABEL, RESULT_CONTENT_FORMAT, result.len, w);
    ratls_write_bytes(w, result);
    ratls_cbor_put_uint(w, RESULT_INDICATOR);
}

static void write_tls_key(struct ratls_slice item, struct ratls_writer *w)
{
    write_record_start(TLS_KEY_LABEL, TLS_KEY_MEDIA_TYPE, item.len, w);
    ratls_write_bytes(w, item);
    ratls_cbor_put_uint(w, EVIDENCE_INDICATOR);
}

static size_t count_items(const struct ratls_evidence *evidence)
{
    return (size_t)evidence->has_quote + evidence->certificate_count +
           (size_t)(evidence->boot_log.len != 0) + (size_t)evidence->has_ima +
           (evidence->token.len != 0 ? EPOCH_ITEMS : 0) + (size_t)(evidence->result.len != 0) +
           (size_t)(evidence->tls_key.len != 0);
}

void ratls_evidence_write(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    size_t begin = w->len;

    if (!is_writable(evidence)) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_map(w, count_items(evidence));
    if (evidence->has_quote)
        write_quote_record(evidence, w);
    write_log_records(evidence, w);
    write_epoch_records(evidence, w);
    if (evidence->result.len != 0)
        write_result(evidence->result, w);
    if (evidence->tls_key.len != 0)
        write_tls_key(evidence->tls_key, w);
    if (w->len - begin > RATLS_EVIDENCE_MAX)
        w->failed = true;
}

size_t ratls_evidence_ima_room(const struct ratls_evidence *evidence)
{
    struct ratls_writer counter = ratls_writer(NULL, RATLS_EVIDENCE_MAX);
    struct ratls_evidence with_ima = *evidence;

    with_ima.has_ima = true;
    with_ima.ima = (struct ratls_ima_slice){
        .list_alg = RATLS_ALG_SHA256, .offset = UINT64_MAX, .total = UINT64_MAX};
    ratls_evidence_write(&with_ima, &counter);
    if (counter.failed || RATLS_EVIDENCE_MAX - counter.len < IMA_HEADS_MAX)
        return 0;
    return RATLS_EVIDENCE_MAX - counter.len - IMA_HEADS_MAX;
}

/* A collection that is hashed: the frame around its records, and what is in them. */
struct manifest {
    uint8_t frame[1 + RATLS_CERTIFICATES_MAX * CERTIFICATE_OVERHEAD_MAX + 2 * RECORD_OVERHEAD_MAX];
    struct ratls_writer w; /* of the frame */
    size_t begin;          /* of what is no part yet */
    struct ratls_slice parts[1 + 2 * (RATLS_CERTIFICATES_MAX + 2)];
    size_t count;
};

static void add_part(struct manifest *m)
{
    m->parts[m->count++] = ratls_slice(m->frame + m->begin, m->w.len - m->begin);
    m->begin = m->w.len;
}

/* The record's start was written to the frame. */
static void add_record(struct manifest *m, struct ratls_slice bytes, uint64_t indicator)
{
    add_part(m);
    m->parts[m->count++] = bytes;
    ratls_cbor_put_uint(&m->w, indicator);
}

/* Hashes the pieces where they lie: a copy of the certificates would need 24 KiB. */
enum ratls_status ratls_evidence_manifest(const struct ratls_evidence *evidence,
                                          uint8_t out[static 32], struct ratls_slice *ret_manifest,
                                          struct ratls_error *err)
{
    const size_t items = evidence->certificate_count + (size_t)(evidence->token.len != 0) +
                         (size_t)(evidence->tls_key.len != 0);
    struct manifest m;
    enum ratls_status status;

    if (evidence->certificate_count > RATLS_CERTIFICATES_MAX)
        return ratls_fail(err, RATLS_LIMIT, "%zu certificates in evidence, at most %d",
                          evidence->certificate_count, RATLS_CERTIFICATES_MAX);
    if (items == 0) {
        *ret_manifest = ratls_slice(out, 0);
        return RATLS_OK;
    }
    m.w = ratls_writer(m.frame, sizeof m.frame);
    m.begin = m.count = 0;
    ratls_cbor_put_map(&m.w, items);
    for (size_t i = 0; i < evidence->certificate_count; i++) {
        write_certificate_start(i, evidence->certificates[i].len, &m.w);
        add_record(&m, evidence->certificates[i], ENDORSEMENT_INDICATOR);
    }
    if (evidence->token.len != 0) {
        write_record_start(TOKEN_LABEL, TOKEN_MEDIA_TYPE, evidence->token.len, &m.w);
        add_record(&m, evidence->token, ENDORSEMENT_INDICATOR);
    }
    if (evidence->tls_key.len != 0) {
        write_record_start(TLS_KEY_LABEL, TLS_KEY_MEDIA_TYPE, evidence->tls_key.len, &m.w);
        add_record(&m, evidence->tls_key, EVIDENCE_INDICATOR);
    }
    add_part(&m);
    status = ratls_digest(RATLS_ALG_SHA256, m.parts, m.count, out, err);
    if (status == RATLS_OK)
        *ret_manifest = ratls_slice(out, MANIFEST_LEN);
    return status;
}
