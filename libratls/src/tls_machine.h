/*
 * The machine that an accepted handshake showed: what each later one beside it must show again, or
 * it says nothing of the first.
 */
#ifndef RATLS_TLS_MACHINE_H
#define RATLS_TLS_MACHINE_H

#include <openssl/types.h>

#include "tpm_wire.h"

struct ratls_machine {
    uint8_t ak_name[RATLS_TPM_NAME_MAX]; /* Name of the attestation key */
    size_t ak_name_len;                  /* at most RATLS_TPM_NAME_MAX */
    uint32_t reset_count;                /* of its TPM: the boot (TPM 2.0 Part 2, 10.11.1) */
    uint32_t restart_count;
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN]; /* of the TLS key */
};

/*
 * Only where the verdict on this SSL accepted. RATLS_USAGE if the evidence was that of the
 * certificate: it was made once, and proves nothing of the machine later.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_machine_of(const SSL *ssl, struct ratls_machine *ret_machine, struct ratls_error *err);

/* The attestation key alone; and key, boot and TLS key. */
bool ratls_machine_same_key(const struct ratls_machine *a, const struct ratls_machine *b);
bool ratls_machine_equal(const struct ratls_machine *a, const struct ratls_machine *b);

#endif
