/* How functions of the library report that they could not work. */
#ifndef RATLS_FAIL_H
#define RATLS_FAIL_H

#include <ratls/error.h>

/*
 * Returns status. Writes it and the text to err, unless err is NULL or has a text already: the
 * deepest message wins.
 */
enum ratls_status ratls_fail(struct ratls_error *err, enum ratls_status status, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

/* ratls_fail(err, RATLS_CRYPTO, ...) with OpenSSL's oldest error message behind ": ". */
enum ratls_status ratls_fail_openssl(struct ratls_error *err, const char *what);

#endif
