/* Figures of several rounds: median, and how far they spread. */
#ifndef RATLS_BENCH_SAMPLES_H
#define RATLS_BENCH_SAMPLES_H

#include <stddef.h>

#define SAMPLES_MAX 101

struct samples {
    size_t count;
    double values[SAMPLES_MAX];
};

void samples_add(struct samples *samples, double value);
double samples_median(const struct samples *samples);
double samples_quartile(const struct samples *samples); /* the lower one */
double samples_min(const struct samples *samples);
double samples_max(const struct samples *samples);

/* "NAME":median,"NAME.min":least,"NAME.max":most: members of the object that --json ends with. */
void samples_print_json(const char *name, const struct samples *samples);

/* CPU time of this thread, in microseconds. */
double cpu_us(void);

#endif
