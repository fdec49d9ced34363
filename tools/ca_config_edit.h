/* ca.yaml with one issuer more. */
#ifndef RATLS_TOOL_CA_CONFIG_EDIT_H
#define RATLS_TOOL_CA_CONFIG_EDIT_H

#include <ratls/error.h>

/*
 * Puts an issuer before the others, and nothing else: comments and order stay. The file is replaced
 * as a whole or not at all, and only by what reads as meant. RATLS_USAGE if that cannot be done:
 * the text is then to be changed by hand.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_config_add_issuer(const char *path,
                                                              const char *certificate,
                                                              const char *key,
                                                              struct ratls_error *err);

#endif
