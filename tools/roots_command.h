/* What the commands of `ratls roots` share. */
#ifndef RATLS_TOOL_ROOTS_COMMAND_H
#define RATLS_TOOL_ROOTS_COMMAND_H

#include <openssl/x509.h>

#include "roots_folder.h"
#include "view.h"

#define RATLS_ROOT_ABOUT_MAX 64

int ratls_cmd_roots_check(int argc, char **argv);
int ratls_cmd_roots_import(int argc, char **argv);
int ratls_cmd_roots_list(int argc, char **argv);
int ratls_cmd_roots_show(int argc, char **argv);
int ratls_cmd_roots_remove(int argc, char **argv);

/* The day of a time of a certificate, as 2026-11-20; "no end" of 9999-12-31 (RFC 5280, 4.1.2.5). */
void ratls_day_text(const ASN1_TIME *time, char out[static RATLS_ROOT_ABOUT_MAX]);

/*
 * The one whose SHA-256 begins with these hexadecimal digits, at least 8. RATLS_USAGE if there is
 * none, or more than one.
 */
RATLS_MUST_CHECK enum ratls_status ratls_roots_find(const struct ratls_roots *roots,
                                                    const char *digits,
                                                    const struct ratls_root **ret_root,
                                                    struct ratls_error *err);

#endif
