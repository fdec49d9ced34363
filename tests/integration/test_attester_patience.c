/* A TPM that asks for patience, refuses, hangs for long, or goes away and comes back. */
#include <stdio.h>
#include <stdlib.h>

#include "attester_fixture.h"

TestSuite(attester_patience, .init = set_up, .fini = tear_down, .timeout = 120);

/* The answer comes `times` times, and nobody notices. ESYS sends a command five times by itself. */
static void answer_some_times(const char *code, const char *times, unsigned retries)
{
    const char *const options[] = {"--error", code, "--times", times, NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 20000);
    free(attest(attester, &request));
    cr_expect_eq(counts_of(attester).quotes, 1);
    cr_expect_eq(counts_of(attester).errors, 0);
    cr_expect_geq(counts_of(attester).retries, retries);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester_patience, retry)
{
    answer_some_times("922", "12", 1);
}

Test(attester_patience, yielded)
{
    answer_some_times("908", "12", 1);
}

Test(attester_patience, testing)
{
    answer_some_times("90a", "3", 0);
}

/* The effort is bounded: the pauses grow, so that a TPM that never answers is not asked too often.
 */
Test(attester_patience, effort_is_bounded)
{
    const char *const options[] = {"--error", "908", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 2000);
    assert_attest_fails(attester, &request, RATLS_TPM, "");
    assert_soon(counts_of(attester).errors != 0);
    cr_expect_leq(counts_of(attester).retries, 2000 / 80 + 4);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* Once in lockout: who waits then is told what to do; who comes later is served again. */
Test(attester_patience, lockout_once)
{
    const char *const options[] = {"--error", "921", "--times", "1", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 20000);
    assert_attest_fails(attester, &request, RATLS_TPM, "tpm2_dictionarylockout --clear-lockout");
    free(attest(attester, &request));
    cr_expect_eq(counts_of(attester).errors, 1);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* Ten seconds: who waits fails at his deadline, who comes meanwhile at once; then all is as ever.
 */
Test(attester_patience, hangs_ten_seconds)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_attest_request request = new_request(1);
    const uint64_t begin = now_ms();
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 1000);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer within 1000 ms");
    cr_expect_geq(now_ms() - start, 990);
    cr_expect_lt(now_ms() - start, 1000 + SLACK_MS);
    await_failure(attester, &request, "has not answered for more than"); /* it began later */
    while (now_ms() - begin < 10000) {
        start = now_ms();
        assert_attest_fails(attester, &request, RATLS_TPM, "has not answered for more than");
        cr_expect_lt(now_ms() - start, 1000, "who comes later does not wait");
        sleep_ms(500);
    }
    tpm_mux_arm(&mux, false);
    await_evidence(attester, &request);
    cr_expect_eq(counts_of(attester).waiting, 0);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* The device is gone: an error in words, at once, as often as it is asked; then it is there. */
Test(attester_patience, gone_and_back)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    char tcti[SWTPM_TCTI_MAX];

    begin_over_mux(&mux, NULL);
    snprintf(tcti, sizeof tcti, "%s", mux.tcti);
    attester = new_attester(tcti, 60000);
    free(attest(attester, &request));
    tpm_mux_stop(&mux);
    for (int i = 0; i < 3; i++) {
        uint64_t start = now_ms();

        assert_attest_fails(attester, &request, RATLS_TPM,
                            i == 0 ? "" : "nobody listens at this socket");
        cr_expect_lt(now_ms() - start, SLACK_MS);
    }
    cr_assert(tpm_mux_start(&mux, &f.tpm, NULL));
    free(attest(attester, &request));
    attester->free(attester);
    tpm_mux_stop(&mux);
}
