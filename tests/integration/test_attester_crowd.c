/* Many who ask at once: memory, deadlines, fairness, and PCRs that move meanwhile. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attester_fixture.h"

TestSuite(attester_crowd, .init = set_up, .fini = tear_down, .timeout = 120);

#define CROWD 10000
#define BYTES_EACH 1536 /* that one may take while it waits */
#define LEFT_MAX 65536  /* of all of them: what the allocator and the worker keep for the next */

struct member {
    struct asker asker;
    uint64_t called_ms;
    unsigned order; /* among all that were called */
};

static atomic_uint called;

static void be_done(void *arg)
{
    struct member *member = arg;

    member->called_ms = now_ms();
    member->order = atomic_fetch_add(&called, 1);
    asker_done(&member->asker);
}

static void begin_request(struct member *member, struct ratls_attester *attester)
{
    struct asker *asker = &member->asker;

    asker->attester = attester;
    assert_ok(attester->begin(attester, &asker->request, be_done, member, &asker->job, &asker->err),
              &asker->err);
}

static void begin(struct member *member, struct ratls_attester *attester, size_t number)
{
    *member = (struct member){.asker.request = new_request(1)};
    memcpy(member->asker.request.nonce, &number, sizeof number);
    begin_request(member, attester);
}

static void wait_for_calls(unsigned count)
{
    assert_soon(atomic_load(&called) >= count);
    cr_assert_eq(atomic_load(&called), count);
}

/* Of AddressSanitizer, whose allocator mallinfo2() does not know. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* A TPM that hangs lets 10 000 wait; half of them leave, the others get their own proof. */
Test(attester_crowd, ten_thousand)
{
    const char *const options[] = {"--hang", "--disarmed", NULL};
    struct member *crowd = calloc(CROWD, sizeof *crowd);
    const struct ratls_attest_request first = new_request(1);
    struct ratls_tpm_counts counts;
    struct ratls_attester *attester;
    struct tpm_mux mux;
    size_t before, with_all;

    cr_assert_not_null(crowd);
    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    free(attest(attester, &first));
    tpm_mux_arm(&mux, true);
    before = allocated();
    for (size_t i = 0; i < CROWD; i++)
        begin(&crowd[i], attester, i);
    with_all = allocated();
    ratls_tpm_attester_counts(attester, &counts);
    cr_expect_eq(counts.waiting, CROWD);
    cr_expect_lt(with_all - before, (size_t)CROWD * BYTES_EACH, "%zu bytes each",
                 (with_all - before) / CROWD);
    for (size_t i = 0; i < CROWD; i += 2)
        attester->cancel(attester, crowd[i].asker.job);
    tpm_mux_arm(&mux, false);
    wait_for_calls(CROWD / 2);
    for (size_t i = 1; i < CROWD; i += 2)
        free(sample_of(&crowd[i].asker));
    ratls_tpm_attester_counts(attester, &counts);
    cr_expect_eq(counts.waiting, 0);
    cr_expect_leq(counts.quotes, 4, "%zu quotes", (size_t)counts.quotes);
    printf("%zu bytes for each of %d that wait\n", (with_all - before) / CROWD, CROWD);
    cr_expect_lt(allocated(), before + LEFT_MAX, "%zu bytes stay", allocated() - before);
    attester->free(attester);
    tpm_mux_stop(&mux);
    free(crowd);
}

/* The same without an answer: each is called at its own deadline, neither before nor long after. */
Test(attester_crowd, deadlines)
{
    const char *const options[] = {"--hang", NULL};
    enum { COUNT = 500, DEADLINE_MS = 500 };
    static struct member crowd[COUNT];
    static uint64_t begun[COUNT];
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t latest = 0;
    unsigned threads;

    begin_over_mux(&mux, options);
    threads = count_threads();
    attester = new_attester(mux.tcti, DEADLINE_MS);
    for (size_t i = 0; i < COUNT; i++) {
        begun[i] = now_ms();
        begin(&crowd[i], attester, i);
        if (i % 5 == 4)
            sleep_ms(2);
    }
    wait_for_calls(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t taken = crowd[i].called_ms - begun[i];
        struct asker *asker = &crowd[i].asker;

        cr_expect_geq(taken, DEADLINE_MS - 1);
        cr_expect_eq(crowd[i].order, i, "number %zu was called as number %u", i, crowd[i].order);
        latest = taken > latest ? taken : latest;
        asker_take(asker);
        assert_fails(asker->status, RATLS_TPM, &asker->err, "did not answer within 500 ms");
    }
    cr_expect_lt(latest, DEADLINE_MS + SLACK_MS);
    printf("the latest call: %d ms behind its deadline\n", (int)(latest - DEADLINE_MS));
    attester->free(attester);
    tpm_mux_stop(&mux); /* the connection ends, and with it the thread that was left behind */
    wait_for_threads(threads);
}

