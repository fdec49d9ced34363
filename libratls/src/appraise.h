/* Appraisal: evidence and rules in, report out. appraise.c has the order of the checks. */
#ifndef RATLS_APPRAISE_H
#define RATLS_APPRAISE_H

#include <ratls/verifier.h>

#include "epoch_memory.h"
#include "evidence.h"
#include "findings.h"
#include "keys.h"
#include "rules.h"
#include "statement.h"

/*
 * More of the peer's IMA list, on another channel: not authenticated by how it came, and it need
 * not be, for only what leads to the quoted PCR counts.
 */
struct ratls_more {
    /* The evidence that answers a request for logs alone; belongs to self, until the next call. */
    enum ratls_status (*fetch)(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err);
    bool is_here; /* it came already: to take it costs nothing, whatever the policy says of sync */
};

/* The evidence and where it came from, as the channel saw it. */
struct ratls_submission {
    const struct ratls_expectation *expectation;
    uint16_t tls_version; /* of the channel itself; 0: evidence without a channel */
    bool resumed;         /* the channel was resumed: no Certificate message */
    bool misplaced;       /* the extension came twice, in another entry or another message;
                             or a piece of another answer */
    const char *fault;    /* the answer around the evidence is none; NULL: it is right */
    bool present;
    struct ratls_slice evidence;
    const struct ratls_pcr_selection *selection; /* what was asked for; NULL: the policy's own */
    const struct ratls_log_request *logs; /* what was asked for; NULL: all of it, from the begin */
    const uint8_t (*key_ids)[RATLS_KEY_ID_LEN]; /* that the request named; NULL: none */
    size_t key_id_count;
    const struct ratls_ledger_row *known; /* what logs->ima_offset rests on; NULL: nothing */
    struct ratls_more *more;              /* NULL: there is no way to ask again */
};

/*
 * What the checks hand on to each other. Borrowed; alive during one appraisal. Fields that depend
 * on a check are only valid if that check passed.
 */
struct ratls_appraisal {
    const struct ratls_submission *submission;
    struct ratls_rules *rules;
    struct ratls_report *report;
    struct ratls_error *err;
    struct ratls_evidence evidence;         /* EVIDENCE_FORMAT */
    struct ratls_statement statement;       /* EVIDENCE_FORMAT: of the session */
    struct ratls_statement epoch_statement; /* EVIDENCE_FORMAT, if it is of an epoch: was quoted */
    struct ratls_epoch_seen epoch; /* of an epoch: token by EPOCH_TOKEN, key by EPOCH_SIGNATURE
                                      (owned) */
    struct ratls_tpm_public ak;    /* AK_FORMAT */
    uint8_t ak_name[RATLS_TPM_NAME_MAX]; /* AK_FORMAT */
    size_t ak_name_len;
    bool is_denied;           /* AK_FORMAT: by the policy */
    EVP_PKEY *key;            /* AK_TRUST; owned */
    uint8_t ak_area[RATLS_AREA_KNOWN_MAX]; /* TPMT_PUBLIC from our side, if the key is named */
    bool is_pinned;                        /* AK_SERVER passed by a pin */
    bool chain_verified;      /* AK_SERVER passed by certificates that were sent */
    uint8_t chain_sha256[32]; /* of them */
    int64_t chain_until;      /* AK_SERVER: when the first of them, or the CRL, expires; 0: a pin */
    struct ratls_tpm_attest attest;       /* QUOTE_FORMAT */
    struct ratls_tpm_signature signature; /* QUOTE_FORMAT */
    bool may_come_again;                  /* QUOTE_SIGNATURE: the quote, with other handshakes, */
    uint8_t quote_sha256[32];             /* and then by this (quote_memory.h) */
    bool has_tls_key;           /* TLS_KEY_SIGNATURE: a proof of the TLS key, which comes again, */
    uint8_t tls_key_sha256[32]; /* by this (quote_memory.h) */
    uint64_t result_rest_s;               /* RESULT_AGE: until it expires */
    bool ima_grew;                        /* IMA_REPLAY: by what is not acknowledged yet, */
    struct ratls_ledger_row ima;          /* and this is what will be if all is accepted */
};

/*
 * Fills a fresh report. RATLS_OK: accepted; RATLS_REJECTED: refused, the report says why; else the
 * library could not work, and the report refuses.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_appraise_submission(struct ratls_rules *rules, const struct ratls_submission *submission,
                          struct ratls_report *report, struct ratls_error *err);

/* The same with a report of its own, which is set if it could work; the caller frees it. */
RATLS_MUST_CHECK enum ratls_status ratls_appraise_new(struct ratls_rules *rules,
                                                      const struct ratls_submission *submission,
                                                      struct ratls_report **ret_report,
                                                      struct ratls_error *err);

/* check_counters.c: keeps those of a quote that was accepted, and only then. */
void ratls_remember_counters(struct ratls_appraisal *a);

/* appraise_facts.c: what a result of it will say, unless the report is brief. */
RATLS_MUST_CHECK enum ratls_status ratls_appraise_keep_facts(struct ratls_appraisal *a);

/*
 * The groups of checks, each in its file check_*.c. Each returns RATLS_OK also when a check failed;
 * else it could not work.
 */
RATLS_MUST_CHECK enum ratls_status ratls_check_channel(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_statement(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_epoch(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_identity(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_ak(struct ratls_appraisal *a); /* first there */
void ratls_check_denied(struct ratls_appraisal *a);                           /* part of it */
/* Part of it too: whether all is well. */
bool ratls_check_software(struct ratls_appraisal *a, bool is_trusted, bool is_software);
RATLS_MUST_CHECK enum ratls_status ratls_check_quote(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_counters(struct ratls_appraisal *a); /* part of it */
RATLS_MUST_CHECK enum ratls_status ratls_check_pcrs(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_tls_key(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_result(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_boot(struct ratls_appraisal *a);
RATLS_MUST_CHECK enum ratls_status ratls_check_ima(struct ratls_appraisal *a);

/* Whether a key of an epoch stands between quote and session. After EVIDENCE_FORMAT passed. */
static inline bool ratls_is_of_epoch(const struct ratls_appraisal *a)
{
    return a->evidence.token.len != 0;
}

/*
 * How old such evidence is: a clock that may be wrong by its accuracy showed genTime, so long ago
 * it was at most. Meaningful if EPOCH_TOKEN passed.
 */
uint64_t ratls_epoch_age_s(const struct ratls_appraisal *a);

/*
 * The value of a PCR: of what was quoted, if PCR_SELECTION and PCR_DIGEST passed. False if the
 * policy does not select it. Borrows from the evidence.
 */
bool ratls_quoted_pcr(const struct ratls_appraisal *a, uint16_t bank, unsigned pcr,
                      struct ratls_slice *ret_value);

#endif
