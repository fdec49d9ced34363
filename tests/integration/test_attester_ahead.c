/* The measured state for who must not wait: struct ratls_attester.known_state, with a real TPM. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attester_fixture.h"
#include "measured.h"
#include "state_keeper.h"

TestSuite(attester_ahead, .init = set_up, .fini = tear_down, .timeout = 120);

#define HANG_MS 10000
#define ASKED 1000 /* how often a test asks in vain: all take less than a tenth of the hang */

static const struct ratls_pcr_selection sixteen = {1, {{RATLS_ALG_SHA256, 0x0000ffff}}};

static bool knows(struct ratls_attester *attester, uint8_t out[RATLS_MEASURED_LEN])
{
    struct ratls_error err = {0};
    enum ratls_status status = attester->known_state(attester, &sixteen, out, &err);

    if (status != RATLS_OK)
        assert_fails(status, RATLS_TPM, &err, "not at hand");
    return status == RATLS_OK;
}

static void await_known(struct ratls_attester *attester, uint8_t out[RATLS_MEASURED_LEN])
{
    assert_soon(knows(attester, out));
}

static void read_state(struct ratls_attester *attester, uint8_t out[RATLS_MEASURED_LEN])
{
    struct ratls_error err = {0};

    assert_ok(attester->state(attester, &sixteen, out, &err), &err);
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, RATLS_MEASURED_LEN) == 0;
}

/* As many questions as there may be take next to no time, whatever the TPM does. */
static void assert_never_waits(struct ratls_attester *attester)
{
    const uint64_t start = now_ms();
    uint8_t now[RATLS_MEASURED_LEN];

    for (unsigned i = 0; i < ASKED; i++)
        (void)knows(attester, now);
    cr_assert_lt(now_ms() - start, HANG_MS / 10, "it waits for the TPM");
}

