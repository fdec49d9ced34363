/* What the command lines of all benchmarks have in common, and how one ends that cannot measure. */
#ifndef RATLS_BENCH_COMMAND_H
#define RATLS_BENCH_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct bench_command {
    size_t rounds; /* 1 to SAMPLES_MAX */
    bool is_json;
};

/* [--rounds N] [--json]; ends the program on others. Operands begin at getopt's optind. */
struct bench_command bench_command(int argc, char **argv, size_t rounds_default);

/* Ends the program if it is not good, with what OpenSSL has to say of it. */
void bench_must(bool is_good, const char *what);

/* Microseconds by the clock, for what waits for others: a disk, a TPM. */
double bench_now_us(void);

#endif
