#include "load_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

#define TALLY_LINE 8 /* tests/support/mux_pace.h: microseconds */

bool load_account_add(struct load_account *account, char *text)
{
    char *equals = strchr(text, '=');
    struct load_process *process = &account->processes[account->count];

    if (equals == NULL || account->count == LOAD_PROCESSES_MAX)
        return false;
    *equals = '\0';
    process->name = text;
    process->pid = (pid_t)strtol(equals + 1, NULL, 10);
    account->count++;
    return process->pid > 0;
}

/* proc(5): the name of the program is in brackets; utime and stime are fields 14 and 15. */
static void look_at_time(pid_t pid, double *cpu_s)
{
    char path[64];
    char line[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    const char *rest = NULL;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof line, file) != NULL)
        rest = strrchr(line, ')');
    if (rest != NULL &&
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
        *cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    if (file != NULL)
        fclose(file);
}

static void look_at_memory(pid_t pid, long *rss_kib, long *peak_kib)
{
    char path[64];
    char line[256];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "VmRSS: %ld", rss_kib);
        (void)sscanf(line, "VmHWM: %ld", peak_kib);
    }
    fclose(file);
}

void load_account_look(const struct load_account *account, struct load_usage *usage)
{
    struct stat tally;

    for (size_t i = 0; i < account->count; i++) {
        look_at_time(account->processes[i].pid, &usage->cpu_s[i]);
        look_at_memory(account->processes[i].pid, &usage->rss_kib[i], &usage->peak_kib[i]);
    }
    if (account->tally != NULL && stat(account->tally, &tally) == 0)
        usage->quotes = (long)tally.st_size / TALLY_LINE;
}

static int compare_times(const void *a, const void *b)
{
    const long x = *(const long *)a;
    const long y = *(const long *)b;

    return (x > y) - (x < y);
}

double load_account_quote_ms(const struct load_account *account, long first, long end)
{
    const size_t wanted = end > first ? (size_t)(end - first) : 0;
    long *us = calloc(wanted + 1, sizeof *us);
    FILE *file = account->tally == NULL ? NULL : fopen(account->tally, "r");
    size_t count = 0;
    double median_ms;

    bench_must(us != NULL, "out of memory");
    if (file != NULL && fseek(file, first * TALLY_LINE, SEEK_SET) == 0)
        while (count < wanted && fscanf(file, "%ld", &us[count]) == 1)
            count++;
    if (file != NULL)
        fclose(file);
    qsort(us, count, sizeof *us, compare_times);
    median_ms = count == 0 ? 0 : (double)us[(count - 1) / 2] / 1000;
    free(us);
    return median_ms;
}
