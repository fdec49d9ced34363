#include "command.h"

#include <getopt.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "samples.h"

void bench_must(bool is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "bench: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(3);
}

struct bench_command bench_command(int argc, char **argv, size_t rounds_default)
{
    static const struct option options[] = {{"rounds", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    struct bench_command command = {.rounds = rounds_default};

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r')
            command.rounds = strtoul(optarg, NULL, 10);
        else if (option == 'j')
            command.is_json = true;
        else
            exit(2);
    }
    if (command.rounds < 1 || command.rounds > SAMPLES_MAX) {
        fprintf(stderr, "%s: --rounds takes 1 to %d\n", argv[0], SAMPLES_MAX);
        exit(2);
    }
    return command;
}

double bench_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}
