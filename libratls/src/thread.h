/* Threads of the library. */
#ifndef RATLS_THREAD_H
#define RATLS_THREAD_H

#include <pthread.h>

/*
 * pthread_create(), with all signals blocked in the new thread: the program's signal handlers run
 * in the program's threads. Returns 0 or an errno.
 */
int ratls_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

#endif
