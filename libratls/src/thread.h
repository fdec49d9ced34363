/* Threads of the library, and of the process. */
#ifndef RATLS_THREAD_H
#define RATLS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/*
 * pthread_create(), with all signals blocked in the new thread: the program's signal handlers run
 * in the program's threads. Returns 0 or an errno.
 */
int ratls_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);
/*
 * The end of a thread that was told to end: it sets *has_exited under the lock, and signals exited.
 * With the lock held, which is released meanwhile. One that has not exited at the limit (of
 * CLOCK_MONOTONIC), or that calls this itself, is left behind.
 */
void ratls_thread_end(pthread_t thread, pthread_mutex_t *lock, pthread_cond_t *exited,
                      const bool *has_exited, const struct timespec *limit);
/*
 * How many threads the process has now; 0 if that cannot be known. From the first call on the
 * process has one descriptor more.
 */
unsigned ratls_thread_count(void);

#endif
