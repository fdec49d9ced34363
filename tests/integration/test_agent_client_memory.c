/* The N-th allocation of each call fails, for every N: it is said, and the next call works. */
#include "agent_scene.h"
#include "failmalloc.h"

TestSuite(agent_client_memory, .timeout = 120);

#define ALLOCATIONS_MAX 100

static bool is_told(enum ratls_status status, bool failed, const struct ratls_error *err)
{
    return failed ? status == RATLS_MEMORY && err->text[0] != '\0' : status == RATLS_OK;
}

static bool try_new(struct agent_scene *s, size_t n)
{
    const struct ratls_agent_options options = {.socket = s->path};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    bool failed;

    failmalloc_arm(n);
    status = ratls_agent_attester_new(&options, &attester, &err);
    failed = failmalloc_disarm();
    cr_assert(is_told(status, failed, &err), "%zu: %s", n, err.text);
    cr_assert_eq(attester == NULL, failed);
    if (attester != NULL)
        attester->free(attester);
    return failed;
}

/* The first question of an attester: all that a process needs for its connection is made there. */
static bool try_attest(struct agent_scene *s, size_t n)
{
    struct ratls_attester *attester = agent_scene_attester(s, 0);
    struct ratls_error err = {0};
    enum ratls_status status;
    bool failed;

    failmalloc_arm(n);
    status = agent_attest(attester, 1, &err);
    failed = failmalloc_disarm();
    cr_assert(is_told(status, failed, &err), "%zu: %s", n, err.text);
    assert_attests(attester, 2);
    attester->free(attester);
    return failed;
}

static bool try_state(struct agent_scene *s, size_t n)
{
    struct ratls_attester *attester = agent_scene_attester(s, 0);
    const struct ratls_pcr_selection selection = {1, {{0x000b, 0x83}}};
    struct ratls_error err = {0};
    enum ratls_status status;
    uint8_t digest[32];
    bool failed;

    failmalloc_arm(n);
    status = attester->state(attester, &selection, digest, &err);
    failed = failmalloc_disarm();
    cr_assert(is_told(status, failed, &err), "%zu: %s", n, err.text);
    assert_attests(attester, 2);
    attester->free(attester);
    return failed;
}

static bool try_begin(struct agent_scene *s, size_t n)
{
    struct ratls_attester *attester = agent_scene_attester(s, 0);
    struct asker asker = {.request = agent_request(1)};
    enum ratls_status status;
    bool failed;

    failmalloc_arm(n);
    status = asker_try(&asker, attester);
    failed = failmalloc_disarm();
    cr_assert(is_told(status, failed, &asker.err), "%zu: %s", n, asker.err.text);
    cr_assert_eq(asker.job == NULL, failed);
    if (!failed) {
        asker_wait(&asker);
        asker_take(&asker);
        assert_asker_has_evidence(&asker);
    }
    assert_attests(attester, 2);
    attester->free(attester);
    return failed;
}

static void try_all(bool (*try)(struct agent_scene *s, size_t n), size_t at_least)
{
    struct agent_scene *s = agent_scene_new(0);
    size_t n = 1;

    while (n < ALLOCATIONS_MAX && try(s, n))
        n++;
    cr_expect_geq(n, at_least + 1);
    cr_expect_lt(n, ALLOCATIONS_MAX);
    agent_scene_free(s);
}

Test(agent_client_memory, an_attester)
{
    try_all(try_new, 1);
}

Test(agent_client_memory, evidence)
{
    try_all(try_attest, 3);
}

Test(agent_client_memory, state)
{
    try_all(try_state, 3);
}

Test(agent_client_memory, a_job)
{
    try_all(try_begin, 4);
}

static void arm_and_begin_next(void *arg)
{
    failmalloc_arm(1); /* of the thread that reads: the next answer */
    atomic_fetch_add(&((struct asker *)arg)->calls, 1);
}

/* It is the reader that is short of memory: the answer is lost, and that is said. */
Test(agent_client_memory, an_answer)
{
    struct agent_scene *s = agent_scene_new(0);
    struct asker first = {.attester = s->attester, .request = agent_request(1)};
    struct asker second = {.attester = s->attester};

    cr_assert_eq(s->attester->begin(s->attester, &first.request, arm_and_begin_next, &first,
                                    &first.job, &first.err),
                 RATLS_OK);
    asker_wait(&first);
    agent_begin(&second, s->attester, 2);
    asker_wait(&second);
    asker_take(&second);
    cr_expect_eq(second.status, RATLS_MEMORY, "%s", second.err.text);
    asker_take(&first);
    assert_asker_has_evidence(&first);
    assert_attests(s->attester, 3);
    agent_scene_free(s);
}
