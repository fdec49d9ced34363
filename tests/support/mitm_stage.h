/* The true server and the client's policy, as a row of the man in the middle wants them. */
#ifndef RATLS_TEST_MITM_STAGE_H
#define RATLS_TEST_MITM_STAGE_H

#include "fake_tsa.h"
#include "mitm_rows.h"
#include "tls_pair.h"

struct mitm_stage {
    struct tls_world *world;
    struct fake_tsa *tsa; /* NULL: no epochs */
    EVP_PKEY *verifier;   /* NULL: no results */
    uint8_t *result;      /* the last one */
};

/* Freed by the caller. */
struct mitm_stage *mitm_stage_new(const struct mitm_row *row);
void mitm_stage_free(struct mitm_stage *stage);

#endif
