/* ratls_tpm_attester_counts(): what the TPM of a process has done. */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attester_fixture.h"

TestSuite(attester_counts, .init = set_up, .fini = tear_down, .timeout = 120);

static atomic_uint calls;

static void count_call(void *arg)
{
    (void)arg;
    atomic_fetch_add(&calls, 1);
}

/* Takes the evidence of a job that will be done; false: there was none. */
static bool take(struct ratls_attester *attester, struct ratls_attest_job *job)
{
    uint8_t *evidence = NULL;
    struct ratls_error err = {0};
    size_t len;
    bool has_evidence = attester->take(attester, job, &evidence, &len, &err) == RATLS_OK;

    free(evidence);
    return has_evidence;
}

/* One alone is at the TPM at first; the five that come meanwhile share the next quote. */
Test(attester_counts, quotes_and_batches)
{
    const char *const options[] = {"--hang", "--disarmed", NULL};
    const struct ratls_attest_request first = new_request(100);
    struct ratls_attester *attester;
    struct ratls_attest_job *jobs[6];
    struct ratls_error err = {0};
    struct ratls_tpm_counts counts;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    counts = counts_of(attester);
    cr_assert_eq(counts.quotes + counts.leaves + counts.waiting, 0);
    free(attest(attester, &first));
    tpm_mux_arm(&mux, true);
    for (int i = 0; i < 6; i++) {
        const struct ratls_attest_request request = new_request((uint8_t)(3 * i));

        assert_ok(attester->begin(attester, &request, count_call, NULL, &jobs[i], &err), &err);
        if (i == 0)
            tpm_mux_await_held(&mux);
    }
    cr_expect_eq(counts_of(attester).waiting, 6);
    tpm_mux_arm(&mux, false);
    assert_soon(atomic_load(&calls) == 6);
    counts = counts_of(attester);
    cr_expect_eq(counts.waiting, 0);
    cr_expect_eq(counts.quotes, 3);
    cr_expect_eq(counts.leaves, 7);
    cr_expect_eq(counts.batches[0], 2);
    cr_expect_eq(counts.batches[3], 1, "five are more than 4, and at most 8");
    cr_expect_eq(counts.errors + counts.retries + counts.states, 0);
    for (int i = 0; i < 6; i++)
        cr_expect(take(attester, jobs[i]));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester_counts, errors_and_retries)
{
    const char *const options[] = {"--error", "922", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 2000);
    assert_attest_fails(attester, &request, RATLS_TPM, "");
    assert_soon(counts_of(attester).errors != 0);
    cr_expect_eq(counts_of(attester).errors, 1);
    cr_expect_gt(counts_of(attester).retries, 2);
    cr_expect_eq(counts_of(attester).quotes, 0);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* Within a second it is read once. */
Test(attester_counts, states)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    uint8_t digest[32];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    assert_ok(attester->state(attester, &request.selection, digest, &err), &err);
    assert_ok(attester->state(attester, &request.selection, digest, &err), &err);
    cr_expect_eq(counts_of(attester).states, 1);
    attester->free(attester);
}

/* A child counts for itself. */
Test(attester_counts, fork)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    int status;
    pid_t child;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    free(attest(attester, &request));
    wait_for_rest();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        status = counts_of(attester).quotes == 0 ? 0 : 1;
        attester->free(attester);
        _exit(status);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_expect_eq(counts_of(attester).quotes, 1);
    attester->free(attester);
}

/* One that talks to the TPM, and one that calls those who do not wait. */
Test(attester_counts, threads)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_attest_job *job = NULL;
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    cr_expect_eq(attester->threads(attester), 0);
    free(attest(attester, &request));
    cr_expect_eq(attester->threads(attester), 1);
    assert_ok(attester->begin(attester, &request, count_call, NULL, &job, &err), &err);
    cr_expect_eq(attester->threads(attester), 2);
    attester->cancel(attester, job);
    attester->free(attester);
}
