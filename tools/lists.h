/*
 * Lists: facts as lines of the files beside a policy, in the forms that a policy reads
 * (ratls-policy(5)): "HEX  what it is", a line of text, a certificate in PEM.
 */
#ifndef RATLS_TOOL_LISTS_H
#define RATLS_TOOL_LISTS_H

#include "facts.h"

/* How the file of a topic ends, behind the name of the policy: ".images.sha256". */
void ratls_list_suffix(enum ratls_topic topic, uint16_t bank, char *out, size_t cap);

/*
 * The lines for the facts of one topic, each once, in the order of the list; of IMA by path. Above
 * them the comment, if it is not NULL. *ret_text is NULL, and *ret_count 0, if there is nothing to
 * write: facts that have no line, such as a text whose data is unknown, are left out. The caller
 * frees *ret_text.
 */
RATLS_MUST_CHECK enum ratls_status ratls_list_write(const struct ratls_facts *facts,
                                                    enum ratls_topic topic, const char *comment,
                                                    char **ret_text, size_t *ret_count,
                                                    struct ratls_error *err);

/* Whether a fact can stand in a list; a digest of SHA-1 cannot. */
bool ratls_fact_has_line(const struct ratls_fact *fact);

#endif
