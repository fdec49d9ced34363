#include "connection_stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "tls_pause.h"

static void free_outgoing(struct ratls_outgoing *outgoing)
{
    if (outgoing->p != NULL)
        OPENSSL_cleanse(outgoing->p, outgoing->cap);
    free(outgoing->p);
    *outgoing = (struct ratls_outgoing){0};
}

void ratls_stream_drop(struct ratls_stream *stream)
{
    free_outgoing(&stream->frames);
    free_outgoing(&stream->data);
    stream->going = NULL;
    if (stream->in != NULL)
        OPENSSL_cleanse(stream->in, RATLS_RECORD_MAX);
    stream->in_len = stream->in_at = stream->left = 0;
}

void ratls_stream_free(struct ratls_stream *stream)
{
    ratls_stream_drop(stream);
    free(stream->in);
    free(stream->control);
    stream->in = stream->control = NULL;
}

enum ratls_outcome ratls_outcome_of(SSL *ssl, int result, struct ratls_error *err)
{
    const int cause = errno;

    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_NONE:
        return RATLS_DONE;
    case SSL_ERROR_WANT_READ:
        return RATLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return RATLS_WANT_WRITE;
    case SSL_ERROR_WANT_ASYNC: /* the program has set SSL_MODE_ASYNC */
        if (ratls_pause_fd(ratls_channel_of(ssl)) >= 0)
            return RATLS_WANT_ATTESTER;
        ratls_fail(err, RATLS_USAGE, "OpenSSL waits for a job that is none of the attester's");
        return RATLS_FAILED;
    case SSL_ERROR_ZERO_RETURN:
        return RATLS_CLOSED;
    case SSL_ERROR_SYSCALL:
        ratls_fail(err, RATLS_IO, "the other side is gone: %s",
                   cause == 0 ? "it did not close the connection in order" : strerror(cause));
        return RATLS_FAILED;
    default:
        ratls_fail_openssl(err, "TLS");
        return RATLS_FAILED;
    }
}

/* One record, if nothing of the last one is left. */
static enum ratls_outcome read_record(struct ratls_stream *stream, struct ratls_error *err)
{
    size_t len = 0;
    int result;

    if (stream->in == NULL && (stream->in = malloc(RATLS_RECORD_MAX)) == NULL) {
        ratls_fail(err, RATLS_MEMORY, "out of memory");
        return RATLS_FAILED;
    }
    ERR_clear_error();
    errno = 0;
    result = SSL_read_ex(stream->ssl, stream->in, RATLS_RECORD_MAX, &len);
    if (result != 1)
        return ratls_outcome_of(stream->ssl, result, err);
    stream->in_at = 0;
    stream->in_len = len;
    return RATLS_DONE;
}

/* At the end of what came (close_notify) no frame may be open. */
static enum ratls_outcome read_more(struct ratls_stream *stream, struct ratls_error *err)
{
    enum ratls_outcome outcome = read_record(stream, err);

    if (outcome != RATLS_CLOSED || (stream->left == 0 && stream->control_len == 0))
        return outcome;
    ratls_fail(err, RATLS_MALFORMED, "the other side closed the connection within a frame");
    return RATLS_FAILED;
}

static enum ratls_outcome fail_frame(struct ratls_error *err)
{
    ratls_fail(err, RATLS_MALFORMED, "the other side sent bytes that are no frame");
    return RATLS_FAILED;
}

/* Moves bytes of the record into the frame that is being put together, up to `until` of them. */
static void gather(struct ratls_stream *stream, size_t until)
{
    size_t len = until - stream->control_len;

    if (len > stream->in_len - stream->in_at)
        len = stream->in_len - stream->in_at;
    memcpy(stream->control + stream->control_len, stream->in + stream->in_at, len);
    stream->control_len += len;
    stream->in_at += len;
}

/* The room for a frame grows with the first frame that needs it: few connections have long ones. */
static bool make_room(struct ratls_stream *stream, size_t len, struct ratls_error *err)
{
    uint8_t *grown;

    if (len <= stream->control_cap)
        return true;
    grown = realloc(stream->control, len);
    if (grown == NULL) {
        ratls_fail(err, RATLS_MEMORY, "out of memory");
        return false;
    }
    stream->control = grown;
    stream->control_cap = len;
    return true;
}

/* The head of a frame may come in several records. RATLS_DONE: it is there. */
static enum ratls_outcome read_head(struct ratls_stream *stream, struct ratls_error *err)
{
    if (!make_room(stream, RATLS_FRAME_HEAD, err))
        return RATLS_FAILED;
    while (stream->control_len < RATLS_FRAME_HEAD) {
        if (stream->in_at == stream->in_len) {
            enum ratls_outcome outcome = read_more(stream, err);

            if (outcome != RATLS_DONE)
                return outcome;
        }
        gather(stream, RATLS_FRAME_HEAD);
    }
    if (!ratls_frame_read(ratls_slice(stream->control, RATLS_FRAME_HEAD), &stream->head))
        return fail_frame(err);
    stream->left = stream->head.len;
    stream->control_len = 0;
    if (stream->head.type != RATLS_FRAME_DATA && !make_room(stream, stream->head.len, err))
        return RATLS_FAILED;
    return RATLS_DONE;
}

static enum ratls_outcome hand_out(struct ratls_stream *stream, struct ratls_received *ret)
{
    size_t len = stream->in_len - stream->in_at;

