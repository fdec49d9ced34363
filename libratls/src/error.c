#include "fail.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include <ratls/ratls.h>

#undef ratls_fail
#undef ratls_fail_openssl

const char *ratls_version(void)
{
    return RATLS_VERSION;
}

/* No default: the compiler reports a status without a name. */
const char *ratls_status_name(enum ratls_status status)
{
    switch (status) {
    case RATLS_OK:
        return "ok";
    case RATLS_REJECTED:
        return "rejected";
    case RATLS_MALFORMED:
        return "malformed";
    case RATLS_LIMIT:
        return "limit";
    case RATLS_USAGE:
        return "usage";
    case RATLS_IO:
        return "io";
    case RATLS_TPM:
        return "tpm";
    case RATLS_CRYPTO:
        return "crypto";
    case RATLS_MEMORY:
        return "memory";
    }
    return "unknown";
}

enum ratls_status ratls_fail(struct ratls_error *err, enum ratls_status status, const char *format,
                             ...)
{
    va_list args;

    if (err == NULL || err->text[0] != '\0')
        return status;
    err->status = status;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

enum ratls_status ratls_fail_openssl(struct ratls_error *err, const char *what)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

    if (reason == NULL)
        return ratls_fail(err, RATLS_CRYPTO, "%s", what);
    return ratls_fail(err, RATLS_CRYPTO, "%s: %s", what, reason);
}
