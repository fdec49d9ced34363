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

#ifdef __clang_analyzer__
/* It looks at one file at a time, and would follow paths on which these return RATLS_OK. */
static inline enum ratls_status ratls_failed(enum ratls_status result, enum ratls_status status)
{
    (void)result;
    return status;
}
#define ratls_fail(err, status, ...) ratls_failed((ratls_fail)(err, status, __VA_ARGS__), status)
#define ratls_fail_openssl(err, what) ratls_failed((ratls_fail_openssl)(err, what), RATLS_CRYPTO)
#endif

#endif
