/* A policy is learned: a machine is looked at, and asked again for exactly what the policy asks. */
#ifndef RATLS_TOOL_LEARN_H
#define RATLS_TOOL_LEARN_H

#include "observe.h"
#include "options.h"

struct ratls_learn {
    struct ratls_observe_options from;
    const char *pcrs;     /* to compare by value besides; NULL: as logs and defaults say */
    const char *service;  /* NULL: what the evidence says */
    const char *ak_name;  /* in hexadecimal, for logs without a quote; NULL */
    const char *ima_cert; /* PEM: whoever signed files; NULL */
    struct ratls_list exclude; /* patterns: paths at which anything is allowed */
    const char *out_path; /* NULL: standard output, for a policy of values alone */
    bool for_clients;     /* the name is that of a client, whose machine it is */
    bool values;          /* values of PCRs only, whatever logs there are */
    bool settings;        /* see struct ratls_proposal_options */
    bool signed_images;
    bool replaces;
};

/*
 * Writes the policy and its files, and says what they compare. RATLS_REJECTED if the machine's
 * evidence does not hold by itself; nothing is written then.
 */
RATLS_MUST_CHECK enum ratls_status ratls_learn(const struct ratls_learn *learn,
                                               struct ratls_error *err);

#endif
