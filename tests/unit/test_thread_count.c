#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "thread.h"

#define OTHERS 3

static void *wait_for_end(void *arg)
{
    pthread_mutex_lock(arg);
    pthread_mutex_unlock(arg);
    return NULL;
}

/* A thread that has been joined may still be counted for a moment. */
static void assert_count(unsigned expected)
{
    unsigned count = 0;

    for (int i = 0; i < 1000 && count != expected; i++) {
        count = ratls_thread_count();
        if (count != expected)
            usleep(1000);
    }
    cr_assert_eq(count, expected);
}

/* With OTHERS threads more than there are else. */
static void assert_others_count(unsigned without)
{
    pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[OTHERS];

    pthread_mutex_lock(&end);
    for (size_t i = 0; i < OTHERS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, wait_for_end, &end), 0);
    cr_assert_eq(ratls_thread_count(), without + OTHERS, "they count as soon as they are begun");
    pthread_mutex_unlock(&end);
    for (size_t i = 0; i < OTHERS; i++)
        pthread_join(threads[i], NULL);
    assert_count(without);
}

Test(thread_count, threads_come_and_go)
{
    const unsigned without = ratls_thread_count();

    cr_assert_geq(without, 1);
    assert_others_count(without);
    assert_others_count(without);
}

/* A child of a process with other threads has only the one that forked. */
static void assert_child_counts(void)
{
    pid_t pid = fork();
    int status = 0;

    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(ratls_thread_count() == 1 && ratls_thread_count() == 1 ? 0 : 1);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(thread_count, of_a_child)
{
    pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
    const unsigned without = ratls_thread_count();
    pthread_t thread;

    pthread_mutex_lock(&end);
    cr_assert_eq(pthread_create(&thread, NULL, wait_for_end, &end), 0);
    assert_child_counts();
    cr_assert_eq(ratls_thread_count(), without + 1, "the parent's folder is still its own");
    pthread_mutex_unlock(&end);
    pthread_join(thread, NULL);
}

#define CANNOT_TELL 77

static int count_others_here(void)
{
    pthread_mutex_t end = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[OTHERS];

    pthread_mutex_lock(&end);
    for (size_t i = 0; i < OTHERS; i++)
        if (pthread_create(&threads[i], NULL, wait_for_end, &end) != 0)
            return CANNOT_TELL;
    return getpid() == 1 && ratls_thread_count() == 1 + OTHERS ? 0 : 1;
}

/* In a child, which is the first process of a namespace. Returns what that ended with. */
static int run_as_first(int namespaces, int (*run)(void))
{
    int status = 0;
    pid_t pid;

    if (unshare(namespaces) != 0)
        return CANNOT_TELL;
    pid = fork();
    if (pid == 0)
        _exit(run());
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : 1;
}

static int count_in_the_next(void)
{
    if (ratls_thread_count() != 1)
        return CANNOT_TELL; /* as where /proc is that of another namespace */
    return run_as_first(CLONE_NEWPID, count_others_here);
}

static int count_in_two(void)
{
    return run_as_first(CLONE_NEWUSER | CLONE_NEWPID, count_in_the_next);
}

/* In a container the first process has the number 1, and so has its child in the next one. */
Test(thread_count, of_a_child_of_the_same_number)
{
    int status = 0;
    pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(count_in_two());
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_TELL)
        cr_skip_test("no namespaces of processes here");
    cr_expect_eq(WEXITSTATUS(status), 0);
}

/* The descriptor that the first call has left behind; -1 if there is none. */
static int find_descriptor(void)
{
    char link[300], target[300], expected[64];
    DIR *folder = opendir("/proc/self/fd");
    int found = -1;

    cr_assert_not_null(folder);
    snprintf(expected, sizeof expected, "/proc/%d/task", (int)getpid());
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        ssize_t len;

        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        len = readlink(link, target, sizeof target - 1);
        target[len < 0 ? 0 : len] = '\0';
        if (strcmp(target, expected) == 0)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    closedir(folder);
    return found;
}

/* As programs do that close what they do not know. */
static void assert_survives(const char *in_its_place)
{
    const unsigned without = ratls_thread_count();
    const int fd = find_descriptor();
    int other;

    cr_assert_geq(fd, 0);
    other = open(in_its_place, O_RDONLY);
    cr_assert_geq(other, 0, "%s", in_its_place);
    cr_assert_eq(dup2(other, fd), fd);
    close(other);
    cr_assert_eq(ratls_thread_count(), without);
    cr_assert_eq(fcntl(fd, F_GETFD), 0, "the program's descriptor is let alone");
    assert_others_count(without);
    close(fd);
}

Test(thread_count, of_a_program_that_closes_descriptors)
{
    assert_survives("/dev/null");
    assert_survives("/");
    assert_survives("/proc/1");
}
