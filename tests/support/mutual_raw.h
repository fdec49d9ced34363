/* A client that attests to nobody, but says in extension 65300 what a test wants. */
#ifndef RATLS_TEST_MUTUAL_RAW_H
#define RATLS_TEST_MUTUAL_RAW_H

#include "mutual_world.h"

struct mutual_raw {
    struct tls_bytes request;  /* of its ClientHello; empty: none */
    struct tls_bytes evidence; /* of its Certificate message, */
    size_t chain_index;        /* in this entry; SIZE_MAX: in every one */
    bool reflects;             /* in place of evidence: what the server has sent */
    struct tls_bytes reflected;
    struct tls_bytes demand; /* the last that the server sent */
};

/* With the certificate of the world; freed by the caller, before raw. */
SSL_CTX *mutual_raw_client(struct mutual_world *world, struct mutual_raw *raw);
void mutual_raw_clear(struct mutual_raw *raw);

#endif