/* Of those that share a quote who has waited longest is called first, whoever leaves meanwhile. */
Test(attester_crowd, oldest_first)
{
    const char *const options[] = {"--hang", NULL};
    enum { COUNT = 300 };
    static struct member crowd[COUNT];
    struct ratls_tpm_counts counts;
    struct ratls_attester *attester;
    struct tpm_mux mux;
    unsigned staying = 0;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    for (size_t i = 0; i < COUNT; i++)
        begin(&crowd[i], attester, i);
    for (size_t i = 1; i < COUNT; i += 3)
        attester->cancel(attester, crowd[i].asker.job);
    tpm_mux_arm(&mux, false);
    wait_for_calls(COUNT - COUNT / 3);
    for (size_t i = 0; i < COUNT; i++) {
        if (i % 3 == 1)
            continue;
        cr_expect_eq(crowd[i].order, staying, "number %u was called as number %u", staying,
                     crowd[i].order);
        staying++;
        free(sample_of(&crowd[i].asker));
    }
    ratls_tpm_attester_counts(attester, &counts);
    cr_expect_leq(counts.quotes, 2, "%zu quotes", (size_t)counts.quotes);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* Clients with selections of their own do not push out what most clients ask for. */
Test(attester_crowd, odd_selections)
{
    const char *const options[] = {"--hang", NULL};
    enum { ODD = 20, ALIKE = 40, ALL = 1 + ODD + ALIKE };
    static struct member crowd[ALL];
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    for (size_t i = 0; i < ALL; i++) {
        crowd[i].asker.request = new_request((uint8_t)i);
        if (i <= ODD)
            crowd[i].asker.request.selection.banks[0].pcrs = (uint32_t)(1 + i);
        begin_request(&crowd[i], attester);
    }
    tpm_mux_arm(&mux, false);
    wait_for_calls(ALL);
    for (size_t i = 1 + ODD; i < ALL; i++)
        cr_expect_leq(crowd[i].order, 4 + ALIKE, "%u were before it", crowd[i].order);
    for (size_t i = 0; i < ALL; i++)
        free(sample_of(&crowd[i].asker));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* A PCR moves between PCR_Read and Quote: the whole batch gets the state that was quoted. */
Test(attester_crowd, a_pcr_that_moves_once)
{
    const char *const options[] = {"--extend", "7", "--times", "1", "--disarmed", NULL};
    enum { COUNT = 64 };
    static struct member crowd[COUNT];
    const struct ratls_attest_request first = new_request(200);
    struct ratls_attester *attester;
    struct sample *before;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    before = attest(attester, &first);
    tpm_mux_arm(&mux, true);
    for (size_t i = 0; i < COUNT; i++)
        begin(&crowd[i], attester, i);
    wait_for_calls(COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        struct sample *s = sample_of(&crowd[i].asker);

        cr_expect_not(ratls_slice_equal(s->evidence.pcr_values, before->evidence.pcr_values),
                      "the values that were known before are not what was quoted");
        free(s);
    }
    free(before);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* One that moves before every quote: no evidence rather than one that mixes two states. */
Test(attester_crowd, a_pcr_that_always_moves)
{
    const char *const options[] = {"--extend", "7", NULL};
    struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 20000);
    assert_attest_fails(attester, &request, RATLS_TPM, "a PCR moved between reading and quoting");
    request.selection.banks[0].pcrs &= ~(1u << 7);
    free(attest(attester, &request));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

static atomic_bool is_over;

/* But not before somebody else was served: a PCR that always moves is never quoted. */
static void *extend_on_and_on(void *arg)
{
    unsigned *count = arg;
    unsigned before = 0;

    while (!atomic_load(&is_over)) {
        if (atomic_load(&called) == before) {
            sleep_ms(1);
            continue;
        }
        before = atomic_load(&called);
        cr_assert(swtpm_extend(f.tpm.tcti, 7, (uint8_t)*count));
        sleep_ms(7);
        ++*count;
    }
    return NULL;
}

/* Batch after batch while a PCR moves now and then: each evidence shows one state, its own. */
Test(attester_crowd, a_pcr_that_moves_now_and_then)
{
    const char *const options[] = {"--delay-ms", "20", NULL};
    enum { COUNT = 400 };
    static struct member crowd[COUNT];
    struct ratls_attester *attester;
    struct tpm_mux mux;
    pthread_t thread;
    unsigned extended = 0;

    begin_over_mux(&mux, options);
    attester = new_attester(mux.tcti, 60000);
    cr_assert_eq(pthread_create(&thread, NULL, extend_on_and_on, &extended), 0);
    for (size_t i = 0; i < COUNT; i++) {
        begin(&crowd[i], attester, i);
        sleep_ms(1);
    }
    wait_for_calls(COUNT);
    atomic_store(&is_over, true);
    pthread_join(thread, NULL);
    cr_expect_gt(extended, 5);
    for (size_t i = 0; i < COUNT; i++)
        free(sample_of(&crowd[i].asker));
    attester->free(attester);
    tpm_mux_stop(&mux);
}
