#include "guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "guarded.h"
#include "output.h"

#define FOLDER_DEFAULT "/tmp"
#define BACKLOG 128
#define TICK_MS 250 /* how long a connection that is gone may be watched */
#define RECEIVE_S 1 /* an announcement is sent at once */
#define SIGNAL_CODE 128

static const int caught[] = {SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT};

static void fill_caught(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        sigaddset(set, caught[i]);
}

/* Who may enter the folder may announce: this user alone. */
static enum ratls_status listen_here(struct ratls_guard *guard, struct ratls_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *base = getenv("XDG_RUNTIME_DIR");

    if (base == NULL || base[0] != '/')
        base = FOLDER_DEFAULT;
    if (snprintf(guard->folder, sizeof guard->folder, "%s/ratls-XXXXXX", base) >=
            (int)sizeof guard->folder ||
        mkdtemp(guard->folder) == NULL) {
        guard->folder[0] = '\0';
        return ratls_fail(err, RATLS_IO, "cannot make a folder in %s: %s", base, strerror(errno));
    }
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s/watch", guard->folder) >=
        (int)sizeof address.sun_path)
        return ratls_fail(err, RATLS_IO, "%s: too long for a UNIX socket", guard->folder);
    memcpy(guard->path, address.sun_path, sizeof address.sun_path);
    guard->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (guard->listener < 0 ||
        bind(guard->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(guard->listener, BACKLOG) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", guard->path, strerror(errno));
    return RATLS_OK;
}

enum ratls_status ratls_guard_new(const struct ratls_guard_options *options,
                                  struct ratls_guard **ret_guard, struct ratls_error *err)
{
    struct ratls_guard *guard = calloc(1, sizeof *guard);
    enum ratls_status status;

    if (guard == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    guard->options = options;
    guard->listener = guard->signals = guard->program_code = -1;
    status = listen_here(guard, err);
    if (status == RATLS_OK)
        *ret_guard = guard;
    else
        ratls_guard_free(guard);
    return status;
}

void ratls_guard_free(struct ratls_guard *guard)
{
    if (guard->listener >= 0)
        close(guard->listener);
    if (guard->signals >= 0)
        close(guard->signals);
    if (guard->path[0] != '\0')
        unlink(guard->path);
    if (guard->folder[0] != '\0')
        rmdir(guard->folder);
    free(guard);
}

/* The program never goes on without us: nobody would end its connections. */
static void __attribute__((noreturn))
become_program(const char *path, char **program, const sigset_t *mask, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        signal(SIGPIPE, SIG_DFL) != SIG_ERR && sigprocmask(SIG_SETMASK, mask, NULL) == 0)
        execv(path, program);
    ratls_complain("%s: %s", path, strerror(errno));
    _exit(RATLS_EXIT_FAILED);
}

/* Each connection costs one; the program has its own limit already. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool start(struct ratls_guard *guard, const char *path, char **program)
{
    const pid_t parent = getpid();
    sigset_t signals, before;

    fill_caught(&signals);
    sigprocmask(SIG_BLOCK, &signals, &before);
    guard->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    /* Whose parent ends becomes ours: only so may we end its connections where ptrace is guarded.
     */
    if (guard->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return false;
    fflush(NULL);
    guard->program = fork();
    if (guard->program == 0)
        become_program(path, program, &before, parent);
    if (guard->program < 0)
        return false;
    allow_many_files();
    return true;
}

static bool receive(int fd, struct ratls_announcement *ret)
{
    const struct timeval limit = {.tv_sec = RECEIVE_S};

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
           recv(fd, ret, sizeof *ret, MSG_WAITALL) == (ssize_t)sizeof *ret &&
           ratls_announcement_valid(ret);
}

/* The kernel says who announces, not the announcement. */
static void take_announcement(struct ratls_guard *guard)
{
    const uint8_t taken = RATLS_ANNOUNCEMENT_TAKEN;
    struct ratls_announcement announcement;
    struct ucred sender;
    socklen_t len = sizeof sender;
    int fd = accept4(guard->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &sender, &len) == 0 && receive(fd, &announcement) &&
        ratls_guarded_take(guard, &announcement, sender.pid))
        (void)send(fd, &taken, sizeof taken, MSG_NOSIGNAL);
    close(fd);
}

static void see_end(struct ratls_guard *guard, pid_t pid, int result)
{
    if (pid == guard->program) {
        guard->program_code =
            WIFEXITED(result) ? WEXITSTATUS(result) : SIGNAL_CODE + WTERMSIG(result);
        return;
    }
    for (struct ratls_guarded *server = guard->servers; server != NULL; server = server->next) {
        if (server->vigil == pid)
            ratls_guarded_fall(guard, server);
    }
}

static void reap(struct ratls_guard *guard)
{
    int result;
    pid_t pid;

    while ((pid = waitpid(-1, &result, WNOHANG)) > 0)
        see_end(guard, pid, result);
}

/* What a terminal sends, it sends to the program too; what was meant for us is meant for it. */
static void read_signals(struct ratls_guard *guard)
{
    struct signalfd_siginfo info;

    while (read(guard->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if ((info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) && guard->program_code < 0)
            kill(guard->program, (int)info.ssi_signo);
    }
}

/* Each connection takes a look at a folder of /proc: not for every event. */
static void sweep(struct ratls_guard *guard)
{
    const int64_t now_ms = ratls_vigil_now_ms();

    if (guard->program_code < 0 && now_ms < guard->swept_ms + TICK_MS)
        return;
    guard->swept_ms = now_ms;
    ratls_guarded_sweep(guard);
}

static void attend(struct ratls_guard *guard)
{
    while (guard->program_code < 0 || guard->servers != NULL) {
        struct pollfd ready[] = {{.fd = guard->signals, .events = POLLIN},
                                 {.fd = guard->listener, .events = POLLIN}};

        if (poll(ready, 2, guard->servers == NULL ? -1 : TICK_MS) > 0) {
            if (ready[0].revents != 0)
                read_signals(guard);
            if (ready[1].revents != 0)
                take_announcement(guard);
        }
        reap(guard);
        sweep(guard);
    }
}

int ratls_guard_run(struct ratls_guard *guard, const char *path, char **program)
{
    if (!start(guard, path, program)) {
        ratls_complain("cannot start %s: %s", path, strerror(errno));
        return RATLS_EXIT_FAILED;
    }
    attend(guard);
    return guard->has_ended_connections ? RATLS_EXIT_REFUSED : guard->program_code;
}
