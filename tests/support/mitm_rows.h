/* What the man in the middle tries: a row for each way in which evidence can be conveyed. */
#ifndef RATLS_TEST_MITM_ROWS_H
#define RATLS_TEST_MITM_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct mitm_outcome {
    char check[64];   /* the first that failed at the honest side; "" if none did */
    bool was_relayed; /* he had evidence of the true machine to show */
    bool accepted;    /* by the honest side, as the machine that it means */
    bool secret_read; /* he reads what the client sends to the server */
};

struct mitm_row {
    const char *name;
    const char *check; /* that refuses him */
    /* weak: with a policy that is content with a binding to the TLS key alone, if there is one */
    void (*run)(bool weak, struct mitm_outcome *ret);
};

/* Of a whole connection, in mitm_connection.c: see there. */
void mitm_relay_connection(bool weak, struct mitm_outcome *ret);
void mitm_relay_framed_handshake(bool weak, struct mitm_outcome *ret);
void mitm_relay_lease(bool weak, struct mitm_outcome *ret);

extern const struct mitm_row mitm_rows[];
extern const size_t mitm_row_count;

#endif
