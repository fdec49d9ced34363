/* For test support, which has no error to return: prints where, and OpenSSL's reasons, and aborts.
 */
#ifndef RATLS_TEST_MUST_H
#define RATLS_TEST_MUST_H

#include <openssl/err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define must(condition) must_hold((condition) ? true : false, #condition, __FILE__, __LINE__)

static inline void must_hold(bool held, const char *condition, const char *file, int line)
{
    if (held)
        return;
    fprintf(stderr, "%s:%d: failed: %s\n", file, line, condition);
    ERR_print_errors_fp(stderr);
    abort();
}

#endif
