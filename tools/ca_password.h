/* The password of a store in PostgreSQL, where others of this machine may read it. */
#ifndef RATLS_TOOL_CA_PASSWORD_H
#define RATLS_TOOL_CA_PASSWORD_H

#include <stdbool.h>

/* Whether an address of libpq has a password: of its user, or among its parameters. */
bool ratls_ca_has_password(const char *where);

/*
 * Says so if one is in the arguments of this process, which ps(1) shows to everybody, or in a
 * configuration that everybody may read. store_url: that of the arguments, or NULL.
 */
void ratls_ca_warn_of_password(const char *config_path, const char *store_url,
                               const char *configured);

#endif
