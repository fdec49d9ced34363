/* An enrolment that is killed at each point in turn goes on where it was, and gets one certificate.
 */
#include <sys/wait.h>

#include "enroll_run_scene.h"
#include "patience.h"

static void run_killed(struct scene *s)
{
    int status = 0, go[2];
    char byte;
    pid_t child;

    cr_assert_eq(pipe(go), 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (read(go[0], &byte, 1) == 1) /* then its number is known */
            (void)!run(s, 20);
        _exit(1);
    }
    s->ca->victim = child;
    cr_assert_eq(write(go[1], "", 1), 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "it was not killed");
    close(go[0]);
    close(go[1]);
}

/* Then it goes on: one certificate, whatever happened before. */
static void expect_goes_on(enum point point, int before, int behind, unsigned requests)
{
    struct scene *s = new_scene();

    s->ca->polls = 2;
    killed_at = point;
    s->ca->kills_before = before;
    s->ca->kills_behind = behind;
    run_killed(s);
    killed_at = NOWHERE;
    s->ca->kills_before = s->ca->kills_behind = -1;
    expect_installed(s);
    cr_expect_eq(s->ca->issued, 1, "point %d, route %d/%d", point, before, behind);
    cr_expect_eq(s->ca->requests, requests, "point %d, route %d/%d", point, before, behind);
    free_scene(s);
}

Test(enroll_killed, killed_here)
{
    for (enum point point = AT_REQUEST; point < POINTS; point++)
        expect_goes_on(point, -1, -1, 1);
}

Test(enroll_killed, killed_while_the_ca_works)
{
    for (int route = FAKE_SERVICE_REQUEST; route <= FAKE_SERVICE_ANSWER; route++) {
        expect_goes_on(NOWHERE, route, -1, 1);
        expect_goes_on(NOWHERE, -1, route, 1);
    }
}

/* Twice: behind the answer, and while the result is fetched. */
Test(enroll_killed, killed_again)
{
    struct scene *s = new_scene();

    s->ca->kills_behind = FAKE_SERVICE_ANSWER;
    run_killed(s);
    s->ca->kills_behind = FAKE_SERVICE_RESULT;
    run_killed(s);
    killed_at = AT_INSTALL;
    s->ca->kills_behind = -1;
    run_killed(s);
    killed_at = NOWHERE;
    expect_installed(s);
    cr_assert_eq(s->ca->issued, 1);
    cr_assert_eq(s->ca->requests, 1);
    free_scene(s);
}

/* The timer, and somebody at the keyboard. */
Test(enroll_killed, one_at_a_time)
{
    struct scene *s = new_scene();
    int status = 0;
    pid_t child;

    s->ca->polls = 2;
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(run(s, 20) == RATLS_OK && s->ended.end == RATLS_ENROLL_INSTALLED ? 0 : 1);
    assert_soon(s->ca->asked[FAKE_SERVICE_POLL] > 0);
    expect_fails(s, RATLS_USAGE, "another process enrols");
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    free_scene(s);
}
