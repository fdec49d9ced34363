/*
 * ca.h and issuer.h of a test: linked in place of the real ones, to see what the service does with
 * what a CA says. Its store is real (store_place.h).
 */
#ifndef RATLS_TEST_FAKE_CA_H
#define RATLS_TEST_FAKE_CA_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ca.h"

struct fake_ca {
    /* What it says to a request, an answer, and who asks again. */
    enum ratls_status status;
    unsigned http_status;
    const char *reason, *detail;
    const char *body; /* NULL: none */
    bool is_waiting;
    unsigned delay_ms;
    /* What it saw. */
    atomic_uint opened, closed, calls;
    atomic_uint at_work, at_work_max;
    atomic_size_t body_len; /* of the last request or answer */
};

extern struct fake_ca fake_ca;

/* A body that is a request for the double: "EK" and one byte, which is that of the key's hash. */
#define FAKE_CA_REQUEST "EK1 and the rest of it"

#endif
