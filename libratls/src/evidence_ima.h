/* A piece of an IMA list in evidence (WIRE.md, 3: item 6). */
#ifndef RATLS_EVIDENCE_IMA_H
#define RATLS_EVIDENCE_IMA_H

#include "bytes.h"

/* A piece of an IMA list, as the kernel wrote it (ima.h), beside the quote of its PCR. */
struct ratls_ima_slice {
    uint16_t list_alg; /* TPM_ALG_ID of the digests in the list */
    uint64_t offset;   /* of its first byte in the list */
    uint64_t total;    /* length of the list, as far as the server knows it: is there more? */
    struct ratls_slice entries; /* whole entries; may be empty */
};

bool ratls_ima_slice_read(struct ratls_slice in, struct ratls_ima_slice *ret);
/* Whether the reader would take it. */
bool ratls_ima_slice_valid(const struct ratls_ima_slice *ima);
void ratls_ima_slice_write(const struct ratls_ima_slice *ima, struct ratls_writer *w);

#endif
