#include "evidence.h"

#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "fail.h"
#include "statement.h"

/* The labels, the types and the indicators of the CMW collection (WIRE.md, 3). */
#define QUOTE_LABEL 1
#define QUOTE_MEDIA_TYPE "application/vnd.ratls.quote+cbor"
#define QUOTE_INDICATOR 4
#define CERTIFICATE_LABEL 2 /* of the first one */
#define CERTIFICATE_CONTENT_FORMAT 287
#define CERTIFICATE_INDICATOR 2
#define RECORD_ITEMS 3

#define QUOTE_ITEMS 6
#define QUOTE_MAX 16384 /* more than the limits of its items allow */
#define PATH_ITEMS 3
#define NODE_LEN 32

/* Around a certificate: label, array, content format and two heads of at most 3 bytes. */
#define CERTIFICATE_OVERHEAD_MAX 16
#define QUOTE_OVERHEAD_MAX 64

/* So the limits of the items are enough: nothing longer than evidence may be can be well formed. */
_Static_assert(QUOTE_OVERHEAD_MAX + QUOTE_MAX +
                       RATLS_CERTIFICATES_MAX *
                           (RATLS_CERTIFICATE_MAX + CERTIFICATE_OVERHEAD_MAX) <=
                   RATLS_EVIDENCE_MAX,
               "the largest evidence fits the extension");

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

static struct ratls_slice read_certificate(struct ratls_cbor *c, size_t i)
{
    struct ratls_slice der;

    ratls_cbor_expect_uint(c, CERTIFICATE_LABEL + i);
    ratls_cbor_array(c, RECORD_ITEMS, RECORD_ITEMS);
    ratls_cbor_expect_uint(c, CERTIFICATE_CONTENT_FORMAT);
    der = ratls_cbor_bytes(c, 1, RATLS_CERTIFICATE_MAX);
    ratls_cbor_expect_uint(c, CERTIFICATE_INDICATOR);
    return der;
}

bool ratls_evidence_read(struct ratls_slice in, struct ratls_evidence *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_evidence evidence = {0};
    struct ratls_slice quote;
    size_t items = ratls_cbor_map(&c, 1, 1 + RATLS_CERTIFICATES_MAX);

    ratls_cbor_expect_uint(&c, QUOTE_LABEL);
    ratls_cbor_array(&c, RECORD_ITEMS, RECORD_ITEMS);
    ratls_cbor_expect_text(&c, QUOTE_MEDIA_TYPE);
    quote = ratls_cbor_bytes(&c, 1, QUOTE_MAX);
    ratls_cbor_expect_uint(&c, QUOTE_INDICATOR);
    while (!c.failed && evidence.certificate_count + 1 < items) {
        evidence.certificates[evidence.certificate_count] =
            read_certificate(&c, evidence.certificate_count);
        evidence.certificate_count++;
    }
    if (!ratls_cbor_done(&c) || !read_quote(quote, &evidence))
        return false;
    *ret = evidence;
    return true;
}

static bool is_within(struct ratls_slice bytes, size_t max)
{
    return bytes.len >= 1 && bytes.len <= max;
}

/* Whether the reader would take it: what one side writes, no other side has to puzzle over. */
static bool is_writable(const struct ratls_evidence *evidence)
{
    const struct ratls_merkle_path *path = &evidence->path;

    if (evidence->certificate_count > RATLS_CERTIFICATES_MAX)
        return false;
    for (size_t i = 0; i < evidence->certificate_count; i++)
        if (!is_within(evidence->certificates[i], RATLS_CERTIFICATE_MAX))
            return false;
    return path->leaf_index < RATLS_MERKLE_LEAVES_MAX && path->tree_size >= 1 &&
           path->tree_size <= RATLS_MERKLE_LEAVES_MAX && path->count <= RATLS_MERKLE_DEPTH_MAX &&
           is_within(evidence->statement, RATLS_STATEMENT_MAX) &&
           is_within(evidence->attest, RATLS_TPM_STRUCTURE_MAX) &&
           is_within(evidence->signature, RATLS_TPM_STRUCTURE_MAX) &&
           is_within(evidence->ak_public, RATLS_TPM_STRUCTURE_MAX) &&
           is_within(evidence->pcr_values, RATLS_PCR_VALUES_MAX);
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

static void write_certificate_end(struct ratls_writer *w)
{
    ratls_cbor_put_uint(w, CERTIFICATE_INDICATOR);
}

void ratls_evidence_write(const struct ratls_evidence *evidence, struct ratls_writer *w)
{
    struct ratls_writer counter = ratls_writer(NULL, QUOTE_MAX);

    if (!is_writable(evidence)) {
        w->failed = true;
        return;
    }
    write_quote(evidence, &counter);
    ratls_cbor_put_map(w, 1 + evidence->certificate_count);
    ratls_cbor_put_uint(w, QUOTE_LABEL);
    ratls_cbor_put_array(w, RECORD_ITEMS);
    ratls_cbor_put_text(w, ratls_slice(QUOTE_MEDIA_TYPE, sizeof QUOTE_MEDIA_TYPE - 1));
    ratls_cbor_put_bytes_head(w, counter.len);
    write_quote(evidence, w);
    ratls_cbor_put_uint(w, QUOTE_INDICATOR);
    for (size_t i = 0; i < evidence->certificate_count; i++) {
        write_certificate_start(i, evidence->certificates[i].len, w);
        ratls_write_bytes(w, evidence->certificates[i]);
        write_certificate_end(w);
    }
}

/* Hashes the pieces where they lie: a copy of the certificates would need 24 KiB. */
enum ratls_status ratls_evidence_manifest(const struct ratls_evidence *evidence,
                                          uint8_t out[static 32], struct ratls_error *err)
{
    uint8_t frame[1 + RATLS_CERTIFICATES_MAX * CERTIFICATE_OVERHEAD_MAX];
    struct ratls_writer w = ratls_writer(frame, sizeof frame);
    struct ratls_slice parts[1 + 2 * RATLS_CERTIFICATES_MAX];
    size_t count = 0;
    size_t begin = 0;

    if (evidence->certificate_count > RATLS_CERTIFICATES_MAX)
        return ratls_fail(err, RATLS_LIMIT, "%zu certificates in evidence, at most %d",
                          evidence->certificate_count, RATLS_CERTIFICATES_MAX);
    ratls_cbor_put_map(&w, evidence->certificate_count);
    for (size_t i = 0; i < evidence->certificate_count; i++) {
        write_certificate_start(i, evidence->certificates[i].len, &w);
        parts[count++] = ratls_slice(frame + begin, w.len - begin);
        parts[count++] = evidence->certificates[i];
        begin = w.len;
        write_certificate_end(&w);
    }
    parts[count++] = ratls_slice(frame + begin, w.len - begin);
    return ratls_digest(RATLS_ALG_SHA256, parts, count, out, err);
}
