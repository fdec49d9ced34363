/* An openssl.cnf, read by OpenSSL itself, and the way in it that leads to ratls. */
#ifndef RATLS_TOOL_OPENSSL_CONF_H
#define RATLS_TOOL_OPENSSL_CONF_H

#include <openssl/conf.h>
#include <stdbool.h>
#include <stddef.h>

#include <ratls/error.h>

#define RATLS_OPENSSL_PASSED_MAX 512

/*
 * The caller frees *ret_conf with NCONF_free(). OpenSSL passes over what .include names and it
 * cannot read: ret_passed says the first such path, with the reason; "" if there is none. RATLS_IO
 * or RATLS_USAGE, with file and line, where OpenSSL would go on without any configuration.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_openssl_conf_read(OSSL_LIB_CTX *libctx, const char *path, CONF **ret_conf,
                        char ret_passed[static RATLS_OPENSSL_PASSED_MAX], struct ratls_error *err);

/* Borrowed of the CONF: sections without their brackets. */
struct ratls_conf_way {
    const char *first; /* what openssl_conf names */
    const char *providers;
    const char *name; /* of the provider */
    const char *section;
};

/* RATLS_USAGE where the way ends before it comes to ratls, with the place. */
RATLS_MUST_CHECK enum ratls_status
ratls_openssl_conf_find(const CONF *conf, struct ratls_conf_way *ret, struct ratls_error *err);

/* From now on conf says nothing but which providers there are, and activates all but ratls. */
void ratls_openssl_conf_disarm(CONF *conf, const struct ratls_conf_way *way);

/*
 * OpenSSL's oldest error in words, without the names of its functions; nothing remains on its
 * stack. False if there is none.
 */
bool ratls_openssl_reason(char *ret, size_t cap);

#endif
