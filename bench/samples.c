#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

void samples_add(struct samples *samples, double value)
{
    if (samples->count < SAMPLES_MAX)
        samples->values[samples->count++] = value;
}

/* The value at a fraction of the sorted values: 0 the least, 1 the largest. */
static double at_fraction(const struct samples *samples, double fraction)
{
    double sorted[SAMPLES_MAX];

    if (samples->count == 0)
        return 0;
    memcpy(sorted, samples->values, samples->count * sizeof *sorted);
    qsort(sorted, samples->count, sizeof *sorted, compare_values);
    return sorted[(size_t)((double)(samples->count - 1) * fraction)];
}

double samples_median(const struct samples *samples)
{
    return at_fraction(samples, 0.5);
}

double samples_quartile(const struct samples *samples)
{
    return at_fraction(samples, 0.25);
}

double samples_min(const struct samples *samples)
{
    return at_fraction(samples, 0);
}

double samples_max(const struct samples *samples)
{
    return at_fraction(samples, 1);
}

void samples_print_json(const char *name, const struct samples *samples)
{
    printf("\"%s\":%.3f,\"%s.min\":%.3f,\"%s.max\":%.3f", name, samples_median(samples), name,
           samples_min(samples), name, samples_max(samples));
}

double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
