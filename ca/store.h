/*
 * Store of a CA: which endorsement key has which names, what was asked, answered and issued. SQLite
 * in a folder, or PostgreSQL, where several instances share one store. It decides nothing about
 * keys: it keeps name, endorsement key and attestation key together, and lets each challenge be
 * answered once.
 *
 * Each call is one transaction with its record in the audit log: all of it is there, or nothing. A
 * process may be killed at any moment. RATLS_OK says that the store was asked; the outcome is what
 * it said. After RATLS_IO nothing was done, unless the text says that this is not known: then the
 * same call again, or a look at the id, tells. The next call connects again.
 *
 * One store is for one thread at a time. A process that was forked while no thread was in a call
 * connects anew. `now` is the service's clock, in seconds since 1970-01-01 UTC, greater than 0.
 * Callbacks must not call the store.
 */
#ifndef RATLS_CA_STORE_H
#define RATLS_CA_STORE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_STORE_FILE "ca.sqlite" /* in the folder */
#define RATLS_STORE_ID_LEN 16        /* of challenges */
#define RATLS_STORE_TOKEN_ID_LEN 8
#define RATLS_STORE_NAMES_MAX 16
#define RATLS_STORE_AKS_MAX 2 /* with valid certificates for one name: the old and the new one */

struct ratls_store;

enum ratls_store_outcome {
    RATLS_STORE_DONE,
    RATLS_STORE_ANSWERED,  /* was answered, decided or done before: nothing is done twice */
    RATLS_STORE_LATE,      /* the challenge has expired */
    RATLS_STORE_UNKNOWN,   /* no such thing */
    RATLS_STORE_OTHER_EK,  /* a name belongs to, or is promised to, another endorsement key */
    RATLS_STORE_OTHER_TPM, /* the attestation key was enrolled with another endorsement key */
    RATLS_STORE_TOKEN,     /* the token is used up, expired or revoked */
    RATLS_STORE_OVERLAP,   /* RATLS_STORE_AKS_MAX other keys have valid certificates for a name */
    RATLS_STORE_DENIED,    /* the key is in the list of denied ones, or was revoked */
    RATLS_STORE_FULL,      /* as many requests wait, or have challenges, as may */
};

/* Of a request. The numbers are in the store. */
enum ratls_store_state {
    RATLS_STORE_WAITING = 0, /* for approval by hand */
    RATLS_STORE_CHALLENGED = 1,
    RATLS_STORE_ISSUED = 2,
    RATLS_STORE_FAILED = 3,  /* refused by hand, or answered wrongly */
    RATLS_STORE_EXPIRED = 4, /* the challenge was not answered in time */
};

/*
 * where: a folder, which must be there and not be writable by everyone, or postgresql://... Makes
 * what is not there, and brings what is of an older version to ours. RATLS_USAGE for a store that
 * this build cannot open, RATLS_IO for one of a newer version, of another program, or damaged.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_store_open(const char *where, struct ratls_store **ret_store, struct ratls_error *err);
void ratls_store_close(struct ratls_store *store); /* accepts NULL */

/* Names, each a DNS name or an IP address as text; ascending bytewise and none twice. */
struct ratls_store_names {
    const struct ratls_slice *p;
    size_t count; /* 1 to RATLS_STORE_NAMES_MAX */
};

struct ratls_store_ek {
    uint8_t sha256[32]; /* of the SubjectPublicKeyInfo */
    unsigned template_id;
    struct ratls_slice area;        /* TPMT_PUBLIC */
    struct ratls_slice certificate; /* DER */
    const char *manufacturer, *model, *version;
    bool is_software;
};

struct ratls_store_new_challenge {
    uint8_t id[RATLS_STORE_ID_LEN]; /* random */
    struct ratls_slice challenge;
    uint8_t answer_key[32];
    int64_t expires;
};

/* A request that was found good; all is borrowed. */
struct ratls_store_request {
    struct ratls_slice body;
    uint8_t sha256[32]; /* of the body */
    uint8_t ek_sha256[32];
    struct ratls_slice ak_name;
    struct ratls_store_names names;
    struct ratls_slice token_id;                       /* empty, or RATLS_STORE_TOKEN_ID_LEN */
    const struct ratls_store_new_challenge *challenge; /* NULL: it has to wait */
    const char *decided_by;                            /* "rule", "token", "renewal", or "" */
    /* How many may wait, or have a challenge and no certificate (store_room.c), itself included: in
     * all, and of this endorsement key; 0: any number. */
    size_t waiting_max, waiting_per_ek_max, undone_max, undone_per_ek_max;
};

