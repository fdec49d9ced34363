/* What a TPM has of its endorsement keys. */
#ifndef RATLS_EK_LIST_H
#define RATLS_EK_LIST_H

#include <stdlib.h>

#include "ek_nv.h"
#include "ek_template.h"

#define RATLS_EKS_MAX 8 /* templates */

struct ratls_eks {
    size_t count;
    struct ratls_ek_entry {
        const struct ratls_ek_profile *profile;
        struct ratls_slice certificate; /* DER */
        struct ratls_slice area;        /* TPMT_PUBLIC, as the TPM makes it */
    } items[RATLS_EKS_MAX];
    struct ratls_slice chain[RATLS_EK_CHAIN_MAX]; /* DER: of CAs, for all of them */
    size_t chain_count;
    uint8_t *owned[2 * RATLS_EKS_MAX + 1]; /* what the slices borrow; the first is the chain's */
    size_t owned_count;
};

#define RATLS_EKS_NONE                                                                             \
    {                                                                                              \
        .owned_count = 1                                                                           \
    }

static inline void ratls_eks_done(struct ratls_eks *eks)
{
    for (size_t i = 0; i < sizeof eks->owned / sizeof *eks->owned; i++)
        free(eks->owned[i]);
    *eks = (struct ratls_eks)RATLS_EKS_NONE;
}

#endif
