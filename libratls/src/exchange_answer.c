/* The side that attests, for programs that wait for the whole answer. */
#include <stdlib.h>
#include <string.h>

#include "answer_writer.h"
#include "exchange.h"
#include "fail.h"
#include "tls_peer.h"

/* The answer as it grows. */
struct buffer {
    uint8_t *p;
    size_t len;
};

static enum ratls_status append(struct buffer *buffer, struct ratls_slice bytes,
                                struct ratls_error *err)
{
    uint8_t *grown = realloc(buffer->p, buffer->len + bytes.len);

    if (grown == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(grown + buffer->len, bytes.p, bytes.len);
    buffer->p = grown;
    buffer->len += bytes.len;
    return RATLS_OK;
}

static enum ratls_status write_pieces(struct ratls_answer_writer *writer, struct buffer *buffer,
                                      struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    bool is_last = false;

    while (status == RATLS_OK && !is_last) {
        uint8_t *piece = NULL;
        size_t len;

        status = ratls_answer_writer_next(writer, &piece, &len, &is_last, err);
        if (status == RATLS_OK)
            status = append(buffer, ratls_slice(piece, len), err);
        free(piece);
    }
    return status;
}

static enum ratls_status attest(struct ratls_attester *attester, const struct ratls_turn *turn,
                                const struct ratls_attest_request *request, struct buffer *buffer,
                                struct ratls_error *err)
{
    struct ratls_answer_writer writer = {0};
    uint8_t *evidence = NULL;
    size_t len = 0;
    enum ratls_status status = attester->attest(attester, request, &evidence, &len, err);

    if (status != RATLS_OK)
        return ratls_fail(err, status, "the attester gave no reason");
    status = ratls_answer_writer_begin(attester, turn, request, evidence, len, &writer, err);
    if (status == RATLS_OK)
        status = write_pieces(&writer, buffer, err);
    ratls_answer_writer_end(&writer);
    return status;
}

/* Before the challenge is counted: it can be answered later. */
static enum ratls_status check_quota(SSL *ssl, struct ratls_error *err)
{
    struct ratls_channel *channel = ratls_channel_begin(ssl);

    if (channel == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (ratls_quota_take(&channel->challenges, ratls_peer_now_ms()))
        return RATLS_OK;
    return ratls_fail(err, RATLS_LIMIT,
                      "the other side asks for evidence too often: more than %d times in a second",
                      RATLS_CHALLENGES_PER_S);
}

enum ratls_status ratls_exchange_answer(SSL *ssl, enum ratls_role role,
                                        struct ratls_attester *attester, const uint8_t *challenge,
                                        size_t challenge_len, uint8_t **ret_answer, size_t *ret_len,
                                        struct ratls_error *ret_error)
{
    struct ratls_attest_request request;
    struct ratls_challenge read;
    struct ratls_turn turn = {0};
    struct buffer buffer = {0};
    enum ratls_status status;

    if (!ratls_challenge_read(ratls_slice(challenge, challenge_len), &read))
        return ratls_fail(ret_error, RATLS_MALFORMED, "%zu bytes that are no challenge",
                          challenge_len);
    turn.counter = read.counter;
    status = ratls_exchange_request(ssl, role, &read.request, &turn, &request, ret_error);
    if (status == RATLS_OK)
        status = check_quota(ssl, ret_error);
    if (status == RATLS_OK)
        status = ratls_exchange_count(ssl, turn.counter, ret_error);
    if (status == RATLS_OK)
        status = attest(attester, &turn, &request, &buffer, ret_error);
    if (status != RATLS_OK) {
        free(buffer.p);
        return status;
    }
    *ret_answer = buffer.p;
    *ret_len = buffer.len;
    return RATLS_OK;
}
