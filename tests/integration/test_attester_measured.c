/* The measured state without a quote: struct ratls_attester.state. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "attester_fixture.h"
#include "measured.h"

TestSuite(attester_measured, .init = set_up, .fini = tear_down, .timeout = 120);

#define FRESH_MS 1000
#define CALLERS 12

static const struct ratls_pcr_selection sixteen = {1, {{RATLS_ALG_SHA256, 0x0000ffff}}};

static void read_state(struct ratls_attester *attester, const struct ratls_pcr_selection *selection,
                       uint8_t out[RATLS_MEASURED_LEN])
{
    struct ratls_error err = {0};

    assert_ok(attester->state(attester, selection, out, &err), &err);
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, RATLS_MEASURED_LEN) == 0;
}

/* Of a quote that is made now. */
static void quote_state(struct ratls_attester *attester,
                        const struct ratls_pcr_selection *selection,
                        uint8_t out[RATLS_MEASURED_LEN])
{
    struct ratls_attest_request request = new_request(1);
    struct ratls_error err = {0};
    struct sample *s;

    request.selection = *selection;
    s = attest(attester, &request);
    assert_ok(ratls_measured_evidence(ratls_slice(s->bytes, s->len), out, &err), &err);
    free(s);
}

/* What a ticket compares: the state of the evidence with the state of later. */
static void follows_the_quote(const struct ratls_pcr_selection *selection, unsigned pcr)
{
    uint8_t quoted[RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    quote_state(attester, selection, quoted);
    read_state(attester, selection, now);
    cr_assert(is_same(quoted, now));
    sleep_ms(FRESH_MS + 10);
    read_state(attester, selection, now);
    cr_assert(is_same(quoted, now), "read again, and nothing has changed");
    cr_assert(swtpm_extend(f.tpm.tcti, pcr, 1));
    sleep_ms(FRESH_MS + 10);
    read_state(attester, selection, now);
    cr_assert(!is_same(quoted, now), "a change is seen within a second");
    quote_state(attester, selection, quoted);
    cr_assert(is_same(quoted, now));
    attester->free(attester);
}

Test(attester_measured, follows_the_quote)
{
    follows_the_quote(&sixteen, 7);
}

Test(attester_measured, one_pcr)
{
    follows_the_quote(&(struct ratls_pcr_selection){1, {{RATLS_ALG_SHA256, 1u << 10}}}, 10);
}

Test(attester_measured, two_banks)
{
    follows_the_quote(
        &(struct ratls_pcr_selection){2, {{RATLS_ALG_SHA256, 0x3ff}, {RATLS_ALG_SHA384, 0x400}}},
        3);
}

/* The counter of updates does not count PCR 16 and 23: these are read each time. */
Test(attester_measured, pcr_that_is_not_counted)
{
    follows_the_quote(&(struct ratls_pcr_selection){1, {{RATLS_ALG_SHA256, 1u << 16}}}, 16);
}

Test(attester_measured, reboot)
{
    uint8_t before[RATLS_MEASURED_LEN], after[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    read_state(attester, &sixteen, before);
    sleep_ms(FRESH_MS + 10);
    cr_assert(swtpm_restart(&f.tpm));
    read_state(attester, &sixteen, after);
    cr_assert(!is_same(before, after), "the same PCRs, but another boot");
    attester->free(attester);
}

struct caller {
    struct ratls_attester *attester;
    uint8_t state[RATLS_MEASURED_LEN];
    enum ratls_status status;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct ratls_error err = {0};

    caller->status = caller->attester->state(caller->attester, &sixteen, caller->state, &err);
    return NULL;
}

/* At most one look at a slow TPM for all, and none for a second. */
Test(attester_measured, shared)
{
    const char *const options[] = {"--delay-ms", "100", "--all-commands", NULL};
    struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    start = now_ms();
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.attester = attester};
        cr_assert_eq(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(callers[i].status, RATLS_OK);
        cr_assert(is_same(callers[i].state, callers[0].state));
    }
    for (int i = 0; i < 100; i++)
        call(&callers[0]);
    /* That of the first, and of all that came meanwhile; then one a second. */
    cr_expect_leq(counts_of(attester).states, 2 + (now_ms() - start) / FRESH_MS);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* More selections than are remembered: each is right, and the last ones are known. */
Test(attester_measured, many_selections)
{
    uint8_t states[12][RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 12; i++) {
            const struct ratls_pcr_selection selection = {1, {{RATLS_ALG_SHA256, 2u << i}}};

            read_state(attester, &selection, now);
            if (round == 1)
                cr_assert(is_same(states[i], now));
            memcpy(states[i], now, sizeof now);
            quote_state(attester, &selection, now);
            cr_assert(is_same(states[i], now));
        }
    }
    attester->free(attester);
}

Test(attester_measured, failures)
{
    const char *const options[] = {"--hang", "--all-commands", NULL};
    const struct ratls_pcr_selection none = {.count = 0};
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    uint8_t state[RATLS_MEASURED_LEN];
    struct tpm_mux mux;
    unsigned threads;
    uint64_t start;

    begin_over_mux(&mux, options);
    threads = count_threads();
    attester = new_attester(mux.tcti, 300);
    assert_fails(attester->state(attester, &none, state, &err), RATLS_USAGE, &err,
                 "malformed PCR selection");
    start = now_ms();
    err = (struct ratls_error){0};
    assert_fails(attester->state(attester, &sixteen, state, &err), RATLS_TPM, &err,
                 "did not answer within 300 ms");
    cr_expect_lt(now_ms() - start, 300 + SLACK_MS);
    attester->free(attester);
    tpm_mux_stop(&mux); /* the connection ends, and with it the thread that was left behind */
    wait_for_threads(threads);
}
