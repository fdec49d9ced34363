/* Children that are killed at one of their system calls. */
#ifndef RATLS_TEST_TRACED_H
#define RATLS_TEST_TRACED_H

#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"

/*
 * A child that stops before it runs, and is ours to kill; its exit status says whether run() said
 * true. 0: processes cannot be traced here.
 */
static inline pid_t traced_start(bool (*run)(void *arg), void *arg)
{
    pid_t child = fork();
    int status;

    must(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0)
            _exit(2);
        _exit(run(arg) ? 0 : 1);
    }
    must(waitpid(child, &status, 0) == child);
    return WIFSTOPPED(status) ? child : 0;
}

/* Kills the child at its system call number `at`. False: it came to its end before, which was good.
 */
static inline bool traced_kill_at(pid_t child, int at)
{
    int status = 0;

    for (int i = 0; i < at; i++) {
        must(ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0);
        must(waitpid(child, &status, 0) == child);
        if (!WIFSTOPPED(status)) {
            must(status == 0);
            return false;
        }
    }
    must(kill(child, SIGKILL) == 0);
    must(waitpid(child, &status, 0) == child);
    return true;
}

#endif
