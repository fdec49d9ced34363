/*
 * proc_pid_task(5): the links of /proc/self/task are two, and one for each thread. The folder is
 * opened once, for to find it takes four times as long as to look at it. What is seen must still be
 * that folder: a program may close descriptors that it does not know, and use their numbers again,
 * and after fork() it is the parent's. The number of the process tells, but for that of the first
 * one in a PID namespace, whose parent may have been the first one of another: so what is known
 * stands in a page that is empty after fork().
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "thread.h"

#define TASKS "/proc/self/task"
#define LINKS_OF_FOLDER 2

/* Never changes once it is shown. Those of before are kept: another thread may be at one. */
struct tasks {
    int fd;
    pid_t pid;
    dev_t dev;
    ino_t ino;
};

static _Atomic(const struct tasks *) current;

static bool look(const struct tasks *tasks, struct stat *ret_info)
{
    return tasks != NULL && tasks->pid == getpid() && fstat(tasks->fd, ret_info) == 0 &&
           ret_info->st_dev == tasks->dev && ret_info->st_ino == tasks->ino;
}

static bool open_tasks(struct tasks *tasks, struct stat *ret_info)
{
    tasks->pid = getpid();
    tasks->fd = open(TASKS, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (tasks->fd < 0)
        return false;
    if (fstat(tasks->fd, ret_info) != 0) {
        close(tasks->fd);
        return false;
    }
    tasks->dev = ret_info->st_dev;
    tasks->ino = ret_info->st_ino;
    return true;
}

/* NULL if memory is short. Linux before 4.14 cannot empty it: then the number has to do. */
static struct tasks *new_tasks(void)
{
    void *page = mmap(NULL, sizeof(struct tasks), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    (void)madvise(page, sizeof(struct tasks), MADV_WIPEONFORK);
    return page;
}

static void free_tasks(struct tasks *tasks)
{
    (void)munmap(tasks, sizeof *tasks);
}

/* Another thread may do the same: its folder is as good, and one of them goes. */
static bool renew(const struct tasks *before, struct stat *ret_info)
{
    struct tasks *tasks = new_tasks();

    if (tasks == NULL)
        return false;
    if (!open_tasks(tasks, ret_info)) {
        free_tasks(tasks);
        return false;
    }
    if (!atomic_compare_exchange_strong(&current, &before, tasks)) {
        close(tasks->fd);
        free_tasks(tasks);
    }
    return true;
}

unsigned ratls_thread_count(void)
{
    const struct tasks *tasks = atomic_load(&current);
    struct stat info;

    if ((!look(tasks, &info) && !renew(tasks, &info)) || info.st_nlink <= LINKS_OF_FOLDER)
        return 0;
    return (unsigned)info.st_nlink - LINKS_OF_FOLDER;
}
