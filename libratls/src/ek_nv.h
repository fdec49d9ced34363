/*
 * Certificates of endorsement keys in the NV memory of a TPM: TCG EK Credential Profile, 2.2.1.4
 * and 2.2.1.5.2. No TPM is needed to take them apart.
 */
#ifndef RATLS_EK_NV_H
#define RATLS_EK_NV_H

#include "bytes.h"

#define RATLS_EK_CHAIN_FIRST 0x01c00100u
#define RATLS_EK_CHAIN_LAST 0x01c001ffu
#define RATLS_EK_CHAIN_MAX 7 /* beside the key's own: more no maker has */

/*
 * The one certificate of an index. Some makers fill the rest of a larger index up with 00 or ff;
 * anything else behind a certificate is no such index. Borrows.
 */
bool ratls_ek_nv_certificate(struct ratls_slice content, struct ratls_slice *ret_certificate);

/*
 * Certificates one behind the other, and then nothing, or 00 or ff up to the end. False if there is
 * anything else, or more than RATLS_EK_CHAIN_MAX. Borrows.
 */
bool ratls_ek_nv_chain(struct ratls_slice content,
                       struct ratls_slice out[static RATLS_EK_CHAIN_MAX], size_t *ret_count);

#endif
