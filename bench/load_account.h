/* What a load costs others: processor time and memory of processes, and quotes of the TPM. */
#ifndef RATLS_BENCH_LOAD_ACCOUNT_H
#define RATLS_BENCH_LOAD_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LOAD_PROCESSES_MAX 8

struct load_process {
    const char *name;
    pid_t pid;
};

struct load_account {
    struct load_process processes[LOAD_PROCESSES_MAX];
    size_t count;
    const char *tally; /* the file of `tpm_mux --tally`: a line for each quote; NULL: none */
};

struct load_usage {
    double cpu_s[LOAD_PROCESSES_MAX];
    long rss_kib[LOAD_PROCESSES_MAX];
    long peak_kib[LOAD_PROCESSES_MAX]; /* the most since the process began */
    long quotes;
};

/* NAME=PID. False if it is not, or if there are too many. */
bool load_account_add(struct load_account *account, char *text);

/* Times and quotes are sums since the processes began. */
void load_account_look(const struct load_account *account, struct load_usage *usage);

/* How long the TPM had each of the quotes from number `first` up to `end`, the median; 0: none. */
double load_account_quote_ms(const struct load_account *account, long first, long end);

#endif
