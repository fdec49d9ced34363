#include "cose.h"

#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "crypto_ecdsa.h"
#include "fail.h"

#define SIGN1_TAG 18 /* RFC 9052, 2 */
#define SIGN1_ITEMS 4
#define HEADER_ITEMS 2
#define HEADER_ALG 1          /* RFC 9052, 3.1 */
#define HEADER_CONTENT_TYPE 3 /* likewise; a CoAP Content-Format */
#define EAT_CWT 263           /* application/eat+cwt, RFC 9782 */
#define HEADER_MAX 16
#define CONTEXT "Signature1" /* RFC 9052, 4.4 */
#define FRAME_MAX 32         /* what stands around header and payload in what is signed */

static bool read_header(struct ratls_slice in, int64_t *ret_alg)
{
    struct ratls_cbor c = ratls_cbor(in);
    int64_t alg;

    ratls_cbor_map(&c, HEADER_ITEMS, HEADER_ITEMS);
    ratls_cbor_expect_uint(&c, HEADER_ALG);
    alg = ratls_cbor_int(&c, INT32_MIN, INT32_MAX);
    ratls_cbor_expect_uint(&c, HEADER_CONTENT_TYPE);
    ratls_cbor_expect_uint(&c, EAT_CWT);
    if (!ratls_cbor_done(&c))
        return false;
    *ret_alg = alg;
    return true;
}

bool ratls_cose_read(struct ratls_slice in, struct ratls_cose *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_cose cose = {0};

    if (in.len > RATLS_COSE_MAX || ratls_cbor_tag(&c) != SIGN1_TAG)
        return false;
    ratls_cbor_array(&c, SIGN1_ITEMS, SIGN1_ITEMS);
    cose.header = ratls_cbor_bytes(&c, 1, HEADER_MAX);
    ratls_cbor_map(&c, 0, 0); /* what is not protected has no say */
    cose.payload = ratls_cbor_bytes(&c, 1, RATLS_COSE_MAX);
    cose.signature = ratls_cbor_bytes(&c, 1, RATLS_ECDSA_MAX);
    if (!ratls_cbor_done(&c) || !read_header(cose.header, &cose.alg))
        return false;
    *ret = cose;
    return true;
}

/* Sig_structure (RFC 9052, 4.4), of which header and payload stay where they are. */
struct to_be_signed {
    uint8_t frame[FRAME_MAX];
    struct ratls_slice parts[4];
};

static void frame_parts(struct ratls_slice header, struct ratls_slice payload,
                        struct to_be_signed *ret)
{
    struct ratls_writer w = ratls_writer(ret->frame, sizeof ret->frame);
    size_t begin;

    ratls_cbor_put_array(&w, SIGN1_ITEMS);
    ratls_cbor_put_text(&w, ratls_slice(CONTEXT, strlen(CONTEXT)));
    ratls_cbor_put_bytes_head(&w, header.len);
    ret->parts[0] = ratls_writer_slice(&w);
    ret->parts[1] = header;
    begin = w.len;
    ratls_cbor_put_bytes(&w, ratls_slice(NULL, 0)); /* external_aad */
    ratls_cbor_put_bytes_head(&w, payload.len);
    ret->parts[2] = ratls_slice(ret->frame + begin, w.len - begin);
    ret->parts[3] = payload;
}

enum ratls_status ratls_cose_verify(const struct ratls_cose *cose, EVP_PKEY *key, bool *ret_valid,
                                    struct ratls_error *err)
{
    const struct ratls_ecdsa *algorithm = ratls_ecdsa_of(key);
    struct to_be_signed signed_bytes;

    if (algorithm != NULL && cose->alg != algorithm->cose) {
        *ret_valid = false;
        return RATLS_OK;
    }
    frame_parts(cose->header, cose->payload, &signed_bytes);
    return ratls_ecdsa_verify(key, signed_bytes.parts, 4, cose->signature, ret_valid, err);
}

static void write_header(const struct ratls_ecdsa *algorithm, struct ratls_writer *w)
{
    ratls_cbor_put_map(w, HEADER_ITEMS);
    ratls_cbor_put_uint(w, HEADER_ALG);
    ratls_cbor_put_int(w, algorithm->cose);
    ratls_cbor_put_uint(w, HEADER_CONTENT_TYPE);
    ratls_cbor_put_uint(w, EAT_CWT);
}

static void write_whole(const struct ratls_cose *cose, struct ratls_writer *w)
{
    ratls_cbor_put_tag(w, SIGN1_TAG);
    ratls_cbor_put_array(w, SIGN1_ITEMS);
    ratls_cbor_put_bytes(w, cose->header);
    ratls_cbor_put_map(w, 0);
    ratls_cbor_put_bytes(w, cose->payload);
    ratls_cbor_put_bytes(w, cose->signature);
}

static enum ratls_status write_new(const struct ratls_cose *cose, uint8_t **ret_bytes,
                                   size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(NULL, RATLS_COSE_MAX);
    uint8_t *bytes;

    write_whole(cose, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "the result has more than %d bytes", RATLS_COSE_MAX);
    bytes = malloc(w.len);
    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(bytes, w.len);
    write_whole(cose, &w);
    *ret_bytes = bytes;
    *ret_len = w.len;
    return RATLS_OK;
}

enum ratls_status ratls_cose_sign(EVP_PKEY *key, struct ratls_slice payload, uint8_t **ret_bytes,
                                  size_t *ret_len, struct ratls_error *err)
{
    const struct ratls_ecdsa *algorithm = ratls_ecdsa_of(key);
    uint8_t header[HEADER_MAX], signature[RATLS_ECDSA_MAX];
    struct ratls_writer w = ratls_writer(header, sizeof header);
    struct to_be_signed signed_bytes;
    struct ratls_cose cose = {.payload = payload};
    size_t len = 0;
    enum ratls_status status;

    if (algorithm == NULL)
        return ratls_fail(err, RATLS_USAGE, "the key is not an ECDSA key on P-256 or P-384");
    write_header(algorithm, &w);
    cose.header = ratls_writer_slice(&w);
    frame_parts(cose.header, payload, &signed_bytes);
    status = ratls_ecdsa_sign(key, signed_bytes.parts, 4, signature, &len, err);
    if (status != RATLS_OK)
        return status;
    cose.signature = ratls_slice(signature, len);
    return write_new(&cose, ret_bytes, ret_len, err);
}
