/* The socket of a service goes with it, and what is in its place by then does not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unix_place.h"

static char folder[] = "/tmp/ratls-place-XXXXXX";
static char path[64], lock[80], other[80];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sock", folder);
    snprintf(lock, sizeof lock, "%s.lock", path);
    snprintf(other, sizeof other, "%s.other", path);
}

static void end(void)
{
    unlink(path);
    unlink(lock);
    unlink(other);
    rmdir(folder);
}

TestSuite(unix_place, .init = begin, .fini = end);

static int bind_it(struct ratls_unix_mark *mark)
{
    const struct ratls_unix_place place = {
        .path = path, .type = SOCK_STREAM, .gid = (gid_t)-1, .mode = 0600};
    struct ratls_error err = {0};
    int fd = -1;

    cr_assert_eq(ratls_unix_bind(&place, &fd, &err), RATLS_OK, "%s", err.text);
    ratls_unix_mark(path, mark);
    cr_assert_eq(access(path, F_OK), 0);
    return fd;
}

Test(unix_place, goes)
{
    struct ratls_unix_mark mark;
    const int fd = bind_it(&mark);

    ratls_unix_remove(&mark);
    cr_expect_neq(access(path, F_OK), 0);
    ratls_unix_remove(&mark); /* it is gone */
    close(fd);
}

/* The old one is kept: its number is not free for the new one. */
Test(unix_place, another_stays)
{
    struct ratls_unix_mark mark;
    const int fd = bind_it(&mark);
    FILE *file;

    cr_assert_eq(rename(path, other), 0);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fclose(file);
    ratls_unix_remove(&mark);
    cr_expect_eq(access(path, F_OK), 0);
    cr_expect_eq(access(other, F_OK), 0);
    close(fd);
}

Test(unix_place, nothing_to_remove)
{
    struct ratls_unix_mark mark = {.inode = 0};
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    fclose(file);
    ratls_unix_remove(&mark);
    ratls_unix_mark(path, &mark);
    ratls_unix_remove(&mark);
    cr_expect_eq(access(path, F_OK), 0, "a file that is no socket");
}
