#include "evidence.h"

#include <string.h>

#include "cbor.h"
#include "evidence_items.h"
#include "statement.h"

static void read_path(struct ratls_cbor *c, struct ratls_merkle_path *path)
{
    struct ratls_slice hashes;

    ratls_cbor_array(c, PATH_ITEMS, PATH_ITEMS);
    path->leaf_index = (uint32_t)ratls_cbor_uint(c, RATLS_MERKLE_LEAVES_MAX - 1);
    path->tree_size = (uint32_t)ratls_cbor_uint(c, RATLS_MERKLE_LEAVES_MAX);
    if (path->tree_size == 0)
        c->failed = true;
    hashes = ratls_cbor_bytes(c, 0, sizeof path->hashes);
    if (hashes.len % NODE_LEN != 0)
        c->failed = true;
    if (c->failed || hashes.len == 0)
        return;
    path->count = hashes.len / NODE_LEN;
    memcpy(path->hashes, hashes.p, hashes.len);
}

/* In full, or by its place among the keys that the request names. */
static void read_ak(struct ratls_cbor *c, struct ratls_evidence *evidence)
{
    evidence->is_ak_named = ratls_cbor_peek(c) == RATLS_CBOR_UINT;
    if (evidence->is_ak_named)
        evidence->ak_index = (size_t)ratls_cbor_uint(c, RATLS_KEY_IDS_MAX - 1);
    else
        evidence->ak_public = ratls_cbor_bytes(c, 1, RATLS_TPM_STRUCTURE_MAX);
}

static bool read_quote(struct ratls_slice in, struct ratls_evidence *evidence)
{
    struct ratls_cbor c = ratls_cbor(in);

    ratls_cbor_array(&c, QUOTE_ITEMS, QUOTE_ITEMS);
    evidence->statement = ratls_cbor_bytes(&c, 1, RATLS_STATEMENT_MAX);
    read_path(&c, &evidence->path);
    evidence->attest = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    evidence->signature = ratls_cbor_bytes(&c, 1, RATLS_TPM_STRUCTURE_MAX);
    read_ak(&c, evidence);
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
        evidence->has_quote = read_quote(
            read_numbered(c, QUOTE_CONTENT_FORMAT, QUOTE_MAX, EVIDENCE_INDICATOR), evidence);
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
    case TLS_KEY_LABEL:
        evidence->tls_key = read_evidence_record(c, TLS_KEY_MEDIA_TYPE, RATLS_TLS_KEY_ITEM_MAX);
        return evidence->has_quote;
    default:
        return read_next_certificate(c, label, evidence);
    }
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
