#include "evmctl.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PCRS 24
#define PCR 10
#define OPTION_MAX 64

extern char **environ;

/* As the file pcrs of the kernel: "PCR-10: 0D 20 ...". */
static void write_pcrs(FILE *file, struct ratls_slice pcr)
{
    for (int i = 0; i < PCRS; i++) {
        fprintf(file, "PCR-%02d:", i);
        for (size_t k = 0; k < pcr.len; k++)
            fprintf(file, " %02X", i == PCR ? pcr.p[k] : 0);
        fprintf(file, "\n");
    }
}

static FILE *open_new(char *name)
{
    int fd = mkstemp(name);

    return fd < 0 ? NULL : fdopen(fd, "wb");
}

bool evmctl_open(struct evmctl *evmctl, struct ratls_slice list, struct ratls_slice pcr)
{
    *evmctl = (struct evmctl){"/tmp/ratls-bench-XXXXXX", "/tmp/ratls-bench-XXXXXX"};
    FILE *file = open_new(evmctl->list);
    bool is_written = file != NULL && fwrite(list.p, 1, list.len, file) == list.len;

    is_written = file != NULL && fclose(file) == 0 && is_written;
    file = open_new(evmctl->pcrs);
    if (file == NULL)
        return false;
    write_pcrs(file, pcr);
    return fclose(file) == 0 && is_written;
}

void evmctl_close(const struct evmctl *evmctl)
{
    unlink(evmctl->list);
    unlink(evmctl->pcrs);
}

static double children_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Its exit status with its output thrown away; below 0 if it could not be run. */
static int run(char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    int failed;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

double evmctl_us(const struct evmctl *evmctl)
{
    char program[] = "evmctl";
    char command[] = "ima_measurement";
    char option[] = "--pcrs";
    char bank[OPTION_MAX];
    char list[sizeof evmctl->list];
    char *argv[] = {program, command, option, bank, list, NULL};
    double begin = children_us();

    snprintf(bank, sizeof bank, "sha256,%s", evmctl->pcrs);
    memcpy(list, evmctl->list, sizeof list);
    return run(argv) == 0 ? children_us() - begin : -1;
}
