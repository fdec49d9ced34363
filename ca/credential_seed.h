/* The seed of a credential, and how the TPM with the endorsement key comes to it. */
#ifndef RATLS_CA_CREDENTIAL_SEED_H
#define RATLS_CA_CREDENTIAL_SEED_H

#include "credential.h"

/*
 * Makes a seed, as long as a digest of the profile's nameAlg, and writes ret->secret. The caller
 * wipes the seed.
 */
RATLS_MUST_CHECK enum ratls_status ratls_credential_seed(const struct ratls_credential_wish *wish,
                                                         uint8_t *seed,
                                                         struct ratls_credential *ret,
                                                         struct ratls_error *err);

#endif
