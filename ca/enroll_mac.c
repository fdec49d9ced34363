/* What ties the messages of an enrolment together (WIRE.md, 14.2). */
#include "enroll_message.h"

#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "tpm_kdf.h"

#define DIGEST_LEN 32

static const char TRANSCRIPT_LABEL[] = "ratls-enroll-1";
static const char ANSWER_LABEL[] = "ratls-enroll-answer-1";

/*
 * What else an attestation key signs begins with another byte: statements (0x00) and the nodes
 * above them (0x01).
 */
static const uint8_t QUOTE_PREFIX = 0x02;

/* The last item of a request, if it has no token: an empty array; else an array of two strings. */
static const uint8_t NO_TOKEN = 0x80;
#define TOKEN_LEN (1 + 1 + RATLS_ENROLL_TOKEN_ID_LEN + 2 + RATLS_ENROLL_MAC_LEN)

_Static_assert(sizeof TRANSCRIPT_LABEL - 1 + 2 * DIGEST_LEN == RATLS_ENROLL_TRANSCRIPT_LEN,
               "label and two digests");

static struct ratls_slice without_nul(const char *label)
{
    return ratls_slice(label, strlen(label));
}

/* A key of another length, such as none, is a mistake of this side. */
static enum ratls_status compute_mac(struct ratls_slice key, const struct ratls_slice *parts,
                                     size_t count, uint8_t *out, struct ratls_error *err)
{
    if (key.len != RATLS_ENROLL_MAC_LEN)
        return ratls_fail(err, RATLS_USAGE, "the key of a MAC has %zu bytes, not %d", key.len,
                          RATLS_ENROLL_MAC_LEN);
    return ratls_hmac(RATLS_ALG_SHA256, key, parts, count, out, err);
}

enum ratls_status ratls_enroll_transcript(struct ratls_slice request, struct ratls_slice challenge,
                                          uint8_t out[static RATLS_ENROLL_TRANSCRIPT_LEN],
                                          struct ratls_error *err)
{
    uint8_t of_request[DIGEST_LEN], of_challenge[DIGEST_LEN];
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_TRANSCRIPT_LEN);
    enum ratls_status status = ratls_sha256(request, of_request, err);

    if (status == RATLS_OK)
        status = ratls_sha256(challenge, of_challenge, err);
    if (status != RATLS_OK)
        return status;
    ratls_write_bytes(&w, without_nul(TRANSCRIPT_LABEL));
    ratls_write_bytes(&w, ratls_slice(of_request, sizeof of_request));
    ratls_write_bytes(&w, ratls_slice(of_challenge, sizeof of_challenge));
    return RATLS_OK;
}

enum ratls_status ratls_enroll_answer_key(struct ratls_slice secret,
                                          uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                          struct ratls_error *err)
{
    const struct ratls_slice label = without_nul(ANSWER_LABEL);

    return compute_mac(secret, &label, 1, out, err);
}

enum ratls_status ratls_enroll_mac(struct ratls_slice answer_key,
                                   const uint8_t transcript[static RATLS_ENROLL_TRANSCRIPT_LEN],
                                   uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                   struct ratls_error *err)
{
    const struct ratls_slice part = ratls_slice(transcript, RATLS_ENROLL_TRANSCRIPT_LEN);

    return compute_mac(answer_key, &part, 1, out, err);
}

enum ratls_status
ratls_enroll_extra_data(const uint8_t transcript[static RATLS_ENROLL_TRANSCRIPT_LEN],
                        uint8_t out[static 32], struct ratls_error *err)
{
    const struct ratls_slice parts[] = {
        ratls_slice(&QUOTE_PREFIX, sizeof QUOTE_PREFIX),
        ratls_slice(transcript, RATLS_ENROLL_TRANSCRIPT_LEN),
    };

    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, out, err);
}

/* The token is the last item, in one form only: all before it stays as it is. */
enum ratls_status ratls_enroll_token_mac(struct ratls_slice token_sha256,
                                         struct ratls_slice request,
                                         uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                         struct ratls_error *err)
{
    struct ratls_enroll_request read;
    struct ratls_slice parts[2] = {request, ratls_slice(&NO_TOKEN, sizeof NO_TOKEN)};

    if (!ratls_enroll_request_read(request, &read))
        return ratls_fail(err, RATLS_MALFORMED, "this is no request for enrolment");
    parts[0].len -= read.token_id.len == 0 ? sizeof NO_TOKEN : TOKEN_LEN;
    return compute_mac(token_sha256, parts, sizeof parts / sizeof *parts, out, err);
}
