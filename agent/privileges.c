#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"

static enum ratls_status fail_system(const char *what, struct ratls_error *err)
{
    return ratls_fail(err, RATLS_IO, "%s: %s", what, strerror(errno));
}

static enum ratls_status find_user(const char *name, const struct passwd **ret_user,
                                   struct ratls_error *err)
{
    *ret_user = getpwnam(name);
    if (*ret_user == NULL)
        return ratls_fail(err, RATLS_USAGE, "user: there is no user %.64s any more", name);
    if ((*ret_user)->pw_uid == 0)
        return ratls_fail(err, RATLS_USAGE, "user: %.64s is root", name);
    return RATLS_OK;
}

enum ratls_status ratls_agentd_check_user(const char *user, struct ratls_error *err)
{
    const struct passwd *found = NULL;
    enum ratls_status status;

    if (user == NULL && geteuid() == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "ratlsd does not run as root: say `user: NAME` in the configuration, and "
                          "it takes that user's rights once it has opened the logs");
    if (user == NULL)
        return RATLS_OK;
    status = find_user(user, &found, err);
    if (status == RATLS_OK && geteuid() != 0 && geteuid() != found->pw_uid)
        return ratls_fail(
            err, RATLS_USAGE,
            "user: only root can become %.64s: start ratlsd as root, or leave the key "
            "out",
            user);
    return status;
}

static enum ratls_status become(const struct passwd *user, struct ratls_error *err)
{
    const uid_t uid = user->pw_uid;
    const gid_t gid = user->pw_gid;
    uid_t uids[3];
    gid_t gids[3];

    if (initgroups(user->pw_name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return fail_system("giving up root's rights", err);
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return fail_system("giving up root's rights", err);
    for (unsigned i = 0; i < 3; i++)
        if (uids[i] != uid || gids[i] != gid)
            return ratls_fail(err, RATLS_IO, "root's rights are still there");
    return RATLS_OK;
}

/*
 * They go with the user id, unless the kernel was told otherwise (capabilities(7), securebits); and
 * who starts ratlsd as another user may have given it some, to open the logs. No thread runs yet,
 * and what is not permitted cannot be ambient.
 */
static enum ratls_status give_up_capabilities(struct ratls_error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (syscall(SYS_capset, &header, none) != 0)
        return fail_system("giving up capabilities", err);
    if (setuid(0) == 0 || seteuid(0) == 0)
        return ratls_fail(err, RATLS_IO, "root's rights can be had back");
    return RATLS_OK;
}

enum ratls_status ratls_agentd_drop(const char *user, struct ratls_error *err)
{
    const struct passwd *found = NULL;
    enum ratls_status status = ratls_agentd_check_user(user, err);

    if (status == RATLS_OK && geteuid() == 0) {
        status = find_user(user, &found, err);
        if (status == RATLS_OK)
            status = become(found, err);
    }
    if (status == RATLS_OK)
        status = give_up_capabilities(err);
    if (status != RATLS_OK)
        return status;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return fail_system("prctl", err);
    return RATLS_OK;
}
