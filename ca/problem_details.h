/* What the service of a CA says of a request that it does not do: RFC 9457. */
#ifndef RATLS_CA_PROBLEM_DETAILS_H
#define RATLS_CA_PROBLEM_DETAILS_H

#include <stddef.h>

#define RATLS_PROBLEM_TYPE "application/problem+json"
#define RATLS_PROBLEM_DETAIL_MAX 1024
/* Each byte of the longest detail may become six. */
#define RATLS_PROBLEM_MAX (6 * RATLS_PROBLEM_DETAIL_MAX + 256)

/*
 * Writes a JSON object of ASCII alone and returns its length, without the NUL behind it. reason is
 * a word for programs, in lower case with dashes; detail is for people, and cut where it is longer
 * than RATLS_PROBLEM_DETAIL_MAX - 1.
 */
size_t ratls_problem_details(unsigned status, const char *reason, const char *detail,
                             char out[static RATLS_PROBLEM_MAX]);

/* The title of a status, as RFC 9110, 15, has it. Never NULL. */
const char *ratls_problem_title(unsigned status);

#endif