Test(attester_ahead, is_at_hand_the_next_time)
{
    uint8_t known[RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_tpm_counts counts;
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    cr_assert_not(knows(attester, known), "nobody has read it");
    await_known(attester, known);
    read_state(attester, now);
    cr_expect(is_same(known, now));
    counts = counts_of(attester);
    cr_expect_eq(counts.states, 1);
    cr_expect_geq(counts.known_states, 1);
    cr_expect_geq(counts.unknown_states, 1);
    attester->free(attester);
}

/* It is read again by itself; that is seen where the TPM is never asked by who asks here. */
Test(attester_ahead, stays_at_hand)
{
    uint8_t known[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    await_known(attester, known);
    sleep_ms(4 * RATLS_STATE_FRESH_MS);
    cr_expect_geq(counts_of(attester).states, 4);
    cr_expect_leq(counts_of(attester).states, 10, "twice in a second is enough");
    cr_expect(knows(attester, known), "it was read meanwhile");
    attester->free(attester);
}

/* Who asks for nothing for a while costs nothing more. */
Test(attester_ahead, ends_by_itself)
{
    uint8_t known[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;
    uint64_t states;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    await_known(attester, known);
    sleep_ms(11000);
    states = counts_of(attester).states;
    sleep_ms(2 * RATLS_STATE_FRESH_MS);
    cr_expect_eq(counts_of(attester).states, states);
    cr_expect_not(knows(attester, known), "it is too old");
    attester->free(attester);
}

/* No later than a second behind the change nobody is told the state of before. */
Test(attester_ahead, change_is_seen_within_a_second)
{
    uint8_t before[RATLS_MEASURED_LEN], after[RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_attester *attester, *other;
    struct tpm_mux mux;
    uint64_t changed, limit;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, (const char *const[]){NULL}));
    attester = new_attester(mux.tcti, 20000);
    other = new_attester(mux.tcti, 20000);
    await_known(attester, before);
    cr_assert(swtpm_extend(mux.tcti, 7, 1));
    changed = now_ms();
    read_state(other, after);
    cr_assert_not(is_same(before, after));
    limit = changed + 3 * RATLS_STATE_FRESH_MS;
    while (now_ms() < limit) {
        bool is_late = now_ms() > changed + RATLS_STATE_FRESH_MS;

        if (knows(attester, now))
            cr_assert(is_same(now, is_late || !is_same(now, before) ? after : before),
                      "the state of before");
        sleep_ms(5);
    }
    cr_expect(knows(attester, now));
    other->free(other);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* A quote shows the state: behind a full handshake it is at hand, without a reading. */
Test(attester_ahead, quote_brings_it)
{
    struct ratls_attest_request request = new_request(1);
    uint8_t known[RATLS_MEASURED_LEN], quoted[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct sample *s;

    request.selection = sixteen;
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    for (unsigned i = 0; i < 2; i++) {
        s = attest(attester, &request);
        cr_assert(knows(attester, known));
        assert_ok(ratls_measured_evidence(ratls_slice(s->bytes, s->len), quoted, &err), &err);
        free(s);
        cr_expect(is_same(known, quoted));
        sleep_ms(300); /* the attester leaves the TPM to others */
        cr_assert(swtpm_extend(f.tpm.tcti, 7, 1));
    }
    attester->free(attester);
}

/*
 * Where each command takes 500 ms no reading is in time; but each quote is for half a second. The
 * TPM is not kept busy with readings that come to nothing.
 */
Test(attester_ahead, slow_tpm)
{
    const char *const options[] = {"--delay-ms", "500", "--all-commands", NULL};
    struct ratls_attest_request request = new_request(1);
    uint8_t known[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;
    struct tpm_mux mux;

    request.selection = sixteen;
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 20000);
    assert_never_waits(attester);
    free(attest(attester, &request));
    cr_expect(knows(attester, known));
    assert_never_waits(attester);
    sleep_ms(5000);
    cr_expect_leq(counts_of(attester).states, 3);
    attester->free(attester);
    tpm_mux_stop(&mux);
    sleep_ms(3000); /* for the thread that was left behind */
}

/* The TPM hangs, and comes back. */
Test(attester_ahead, hanging_tpm)
{
    const char *const options[] = {"--hang", "--all-commands", "--disarmed", NULL};
    uint8_t before[RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;
    struct tpm_mux mux;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 500);
    await_known(attester, before);
    tpm_mux_arm(&mux, true);
    assert_never_waits(attester);
    sleep_ms(RATLS_STATE_FRESH_MS + 10);
    cr_assert_not(knows(attester, now), "nobody knows it any more");
    assert_never_waits(attester);
    sleep_ms(HANG_MS);
    cr_assert_not(knows(attester, now));
    assert_never_waits(attester);
    tpm_mux_arm(&mux, false);
    await_known(attester, now);
    cr_expect(is_same(before, now));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* Each process has its own; what the parent knows may be old by the time. */
Test(attester_ahead, child)
{
    uint8_t before[RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_attester *attester;
    struct tpm_mux mux;
    int status = 0;
    pid_t child;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, (const char *const[]){NULL}));
    attester = new_attester(mux.tcti, 20000);
    await_known(attester, before);
    wait_for_rest(); /* while it forks: see test_attester_threads.c */
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        bool is_right = !knows(attester, now);

        await_known(attester, now);
        _exit(is_right && is_same(before, now) ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    await_known(attester, now);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

static void count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

/* begin_state, as the others of its kind. */
Test(attester_ahead, begun)
{
    const struct ratls_pcr_selection none = {.count = 0};
    uint8_t taken[RATLS_MEASURED_LEN], now[RATLS_MEASURED_LEN];
    struct ratls_state_job *job = NULL, *gone = NULL;
    atomic_uint calls = 0, gone_calls = 0;
    struct ratls_attester *attester;
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 20000);
    assert_fails(attester->begin_state(attester, &none, count, &calls, &job, &err), RATLS_USAGE,
                 &err, "malformed PCR selection");
    err = (struct ratls_error){0};
    assert_fails(attester->known_state(attester, &none, now, &err), RATLS_USAGE, &err,
                 "malformed PCR selection");
    err = (struct ratls_error){0};
    assert_ok(attester->begin_state(attester, &sixteen, count, &gone_calls, &gone, &err), &err);
    attester->cancel_state(attester, gone);
    gone_calls = 0;
    assert_ok(attester->begin_state(attester, &sixteen, count, &calls, &job, &err), &err);
    assert_soon(atomic_load(&calls) == 1);
    assert_ok(attester->take_state(attester, job, taken, &err), &err);
    read_state(attester, now);
    cr_expect(is_same(taken, now));
    cr_expect_eq(atomic_load(&calls), 1);
    cr_expect_eq(atomic_load(&gone_calls), 0);
    attester->free(attester);
}