    if (stream->is_framed && len > stream->left)
        len = stream->left;
    *ret = (struct ratls_received){.type = RATLS_FRAME_DATA,
                                   .bytes = ratls_slice(stream->in + stream->in_at, len)};
    return RATLS_DONE;
}

enum ratls_outcome ratls_stream_receive(struct ratls_stream *stream, struct ratls_received *ret,
                                        struct ratls_error *err)
{
    enum ratls_outcome outcome = RATLS_DONE;

    if (stream->is_framed && stream->left == 0)
        outcome = read_head(stream, err);
    while (outcome == RATLS_DONE) {
        if (stream->in_at == stream->in_len)
            outcome = read_more(stream, err);
        if (outcome != RATLS_DONE)
            return outcome;
        if (!stream->is_framed || stream->head.type == RATLS_FRAME_DATA)
            return hand_out(stream, ret);
        gather(stream, stream->head.len);
        if (stream->control_len == stream->head.len) {
            *ret =
                (struct ratls_received){.type = stream->head.type,
                                        .bytes = ratls_slice(stream->control, stream->control_len)};
            stream->control_len = stream->left = 0;
            return RATLS_DONE;
        }
    }
    return outcome;
}

void ratls_stream_consume(struct ratls_stream *stream, size_t len)
{
    OPENSSL_cleanse(stream->in + stream->in_at, len);
    stream->in_at += len;
    if (stream->is_framed)
        stream->left -= len;
}

/* What is written goes first: a queue that is never empty would grow for ever. */
static bool reserve(struct ratls_outgoing *outgoing, size_t len)
{
    uint8_t *grown;

    if (outgoing->cap - outgoing->len >= len)
        return true;
    if (outgoing->at != 0) {
        outgoing->len -= outgoing->at;
        memmove(outgoing->p, outgoing->p + outgoing->at, outgoing->len);
        outgoing->at = 0;
        if (outgoing->cap - outgoing->len >= len)
            return true;
    }
    grown = realloc(outgoing->p, outgoing->len + len);
    if (grown == NULL)
        return false;
    outgoing->p = grown;
    outgoing->cap = outgoing->len + len;
    return true;
}

static enum ratls_status append(struct ratls_outgoing *outgoing,
                                const struct ratls_frame_head *head, struct ratls_slice payload,
                                struct ratls_error *err)
{
    size_t head_len = head == NULL ? 0 : RATLS_FRAME_HEAD;
    struct ratls_writer w;

    if (!reserve(outgoing, head_len + payload.len))
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(outgoing->p + outgoing->len, head_len + payload.len);
    if (head != NULL)
        ratls_frame_write(head, &w);
    ratls_write_bytes(&w, payload);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "a frame of %zu bytes", payload.len);
    outgoing->len += w.len;
    return RATLS_OK;
}

enum ratls_status ratls_stream_queue(struct ratls_stream *stream, enum ratls_frame_type type,
                                     struct ratls_slice payload, struct ratls_error *err)
{
    const struct ratls_frame_head head = {.type = type, .len = payload.len};

    return append(&stream->frames, &head, payload, err);
}

enum ratls_status ratls_stream_queue_data(struct ratls_stream *stream, struct ratls_slice bytes,
                                          size_t *ret_len, struct ratls_error *err)
{
    size_t most = stream->is_framed ? RATLS_FRAME_DATA_MAX : RATLS_RECORD_MAX;
    size_t len = bytes.len < most ? bytes.len : most;
    const struct ratls_frame_head head = {.type = RATLS_FRAME_DATA, .len = len};
    enum ratls_status status =
        append(&stream->data, stream->is_framed ? &head : NULL, ratls_slice(bytes.p, len), err);

    if (status == RATLS_OK)
        *ret_len = len;
    return status;
}

static enum ratls_outcome write_some(struct ratls_stream *stream, struct ratls_outgoing *outgoing,
                                     struct ratls_error *err)
{
    size_t len = outgoing->len - outgoing->at;
    enum ratls_outcome outcome;
    size_t written = 0;
    int result;

    if (len > RATLS_RECORD_MAX)
        len = RATLS_RECORD_MAX;
    ERR_clear_error();
    errno = 0;
    result = stream->is_early
                 ? SSL_write_early_data(stream->ssl, outgoing->p + outgoing->at, len, &written)
                 : SSL_write_ex(stream->ssl, outgoing->p + outgoing->at, len, &written);
    outcome = result == 1 ? RATLS_DONE : ratls_outcome_of(stream->ssl, result, err);
    stream->is_mid_record = outcome == RATLS_WANT_WRITE;
    outgoing->at += written;
    return outcome;
}

/* What is begun goes first, then what keeps the connection alive. */
static struct ratls_outgoing *choose(struct ratls_stream *stream)
{
    if (stream->going != NULL)
        return stream->going;
    if (stream->frames.len != 0)
        return &stream->frames;
    return stream->data.len != 0 ? &stream->data : NULL;
}

enum ratls_outcome ratls_stream_flush(struct ratls_stream *stream, struct ratls_error *err)
{
    for (;;) {
        enum ratls_outcome outcome;

        stream->going = choose(stream);
        if (stream->going == NULL)
            return RATLS_DONE;
        outcome = write_some(stream, stream->going, err);
        if (outcome != RATLS_DONE)
            return outcome;
        if (stream->going->at == stream->going->len) {
            stream->going->at = stream->going->len = 0;
            stream->going = NULL;
        }
    }
}

bool ratls_stream_is_flushed(const struct ratls_stream *stream)
{
    return stream->frames.len == 0 && stream->data.len == 0;
}
