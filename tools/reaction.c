#include "reaction.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "paths.h"

#define FOLDER_DEFAULT "/tmp"

static bool write_all(int fd, const char *text)
{
    size_t len = strlen(text);
    ssize_t count = 0;

    for (; len > 0 && count >= 0; len -= (size_t)count, text += count)
        count = write(fd, text, len);
    return len == 0;
}

/* A file of this user alone. "" if there is no report, or no place for one. */
static void write_report(const char *json, char path[static RATLS_PATH_MAX])
{
    const char *folder = getenv("TMPDIR");
    bool done;
    int fd;

    path[0] = '\0';
    if (json == NULL)
        return;
    if (folder == NULL || folder[0] != '/')
        folder = FOLDER_DEFAULT;
    if (snprintf(path, RATLS_PATH_MAX, "%s/ratls-report-XXXXXX", folder) >= RATLS_PATH_MAX ||
        (fd = mkstemp(path)) < 0) {
        path[0] = '\0';
        return;
    }
    done = write_all(fd, json);
    if (close(fd) == 0 && done)
        return;
    unlink(path);
    path[0] = '\0';
}

static void __attribute__((noreturn))
run_command(const char *command, const char *server, const struct ratls_vigil_verdict *verdict,
            const char *report, const sigset_t *mask)
{
    if (setenv("RATLS_SERVER", server, 1) == 0 && setenv("RATLS_REASON", verdict->reason, 1) == 0 &&
        setenv("RATLS_CHECK", verdict->check, 1) == 0 && setenv("RATLS_REPORT", report, 1) == 0 &&
        signal(SIGPIPE, SIG_DFL) != SIG_ERR && sigprocmask(SIG_SETMASK, mask, NULL) == 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Until it is over; what asks us to end, asks it. */
static void wait_for(pid_t child, const sigset_t *signals)
{
    int caught;

    while (waitpid(child, NULL, WNOHANG) == 0) {
        if (sigwait(signals, &caught) == 0 && caught != SIGCHLD)
            kill(child, caught);
    }
}

enum ratls_status ratls_react(const char *command, const char *server,
                              const struct ratls_vigil_verdict *verdict, struct ratls_error *err)
{
    char report[RATLS_PATH_MAX];
    enum ratls_status status = RATLS_OK;
    sigset_t signals, before;
    pid_t child;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, &before);
    write_report(verdict->json, report);
    fflush(NULL);
    child = fork();
    if (child == 0)
        run_command(command, server, verdict, report, &before);
    if (child < 0)
        status = ratls_fail(err, RATLS_IO, "cannot run %s: %s", command, strerror(errno));
    else
        wait_for(child, &signals);
    if (report[0] != '\0')
        unlink(report);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
