/* Who may not connect to the socket of an agent is told what to do. */
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent_scene.h"
#include "needs_root.h"

TestSuite(agent_client_access, .timeout = 120);

#define USER 20001 /* has no name */
#define GROUP 20007

/* As this user, with these groups; "" for text: it gets evidence. Returns 0 if that is so. */
static int ask_as(struct agent_scene *s, uid_t uid, gid_t gid, gid_t other, const char *text)
{
    struct ratls_error err = {0};
    enum ratls_status status;

    alarm(60);
    if (setgroups(other == 0 ? 0 : 1, &other) != 0 || setgid(gid) != 0 || setuid(uid) != 0)
        return 2;
    status = agent_attest(s->attester, 1, &err);
    if (text[0] == '\0' ? status == RATLS_OK
                        : status == RATLS_IO && strstr(err.text, text) != NULL)
        return 0;
    fprintf(stderr, "%s: \"%s\" has no \"%s\"\n", ratls_status_name(status), err.text, text);
    return 1;
}

static void expect_as(struct agent_scene *s, uid_t uid, gid_t gid, gid_t other, const char *text)
{
    pid_t child = fork();
    int status;

    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(ask_as(s, uid, gid, other, text));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0, "%x: %s", (unsigned)status, text);
}

static struct agent_scene *new_scene(mode_t folder, mode_t socket)
{
    struct agent_scene *s = agent_scene_new(0);

    cr_assert_eq(chmod(s->folder, folder), 0);
    cr_assert_eq(chown(s->path, 0, GROUP), 0);
    cr_assert_eq(chmod(s->path, socket), 0);
    return s;
}

Test(agent_client_access, the_group_of_the_socket)
{
    struct agent_scene *s = new_scene(0755, 0660);

    expect_as(s, USER, USER, 0,
              "permission denied: add the user 20001 to the group 20007, and start this program "
              "again: see ratlsd(8)");
    expect_as(s, USER, USER, GROUP, "");
    expect_as(s, USER, GROUP, 0, "");
    agent_scene_free(s);
}

Test(agent_client_access, the_folder)
{
    struct agent_scene *s = new_scene(0700, 0660);

    expect_as(s, USER, USER, GROUP,
              "permission denied: the user 20001 may not search a folder above it");
    agent_scene_free(s);
}

Test(agent_client_access, no_group_at_all)
{
    struct agent_scene *s = new_scene(0755, 0600);

    expect_as(s, USER, USER, GROUP, "permission denied: its group may not write to it");
    agent_scene_free(s);
}

static void replace_file(const struct agent_scene *s, const char *name, const char *text)
{
    char path[128];
    FILE *out;

    snprintf(path, sizeof path, "%s/names", s->folder);
    out = fopen(path, "we");
    cr_assert_not_null(out);
    fputs(text, out);
    cr_assert_eq(fclose(out), 0);
    cr_assert_eq(chmod(path, 0644), 0);
    if (mount(path, name, NULL, MS_BIND, NULL) != 0)
        cr_skip_test("no mount over %s", name);
    unlink(path);
}

/* In the words of the machine; and for programs that give up their groups, such as HAProxy. */
Test(agent_client_access, names)
{
    struct agent_scene *s = new_scene(0755, 0660);

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        cr_skip_test("no mounts of its own");
    replace_file(s, "/etc/passwd", "root:x:0:0::/:/bin/sh\nproxy1:x:20001:20001::/:/bin/sh\n");
    replace_file(s, "/etc/group", "root:x:0:\nagents:x:20007:a,b\n");
    expect_as(s, USER, USER, 0, "add the user proxy1 to the group agents, and start");
    replace_file(s, "/etc/group", "root:x:0:\nagents:x:20007:a,proxy1\n");
    expect_as(s, USER, USER, 0,
              "the user proxy1 is in the group agents, this process is not: start it again, or, as "
              "it gives up its groups, make agents its own");
    expect_as(s, USER, USER, GROUP, "");
    agent_scene_free(s);
}
