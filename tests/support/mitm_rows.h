/* What the man in the middle tries: a row for each way in which evidence can be conveyed. */
#ifndef RATLS_TEST_MITM_ROWS_H
#define RATLS_TEST_MITM_ROWS_H

#include <ratls/attester.h>
#include <stdbool.h>
#include <stddef.h>

struct mitm_outcome {
    char check[64];   /* the first that failed at the honest side; "" if none did */
    bool was_relayed; /* he had evidence of the true machine to show */
    bool accepted;    /* by the honest side, as the machine that it means */
    bool secret_read; /* he reads what the client sends to the server */
};

enum mitm_evidence {
    MITM_OF_SESSION,
    MITM_OF_EPOCH,    /* one quote for many sessions */
    MITM_WITH_RESULT, /* a verifier's result stands for what the client would appraise */
};

struct mitm_row {
    const char *name;
    const char *check; /* that refuses him */
    /* weak: with a policy that is content with a binding to the TLS key alone, if there is one */
    void (*run)(const struct mitm_row *row, bool weak, struct mitm_outcome *ret);
    enum mitm_evidence evidence;
    enum ratls_role role; /* of challenges: who attests */
    unsigned turns;       /* how many there are; the first is in mode 3, later ones in mode 4 */
};

/* Of a whole connection, in mitm_connection.c: see there. */
void mitm_relay_connection(const struct mitm_row *row, bool weak, struct mitm_outcome *ret);
void mitm_relay_framed_handshake(const struct mitm_row *row, bool weak, struct mitm_outcome *ret);
void mitm_relay_lease(const struct mitm_row *row, bool weak, struct mitm_outcome *ret);

extern const struct mitm_row mitm_rows[];
extern const size_t mitm_row_count;

#endif
