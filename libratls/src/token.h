/*
 * A TimeStampToken (RFC 3161, 2.4.2): the reading of a clock, signed by whoever runs it. Nobody
 * can know it before the time that it tells. What it stamps (messageImprint) does not matter.
 */
#ifndef RATLS_TOKEN_H
#define RATLS_TOKEN_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_TOKEN_WHY_MAX 160

struct ratls_token {
    int64_t time;        /* genTime, seconds since 1970-01-01 UTC, rounded down */
    uint64_t accuracy_s; /* by how much the clock may be wrong, rounded up; 0: it does not say */
};

/*
 * What a token says, verified by nothing: for who prints it, and for who carries it. *ret_why is
 * the empty string, or says why the bytes are none. Outputs are set with RATLS_OK.
 */
RATLS_MUST_CHECK enum ratls_status ratls_token_read(struct ratls_slice der,
                                                    struct ratls_token *ret_token,
                                                    char ret_why[static RATLS_TOKEN_WHY_MAX],
                                                    struct ratls_error *err);

/* Whom a verifier believes the time: certificates of CAs, or of authorities themselves. */
struct ratls_authorities {
    X509 **certificates;
    size_t count;
};

/*
 * The same, and *ret_why says so too unless the token is signed, with SHA-256 or longer, by one of
 * the authorities or by whom one of them certified for nothing but timeStamping (RFC 3161, 2.3), as
 * of `now` (seconds since 1970-01-01 UTC).
 */
RATLS_MUST_CHECK enum ratls_status ratls_token_verify(struct ratls_slice der,
                                                      const struct ratls_authorities *authorities,
                                                      int64_t now, struct ratls_token *ret_token,
                                                      char ret_why[static RATLS_TOKEN_WHY_MAX],
                                                      struct ratls_error *err);

/* Whether a token, which was read, stamps this digest. */
bool ratls_token_stamps(struct ratls_slice der, struct ratls_slice digest);

/* Whether it is one of a CA, or of an authority itself: timeStamping, critical and alone. */
bool ratls_authority_valid(X509 *certificate);
bool ratls_authority_expired(const X509 *certificate, int64_t now);

/*
 * The token in what an authority answered (TimeStampResp, granted) or in a file: one of these, or
 * the token alone. Borrows from the bytes; empty if they are neither.
 */
struct ratls_slice ratls_token_find(struct ratls_slice bytes);

#endif
