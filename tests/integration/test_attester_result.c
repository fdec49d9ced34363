/* The attestation result that an attester brings along: a file that others replace at any time. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attester_fixture.h"
#include "cose.h"
#include "pki.h"

static char path[PATH_LEN + 16];
static struct ratls_attester *attester;

static void write_file(const void *bytes, size_t len)
{
    FILE *stream = fopen(path, "wb");

    cr_assert_not_null(stream, "%s", path);
    cr_assert_eq(fwrite(bytes, 1, len, stream), len);
    cr_assert_eq(fclose(stream), 0);
}

/* A CWT of so many bytes of claims, which only the verifier looks at. */
static size_t write_result(size_t len)
{
    static uint8_t claims[RATLS_RESULT_MAX];
    EVP_PKEY *key = pki_key(PKI_P256);
    uint8_t *bytes = NULL;
    size_t whole = 0;

    cr_assert_eq(ratls_cose_sign(key, ratls_slice(claims, len), &bytes, &whole, NULL), RATLS_OK);
    write_file(bytes, whole);
    free(bytes);
    EVP_PKEY_free(key);
    return whole;
}

static struct ratls_attester *open_attester(const char *result)
{
    const struct ratls_tpm_options options = {
        .state_dir = f.state, .boot_log = "", .ima_list = "", .result = result};
    struct ratls_attester *out = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &out, &err), &err);
    return out;
}

static void begin(void)
{
    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    snprintf(path, sizeof path, "%s/result.cwt", f.tpm.folder);
    attester = open_attester(path);
}

static void end(void)
{
    attester->free(attester);
    unlink(path);
    tear_down();
}

TestSuite(attester_result, .init = begin, .fini = end);

/* Length of the result in evidence that is otherwise sound. */
static size_t sent(unsigned offers)
{
    struct ratls_attest_request request = new_request(1);
    struct sample *s;
    size_t len;

    request.offers = offers;
    s = attest(attester, &request);
    len = s->evidence.result.len;
    free(s);
    return len;
}

Test(attester_result, comes_if_it_is_of_use_and_there)
{
    size_t len;

    cr_expect_eq(sent(RATLS_OFFER_RESULT), 0, "there is no file yet");
    cr_expect_not_null(ratls_tpm_log_missing(attester, RATLS_TPM_RESULT));
    len = write_result(300);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), len);
    cr_expect_eq(sent(0), 0, "nobody asked");
    len = write_result(310);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), len, "a new one counts at once");
    cr_expect_eq(unlink(path), 0);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), 0, "it is gone");
}

Test(attester_result, is_a_cwt_of_a_bounded_length)
{
    size_t overhead = write_result(8000) - 8000, len;

    len = write_result(RATLS_RESULT_MAX - overhead);
    cr_expect_eq(len, RATLS_RESULT_MAX);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), len, "the longest");
    write_file("eyJhbGciOiJFUzI1NiJ9.e30.AA", 27);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), 0, "a JWT");
    write_file("", 0);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), 0, "nothing");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(sent(RATLS_OFFER_RESULT), 0, "a FIFO, for which nobody waits");
}

Test(attester_result, what_is_missing_is_said)
{
    struct ratls_attester *none = open_attester(NULL), *some;

    cr_expect_null(ratls_tpm_log_missing(none, RATLS_TPM_RESULT), "not wanted");
    none->free(none);
    write_result(300);
    some = open_attester(path);
    cr_expect_null(ratls_tpm_log_missing(some, RATLS_TPM_RESULT), "it is there");
    some->free(some);
}
