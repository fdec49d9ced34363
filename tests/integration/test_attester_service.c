/* Several services in one process; and the measured state without waiting for it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "attester_fixture.h"
#include "attester_state.h"

TestSuite(attester_service, .init = set_up, .fini = tear_down, .timeout = 120);

static void count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void wait_for(atomic_uint *calls)
{
    assert_soon(atomic_load(calls) != 0);
    cr_assert_eq(atomic_load(calls), 1);
}

static struct sample *sample_of_service(struct asker *asker, const char *service)
{
    struct sample *s = sample_of(asker);

    cr_assert(ratls_slice_equal(s->statement.service, ratls_slice(service, strlen(service))));
    return s;
}

static struct ratls_attester *of_service(struct ratls_attester *attester, const char *service)
{
    struct ratls_attester *other = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_of_service(attester, service, &other, &err), &err);
    return other;
}

/* Each statement names its own service, and one quote covers them. */
Test(attester_service, one_quote_for_two)
{
    const char *const options[] = {"--hang", NULL};
    struct asker first = {0}, shop = {0}, bank = {0}, last = {0};
    struct ratls_attester *attester, *other, *third;
    struct sample *of_shop, *of_bank, *of_last;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 20000);
    other = of_service(attester, "bank");
    third = of_service(other, "third");
    attester_ask(&first, attester, 1);
    tpm_mux_await_held(&mux);
    attester_ask(&shop, attester, 2);
    attester_ask(&bank, other, 3);
    attester_ask(&last, third, 4);
    tpm_mux_arm(&mux, false);
    free(sample_of_service(&first, "shop"));
    attester->free(attester); /* in any order */
    of_shop = sample_of_service(&shop, "shop");
    other->free(other);
    of_bank = sample_of_service(&bank, "bank");
    of_last = sample_of_service(&last, "third");
    cr_expect_eq(of_bank->evidence.path.tree_size, 3);
    cr_expect(ratls_slice_equal(of_shop->evidence.attest, of_bank->evidence.attest));
    cr_expect(ratls_slice_equal(of_last->evidence.attest, of_bank->evidence.attest));
    third->free(third);
    free(of_shop);
    free(of_bank);
    free(of_last);
    tpm_mux_stop(&mux);
}

Test(attester_service, names)
{
    char long_name[RATLS_SERVICE_MAX + 2];
    struct ratls_attester *other = NULL;
    struct ratls_attester *attester;
    struct ratls_error err = {0};

    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    assert_fails(ratls_tpm_attester_of_service(attester, "", &other, &err), RATLS_USAGE, &err,
                 "service: 1 to 64 characters");
    err = (struct ratls_error){0};
    assert_fails(ratls_tpm_attester_of_service(attester, long_name, &other, &err), RATLS_USAGE,
                 &err, "service: 1 to 64 characters");
    err = (struct ratls_error){0};
    assert_fails(ratls_tpm_attester_of_service(attester, "a\nb", &other, &err), RATLS_USAGE, &err,
                 "service: only printable ASCII");
    cr_assert_null(other);
    other = of_service(attester, long_name + 1);
    other->free(other);
    attester->free(attester);
}

/* As state() says it; the second time it is known. */
Test(attester_service, state_without_waiting)
{
    const struct ratls_pcr_selection selection = {1, {{RATLS_ALG_SHA256, 0x83}}};
    const struct ratls_pcr_selection none = {.count = 0};
    struct ratls_state_job *job = NULL;
    struct ratls_attester *attester, *other;
    uint8_t digest[32], expected[32];
    unsigned age_ms = 0;
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    other = of_service(attester, "bank");
    for (unsigned i = 0; i < 2; i++) {
        atomic_uint calls = 0;

        assert_ok(ratls_state_begin(other, &selection, count, &calls, &job, &err), &err);
        wait_for(&calls);
        assert_ok(ratls_state_take(job, digest, &age_ms, &err), &err);
    }
    assert_ok(attester->state(attester, &selection, expected, &err), &err);
    cr_expect_arr_eq(digest, expected, sizeof digest);
    cr_expect_eq(counts_of(other).states, 1);
    assert_fails(ratls_state_begin(other, &none, count, NULL, &job, &err), RATLS_USAGE, &err,
                 "malformed PCR selection");
    other->free(other);
    attester->free(attester);
}

/* In time, whatever the TPM does; or not at all. */
Test(attester_service, state_of_a_hanging_tpm)
{
    const struct ratls_pcr_selection selection = {1, {{RATLS_ALG_SHA256, 0x83}}};
    const char *const options[] = {"--hang", "--all-commands", "--disarmed", NULL};
    struct ratls_state_job *gone = NULL, *job = NULL;
    atomic_uint gone_calls = 0, calls = 0;
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct tpm_mux mux;
    uint8_t digest[32];
    unsigned threads;
    unsigned age_ms = 0;
    uint64_t start;

    begin_over_mux(&mux, options);
    threads = count_threads();
    tpm_mux_arm(&mux, true);
    attester = new_attester(mux.tcti, 400);
    start = now_ms();
    assert_ok(ratls_state_begin(attester, &selection, count, &gone_calls, &gone, &err), &err);
    assert_ok(ratls_state_begin(attester, &selection, count, &calls, &job, &err), &err);
    ratls_state_cancel(gone);
    wait_for(&calls);
    cr_expect_lt(now_ms() - start, 400 + SLACK_MS);
    assert_fails(ratls_state_take(job, digest, &age_ms, &err), RATLS_TPM, &err,
                 "did not answer within");
    cr_expect_eq(atomic_load(&gone_calls), 0);
    attester->free(attester);
    tpm_mux_stop(&mux); /* the connection ends, and with it the thread that was left behind */
    wait_for_threads(threads);
}
