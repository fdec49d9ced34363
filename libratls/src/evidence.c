#include "evidence.h"

#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "fail.h"
#include "statement.h"
#include "tpm_wire.h"

/* The labels, the types and the indicators of the CMW collection (WIRE.md, 3). */
#define QUOTE_LABEL 1
#define QUOTE_MEDIA_TYPE "application/vnd.ratls.quote+cbor"
#define CERTIFICATE_LABEL 2 /* of the first one */
#define CERTIFICATE_CONTENT_FORMAT 287
#define BOOT_LOG_LABEL 5
#define BOOT_LOG_MEDIA_TYPE "application/vnd.ratls.boot-log"
#define IMA_LABEL 6
#define IMA_MEDIA_TYPE "application/vnd.ratls.ima-list+cbor"
#define TOKEN_LABEL 7
#define TOKEN_MEDIA_TYPE "application/vnd.ratls.timestamp-token"
#define SESSION_LABEL 8
#define SESSION_MEDIA_TYPE "application/vnd.ratls.session+cbor"
#define ENDORSEMENT_INDICATOR 2 /* of certificates and token */
#define EVIDENCE_INDICATOR 4    /* of all others */
#define RECORD_ITEMS 3
#define RESULT_LABEL 9
#define RESULT_CONTENT_FORMAT 263 /* application/eat+cwt, RFC 9782 */
#define RESULT_INDICATOR 8
#define ITEMS_MAX RESULT_LABEL
#define EPOCH_ITEMS 2

#define QUOTE_ITEMS 6
#define QUOTE_MAX 12288 /* more than the limits of its items allow */
#define PATH_ITEMS 3
#define NODE_LEN 32
#define SESSION_MAX 1024 /* more than the limits of its items allow */
#define IMA_HEADS_MAX 4 /* that the two heads around entries grow, from none to as many as can be  \
                         */

/* Around a certificate: label, array, content format and two heads of at most 3 bytes. */
#define CERTIFICATE_OVERHEAD_MAX 16
#define RECORD_OVERHEAD_MAX 64

/*
 * The IMA list takes what the others leave. Quote, certificates and boot log always fit. A token
 * beside the largest of all of them would not, which no machine has: then nothing is written.
 */
_Static_assert(2 * RECORD_OVERHEAD_MAX + QUOTE_MAX + RATLS_BOOT_LOG_MAX +
                       RATLS_CERTIFICATES_MAX *
                           (RATLS_CERTIFICATE_MAX + CERTIFICATE_OVERHEAD_MAX) <=
                   RATLS_EVIDENCE_MAX,
               "a quote and the logs of the boot fit the extension at their largest");

static void read_path(struct ratls_cbor *c, struct ratls_merkle_path *path)
{
    ratls_cbor_array(c, PATH_ITEMS, PATH_ITEMS);
    path->leaf_index = (uint32_t)ratls_cbor_uint(c, RATLS_MERKLE_LEAVES_MAX - 1);
    path->tree_size = (uint32_t)ratls_cbor_uint(c, RATLS_MERKLE_LEAVES_MAX);
    if (path->tree_size == 0)
        c->failed = true;
    path->count = ratls_cbor_array(c, 0, RATLS_MERKLE_DEPTH_MAX);
    for (size_t i = 0; i < path->count; i++) {
        struct ratls_slice hash = ratls_cbor_bytes(c, NODE_LEN, NODE_LEN);

        if (!c->failed)
            memcpy(path->hashes[i], hash.p, hash.len);
    }
}

static bool read_quote(struct ratls_slice in, struct ratls_evidence *evidence)
{
    struct ratls_cbor c = ratls_cbor(in);

    ratls_cbor_array(&c, QUOTE_ITEMS, QUOTE_ITEMS);
    evidence->statement = ratls_cbor_bytes(&c, 1, RATLS_STATEMENT_MAX);
    read_path(&c, &evidence->path);
    evidence->attest = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    evidence->signature = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    evidence->ak_public = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    evidence->pcr_values = ratls_cbor_bytes(&c, 1, RATLS_PCR_VALUES_MAX);
    return ratls_cbor_done(&c);
}

/* A record of evidence, behind its label. */
static struct ratls_slice read_record(struct ratls_cbor *c, const char *media_type, size_t max,
                                      uint64_t indicator)
{
    struct ratls_slice value;

    ratls_cbor_array(c, RECORD_ITEMS, RECORD_ITEMS);
    ratls_cbor_expect_text(c, media_type);
    value = ratls_cbor_bytes(c, 1, max);
    ratls_cbor_expect_uint(c, indicator);
    return value;
}

