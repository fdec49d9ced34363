/* How what is denied is written in the store's list, and whether something is in it. */
#ifndef RATLS_CA_DENIED_H
#define RATLS_CA_DENIED_H

#include "ek_certificate.h"
#include "store.h"

#define RATLS_DENIED_VALUE_MAX 512

/* Kinds: of what a value is. */
#define RATLS_DENIED_EK "ek"             /* 64 digits, lower case: the SHA-256 of its key */
#define RATLS_DENIED_AK "ak"             /* digits, lower case: the Name */
#define RATLS_DENIED_FIRMWARE "firmware" /* ratls_denied_firmware() */
#define RATLS_DENIED_MODEL "model"       /* ratls_denied_model() */

/* "0x" and 16 digits, lower case. */
void ratls_denied_firmware(uint64_t version, char out[static RATLS_DENIED_VALUE_MAX]);

/*
 * "manufacturer/model/version" as the certificates of endorsement keys have them, for example
 * "id:49465800/SLB9670/id:0007"; without the last one, or the last two, all that begins so.
 */
void ratls_denied_model(const struct ratls_ek_certificate *ek, unsigned parts,
                        char out[static RATLS_DENIED_VALUE_MAX]);

RATLS_MUST_CHECK enum ratls_status ratls_denied_has_firmware(struct ratls_store *store,
                                                             uint64_t version, bool *ret_denied,
                                                             struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_denied_has_model(struct ratls_store *store,
                                                          const struct ratls_ek_certificate *ek,
                                                          bool *ret_denied,
                                                          struct ratls_error *err);

#endif
