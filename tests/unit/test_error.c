/* The texts of failures: the deepest one wins, and none is longer than its place. */
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include <ratls/ratls.h>

#include "fail.h"

Test(error, status_names)
{
    static const struct {
        enum ratls_status status;
        const char *name;
    } rows[] = {
        {RATLS_OK, "ok"},
        {RATLS_REJECTED, "rejected"},
        {RATLS_MALFORMED, "malformed"},
        {RATLS_LIMIT, "limit"},
        {RATLS_USAGE, "usage"},
        {RATLS_IO, "io"},
        {RATLS_TPM, "tpm"},
        {RATLS_CRYPTO, "crypto"},
        {RATLS_MEMORY, "memory"},
        {(enum ratls_status)99, "unknown"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect_str_eq(ratls_status_name(rows[i].status), rows[i].name);
}

Test(error, version)
{
    cr_assert_str_eq(ratls_version(), RATLS_VERSION);
}

Test(error, deepest_text_wins)
{
    struct ratls_error err = {0};

    cr_assert_eq(ratls_fail(&err, RATLS_IO, "%s: %d", "file", 7), RATLS_IO);
    cr_assert_eq(ratls_fail(&err, RATLS_USAGE, "the policy cannot be read"), RATLS_USAGE);
    cr_assert_eq(err.status, RATLS_IO);
    cr_assert_str_eq(err.text, "file: 7");
}

Test(error, nobody_wants_the_text)
{
    cr_assert_eq(ratls_fail(NULL, RATLS_LIMIT, "%s", "text"), RATLS_LIMIT);
    cr_assert_eq(ratls_fail_openssl(NULL, "text"), RATLS_CRYPTO);
}

Test(error, long_text_is_cut)
{
    struct ratls_error err = {0};
    char text[2 * sizeof err.text];

    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(ratls_fail(&err, RATLS_IO, "%s", text), RATLS_IO);
    cr_assert_eq(strlen(err.text), sizeof err.text - 1);
}

Test(error, reason_of_openssl)
{
    struct ratls_error with = {0};
    struct ratls_error without = {0};

    ERR_clear_error();
    cr_assert_eq(ratls_fail_openssl(&without, "making a key"), RATLS_CRYPTO);
    cr_assert_str_eq(without.text, "making a key");
    ERR_raise(ERR_LIB_EVP, EVP_R_INVALID_KEY);
    cr_assert_eq(ratls_fail_openssl(&with, "making a key"), RATLS_CRYPTO);
    cr_assert_eq(with.status, RATLS_CRYPTO);
    cr_assert_str_eq(with.text, "making a key: invalid key");
    ERR_clear_error();
}
