/* A program that is to run as a drop-in client. */
#ifndef RATLS_TOOL_PROGRAM_H
#define RATLS_TOOL_PROGRAM_H

#include <ratls/error.h>

#include "paths.h"

/* The file that a shell would run for this name. RATLS_IO if there is none. */
RATLS_MUST_CHECK enum ratls_status
ratls_program_find(const char *name, char ret_path[static RATLS_PATH_MAX], struct ratls_error *err);

/*
 * RATLS_USAGE if OpenSSL would not look at OPENSSL_CONF in this program, or could not load a module
 * there: set-user-ID, set-group-ID, file capabilities, no dynamic linker, or another TLS library.
 * Such a program would run unattested without a word.
 */
RATLS_MUST_CHECK enum ratls_status ratls_program_check(const char *path, struct ratls_error *err);

#endif
