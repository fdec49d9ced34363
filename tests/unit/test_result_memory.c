/* The N-th allocation fails, for every N: no result is made or believed that is not whole. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

#include "cose.h"
#include "failmalloc.h"
#include "jws.h"
#include "pki.h"
#include "result_json.h"
#include "result_sample.h"

#define ALLOCATIONS_MAX 20000

struct token {
    uint8_t *bytes;
    size_t len;
};

static enum ratls_status sign_cwt(EVP_PKEY *key, struct token *ret)
{
    const struct ratls_result result = sample_result();
    uint8_t claims[RATLS_RESULT_MAX];
    struct ratls_writer w = ratls_writer(claims, sizeof claims);

    ratls_result_write(&result, &w);
    return ratls_cose_sign(key, ratls_writer_slice(&w), &ret->bytes, &ret->len, NULL);
}

static enum ratls_status sign_jwt(EVP_PKEY *key, struct token *ret)
{
    const struct ratls_result result = sample_result();
    char *text = NULL;
    enum ratls_status status = ratls_result_json_write(&result, &text, NULL);

    if (status == RATLS_OK)
        status = ratls_jws_sign(key, sample_text(text), &ret->bytes, &ret->len, NULL);
    free(text);
    return status;
}

/* Until nothing failed any more; what comes in time is whole. */
static void run(enum ratls_status (*sign)(EVP_PKEY *key, struct token *ret), EVP_PKEY *key)
{
    const struct ratls_result_expectation e = {.key = key, .now = SAMPLE_ISSUED_AT};
    struct ratls_result_claims claims;
    struct token good = {NULL, 0};
    bool failed = true;

    cr_assert_eq(sign(key, &good), RATLS_OK);
    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        struct token token = {NULL, 0};
        enum ratls_status status;

        failmalloc_arm(n);
        status = sign(key, &token);
        failed = failmalloc_disarm();
        cr_expect_eq(status == RATLS_OK, token.bytes != NULL, "%zu", n);
        if (status == RATLS_OK)
            cr_expect_eq(ratls_result_verify(token.bytes, token.len, &e, &claims, NULL), RATLS_OK,
                         "%zu", n);
        free(token.bytes);
    }
    cr_assert_not(failed);
    failed = true;
    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n++) {
        enum ratls_status status;

        failmalloc_arm(n);
        status = ratls_result_verify(good.bytes, good.len, &e, &claims, NULL);
        failed = failmalloc_disarm();
        if (status == RATLS_OK)
            cr_expect_str_eq(claims.server_name, "bank.example", "%zu", n);
    }
    cr_assert_not(failed);
    free(good.bytes);
}

Test(result_memory, cwt)
{
    EVP_PKEY *key = pki_key(PKI_P256);

    run(sign_cwt, key);
    EVP_PKEY_free(key);
}

Test(result_memory, jwt)
{
    EVP_PKEY *key = pki_key(PKI_P256);

    json_set_alloc_funcs(malloc, free); /* those of this program: they fail when they are told to */
    run(sign_jwt, key);
    EVP_PKEY_free(key);
}