/* A record whose type is a Content-Format. */
static struct ratls_slice read_numbered(struct ratls_cbor *c, uint64_t format, size_t max,
                                        uint64_t indicator)
{
    struct ratls_slice value;

    ratls_cbor_array(c, RECORD_ITEMS, RECORD_ITEMS);
    ratls_cbor_expect_uint(c, format);
    value = ratls_cbor_bytes(c, 1, max);
    ratls_cbor_expect_uint(c, indicator);
    return value;
}

static struct ratls_slice read_evidence_record(struct ratls_cbor *c, const char *media_type,
                                               size_t max)
{
    return read_record(c, media_type, max, EVIDENCE_INDICATOR);
}

/* A certificate needs the one before it, and the first one the quote. */
static bool read_next_certificate(struct ratls_cbor *c, uint64_t label,
                                  struct ratls_evidence *evidence)
{
    size_t *count = &evidence->certificate_count;

    if (!evidence->has_quote || label != CERTIFICATE_LABEL + *count)
        return false;
    evidence->certificates[(*count)++] =
        read_numbered(c, CERTIFICATE_CONTENT_FORMAT, RATLS_CERTIFICATE_MAX, ENDORSEMENT_INDICATOR);
    return true;
}

static bool read_item(struct ratls_cbor *c, uint64_t label, struct ratls_evidence *evidence)
{
    switch (label) {
    case QUOTE_LABEL:
        evidence->has_quote =
            read_quote(read_evidence_record(c, QUOTE_MEDIA_TYPE, QUOTE_MAX), evidence);
        return evidence->has_quote;
    case BOOT_LOG_LABEL:
        evidence->boot_log = read_evidence_record(c, BOOT_LOG_MEDIA_TYPE, RATLS_BOOT_LOG_MAX);
        return true;
    case IMA_LABEL:
        evidence->has_ima = ratls_ima_slice_read(
            read_evidence_record(c, IMA_MEDIA_TYPE, RATLS_EVIDENCE_MAX), &evidence->ima);
        return evidence->has_ima;
    case TOKEN_LABEL:
        evidence->token = read_record(c, TOKEN_MEDIA_TYPE, RATLS_TOKEN_MAX, ENDORSEMENT_INDICATOR);
        return evidence->has_quote;
    case SESSION_LABEL:
        return evidence->token.len != 0 &&
               ratls_epoch_session_read(read_evidence_record(c, SESSION_MEDIA_TYPE, SESSION_MAX),
                                        &evidence->session);
    case RESULT_LABEL:
        evidence->result =
            read_numbered(c, RESULT_CONTENT_FORMAT, RATLS_RESULT_MAX, RESULT_INDICATOR);
        return evidence->has_quote;
    default:
        return read_next_certificate(c, label, evidence);
    }
}

/* Items 7 and 8 are both there, or neither. */
static bool is_epoch_whole(const struct ratls_evidence *evidence)
{
    return (evidence->token.len != 0) == (evidence->session.key.len != 0);
}

bool ratls_evidence_read(struct ratls_slice in, struct ratls_evidence *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_evidence evidence = {0};
    size_t items = ratls_cbor_map(&c, 1, ITEMS_MAX);
    uint64_t last = 0;

    if (in.len > RATLS_EVIDENCE_MAX)
        return false;
    for (size_t i = 0; i < items; i++) {
        uint64_t label = ratls_cbor_uint(&c, ITEMS_MAX);

        if (c.failed || label <= last || !read_item(&c, label, &evidence))
            return false;
        last = label;
    }
    if (!ratls_cbor_done(&c) || !is_epoch_whole(&evidence))
        return false;
    *ret = evidence;
    return true;
}

static bool is_within(struct ratls_slice bytes, size_t max)
{
    return bytes.len >= 1 && bytes.len <= max;
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
           is_within(evidence->signature, RATLS_TPM_STRUCTURE_MAX) &&
           is_within(evidence->ak_public, RATLS_TPM_STRUCTURE_MAX) &&
           is_within(evidence->pcr_values, RATLS_PCR_VALUES_MAX);
}

