#include "capture.h"

#include <string.h>

#include "fail.h"

#define CAPTURE_LABEL "ratls-capture-1"
#define CAPTURE_FIELDS 11
#define UINT16_LIMIT 0xffff

static void read_fixed(struct ratls_cbor *c, uint8_t *out, size_t len)
{
    struct ratls_slice bytes = ratls_cbor_bytes(c, len, len);

    if (bytes.len == len)
        memcpy(out, bytes.p, len);
}

/* The pieces stay as they lie there, and are known to be well formed. */
static void read_more(struct ratls_cbor *c, struct ratls_capture *capture)
{
    capture->more_count = ratls_cbor_array(c, 0, RATLS_PIECES_MAX);
    capture->more = c->rest;
    for (size_t i = 0; i < capture->more_count; i++)
        ratls_cbor_bytes(c, 1, RATLS_EVIDENCE_MAX);
    if (!c->failed)
        capture->more.len -= c->rest.len;
}

bool ratls_capture_read(struct ratls_slice in, struct ratls_capture *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_capture capture = {.server_name = ""};
    struct ratls_expectation *e = &capture.expectation;
    struct ratls_slice name;

    ratls_cbor_array(&c, CAPTURE_FIELDS, CAPTURE_FIELDS);
    ratls_cbor_expect_text(&c, CAPTURE_LABEL);
    e->now = (int64_t)ratls_cbor_uint(&c, INT64_MAX);
    name = ratls_cbor_text(&c, 0, sizeof capture.server_name - 1);
    ratls_cbor_expect_uint(&c, RATLS_ROLE_SERVER);
    e->tls_version = (uint16_t)ratls_cbor_uint(&c, UINT16_LIMIT);
    e->cipher_suite = (uint16_t)ratls_cbor_uint(&c, UINT16_LIMIT);
    read_fixed(&c, e->nonce, sizeof e->nonce);
    read_fixed(&c, e->binder, sizeof e->binder);
    read_fixed(&c, e->spki_sha256, sizeof e->spki_sha256);
    capture.evidence = ratls_cbor_bytes(&c, 1, RATLS_EVIDENCE_MAX);
    read_more(&c, &capture);
    if (!ratls_cbor_done(&c))
        return false;
    e->mode = RATLS_MODE_HANDSHAKE;
    e->role = RATLS_ROLE_SERVER;
    if (name.len > 0)
        memcpy(capture.server_name, name.p, name.len);
    *ret = capture;
    ret->expectation.server_name = name.len > 0 ? ret->server_name : NULL;
    return true;
}

void ratls_capture_write(const struct ratls_expectation *expectation, struct ratls_slice evidence,
                         const struct ratls_pieces *more, struct ratls_writer *w)
{
    const struct ratls_expectation *e = expectation;
    const char *name = e->server_name == NULL ? "" : e->server_name;

    ratls_cbor_put_array(w, CAPTURE_FIELDS);
    ratls_cbor_put_text(w, ratls_slice(CAPTURE_LABEL, strlen(CAPTURE_LABEL)));
    ratls_cbor_put_uint(w, (uint64_t)e->now);
    ratls_cbor_put_text(w, ratls_slice(name, strlen(name)));
    ratls_cbor_put_uint(w, e->role);
    ratls_cbor_put_uint(w, e->tls_version);
    ratls_cbor_put_uint(w, e->cipher_suite);
    ratls_cbor_put_bytes(w, ratls_slice(e->nonce, sizeof e->nonce));
    ratls_cbor_put_bytes(w, ratls_slice(e->binder, sizeof e->binder));
    ratls_cbor_put_bytes(w, ratls_slice(e->spki_sha256, sizeof e->spki_sha256));
    ratls_cbor_put_bytes(w, evidence);
    ratls_cbor_put_array(w, more->count);
    for (size_t i = 0; i < more->count; i++)
        ratls_cbor_put_bytes(w, ratls_slice(more->items[i].p, more->items[i].len));
}

static enum ratls_status give_next(struct ratls_more *self, const struct ratls_log_request *request,
                                   struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct ratls_capture_more *more = (struct ratls_capture_more *)self;

    (void)request;
    if (more->left == 0)
        return ratls_fail(err, RATLS_REJECTED, "the capture has no more of the server's list");
    more->left--;
    *ret_evidence = ratls_cbor_bytes(&more->rest, 1, RATLS_EVIDENCE_MAX);
    return RATLS_OK;
}

struct ratls_capture_more ratls_capture_more(const struct ratls_capture *capture)
{
    return (struct ratls_capture_more){.more = {.fetch = give_next},
                                       .rest = ratls_cbor(capture->more),
                                       .left = capture->more_count};
}
