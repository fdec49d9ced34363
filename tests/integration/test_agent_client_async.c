/* Evidence of an agent without waiting for it: begin, take, cancel (attester.h); threads. */
#include <dirent.h>
#include <pthread.h>

#include "agent_scene.h"
#include "own_process.h"

TestSuite(agent_client_async, .timeout = 120);

#define MANY 200

Test(agent_client_async, evidence)
{
    static struct asker askers[MANY];
    struct agent_scene *s = agent_scene_new(10000);

    for (int i = 0; i < MANY; i++) {
        askers[i].takes_at_once = i % 2 == 0;
        agent_begin(&askers[i], s->attester, (uint8_t)i);
    }
    for (int i = 0; i < MANY; i++) {
        asker_wait(&askers[i]);
        if (!askers[i].takes_at_once)
            asker_take(&askers[i]);
        assert_asker_has_evidence(&askers[i]);
    }
    cr_expect_eq(s->agent.connections, 1);
    agent_scene_free(s);
}

/* The job is all that holds the attester: its last reference goes within the call. */
Test(agent_client_async, taken_within_the_call)
{
    struct agent_scene *s = agent_scene_new(0);
    struct asker asker = {.takes_at_once = true};
    struct ratls_attester *other = agent_scene_attester(s, 0);
    const unsigned threads = count_threads();

    agent_begin(&asker, other, 1);
    other->free(other);
    asker_wait(&asker);
    assert_asker_has_evidence(&asker);
    wait_for_threads(threads); /* AddressSanitizer looks at what those leave that end */
    agent_scene_free(s);
}

struct waiter {
    struct asker asker;
    bool is_told;
};

static void wait_within(void *arg)
{
    struct waiter *waiter = arg;
    struct asker *asker = &waiter->asker;
    const struct ratls_pcr_selection selection = {1, {{0x000b, 1}}};
    struct ratls_error err = {0};
    uint8_t digest[32];

    waiter->is_told =
        agent_attest(asker->attester, 9, &asker->err) == RATLS_USAGE &&
        strstr(asker->err.text, "within done()") != NULL &&
        asker->attester->state(asker->attester, &selection, digest, &err) == RATLS_USAGE;
    atomic_fetch_add(&asker->calls, 1);
}

/* Nobody would read the answer: it is said, instead of waiting in vain. */
Test(agent_client_async, no_waiting_within_the_call)
{
    struct agent_scene *s = agent_scene_new(0);
    struct waiter waiter = {{.attester = s->attester, .request = agent_request(1)}, false};
    struct asker *asker = &waiter.asker;
    const uint64_t start = now_ms();

    cr_assert_eq(s->attester->begin(s->attester, &asker->request, wait_within, &waiter, &asker->job,
                                    &asker->err),
                 RATLS_OK);
    asker_wait(asker);
    cr_expect(waiter.is_told, "%s", asker->err.text);
    cr_expect_lt(now_ms() - start, SLACK_MS);
    s->attester->cancel(s->attester, asker->job);
    agent_scene_free(s);
}

struct chain {
    struct asker asker;
    unsigned left;
};

static void go_on(void *arg)
{
    struct chain *chain = arg;
    struct asker *asker = &chain->asker;

    asker_take(asker);
    if (!agent_has_evidence(asker) || chain->left == 0) {
        atomic_fetch_add(&asker->calls, 1);
        return;
    }
    chain->left--;
    if (asker->attester->begin(asker->attester, &asker->request, go_on, chain, &asker->job,
                               &asker->err) != RATLS_OK)
        atomic_fetch_add(&asker->calls, 1);
}

Test(agent_client_async, the_next_begins_within_the_call)
{
    struct agent_scene *s = agent_scene_new(0);
    struct chain chain = {{.attester = s->attester, .request = agent_request(1)}, 50};

    cr_assert_eq(s->attester->begin(s->attester, &chain.asker.request, go_on, &chain,
                                    &chain.asker.job, &chain.asker.err),
                 RATLS_OK);
    asker_wait(&chain.asker);
    assert_asker_has_evidence(&chain.asker);
    cr_expect_eq(chain.left, 0);
    agent_scene_free(s);
}

