/* Rung once by any thread, as the done() of an attester (attester.h), and heard by who polls. */
#ifndef RATLS_DOORBELL_H
#define RATLS_DOORBELL_H

#include <stdatomic.h>
#include <stdbool.h>

struct ratls_doorbell {
    int fd;              /* can be read when it was rung; -1: not made yet */
    atomic_bool is_rung; /* the last that the ringing thread touches */
};

/* Makes its descriptor if it has none, and silences it. False, and errno, if there is none. */
bool ratls_doorbell_prepare(struct ratls_doorbell *bell);
/* arg: the bell. */
void ratls_doorbell_ring(void *arg);
/* Whether it was; if so, the ringing thread has done with it. Then fd cannot be read any more. */
bool ratls_doorbell_has_rung(struct ratls_doorbell *bell);
/* Nobody may ring any more. */
void ratls_doorbell_close(struct ratls_doorbell *bell);

#endif
