/*
 * A CA: what it says to a request, to an answer, and to who asks again. The commands of `ratls ca`
 * and the service are the two ways to it, and share all of this.
 *
 * A call returns RATLS_OK if the CA could work; then the answer says what it decided, and never
 * "yes" by default. Whatever is refused is in the audit log. RATLS_IO: the store could not be
 * asked, and nothing was decided; the same call may be made again.
 *
 * `now` is in seconds since 1970-01-01 UTC.
 */
#ifndef RATLS_CA_CA_H
#define RATLS_CA_CA_H

#include <ratls/error.h>

#include "bytes.h"

struct ratls_ca; /* one for each thread */
struct ratls_ca_config;
struct ratls_issuers;
struct ratls_store;

/* How a request came: it decides how long its challenge lives, and nothing else. */
enum ratls_ca_way { RATLS_CA_FILES, RATLS_CA_SERVICE };

#define RATLS_CA_DETAIL_MAX 1024
#define RATLS_CA_WAITING_PER_EK 8 /* requests of one endorsement key that wait for approval */
#define RATLS_CA_UNDONE_PER_EK 32 /* that got a challenge, without a certificate so far */

struct ratls_ca_answer {
    unsigned http_status;             /* 200 to 299: not refused */
    const char *reason;               /* one word, such as "ek-chain"; "" if it was not refused */
    char detail[RATLS_CA_DETAIL_MAX]; /* in a sentence: what was wanted, seen, and what to do */
    uint8_t *body;                    /* a message (enroll_message.h) or a CRL (DER); or NULL */
    size_t len;
    bool is_waiting;            /* for approval by hand: there is no body yet */
    uint8_t request_sha256[32]; /* by this the request is found again; 0 if there is none */
    uint8_t id[16];             /* of the challenge; 0 if there is none */
};

/* Frees the body; accepts one of zeros. */
void ratls_ca_answer_done(struct ratls_ca_answer *answer);

/*
 * Opens the store, the roots and the issuers of a configuration, which must live as long as the CA
 * does. The caller closes it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_open(const struct ratls_ca_config *config, int64_t now,
                                                 struct ratls_ca **ret_ca, struct ratls_error *err);
void ratls_ca_close(struct ratls_ca *ca); /* accepts NULL */

/* They belong to the CA. */
struct ratls_store *ratls_ca_store(const struct ratls_ca *ca);
struct ratls_issuers *ratls_ca_issuers(const struct ratls_ca *ca);

/*
 * A request: 201 with a challenge, or 202 if it waits for approval. The same bytes again: the same
 * challenge as long as it lives, or the result. Sweeps old requests away, now and then.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_take_request(struct ratls_ca *ca,
                                                         struct ratls_slice body,
                                                         enum ratls_ca_way way, int64_t now,
                                                         struct ratls_ca_answer *ret_answer,
                                                         struct ratls_error *err);
/* By the SHA-256 of a request: 200 with its challenge, or with its result; 202 if it waits. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_find_request(struct ratls_ca *ca,
                                                         const uint8_t sha256[static 32],
                                                         int64_t now,
                                                         struct ratls_ca_answer *ret_answer,
                                                         struct ratls_error *err);
/* An answer: 200 with the result. Right or wrong, it uses up the challenge that it names. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_take_answer(struct ratls_ca *ca,
                                                        struct ratls_slice body, int64_t now,
                                                        struct ratls_ca_answer *ret_answer,
                                                        struct ratls_error *err);
/* By the id of a challenge: 200 with the result, if there is one. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_find_result(struct ratls_ca *ca,
                                                        const uint8_t id[static 16], int64_t now,
                                                        struct ratls_ca_answer *ret_answer,
                                                        struct ratls_error *err);

/*
 * The CRL of an issuer (DER): the last one, or a new one if less than half of its life is left or
 * something was revoked since. 404 if there is no such issuer.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_current_crl(struct ratls_ca *ca, size_t issuer,
                                                        int64_t now,
                                                        struct ratls_ca_answer *ret_answer,
                                                        struct ratls_error *err);

/*
 * By hand. `names` are NULL, or exactly those of the request: who approves says what he approves.
 * Approved: 200 with the challenge, which lives from now on as one by files. `who` and `reason` go
 * into the audit log.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_approve(struct ratls_ca *ca,
                                                    const uint8_t sha256[static 32],
                                                    const char *names, const char *who, int64_t now,
                                                    struct ratls_ca_answer *ret_answer,
                                                    struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_ca_refuse(struct ratls_ca *ca,
                                                   const uint8_t sha256[static 32], const char *who,
                                                   const char *reason, int64_t now,
                                                   struct ratls_ca_answer *ret_answer,
                                                   struct ratls_error *err);

/*
 * Hash of the endorsement key that a request speaks of, for a limit per key before anything is done
 * that costs; it is not proven to be one. False if this is no request with a certificate of a key.
 */
bool ratls_ca_request_ek(struct ratls_slice body, uint8_t ret_ek_sha256[static 32]);

#endif
