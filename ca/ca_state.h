/* The inside of a CA, for its own files. */
#ifndef RATLS_CA_CA_STATE_H
#define RATLS_CA_CA_STATE_H

#include "approve.h"
#include "ca_outcome.h"
#include "issuer.h"

struct ratls_ca {
    const struct ratls_ca_config *config;
    struct ratls_store *store;
    struct ratls_issuers *issuers;
    struct ratls_roots *roots;
    struct ratls_rules_file *rules; /* NULL: the configuration has none */
    int64_t swept;                  /* when old requests were swept away */
    struct ratls_ca_records {
        int64_t minute; /* since 1970 */
        unsigned count; /* records in it */
        unsigned more;  /* that were not written */
    } noise, refused;   /* of refusals: what anybody can cause, and the others */
    int64_t crl_looked[RATLS_CA_ISSUERS_MAX]; /* when it was looked whether a CRL is the newest */
};

/*
 * The audit record of a refusal, if it was one: subject is a hash or an id, `what` is more about
 * who asked.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_record(struct ratls_ca *ca,
                                                   const struct ratls_ca_answer *answer,
                                                   struct ratls_slice subject, const char *what,
                                                   int64_t now, struct ratls_error *err);

/* What a store has of a request, said to who asks: its challenge, its result, or how it ended. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_say_entry(struct ratls_ca *ca,
                                                      const struct ratls_store_entry *entry,
                                                      enum ratls_ca_outcome challenged,
                                                      struct ratls_ca_answer *answer,
                                                      struct ratls_error *err);

/* The certificate that was issued for the challenge with this id becomes the body. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_say_result(struct ratls_ca *ca,
                                                       const uint8_t id[static RATLS_STORE_ID_LEN],
                                                       struct ratls_ca_answer *answer,
                                                       struct ratls_error *err);

/* A challenge as it goes into the store, which borrows its message. */
struct ratls_ca_challenge {
    struct ratls_store_new_challenge stored;
    uint8_t message[RATLS_ENROLL_CHALLENGE_MAX];
};

/* A new secret, sealed for who asks. The caller frees it with ratls_ca_challenge_free(). */
RATLS_MUST_CHECK enum ratls_status ratls_ca_make_challenge(const struct ratls_enrollee *enrollee,
                                                           int64_t expires,
                                                           struct ratls_ca_challenge **ret,
                                                           struct ratls_error *err);
void ratls_ca_challenge_free(struct ratls_ca_challenge *challenge); /* wipes it; accepts NULL */

/* Requests that are over are swept away, now and then. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_sweep(struct ratls_ca *ca, int64_t now,
                                                  struct ratls_error *err);

/* What is asked of a request, and who decides about it. */
struct ratls_enroll_question ratls_ca_question(const struct ratls_ca *ca, struct ratls_slice body,
                                               int64_t now);
struct ratls_approver ratls_ca_approver(const struct ratls_ca *ca, int64_t now);

#endif
