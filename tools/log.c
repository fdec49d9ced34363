#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "moment.h"
#include "output.h"

#define WINDOW_MS 10000
#define LINES_MAX 20 /* in a window */
#define LINE_MAX_BYTES 512

/* Of each level apart: what callers cause does not hide what the TPM does. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct window {
    int64_t begin_ms; /* 0: nothing was said yet */
    unsigned lines;   /* those that were left out included */
} windows[LOG_DEBUG + 1];

static void print(int level, const char *line)
{
    if (getenv("JOURNAL_STREAM") != NULL)
        fprintf(stderr, "<%d>%s\n", level, line);
    else
        fprintf(stderr, "%s: %s\n", ratls_out_command_name(), line);
}

/* With the lock held. Whether there is room for one more line. */
static bool take_line(int level)
{
    const int64_t now_ms = ratls_moment_now().boot_ms;
    struct window *window = &windows[level];
    char line[LINE_MAX_BYTES];

    if (window->begin_ms == 0 || now_ms - window->begin_ms >= WINDOW_MS) {
        if (window->lines > LINES_MAX) {
            snprintf(line, sizeof line, "%u lines more like the last were left out",
                     window->lines - LINES_MAX);
            print(level, line);
        }
        *window = (struct window){.begin_ms = now_ms};
    }
    return ++window->lines <= LINES_MAX;
}

void ratls_log(int level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): begun in the line above */
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    if (take_line(level))
        print(level, line);
    pthread_mutex_unlock(&lock);
}
