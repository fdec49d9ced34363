/* Proposal: a policy, and the files beside it, that say what one machine's logs mean. */
#ifndef RATLS_TOOL_PROPOSAL_H
#define RATLS_TOOL_PROPOSAL_H

#include "observation.h"
#include "policy_write.h"

#define RATLS_PROPOSAL_NAME_MAX 256

struct ratls_proposal_options {
    const char *stem;           /* of the files: "bank" */
    const char *server_name;    /* NULL: every server */
    bool for_clients;           /* it is the name of a client */
    const char *service;        /* NULL: what the evidence says */
    struct ratls_slice ak_name; /* without a quote; else empty */
    bool settings;              /* compare also PCR 1, 3, 5 and 6, which differ between machines */
    bool signed_images;         /* images: [signed], if Secure Boot is on */
    bool whole_quote;           /* whatever was quoted must be compared: there is no other quote */
    struct ratls_slice ima_signers; /* PEM: files that they signed need no line; empty: nobody */
    struct ratls_draft_list exclude; /* patterns: files at these paths need no line, either */
    bool ignores_logs;              /* values of PCRs only */
    const struct ratls_pcr_selection *values; /* PCRs to compare by value besides; NULL: none */
};

struct ratls_proposal_file {
    char name[RATLS_PROPOSAL_NAME_MAX]; /* beside the policy */
    const char *item;                   /* the name again, as a draft wants it */
    char *text;                         /* NULL: nothing of this topic is compared */
    size_t count;                       /* of lines that compare something */
};

/* Must not be copied. */
struct ratls_proposal {
    const struct ratls_observation *machine;
    struct ratls_proposal_file files[RATLS_TOPIC_COUNT];
    uint32_t judged; /* PCRs of the boot bank that the log explains, and the policy asks about */
    bool has_boot;
    bool has_ima;
    struct ratls_pcr_selection by_value;
    uint8_t values[RATLS_PCR_VALUES_MAX];
    size_t values_len;
    char source[RATLS_ENDPOINT_TEXT_MAX + 128];
    char comment[RATLS_ENDPOINT_TEXT_MAX + 144]; /* above each list */
    char service[RATLS_SERVICE_MAX + 1];
    const char *server_name;
    struct ratls_draft_boot boot;
    struct ratls_draft_ima ima;
    struct ratls_policy_draft draft; /* its path is set when it is written */
    char *notes;                     /* lines for people: what is not compared, and why */
};

/* The machine must stay as long as the proposal, which the caller frees. */
RATLS_MUST_CHECK enum ratls_status ratls_propose(const struct ratls_observation *machine,
                                                 const struct ratls_proposal_options *options,
                                                 struct ratls_proposal *ret_proposal,
                                                 struct ratls_error *err);
void ratls_proposal_done(struct ratls_proposal *proposal);

/* For proposal_ima.c: where the lines of a topic go. */
RATLS_MUST_CHECK enum ratls_status ratls_proposal_name(const struct ratls_proposal_options *options,
                                                       enum ratls_topic topic, uint16_t bank,
                                                       struct ratls_proposal_file *file,
                                                       struct ratls_error *err);
struct ratls_draft_list ratls_proposal_list(const struct ratls_proposal *p, enum ratls_topic topic);
/* proposal_ima.c: the section ima. */
RATLS_MUST_CHECK enum ratls_status ratls_propose_ima(struct ratls_proposal *p,
                                                     const struct ratls_proposal_options *options,
                                                     struct ratls_error *err);

/* Whether it is more than values of PCRs. */
bool ratls_proposal_has_meaning(const struct ratls_proposal *proposal);

/*
 * On stderr, as `ratls policy lint` would: a TPM into which nothing is measured is nobody's in
 * particular. Of one that has measured nothing at all it is said once.
 */
void ratls_proposal_warn(const struct ratls_proposal *proposal);

#endif
