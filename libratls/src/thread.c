#include "thread.h"

#include <errno.h>
#include <signal.h>

int ratls_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all;
    sigset_t before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(ret_thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

void ratls_thread_end(pthread_t thread, pthread_mutex_t *lock, pthread_cond_t *exited,
                      const bool *has_exited, const struct timespec *limit)
{
    int result = 0;

    if (!pthread_equal(thread, pthread_self()))
        while (!*has_exited && result != ETIMEDOUT)
            result = pthread_cond_timedwait(exited, lock, limit);
    if (!*has_exited) {
        pthread_detach(thread);
        return;
    }
    pthread_mutex_unlock(lock);
    pthread_join(thread, NULL);
    pthread_mutex_lock(lock);
}
