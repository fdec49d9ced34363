/* A proposal becomes files: tried in a folder of its own, then put in place. */
#ifndef RATLS_TOOL_PROPOSAL_WRITE_H
#define RATLS_TOOL_PROPOSAL_WRITE_H

#include "proposal.h"

struct ratls_proposal_place {
    char folder[512]; /* of the policy; "." if its path has none */
    char stem[RATLS_PROPOSAL_NAME_MAX];
    char file[RATLS_PROPOSAL_NAME_MAX]; /* the policy itself */
    char stage[640];                    /* a folder in that folder, for us alone; "": none */
};

/* Where a policy at this path has its files. RATLS_USAGE if the path is no name of a file. */
RATLS_MUST_CHECK enum ratls_status ratls_proposal_find_place(const char *path,
                                                             struct ratls_proposal_place *ret_place,
                                                             struct ratls_error *err);

/* Writes all files into the stage; *ret_path, which the caller frees, is the policy there. */
RATLS_MUST_CHECK enum ratls_status ratls_proposal_stage(struct ratls_proposal *proposal,
                                                        struct ratls_proposal_place *place,
                                                        char **ret_path, struct ratls_error *err);

/*
 * Moves them out of the stage, the policy last. RATLS_USAGE, before anything is moved, if one of
 * them exists and `replace` is false.
 */
RATLS_MUST_CHECK enum ratls_status ratls_proposal_keep(const struct ratls_proposal *proposal,
                                                       const struct ratls_proposal_place *place,
                                                       bool replace, struct ratls_error *err);

/* Takes the stage away with what is still in it. */
void ratls_proposal_unstage(const struct ratls_proposal *proposal,
                            struct ratls_proposal_place *place);

#endif