/* The agent is told; what it says nevertheless is passed over. */
Test(agent_client_async, cancelled)
{
    struct agent_scene *s = agent_scene_new(0);
    struct asker gone = {0}, stays = {0};

    atomic_store(&s->agent.mood, FAKE_AGENT_DEAF);
    agent_begin(&gone, s->attester, 1);
    agent_begin(&stays, s->attester, 2);
    s->attester->cancel(s->attester, gone.job);
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    asker_wait(&stays);
    asker_take(&stays);
    assert_asker_has_evidence(&stays);
    cr_expect_eq(gone.calls, 0);
    assert_attests(s->attester, 3);
    cr_expect_eq(s->agent.cancels, 1);
    cr_expect_eq(s->agent.malformed, 0);
    cr_expect_eq(s->agent.connections, 1);
    agent_scene_free(s);
}

Test(agent_client_async, taken_too_early)
{
    struct agent_scene *s = agent_scene_new(0);
    struct asker asker = {0};

    atomic_store(&s->agent.mood, FAKE_AGENT_SILENT);
    agent_begin(&asker, s->attester, 1);
    asker_take(&asker);
    cr_expect_eq(asker.status, RATLS_USAGE);
    cr_expect_not_null(strstr(asker.err.text, "before it was done"));
    agent_scene_free(s);
    cr_expect_eq(asker.calls, 0);
}

static atomic_bool is_called;

static void end_slowly(void *arg)
{
    atomic_store(&is_called, true);
    sleep_ms(300);
    atomic_fetch_add(&((struct asker *)arg)->calls, 1);
}

/* Who cancels a job that is just being called waits until the call is over. */
Test(agent_client_async, cancelled_within_the_call_of_another_thread)
{
    struct agent_scene *s = agent_scene_new(0);
    struct asker asker = {.request = agent_request(1)};

    cr_assert_eq(
        s->attester->begin(s->attester, &asker.request, end_slowly, &asker, &asker.job, &asker.err),
        RATLS_OK);
    assert_soon(atomic_load(&is_called));
    s->attester->cancel(s->attester, asker.job);
    cr_expect_eq(asker.calls, 1);
    agent_scene_free(s);
}

/* ---- threads ---- */

/* The next function that waits and lets itself be cancelled ends the thread. */
static void *attest_cancelled(void *arg)
{
    struct ratls_error err = {0};

    pthread_cancel(pthread_self());
    (void)agent_attest(arg, 1, &err);
    pthread_testcancel();
    return NULL;
}

Test(agent_client_async, a_cancelled_thread_leaves_nothing_behind)
{
    struct agent_scene *s = agent_scene_new(0);
    pthread_t thread;
    void *result;

    for (int i = 0; i < 20; i++) {
        cr_assert_eq(pthread_create(&thread, NULL, attest_cancelled, s->attester), 0);
        cr_assert_eq(pthread_join(thread, &result), 0);
        cr_assert(result == PTHREAD_CANCELED);
        assert_attests(s->attester, 2);
    }
    agent_scene_free(s);
}

/* Threads of this process that SIGHUP, SIGINT and SIGTERM do not reach. */
static unsigned count_quiet_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    unsigned long long blocked = 0;
    const struct dirent *entry;
    unsigned quiet = 0;
    char line[256], path[300];

    cr_assert_not_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        FILE *stream;

        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        stream = fopen(path, "r");
        while (stream != NULL && fgets(line, sizeof line, stream) != NULL)
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1 && (blocked & 0x4003) == 0x4003)
                quiet++;
        if (stream != NULL)
            fclose(stream);
    }
    closedir(dir);
    return quiet;
}

/* Signals of the program stay with its threads. */
Test(agent_client_async, signals_are_not_for_the_reader)
{
    struct agent_scene *s = agent_scene_new(0);
    unsigned before;

    wait_for_rest(); /* a thread that is just being created has them blocked as well */
    before = count_quiet_threads();
    assert_attests(s->attester, 1);
    assert_soon(count_quiet_threads() == before + 1);
    agent_scene_free(s);
}
