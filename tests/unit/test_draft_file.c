/* A file that is written under another name first: how it is opened, and what it is called. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "draft_file.h"

static char folder[] = "/tmp/ratls-draft-XXXXXX";
static char path[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/ak.crt", folder);
}

static void remove_folder(void)
{
    cr_assert_eq(rmdir(folder), 0, "a draft is left");
}

/* Linux IMA measures what root opens to read: IMA's "tcb" asks for the access, not for the use. */
Test(draft_file, is_for_writing_alone, .init = make_folder, .fini = remove_folder)
{
    char name[96], other[96];
    struct stat info;
    int fd = ratls_draft_open(path, name, sizeof name);
    int second = ratls_draft_open(path, other, sizeof other);

    cr_assert_geq(fd, 0);
    cr_assert_geq(second, 0);
    cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(fstat(fd, &info), 0);
    cr_assert_eq(info.st_mode & 07777, 0600);
    cr_assert_eq(strncmp(name, path, strlen(path)), 0);
    cr_assert_eq(strlen(name), strlen(path) + 9);
    cr_assert_str_neq(name, other);
    close(fd);
    close(second);
    cr_assert_eq(unlink(name), 0);
    cr_assert_eq(unlink(other), 0);
}

Test(draft_file, needs_a_folder_and_room, .init = make_folder, .fini = remove_folder)
{
    char name[96];

    cr_assert_eq(ratls_draft_open("/nowhere/at/all", name, sizeof name), -1);
    cr_assert_eq(errno, ENOENT);
    cr_assert_eq(ratls_draft_open(path, name, strlen(path) + 9), -1);
    cr_assert_eq(errno, ENAMETOOLONG);
}
