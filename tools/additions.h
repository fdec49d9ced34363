/*
 * Additions: what a policy and its files must say more, so that a machine as it is now is accepted.
 * Nothing is ever taken away. Digests, texts and certificates go to the files that the policy
 * names; only values of PCRs, and a further attestation key, go into the policy itself.
 */
#ifndef RATLS_TOOL_ADDITIONS_H
#define RATLS_TOOL_ADDITIONS_H

#include "edits.h"
#include "facts_policy.h"

#define RATLS_SERVER_FACT "server" /* the name of a fact of identity */

struct ratls_additions {
    const char *path;          /* of the policy */
    struct ratls_rules *rules; /* loaded from it; they grow with the edits */
    const struct ratls_observation *machine;
    const char *comment; /* where it comes from, and when: printable ASCII */
    bool adds_key;       /* a key that is not trusted yet becomes trusted */
    struct ratls_facts missing;
    struct ratls_edits edits;
};

/*
 * Finds what is missing, and the edits that add it. RATLS_REJECTED if something cannot be added: an
 * unknown key, Secure Boot that is off, a text that nobody knows; RATLS_USAGE if the policy has no
 * file for it. path, rules, machine, comment and adds_key are set; the caller ends it in any case.
 */
RATLS_MUST_CHECK enum ratls_status ratls_additions_find(struct ratls_additions *additions,
                                                        struct ratls_error *err);
void ratls_additions_done(struct ratls_additions *additions);

/* additions_rules.c: the rules as they will be once the edits are written. */
RATLS_MUST_CHECK enum ratls_status ratls_additions_grow(struct ratls_additions *additions,
                                                        struct ratls_error *err);
/* additions_yaml.c: what goes into the policy itself. */
RATLS_MUST_CHECK enum ratls_status ratls_additions_edit_policy(struct ratls_additions *additions,
                                                               struct ratls_error *err);

#endif
