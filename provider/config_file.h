/* The file that openssl.cnf is, as far as OpenSSL does not show it to providers. */
#ifndef RATLS_PROVIDER_CONFIG_FILE_H
#define RATLS_PROVIDER_CONFIG_FILE_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <stdbool.h>

#include <ratls/error.h>

/*
 * RATLS_USAGE, with the key in the text, if the section of this provider in the file has a key that
 * is none, or one that OpenSSL takes for the name of a section and shows to nobody.
 *
 * *ret_is_ours: whether the section was found there. It was not if the file cannot be read once
 * more, as a pipe, or has other values than OpenSSL shows, which then read another one: nothing was
 * checked.
 */
RATLS_MUST_CHECK enum ratls_status ratls_config_file_check(const char *path,
                                                           const OSSL_CORE_HANDLE *handle,
                                                           OSSL_FUNC_core_get_params_fn *get_params,
                                                           bool *ret_is_ours,
                                                           struct ratls_error *err);

#endif
