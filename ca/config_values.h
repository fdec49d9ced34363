/* Single values in ca.yaml, and lists of names: for config.c and config_lists.c. */
#ifndef RATLS_CA_CONFIG_VALUES_H
#define RATLS_CA_CONFIG_VALUES_H

#include <stdbool.h>

#include "policy_source.h"

#define RATLS_CA_AT_MAX 80 /* a place such as "approval.rules[1023].names[15]" */

/* In all: at is where the value stands, and a value of NULL leaves *ret as it is. */

/* A path, relative to the folder of the file. The caller frees *ret. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_path(const struct ratls_source *source,
                                                      const char *value, char **ret,
                                                      struct ratls_error *err);
/* "90s", "7d": 1 second to max_s. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_duration(const struct ratls_source *source,
                                                          const char *at, const char *value,
                                                          unsigned max_s, unsigned *ret,
                                                          struct ratls_error *err);
/* A number, 1 to max, without leading zeros. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_number(const struct ratls_source *source,
                                                        const char *at, const char *value,
                                                        unsigned max, unsigned *ret,
                                                        struct ratls_error *err);
/* One of two words: true for `yes`. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_word(const struct ratls_source *source,
                                                      const char *at, const char *value,
                                                      const char *yes, const char *no, bool *ret,
                                                      struct ratls_error *err);
/* Copies of texts; ratls_ca_free_texts() frees them, also after a failure. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_copy_texts(char *const *texts, size_t count,
                                                       char ***ret, size_t *ret_count,
                                                       struct ratls_error *err);
void ratls_ca_free_texts(char **texts, size_t count);
/* A list of names, normalised, none twice; the same as for copies. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_names(const struct ratls_source *source,
                                                       const char *at, char *const *texts,
                                                       size_t count, char ***ret, size_t *ret_count,
                                                       struct ratls_error *err);

#endif
