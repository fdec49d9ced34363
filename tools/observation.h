/*
 * Observation: what one machine showed, from its evidence, from its logs, or from both. What lies
 * in a log counts as far as it leads to PCR values that were quoted; of a log without a quote
 * nothing is authenticated, and who learns from it has to trust how the file came.
 */
#ifndef RATLS_TOOL_OBSERVATION_H
#define RATLS_TOOL_OBSERVATION_H

#include "appraise.h"
#include "capture.h"
#include "evidence.h"
#include "facts_boot.h"
#include "facts_ima.h"
#include "ima_replay.h"
#include "statement.h"

struct ratls_observation {
    char source[RATLS_ENDPOINT_TEXT_MAX + 64]; /* in words, printable ASCII */
    int64_t when;                              /* seconds since 1970 UTC */

    bool has_quote; /* then the next ones are there; what they say is not verified here */
    struct ratls_expectation expectation;
    char server_name[RATLS_HOST_MAX];
    uint8_t *bytes; /* owned: the evidence */
    size_t bytes_len;
    struct ratls_evidence evidence;
    struct ratls_statement statement;
    struct ratls_tpm_attest attest;
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;

    uint8_t *boot_log; /* owned; NULL: none */
    size_t boot_log_len;
    bool is_boot_of_peer; /* it is the one of the evidence, and no file that was at hand */
    uint16_t boot_bank;
    struct ratls_boot *boot; /* owned; NULL: no log that could be read */
    uint32_t boot_pcrs;      /* with events in the log */
    uint32_t boot_explained; /* quoted, and the log, or that it has no event, leads there */
    uint32_t boot_refuted;   /* with events, and quoted with another value */
    char boot_why[RATLS_EVENTLOG_WHY_MAX]; /* why the log is none; "" */

    uint8_t *ima_list; /* owned; NULL: none */
    size_t ima_list_len;
    uint16_t ima_alg;
    bool ima_explained;               /* a prefix leads to the quoted PCR 10 */
    struct ratls_ima_state ima_state; /* after it, if ima_explained */
    struct ratls_ima_counts ima;
    char ima_why[RATLS_ERROR_TEXT]; /* why nothing of the list counts; "" */

    struct ratls_facts facts; /* of logs: those that are authenticated, or all without a quote */
};

/*
 * Takes evidence, and what answered further requests for logs; copies all of it. RATLS_REJECTED if
 * it is malformed.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_observe_evidence(struct ratls_observation *o, const struct ratls_expectation *expectation,
                       struct ratls_slice evidence, const struct ratls_slice *more, size_t count,
                       struct ratls_error *err);
/* Whole logs, as the kernel has them, in place of what the evidence carries. */
RATLS_MUST_CHECK enum ratls_status ratls_observe_boot_log(struct ratls_observation *o,
                                                          struct ratls_slice log,
                                                          struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_observe_ima_list(struct ratls_observation *o,
                                                          struct ratls_slice list,
                                                          struct ratls_error *err);
/* After what there is to take: reads the logs and finds the facts. RATLS_OK whatever they say. */
RATLS_MUST_CHECK enum ratls_status ratls_observation_read(struct ratls_observation *o,
                                                          enum ratls_eventlog_rigor rigor,
                                                          struct ratls_error *err);
void ratls_observation_done(struct ratls_observation *o);

/*
 * Answers requests for more of the IMA list from the observation, for an appraisal of what was
 * observed before. Belongs to *more; the caller frees more->bytes.
 */
struct ratls_observation_more {
    struct ratls_more more; /* the first member */
    const struct ratls_observation *observation;
    uint8_t *bytes;
};
struct ratls_observation_more ratls_observation_more(const struct ratls_observation *o);

/*
 * Appraises what was observed by rules, as in the handshake. RATLS_REJECTED: refused, and
 * *ret_report says why; the caller frees it.
 */
RATLS_MUST_CHECK enum ratls_status ratls_observation_appraise(const struct ratls_observation *o,
                                                              struct ratls_rules *rules,
                                                              struct ratls_report **ret_report,
                                                              struct ratls_error *err);

/* The quoted value of a PCR; empty if it was not quoted. */
struct ratls_slice ratls_observation_pcr(const struct ratls_observation *o, uint16_t bank,
                                         unsigned index);

#endif
