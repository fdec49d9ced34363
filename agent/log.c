#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "moment.h"

#define WINDOW_MS 10000
#define LINES_MAX 30 /* in a window */
#define LINE_MAX_BYTES 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t window_ms; /* its begin; 0: nothing was said yet */
static unsigned lines;    /* in it, those that were left out included */

static void print(int level, const char *line)
{
    if (getenv("JOURNAL_STREAM") != NULL)
        fprintf(stderr, "<%d>%s\n", level, line);
    else
        fprintf(stderr, "ratlsd: %s\n", line);
}

/* With the lock held. Whether there is room for one more line. */
static bool take_line(void)
{
    const int64_t now_ms = ratls_moment_now().boot_ms;
    char line[LINE_MAX_BYTES];

    if (window_ms == 0 || now_ms - window_ms >= WINDOW_MS) {
        if (lines > LINES_MAX) {
            snprintf(line, sizeof line, "%u lines more were left out", lines - LINES_MAX);
            print(LOG_NOTICE, line);
        }
        window_ms = now_ms;
        lines = 0;
    }
    return ++lines <= LINES_MAX;
}

void ratls_agentd_log(int level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    if (take_line())
        print(level, line);
    pthread_mutex_unlock(&lock);
}
