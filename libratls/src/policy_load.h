/* From a policy file to rules. */
#ifndef RATLS_POLICY_LOAD_H
#define RATLS_POLICY_LOAD_H

#include "policy_schema.h"
#include "policy_source.h"
#include "rules.h"

/*
 * Everything in a document that has a meaning, checked and in the form that the appraisal uses.
 * Reads the files that it names. The caller frees with ratls_rules_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_rules_build(const struct ratls_source *source,
                                                     const struct ratls_document *document,
                                                     struct ratls_rules *ret_rules,
                                                     struct ratls_error *err);

/* The text of one policy; path is for messages, and for the folder of the files that it names. */
RATLS_MUST_CHECK enum ratls_status ratls_rules_parse(const char *path, struct ratls_slice text,
                                                     struct ratls_rules *ret_rules,
                                                     struct ratls_error *err);

void ratls_rules_done(struct ratls_rules *rules);

/* A policy of one file whose text is in memory, for tests and tools. */
RATLS_MUST_CHECK enum ratls_status ratls_policy_parse(const char *path, struct ratls_slice text,
                                                      struct ratls_policy **ret_policy,
                                                      struct ratls_error *err);

struct ratls_policy_paths {
    char **paths; /* sorted */
    size_t count;
};

/*
 * The file itself, or the files *.yaml of a folder. RATLS_USAGE if the folder has none, has files
 * *.yml, which would be left out in silence, or if everyone may add one.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_policy_find(const char *path, struct ratls_policy_paths *ret_paths, struct ratls_error *err);
void ratls_policy_paths_done(struct ratls_policy_paths *paths);

#endif