/* Whether the reader would take it: what one side writes, no other side has to puzzle over. */
static bool is_writable(const struct ratls_evidence *evidence)
{
    if (evidence->boot_log.len > RATLS_BOOT_LOG_MAX || evidence->result.len > RATLS_RESULT_MAX ||
        !is_epoch_whole(evidence))
        return false;
    if (evidence->has_ima && !ratls_ima_slice_valid(&evidence->ima))
        return false;
    if (evidence->has_quote)
        return is_quote_writable(evidence);
    return evidence->certificate_count == 0 && evidence->token.len == 0 &&
           evidence->result.len == 0 && (evidence->boot_log.len != 0 || evidence->has_ima);
}

static void write_quote(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    const struct ratls_merkle_path *path = &evidence->path;

    ratls_cbor_put_array(w, QUOTE_ITEMS);
    ratls_cbor_put_bytes(w, evidence->statement);
    ratls_cbor_put_array(w, PATH_ITEMS);
    ratls_cbor_put_uint(w, path->leaf_index);
    ratls_cbor_put_uint(w, path->tree_size);
    ratls_cbor_put_array(w, path->count);
    for (size_t i = 0; i < path->count; i++)
        ratls_cbor_put_bytes(w, ratls_slice(path->hashes[i], NODE_LEN));
    ratls_cbor_put_bytes(w, evidence->attest);
    ratls_cbor_put_bytes(w, evidence->signature);
    ratls_cbor_put_bytes(w, evidence->ak_public);
    ratls_cbor_put_bytes(w, evidence->pcr_values);
}

static void write_certificate_start(size_t i, size_t len, struct ratls_writer *w)
{
    ratls_cbor_put_uint(w, CERTIFICATE_LABEL + i);
    ratls_cbor_put_array(w, RECORD_ITEMS);
    ratls_cbor_put_uint(w, CERTIFICATE_CONTENT_FORMAT);
    ratls_cbor_put_bytes_head(w, len);
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
    write_record_start(QUOTE_LABEL, QUOTE_MEDIA_TYPE, counter.len, w);
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
    ratls_cbor_put_uint(w, RESULT_LABEL);
    ratls_cbor_put_array(w, RECORD_ITEMS);
    ratls_cbor_put_uint(w, RESULT_CONTENT_FORMAT);
    ratls_cbor_put_bytes(w, result);
    ratls_cbor_put_uint(w, RESULT_INDICATOR);
}

static size_t count_items(const struct ratls_evidence *evidence)
{
    return (size_t)evidence->has_quote + evidence->certificate_count +
           (size_t)(evidence->boot_log.len != 0) + (size_t)evidence->has_ima +
           (evidence->token.len != 0 ? EPOCH_ITEMS : 0) + (size_t)(evidence->result.len != 0);
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

/* Hashes the pieces where they lie: a copy of the certificates would need 24 KiB. */
enum ratls_status ratls_evidence_manifest(const struct ratls_evidence *evidence,
                                          uint8_t out[static 32], struct ratls_error *err)
{
    uint8_t frame[1 + RATLS_CERTIFICATES_MAX * CERTIFICATE_OVERHEAD_MAX + RECORD_OVERHEAD_MAX];
    struct ratls_writer w = ratls_writer(frame, sizeof frame);
    struct ratls_slice parts[1 + 2 * (RATLS_CERTIFICATES_MAX + 1)];
    const bool has_token = evidence->token.len != 0;
    size_t count = 0;
    size_t begin = 0;

    if (evidence->certificate_count > RATLS_CERTIFICATES_MAX)
        return ratls_fail(err, RATLS_LIMIT, "%zu certificates in evidence, at most %d",
                          evidence->certificate_count, RATLS_CERTIFICATES_MAX);
    ratls_cbor_put_map(&w, evidence->certificate_count + (size_t)has_token);
    for (size_t i = 0; i < evidence->certificate_count + (size_t)has_token; i++) {
        const bool is_token = i == evidence->certificate_count;
        struct ratls_slice bytes = is_token ? evidence->token : evidence->certificates[i];

        if (is_token)
            write_record_start(TOKEN_LABEL, TOKEN_MEDIA_TYPE, bytes.len, &w);
        else
            write_certificate_start(i, bytes.len, &w);
        parts[count++] = ratls_slice(frame + begin, w.len - begin);
        parts[count++] = bytes;
        begin = w.len;
        ratls_cbor_put_uint(&w, ENDORSEMENT_INDICATOR);
    }
    parts[count++] = ratls_slice(frame + begin, w.len - begin);
    return ratls_digest(RATLS_ALG_SHA256, parts, count, out, err);
}
