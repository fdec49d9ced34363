#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdio.h>

#include "tls_internal.h"

/* OpenSSL keeps the texts of reasons for ever: there are only so many of them, and none twice. */
Test(tls_errors, texts_are_bounded)
{
    struct ratls_error error = {.status = RATLS_TPM};
    char reason[400];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            snprintf(error.text, sizeof error.text, "failure %d", i);
            snprintf(reason, sizeof reason, "attestation failed: %s", i < 32 ? error.text : "TPM");
            ERR_clear_error();
            ratls_raise_error(&error);
            cr_expect_str_eq(ERR_reason_error_string(ERR_peek_error()), reason);
        }
    }
    ERR_clear_error();
}
