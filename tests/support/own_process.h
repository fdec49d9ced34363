/* The process that tests: threads that come, go and rest by themselves, and descriptors. */
#ifndef RATLS_TEST_OWN_PROCESS_H
#define RATLS_TEST_OWN_PROCESS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "patience.h"

static inline unsigned count_threads(void)
{
    struct stat info;

    cr_assert_eq(stat("/proc/self/task", &info), 0);
    return (unsigned)info.st_nlink - 2; /* a folder has two links, and one for each folder in it */
}

/* Until those have ended that end by themselves: AddressSanitizer looks at what they leave. */
static inline void wait_for_threads(unsigned count)
{
    assert_soon(count_threads() <= count);
    cr_assert_eq(count_threads(), count);
}

/* proc_pid_stat(5): the state stands behind the name, which is in parentheses. */
static inline bool does_rest(const char *thread)
{
    char path[300], line[512];
    const char *state = NULL;
    FILE *in;

    snprintf(path, sizeof path, "/proc/self/task/%s/stat", thread);
    in = fopen(path, "re");
    if (in == NULL)
        return true; /* it has ended */
    if (fgets(line, sizeof line, in) != NULL)
        state = strrchr(line, ')');
    fclose(in);
    return state == NULL || strncmp(state, ") S", 3) == 0;
}

static inline bool do_others_rest(void)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    bool do_rest = true;

    cr_assert_not_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != getpid())
            do_rest = do_rest && does_rest(entry->d_name);
    closedir(dir);
    return do_rest;
}

/* Called by the first thread: until every other one waits for something. */
static inline void wait_for_rest(void)
{
    assert_soon(do_others_rest());
}

static inline unsigned count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    cr_assert_not_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

#endif
