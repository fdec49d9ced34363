/* An allocation that fails within a call of one side of a tls_pair. Link ratls_test_failmalloc. */
#ifndef RATLS_TEST_TLS_FAILURE_H
#define RATLS_TEST_TLS_FAILURE_H

#include "tls_pair.h"

/* Which call of which side, and which allocation in it. */
struct tls_failure {
    const struct tls_side *side;
    unsigned call;  /* 1: the first one */
    size_t n;       /* as for failmalloc_arm() */
    unsigned calls; /* so far */
    bool failed;
};

/* The failure's call and n are set; both structs live until the handshake is over. */
void tls_failure_arm(struct tls_failure *failure, struct tls_pair *pair,
                     const struct tls_side *side);

#endif
