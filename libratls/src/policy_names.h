/* Names of servers or clients in a policy. */
#ifndef RATLS_POLICY_NAMES_H
#define RATLS_POLICY_NAMES_H

#include "rules.h"

#define RATLS_NAME_SIZE 256 /* a DNS name (RFC 1035, 2.3.4) and a final NUL */

/*
 * Writes the one form of a DNS name (lower case), of such a name behind "*." (one label), or of an
 * IP address. Returns NULL, or what is wrong with the text.
 */
const char *ratls_name_normalise(const char *text, char out[static RATLS_NAME_SIZE]);

/* The same of a name that a program wants to reach; false if it is none, or a wildcard. */
bool ratls_name_wanted(const char *name, char out[static RATLS_NAME_SIZE]);

/* Whether a name of a policy speaks for all that another one speaks for; both are normalised. */
bool ratls_name_includes(const char *wide, const char *narrow);

void ratls_names_done(struct ratls_names *names);

#endif
