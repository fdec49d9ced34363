#include "doorbell.h"

#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define YIELDS_MAX 1000 /* another thread has one instruction to go */

static void wake(const struct ratls_doorbell *bell)
{
    const uint64_t one = 1;

    (void)!write(bell->fd, &one, sizeof one);
}

static bool drain(const struct ratls_doorbell *bell)
{
    uint64_t count;

    return read(bell->fd, &count, sizeof count) == (ssize_t)sizeof count;
}

bool ratls_doorbell_prepare(struct ratls_doorbell *bell)
{
    if (bell->fd < 0)
        bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell->fd < 0)
        return false;
    (void)drain(bell); /* of who was cancelled */
    atomic_store(&bell->is_rung, false);
    return true;
}

/*
 * From any thread of the attester: only wakes who polls. The flag comes last: who sees it may take
 * the evidence and free all this, and another file may get the descriptor.
 */
void ratls_doorbell_ring(void *arg)
{
    struct ratls_doorbell *bell = arg;

    wake(bell);
    atomic_store(&bell->is_rung, true);
}

/*
 * Who was woken in between waits for the flag, but not for ever: in a child of fork(), which shares
 * the descriptor, it never comes. Then it is woken once more, also where only an edge counts.
 */
bool ratls_doorbell_has_rung(struct ratls_doorbell *bell)
{
    bool is_rung = atomic_load(&bell->is_rung);

    if (!drain(bell) || is_rung)
        return is_rung;
    for (unsigned i = 0; i < YIELDS_MAX && !is_rung; i++) {
        sched_yield();
        is_rung = atomic_load(&bell->is_rung);
    }
    if (!is_rung)
        wake(bell);
    return is_rung;
}

void ratls_doorbell_close(struct ratls_doorbell *bell)
{
    if (bell->fd >= 0)
        close(bell->fd);
    bell->fd = -1;
}
