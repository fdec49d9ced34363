/* A policy as text, from what was learned about one machine. */
#ifndef RATLS_POLICY_WRITE_H
#define RATLS_POLICY_WRITE_H

#include <ratls/attester.h>

#include "bytes.h"
#include "ima_replay.h"

/* A list of the policy: names of files, relative to its folder, or patterns. None: no such key. */
struct ratls_draft_list {
    const char *const *items;
    size_t count;
};

/* The section boot: ratls-policy(5). */
struct ratls_draft_boot {
    uint16_t bank; /* 0: SHA-256 */
    bool secure_boot_ignored;
    bool images_signed; /* images: [signed]; then no list of images */
    struct ratls_draft_list signers;
    struct ratls_draft_list variables;
    struct ratls_draft_list images;
    struct ratls_draft_list kernels;
    struct ratls_draft_list firmware;
    struct ratls_draft_list settings;
    struct ratls_draft_list partitions;
    struct ratls_draft_list command_lines;
    struct ratls_draft_list files;
    struct ratls_draft_list owner_keys;
};

/* The section ima. */
struct ratls_draft_ima {
    uint16_t bank; /* 0: SHA-256 */
    enum ratls_ima_mode extend;
    bool violations_allowed;
    bool never_syncs;
    struct ratls_draft_list allow;
    struct ratls_draft_list deny;
    struct ratls_draft_list signed_by;
    struct ratls_draft_list signature_required; /* patterns */
    struct ratls_draft_list exclude;            /* patterns */
};

/* Everything is borrowed. */
struct ratls_policy_draft {
    const char *path;           /* where the policy will lie, beside its files; NULL: nowhere yet */
    const char *source;         /* where it was learned, for a comment; NULL: no comment */
    const char *const *servers; /* none: every server */
    size_t server_count;
    bool for_clients; /* these are names of clients */
    struct ratls_slice ak_name;
    const struct ratls_pcr_bank *banks; /* none: no key pcrs */
    size_t bank_count;
    struct ratls_slice values; /* of all PCRs of the banks, in this order, ascending by index */
    struct ratls_draft_list reference_values;
    const struct ratls_draft_boot *boot; /* NULL: no such section */
    const struct ratls_draft_ima *ima;
    const char *service; /* NULL: "default" */
    uint64_t max_age_s;  /* freshness: certificate with this age; 0: nonce */
};

/*
 * YAML that loads to exactly these rules; what would not load, such as PCR 16, is RATLS_USAGE. The
 * files that it names must be there already. The caller frees *ret_text.
 */
RATLS_MUST_CHECK enum ratls_status ratls_policy_write(const struct ratls_policy_draft *draft,
                                                      char **ret_text, struct ratls_error *err);

/* What is measured into a PCR, in a few words: "Secure Boot: its state, its keys". Never NULL. */
const char *ratls_pcr_meaning(unsigned index);

#endif
