/*
 * A text in YAML as libcyaml reads it by a schema, with libcyaml's messages in words that name
 * file, line, column and key. ratls_source_check() has looked at the text before.
 */
#ifndef RATLS_YAML_LOAD_H
#define RATLS_YAML_LOAD_H

#include "policy_source.h"

#define RATLS_YAML_VALUE_MAX 4096 /* bytes of one text */

/* The words that a key takes, for people who wrote another one. */
struct ratls_yaml_choice {
    const char *at;    /* how the path of the key begins */
    const char *words; /* "this, that or another" */
    const char *old;   /* a word of an older version, and what to say of it; or NULL */
    const char *hint;
};

struct cyaml_schema_value;

struct ratls_yaml {
    const struct cyaml_schema_value *schema; /* a mapping by pointer */
    const struct ratls_yaml_choice *choices;
    size_t choice_count;
};

/* RATLS_USAGE with the place. The caller frees *ret_data with ratls_yaml_free(). */
RATLS_MUST_CHECK enum ratls_status ratls_yaml_load(const struct ratls_yaml *yaml,
                                                   const struct ratls_source *source,
                                                   void **ret_data, struct ratls_error *err);
void ratls_yaml_free(const struct ratls_yaml *yaml, void *data); /* accepts NULL */

#endif
