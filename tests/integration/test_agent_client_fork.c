/* Processes that fork, with an attester that asks an agent. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "agent_scene.h"
#include "own_process.h"

TestSuite(agent_client_fork, .timeout = 120);

/* A job is of the process that began it; its child begins its own, on a connection of its own. */
static int use_in_child(struct agent_scene *s, struct asker *one, struct asker *other)
{
    struct asker own = {0};
    struct ratls_error err = {0};

    alarm(60); /* who waits for a lock of the parent must fail, not hang */
    asker_take(one);
    if (one->status != RATLS_IO || strstr(one->err.text, "before fork()") == NULL)
        return 1;
    s->attester->cancel(s->attester, other->job);
    if (agent_attest(s->attester, 8, &err) != RATLS_OK)
        return 2;
    agent_begin(&own, s->attester, 9);
    asker_wait(&own);
    asker_take(&own);
    if (!agent_has_evidence(&own))
        return 3;
    asker_forget(&own);
    s->attester->free(s->attester);
    return atomic_load(&one->calls) + atomic_load(&other->calls) == 0 ? 0 : 4;
}

Test(agent_client_fork, fork)
{
    struct agent_scene *s = agent_scene_new(0);
    struct asker one = {0}, other = {0};
    pid_t child;
    int status;

    atomic_store(&s->agent.mood, FAKE_AGENT_DEAF);
    agent_begin(&one, s->attester, 1);
    agent_begin(&other, s->attester, 2);
    wait_for_rest(); /* while it forks */
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        status = use_in_child(s, &one, &other);
        _exit(status);
    }
    atomic_store(&s->agent.mood, FAKE_AGENT_GOOD);
    asker_wait(&one);
    asker_wait(&other);
    asker_take(&one);
    asker_take(&other);
    assert_asker_has_evidence(&one);
    assert_asker_has_evidence(&other);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child: %x", (unsigned)status);
    cr_expect_eq(s->agent.connections, 2);
    assert_attests(s->attester, 3);
    agent_scene_free(s);
}

/* A child that asks nothing lets go of the connection: the agent sees the end of its parent. */
Test(agent_client_fork, a_child_that_only_frees)
{
    struct agent_scene *s = agent_scene_new(0);
    pid_t child;
    int status;

    assert_attests(s->attester, 1);
    wait_for_rest();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        alarm(60);
        s->attester->free(s->attester);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    assert_attests(s->attester, 2);
    cr_expect_eq(s->agent.connections, 1);
    agent_scene_free(s);
}

/* A daemon closes what it inherited, and opens something else by the same number. */
static int close_and_reuse(struct agent_scene *s)
{
    struct ratls_error err = {0};
    int null;

    alarm(60);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    null = open("/dev/null", O_RDONLY);
    for (int fd = null; fd < 256; fd++)
        if (fd != null && dup2(null, fd) != fd)
            return 1;
    for (int fd = 200; fd < 256; fd++)
        close(fd);
    if (agent_attest(s->attester, 1, &err) != RATLS_OK)
        return 2;
    s->attester->free(s->attester);
    for (int fd = null; fd < 200; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return 3; /* it was not the attester's to close */
    return 0;
}

Test(agent_client_fork, a_child_that_closed_everything)
{
    struct agent_scene *s = agent_scene_new(0);
    pid_t child;
    int status;

    assert_attests(s->attester, 1);
    wait_for_rest();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(close_and_reuse(s));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0, "%x", (unsigned)status);
    assert_attests(s->attester, 2);
    agent_scene_free(s);
}

/* The parent's connection ends with the parent's attester, though a child lives on that asks. */
Test(agent_client_fork, the_agent_sees_the_end_of_the_parent)
{
    struct agent_scene *s = agent_scene_new(0);
    int up[2];
    char byte;
    pid_t child;

    assert_attests(s->attester, 1);
    cr_assert_eq(pipe(up), 0);
    wait_for_rest();
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct ratls_error err = {0};

        alarm(60);
        byte = agent_attest(s->attester, 2, &err) == RATLS_OK ? 'y' : 'n';
        (void)!write(up[1], &byte, 1);
        pause();
    }
    cr_assert_eq(read(up[0], &byte, 1), 1);
    cr_expect_eq(byte, 'y');
    cr_expect_eq(s->agent.connections, 2);
    s->attester->free(s->attester);
    assert_soon(s->agent.ends != 0);
    cr_expect_eq(s->agent.ends, 1);
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    s->attester = agent_scene_attester(s, 0);
    agent_scene_free(s);
}

#define CHILDREN 4

/* As nginx does: the master reads its configuration, and each worker asks. */
Test(agent_client_fork, workers)
{
    struct agent_scene *s = agent_scene_new(10000);
    pid_t children[CHILDREN];
    int status, go[2];

    /* All fork before one asks: the agent's threads rest, and hold no lock of a sanitizer. */
    cr_assert_eq(pipe(go), 0);
    wait_for_rest();
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        cr_assert_geq(children[i], 0);
        if (children[i] == 0) {
            struct ratls_error err = {0};
            char byte;

            alarm(60);
            if (read(go[0], &byte, 1) != 1)
                _exit(2);
            for (uint8_t k = 0; k < 20; k++)
                if (agent_attest(s->attester, k, &err) != RATLS_OK)
                    _exit(1);
            s->attester->free(s->attester);
            _exit(0);
        }
    }
    cr_assert_eq(write(go[1], "gogo", CHILDREN), CHILDREN);
    for (int i = 0; i < CHILDREN; i++) {
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_expect_eq(status, 0);
    }
    cr_expect_eq(s->agent.connections, CHILDREN);
    cr_expect_eq(s->agent.questions, 20 * CHILDREN);
    agent_scene_free(s);
}
