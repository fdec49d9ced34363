#include "agent_access.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

#define NAME_MAX_LEN 32   /* bytes of a name that are shown; useradd(8) makes none that is longer */
#define LINE_MAX_LEN 2048 /* of the files: behind a longer line nothing is found */

/*
 * The files alone, where users of services and their groups are: getpwuid() and getgrgid() could
 * load modules into a program that forbids it, or wait for a network.
 */
#define PASSWD_FILE "/etc/passwd"
#define GROUP_FILE "/etc/group"

/* The number, where there is no name. */
static void name_user(uid_t uid, char out[static NAME_MAX_LEN + 1])
{
    FILE *in = fopen(PASSWD_FILE, "re");
    char line[LINE_MAX_LEN];
    struct passwd entry;
    struct passwd *found = NULL;

    (void)snprintf(out, NAME_MAX_LEN + 1, "%u", (unsigned)uid);
    if (in == NULL)
        return;
    while (fgetpwent_r(in, &entry, line, sizeof line, &found) == 0)
        if (found->pw_uid == uid) {
            (void)snprintf(out, NAME_MAX_LEN + 1, "%s", found->pw_name);
            break;
        }
    (void)fclose(in);
}

static bool has_member(const struct group *group, const char *user)
{
    for (char **member = group->gr_mem; *member != NULL; member++)
        if (strcmp(*member, user) == 0)
            return true;
    return false;
}

/* Returns whether the file has this user as a member. */
static bool name_group(gid_t gid, const char *user, char out[static NAME_MAX_LEN + 1])
{
    FILE *in = fopen(GROUP_FILE, "re");
    char line[LINE_MAX_LEN];
    struct group entry;
    struct group *found = NULL;
    bool is_member = false;

    (void)snprintf(out, NAME_MAX_LEN + 1, "%u", (unsigned)gid);
    if (in == NULL)
        return false;
    while (fgetgrent_r(in, &entry, line, sizeof line, &found) == 0)
        if (found->gr_gid == gid) {
            (void)snprintf(out, NAME_MAX_LEN + 1, "%s", found->gr_name);
            is_member = has_member(found, user);
            break;
        }
    (void)fclose(in);
    return is_member;
}

enum ratls_status ratls_agent_fail_access(const char *path, struct ratls_error *err)
{
    char user[NAME_MAX_LEN + 1];
    char group[NAME_MAX_LEN + 1];
    struct stat st;

    name_user(geteuid(), user);
    if (stat(path, &st) != 0)
        return ratls_fail(err, RATLS_IO,
                          "%s: permission denied: the user %s may not search a folder above it",
                          path, user);
    if ((st.st_mode & S_IWGRP) == 0)
        return ratls_fail(err, RATLS_IO,
                          "%s: permission denied: its group may not write to it: see ratlsd(8)",
                          path);
    if (name_group(st.st_gid, user, group))
        return ratls_fail(err, RATLS_IO,
                          "%s: permission denied: the user %s is in the group %s, this process is "
                          "not: start it again, or, as it gives up its groups, make %s its own: "
                          "see ratlsd(8)",
                          path, user, group, group);
    return ratls_fail(err, RATLS_IO,
                      "%s: permission denied: add the user %s to the group %s, and start this "
                      "program again: see ratlsd(8)",
                      path, user, group);
}
