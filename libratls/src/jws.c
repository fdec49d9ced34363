#include "jws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64url.h"
#include "crypto_ecdsa.h"
#include "fail.h"
#include "result_json.h"

#define TYPE "eat+jwt" /* of application/eat+jwt: RFC 9782; RFC 8725, 3.11 */
#define HEADER_MAX 64
#define HEADER_TEXT_MAX 1024 /* that is read */

/* Up to the next full stop, which is taken too. */
static struct ratls_slice take_part(struct ratls_slice *rest)
{
    const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->p, '.', rest->len);
    struct ratls_slice part = *rest;

    if (end == NULL) {
        *rest = ratls_slice(NULL, 0);
        return part;
    }
    part.len = (size_t)(end - rest->p);
    rest->p += part.len + 1;
    rest->len -= part.len + 1;
    return part;
}

static enum ratls_status read_header(struct ratls_slice text, struct ratls_jws *jws,
                                     struct ratls_error *err)
{
    uint8_t header[RATLS_BASE64URL_BYTES(HEADER_TEXT_MAX)];
    size_t len = 0;

    if (text.len > HEADER_TEXT_MAX || !ratls_base64url_read(text, header, &len))
        return ratls_fail(err, RATLS_MALFORMED, "not a JWT: its header is not base64url");
    return ratls_result_json_alg(ratls_slice(header, len), jws->alg, sizeof jws->alg, err);
}

/* A file of text often ends its last line. */
static struct ratls_slice trim(struct ratls_slice text)
{
    while (text.len > 0 && (text.p[text.len - 1] == '\n' || text.p[text.len - 1] == '\r'))
        text.len--;
    return text;
}

static enum ratls_status read_parts(struct ratls_slice text, struct ratls_jws *jws,
                                    struct ratls_error *err)
{
    struct ratls_slice rest = text;
    struct ratls_slice header = take_part(&rest), payload = take_part(&rest);

    if (rest.len == 0 || rest.len > RATLS_BASE64URL_LEN(RATLS_ECDSA_MAX) ||
        !ratls_base64url_read(payload, jws->payload, &jws->payload_len) ||
        !ratls_base64url_read(rest, jws->signature, &jws->signature_len))
        return ratls_fail(err, RATLS_MALFORMED, "not a JWT: not three parts in base64url");
    jws->signed_text = ratls_slice(text.p, header.len + 1 + payload.len);
    return read_header(header, jws, err);
}

enum ratls_status ratls_jws_read(struct ratls_slice text, struct ratls_jws **ret_jws,
                                 struct ratls_error *err)
{
    struct ratls_jws *jws;
    enum ratls_status status;

    text = trim(text);
    if (text.len > RATLS_JWS_MAX)
        return ratls_fail(err, RATLS_MALFORMED, "not a JWT: more than %d characters",
                          RATLS_JWS_MAX);
    jws = calloc(1, sizeof *jws);
    if (jws == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = read_parts(text, jws, err);
    if (status != RATLS_OK)
        free(jws);
    else
        *ret_jws = jws;
    return status;
}

enum ratls_status ratls_jws_verify(const struct ratls_jws *jws, EVP_PKEY *key, bool *ret_valid,
                                   struct ratls_error *err)
{
    const struct ratls_ecdsa *algorithm = ratls_ecdsa_of(key);

    if (algorithm != NULL && strcmp(jws->alg, algorithm->jose) != 0) {
        *ret_valid = false;
        return RATLS_OK;
    }
    return ratls_ecdsa_verify(key, &jws->signed_text, 1,
                              ratls_slice(jws->signature, jws->signature_len), ret_valid, err);
}

/* Header and payload, in order. */
static void write_signed(const struct ratls_ecdsa *algorithm, struct ratls_slice payload,
                         struct ratls_writer *w)
{
    char header[HEADER_MAX];
    int len =
        snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"%s\"}", algorithm->jose, TYPE);

    ratls_base64url_write(ratls_slice(header, (size_t)len), w);
    ratls_write_u8(w, '.');
    ratls_base64url_write(payload, w);
}

enum ratls_status ratls_jws_sign(EVP_PKEY *key, struct ratls_slice payload, uint8_t **ret_text,
                                 size_t *ret_len, struct ratls_error *err)
{
    const struct ratls_ecdsa *algorithm = ratls_ecdsa_of(key);
    uint8_t *text = malloc(RATLS_JWS_MAX);
    struct ratls_writer w = ratls_writer(text, RATLS_JWS_MAX);
    uint8_t signature[RATLS_ECDSA_MAX];
    struct ratls_slice signed_text;
    size_t len = 0;
    enum ratls_status status = RATLS_OK;

    if (text == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (algorithm == NULL) {
        status = ratls_fail(err, RATLS_USAGE, "the key is not an ECDSA key on P-256 or P-384");
        goto out;
    }
    write_signed(algorithm, payload, &w);
    signed_text = ratls_writer_slice(&w);
    status = ratls_ecdsa_sign(key, &signed_text, 1, signature, &len, err);
    if (status != RATLS_OK)
        goto out;
    ratls_write_u8(&w, '.');
    ratls_base64url_write(ratls_slice(signature, len), &w);
    if (w.failed) {
        status =
            ratls_fail(err, RATLS_LIMIT, "the result has more than %d characters", RATLS_JWS_MAX);
        goto out;
    }
    *ret_text = text;
    *ret_len = w.len;
    text = NULL;
out:
    free(text);
    return status;
}
