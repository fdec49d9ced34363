/*
 * What a machine and a CA say to each other until the machine's attestation key has a certificate,
 * and what ties these messages together (WIRE.md, 14).
 */
#ifndef RATLS_CA_ENROLL_MESSAGE_H
#define RATLS_CA_ENROLL_MESSAGE_H

#include <ratls/error.h>

#include "bytes.h"

/* Of whole messages, in bytes: WIRE.md, 6. */
#define RATLS_ENROLL_REQUEST_MAX 32768
#define RATLS_ENROLL_CHALLENGE_MAX 4096
#define RATLS_ENROLL_ANSWER_MAX 4096
#define RATLS_ENROLL_RESULT_MAX 32768

#define RATLS_ENROLL_NONCE_LEN 32
#define RATLS_ENROLL_ID_LEN 16
#define RATLS_ENROLL_TOKEN_ID_LEN 8
#define RATLS_ENROLL_MAC_LEN 32        /* also of the keys of MACs */
#define RATLS_ENROLL_TRANSCRIPT_LEN 78 /* a label of 14 bytes and two digests */
#define RATLS_ENROLL_NAMES_MAX 16
#define RATLS_ENROLL_EK_CERTIFICATES_MAX 8

/* The slices of what was read borrow from the message. */
struct ratls_enroll_request {
    struct ratls_slice nonce;
    /*
     * Each as ratls_name_normalise() makes it, but no wildcard and no IPv6 address with an IPv4
     * address in it; ascending, none twice.
     */
    struct ratls_slice names[RATLS_ENROLL_NAMES_MAX];
    size_t name_count;
    unsigned ek_template;         /* enum ratls_ek_template */
    struct ratls_slice ek_public; /* TPMT_PUBLIC */
    struct ratls_slice ek_certificates[RATLS_ENROLL_EK_CERTIFICATES_MAX]; /* DER, the EK's first */
    size_t ek_certificate_count;
    struct ratls_slice ak_public;           /* TPMT_PUBLIC */
    struct ratls_slice token_id, token_mac; /* both empty: without a token */
};

struct ratls_enroll_challenge {
    struct ratls_slice id;
    struct ratls_slice request_sha256;
    uint64_t expires;                   /* seconds since 1970 UTC, for people */
    struct ratls_slice credential_blob; /* for TPM2_ActivateCredential, without size fields */
    struct ratls_slice encrypted_secret;
};

struct ratls_enroll_answer {
    struct ratls_slice id; /* of the challenge */
    struct ratls_slice mac;
    struct ratls_slice attest;    /* TPMS_ATTEST */
    struct ratls_slice signature; /* TPMT_SIGNATURE */
};

#define RATLS_ENROLL_CERTIFICATES_MAX 3

struct ratls_enroll_result {
    struct ratls_slice id;                                          /* of the challenge */
    struct ratls_slice certificates[RATLS_ENROLL_CERTIFICATES_MAX]; /* DER, the AK's first */
    size_t certificate_count;
};

/*
 * A reader is false for all that its writer would not have written: field by field, and as a whole.
 * It looks into no certificate and no structure of a TPM. A writer fails where the reader would.
 */
bool ratls_enroll_request_read(struct ratls_slice in, struct ratls_enroll_request *ret_request);
void ratls_enroll_request_write(const struct ratls_enroll_request *request, struct ratls_writer *w);
bool ratls_enroll_challenge_read(struct ratls_slice in,
                                 struct ratls_enroll_challenge *ret_challenge);
void ratls_enroll_challenge_write(const struct ratls_enroll_challenge *challenge,
                                  struct ratls_writer *w);
bool ratls_enroll_answer_read(struct ratls_slice in, struct ratls_enroll_answer *ret_answer);
void ratls_enroll_answer_write(const struct ratls_enroll_answer *answer, struct ratls_writer *w);
bool ratls_enroll_result_read(struct ratls_slice in, struct ratls_enroll_result *ret_result);
void ratls_enroll_result_write(const struct ratls_enroll_result *result, struct ratls_writer *w);

/* What an answer is about: request and challenge, byte for byte as this side has them. */
RATLS_MUST_CHECK enum ratls_status
ratls_enroll_transcript(struct ratls_slice request, struct ratls_slice challenge,
                        uint8_t out[static RATLS_ENROLL_TRANSCRIPT_LEN], struct ratls_error *err);

/*
 * The key of an answer's MAC, of the secret (32 bytes) in the credential: who checks answers keeps
 * this key, and need not keep the secret. RATLS_USAGE for a secret of another length; so for the
 * keys below.
 */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_answer_key(struct ratls_slice secret,
                                                           uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                                           struct ratls_error *err);

/* The MAC of an answer. It is compared with ratls_slice_equal(). */
RATLS_MUST_CHECK enum ratls_status
ratls_enroll_mac(struct ratls_slice answer_key,
                 const uint8_t transcript[static RATLS_ENROLL_TRANSCRIPT_LEN],
                 uint8_t out[static RATLS_ENROLL_MAC_LEN], struct ratls_error *err);

/* The extraData of an answer's quote. */
RATLS_MUST_CHECK enum ratls_status
ratls_enroll_extra_data(const uint8_t transcript[static RATLS_ENROLL_TRANSCRIPT_LEN],
                        uint8_t out[static 32], struct ratls_error *err);

/*
 * The MAC of a request by a token, of which the SHA-256 is enough. The same whether the request has
 * its token already or not. RATLS_MALFORMED if it is no request.
 */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_token_mac(struct ratls_slice token_sha256,
                                                          struct ratls_slice request,
                                                          uint8_t out[static RATLS_ENROLL_MAC_LEN],
                                                          struct ratls_error *err);

#endif
