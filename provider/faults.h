/* Answers `ratls check`: params.h. */
#ifndef RATLS_PROVIDER_FAULTS_H
#define RATLS_PROVIDER_FAULTS_H

#include <openssl/params.h>
#include <stdbool.h>

/* Sets those of params.h that are among params; false if one has no room. */
bool ratls_faults_get_params(OSSL_PARAM params[]);

#endif