/* A request and its challenge, as they are in the store. Owns its bytes. */
struct ratls_store_entry {
    enum ratls_store_state state; /* a challenge that is late at `now` is RATLS_STORE_EXPIRED */
    uint8_t request_sha256[32];
    uint8_t ek_sha256[32];
    uint8_t *body;
    size_t body_len;
    int64_t at;
    char *names; /* separated by one space each */
    char *decided_by;
    char *reason;
    bool has_challenge; /* the rest is 0 if not */
    uint8_t id[RATLS_STORE_ID_LEN];
    uint8_t *challenge;
    size_t challenge_len;
    uint8_t answer_key[32];
    int64_t expires;
    int64_t answered; /* 0: not yet */
};

void ratls_store_entry_done(struct ratls_store_entry *entry);

/*
 * Keeps a request, unless it is there already. *ret_entry is what is there now; the caller ends it
 * with ratls_store_entry_done(). DONE, ANSWERED if it was there, FULL (and no entry).
 */
RATLS_MUST_CHECK enum ratls_status
ratls_store_put_request(struct ratls_store *store, const struct ratls_store_request *request,
                        int64_t now, struct ratls_store_entry *ret_entry,
                        enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/* By the hash of the request, or the id of its challenge. DONE, or UNKNOWN (and no entry). */
RATLS_MUST_CHECK enum ratls_status
ratls_store_find_request(struct ratls_store *store, const uint8_t sha256[static 32], int64_t now,
                         struct ratls_store_entry *ret_entry, enum ratls_store_outcome *ret_outcome,
                         struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_store_find_challenge(struct ratls_store *store, const uint8_t id[static RATLS_STORE_ID_LEN],
                           int64_t now, struct ratls_store_entry *ret_entry,
                           enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/* Called for each request that waits, the oldest first; false ends it. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_each_waiting(struct ratls_store *store, int64_t now,
                         bool (*call)(void *arg, const struct ratls_store_entry *entry), void *arg,
                         struct ratls_error *err);

/* By hand, about a request that waits. */
struct ratls_store_decision {
    uint8_t request_sha256[32];
    const struct ratls_store_new_challenge *challenge; /* NULL: refused */
    const char *who;
    const char *reason;
};

/* DONE, UNKNOWN, or ANSWERED: it does not wait any more. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_decide(struct ratls_store *store, const struct ratls_store_decision *decision,
                   int64_t now, enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/*
 * Removes what is from before a time, did not end in a certificate, and has no challenge that could
 * still be answered at `now`. What waits for approval has a time of its own.
 */
RATLS_MUST_CHECK enum ratls_status ratls_store_sweep(struct ratls_store *store, int64_t before,
                                                     int64_t waiting_before, int64_t now,
                                                     struct ratls_error *err);

/* A certificate that was made in memory for the right answer to a challenge. */
struct ratls_store_issue {
    uint8_t id[RATLS_STORE_ID_LEN];
    struct ratls_store_ek ek;
    struct ratls_slice ak_name, ak_area;
    struct ratls_store_names names;
    uint8_t issuer_sha256[32];
    struct ratls_slice serial; /* up to 20 bytes, RFC 5280, 4.1.2.2 */
    struct ratls_slice der;
    int64_t not_before, not_after;
};

/*
 * All that an enrolment changes, at once; only after RATLS_OK and DONE may the certificate be
 * shown. With every other outcome but UNKNOWN and ANSWERED the challenge is used up and the request
 * has failed, or is late. RATLS_USAGE if it is not for the keys and names of the request.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_store_issue(struct ratls_store *store, const struct ratls_store_issue *issue, int64_t now,
                  enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/* A wrong answer: the challenge is used up. DONE, UNKNOWN, ANSWERED, LATE. */
RATLS_MUST_CHECK enum ratls_status ratls_store_fail(struct ratls_store *store,
                                                    const uint8_t id[static RATLS_STORE_ID_LEN],
                                                    int64_t now, const char *reason,
                                                    enum ratls_store_outcome *ret_outcome,
                                                    struct ratls_error *err);

#define RATLS_STORE_SERIAL_MAX 20

/* Owns its bytes; without der in lists. */
struct ratls_store_certificate {
    uint8_t serial[RATLS_STORE_SERIAL_MAX];
    size_t serial_len;
    uint8_t issuer_sha256[32];
    uint8_t ek_sha256[32];
    uint8_t ak_name[66];
    size_t ak_name_len;
    char *names; /* separated by one space each */
    int64_t not_before, not_after;
    int64_t revoked; /* when; 0: it is not */
    unsigned reason; /* CRLReason of RFC 5280, 5.3.1 */
    uint8_t *der;
    size_t der_len;
};

void ratls_store_certificate_done(struct ratls_store_certificate *certificate);

/* By the id of the challenge, or by serial number. DONE, or UNKNOWN (and none). */
RATLS_MUST_CHECK enum ratls_status
ratls_store_result(struct ratls_store *store, const uint8_t id[static RATLS_STORE_ID_LEN],
                   struct ratls_store_certificate *ret_certificate,
                   enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_store_find_certificate(struct ratls_store *store, struct ratls_slice serial,
                             struct ratls_store_certificate *ret_certificate,
                             enum ratls_store_outcome *ret_outcome, struct ratls_error *err);

enum ratls_store_by {
    RATLS_STORE_BY_ALL, /* value is not looked at; not for ratls_store_revoke() */
    RATLS_STORE_BY_SERIAL,
    RATLS_STORE_BY_NAME,
    RATLS_STORE_BY_AK, /* Name of the attestation key */
    RATLS_STORE_BY_EK, /* hash of the endorsement key */
    RATLS_STORE_BY_ISSUER,
};

/* Which certificates. Times: only what is valid, or was revoked, at or after them; 0: all. */
struct ratls_store_filter {
    enum ratls_store_by by;
    struct ratls_slice value;
    bool only_revoked;
    int64_t valid_from;  /* not_after >= this */
    int64_t valid_until; /* not_after <= this, and not revoked; 0: all */
};

/* In the order of their ends; without der. False ends it. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_list(struct ratls_store *store, const struct ratls_store_filter *filter,
                 bool (*call)(void *arg, const struct ratls_store_certificate *certificate),
                 void *arg, struct ratls_error *err);
/* For a CRL: the revoked certificates of an issuer that end at or after valid_from. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_each_revoked(struct ratls_store *store, const uint8_t issuer_sha256[static 32],
                         int64_t valid_from,
                         bool (*call)(void *arg, const struct ratls_store_certificate *certificate),
                         void *arg, struct ratls_error *err);

/*
 * Revokes all certificates of by and value that are not revoked. By AK or EK, or for keyCompromise,
 * it ends the enrolments: these attestation keys never get one again. DONE, or UNKNOWN if there is
 * no such certificate, revoked or not.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_store_revoke(struct ratls_store *store, enum ratls_store_by by, struct ratls_slice value,
                   unsigned reason, int64_t now, size_t *ret_count,
                   enum ratls_store_outcome *ret_outcome, struct ratls_error *err);

enum ratls_store_claim {
    RATLS_STORE_FREE,
    RATLS_STORE_OWNED,    /* enrolled */
    RATLS_STORE_LAPSED,   /* enrolled, but all of its attestation keys for the name have ended */
    RATLS_STORE_PROMISED, /* not enrolled; only this key may be (ratls ca replace --by) */
};

/* Whose a name is; ek_sha256 is written unless it is free. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_owner(struct ratls_store *store, struct ratls_slice name, uint8_t ek_sha256[static 32],
                  enum ratls_store_claim *ret_claim, struct ratls_error *err);
/* The endorsement key of an attestation key, and whether it gets no more. DONE, or UNKNOWN. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_enrolment(struct ratls_store *store, struct ratls_slice ak_name,
                      uint8_t ek_sha256[static 32], bool *ret_ended,
                      enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/*
 * Ends the ownership of names and the promises about them, and revokes their certificates
 * (cessationOfOperation). by: hash of the only endorsement key that may take them now, or NULL.
 * DONE, or UNKNOWN if by is NULL and there was nothing to end.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_store_replace(struct ratls_store *store, const struct ratls_store_names *names,
                    const uint8_t *by, const char *reason, int64_t now, size_t *ret_revoked,
                    enum ratls_store_outcome *ret_outcome, struct ratls_error *err);

struct ratls_store_crl {
    int64_t number; /* 1 and up */
    int64_t this_update, next_update;
    uint8_t *der;
    size_t len;
};

void ratls_store_crl_done(struct ratls_store_crl *crl);

/* The last one of an issuer. DONE, or UNKNOWN (and none). */
RATLS_MUST_CHECK enum ratls_status ratls_store_last_crl(struct ratls_store *store,
                                                        const uint8_t issuer_sha256[static 32],
                                                        struct ratls_store_crl *ret_crl,
                                                        enum ratls_store_outcome *ret_outcome,
                                                        struct ratls_error *err);
/*
 * DONE, or ANSWERED if the number is not that of the last one + 1: another instance was faster.
 * What is revoked must then be read again, and signed with the next number.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_store_put_crl(struct ratls_store *store, const uint8_t issuer_sha256[static 32],
                    const struct ratls_store_crl *crl, int64_t now,
                    enum ratls_store_outcome *ret_outcome, struct ratls_error *err);

/* Owns names and note where the store wrote it; borrowed where it is given. */
struct ratls_store_token {
    uint8_t id[RATLS_STORE_TOKEN_ID_LEN];
    uint8_t key[32]; /* SHA-256 of its text */
    char *names;     /* separated by one space each; "": any that the rest allows */
    bool has_ek;
    uint8_t ek_sha256[32];
    int64_t uses_left; /* 1 and up when it is made; 0: used up or revoked */
    int64_t expires;
    char *note;
};

void ratls_store_token_done(struct ratls_store_token *token);

/* DONE, or ANSWERED: there is one with this id. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_add_token(struct ratls_store *store, const struct ratls_store_token *token, int64_t now,
                      enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/* DONE, or UNKNOWN (and none). */
RATLS_MUST_CHECK enum ratls_status
ratls_store_find_token(struct ratls_store *store, const uint8_t id[static RATLS_STORE_TOKEN_ID_LEN],
                       struct ratls_store_token *ret_token, enum ratls_store_outcome *ret_outcome,
                       struct ratls_error *err);
/* Its uses are over. DONE, UNKNOWN, or ANSWERED: they were over. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_revoke_token(struct ratls_store *store,
                         const uint8_t id[static RATLS_STORE_TOKEN_ID_LEN], int64_t now,
                         enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/* False ends it. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_each_token(struct ratls_store *store,
                       bool (*call)(void *arg, const struct ratls_store_token *token), void *arg,
                       struct ratls_error *err);

/*
 * What is denied: kind and value in words, for example "ek" and 64 hexadecimal digits. Of kinds
 * "ek" (hash) and "ak" (Name), both in lower-case hex, ratls_store_issue() takes care itself.
 */
struct ratls_store_denial {
    const char *kind, *value, *reason;
    int64_t since;
};

/* DONE, or ANSWERED: it is denied already. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_deny(struct ratls_store *store, const struct ratls_store_denial *denial, int64_t now,
                 enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
/* DONE, or UNKNOWN. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_allow_again(struct ratls_store *store, const char *kind, const char *value, int64_t now,
                        enum ratls_store_outcome *ret_outcome, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_store_is_denied(struct ratls_store *store,
                                                         const char *kind, const char *value,
                                                         bool *ret_denied, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_store_each_denied(struct ratls_store *store,
                        bool (*call)(void *arg, const struct ratls_store_denial *denial), void *arg,
                        struct ratls_error *err);

/*
 * A record of the audit log: what happened, to what, and more. Printable ASCII: all else is
 * escaped. Each has the hash of the one before it.
 */
struct ratls_store_record {
    int64_t seq; /* 1 and up, without gaps */
    int64_t at;
    const char *kind, *subject, *detail;
    uint8_t sha256[32];
};

/* What is not part of another call, such as a request that was refused. */
RATLS_MUST_CHECK enum ratls_status ratls_store_audit(struct ratls_store *store, const char *kind,
                                                     const char *subject, const char *detail,
                                                     int64_t now, struct ratls_error *err);
/* From a number on, in their order. False ends it. */
RATLS_MUST_CHECK enum ratls_status
ratls_store_each_record(struct ratls_store *store, int64_t from,
                        bool (*call)(void *arg, const struct ratls_store_record *record), void *arg,
                        struct ratls_error *err);
/*
 * Whether each record is as it was written, up to the last. That the last ones are missing can only
 * be seen by who has kept a hash: *ret_count and head are those of the last good one, and
 * *ret_whole says whether it is the last.
 */
RATLS_MUST_CHECK enum ratls_status ratls_store_verify_audit(struct ratls_store *store,
                                                            uint8_t head[static 32],
                                                            int64_t *ret_count, bool *ret_whole,
                                                            struct ratls_error *err);

#endif
