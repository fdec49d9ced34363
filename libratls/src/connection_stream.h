/*
 * The stream of a connection: frames over its SSL, in both directions, or the program's bytes as
 * they are where the sides did not agree on frames.
 */
#ifndef RATLS_CONNECTION_STREAM_H
#define RATLS_CONNECTION_STREAM_H

#include <openssl/ssl.h>

#include <ratls/connection.h>

#include "frame.h"

#define RATLS_RECORD_MAX 16384 /* of plaintext: RFC 8446, 5.1 */

/* Bytes that wait to be written. */
struct ratls_outgoing {
    uint8_t *p;
    size_t len, at, cap;
};

struct ratls_stream {
    SSL *ssl; /* borrowed */
    bool is_framed;
    bool is_early; /* a server that writes behind its own Finished: RFC 8446, 2 */

    uint8_t *in; /* what came in one record; made at the first */
    size_t in_len, in_at;
    struct ratls_frame_head head; /* of the frame that is being read: */
    size_t left;                  /* bytes of it that were not handed out; 0: there is none */
    uint8_t *control;             /* its head, or the frame itself, unless it is data */
    size_t control_len, control_cap;

    struct ratls_outgoing frames; /* all but data */
    struct ratls_outgoing data;   /* at most one frame of it */
    struct ratls_outgoing *going; /* of which one a part is written: it must be ended first */
    bool is_mid_record;           /* OpenSSL has a record that the transport did not take */
};

void ratls_stream_free(struct ratls_stream *stream);

/* What came: a part of the program's data, or a whole frame of another type. */
struct ratls_received {
    enum ratls_frame_type type;
    struct ratls_slice bytes; /* until the next call; data: until ratls_stream_consume() */
};

/*
 * RATLS_DONE, RATLS_WANT_..., RATLS_CLOSED, or RATLS_FAILED: RATLS_MALFORMED if these are no
 * frames. Data that was not consumed comes again.
 */
enum ratls_outcome ratls_stream_receive(struct ratls_stream *stream, struct ratls_received *ret,
                                        struct ratls_error *err);
void ratls_stream_consume(struct ratls_stream *stream, size_t len);

/* Queues a frame; head and payload in one, or the payload of several parts. */
RATLS_MUST_CHECK enum ratls_status ratls_stream_queue(struct ratls_stream *stream,
                                                      enum ratls_frame_type type,
                                                      struct ratls_slice payload,
                                                      struct ratls_error *err);
/* Queues data, as much as one frame takes, if there is none. *ret_len: how much. */
RATLS_MUST_CHECK enum ratls_status ratls_stream_queue_data(struct ratls_stream *stream,
                                                           struct ratls_slice bytes,
                                                           size_t *ret_len,
                                                           struct ratls_error *err);
/* RATLS_DONE: nothing is left. */
enum ratls_outcome ratls_stream_flush(struct ratls_stream *stream, struct ratls_error *err);
bool ratls_stream_is_flushed(const struct ratls_stream *stream);
/* Forgets what was not written, and what was not read. */
void ratls_stream_drop(struct ratls_stream *stream);

/* What a call of OpenSSL on a connection's SSL came to. */
enum ratls_outcome ratls_outcome_of(SSL *ssl, int result, struct ratls_error *err);

#endif
