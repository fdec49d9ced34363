/*
 * Proof that a TLS key lies in the TPM of an attestation key (WIRE.md, 3: item 10): its public area
 * and TPM2_Certify by that key (TPM 2.0 Part 3, 18.2). It never changes, and is the same in files
 * of the attester.
 */
#ifndef RATLS_TLS_KEY_ITEM_H
#define RATLS_TLS_KEY_ITEM_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_TLS_KEY_ITEM_MAX 3082 /* what the limits of its three parts allow */

/* Borrows from the bytes that it was read from. */
struct ratls_tls_key_item {
    struct ratls_slice public_area; /* TPMT_PUBLIC */
    struct ratls_slice attest;      /* TPMS_ATTEST: the signed bytes */
    struct ratls_slice signature;   /* TPMT_SIGNATURE */
};

bool ratls_tls_key_item_read(struct ratls_slice in, struct ratls_tls_key_item *ret);
/* Fails if the reader would not take it. */
void ratls_tls_key_item_write(const struct ratls_tls_key_item *item, struct ratls_writer *w);

/*
 * What TPM2_Certify is asked to sign beside the Name (qualifyingData): SHA-256(0x03 ||
 * "ratls-tls-key-1" || spki_sha256). No other hash that an attestation key signs begins so
 * (WIRE.md, 5 and 14.2).
 */
RATLS_MUST_CHECK enum ratls_status ratls_tls_key_extra_data(const uint8_t spki_sha256[static 32],
                                                            uint8_t out[static 32],
                                                            struct ratls_error *err);

#endif
