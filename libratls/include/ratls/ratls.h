/*
 * ratls: attested TLS channels with TPM 2.0. Includes everything of libratls; attester_tpm.h comes
 * with libratls-attester and is included by itself.
 */
#ifndef RATLS_RATLS_H
#define RATLS_RATLS_H

#include <ratls/attester.h>
#include <ratls/connection.h>
#include <ratls/error.h>
#include <ratls/exchange.h>
#include <ratls/policy.h>
#include <ratls/report.h>
#include <ratls/result.h>
#include <ratls/tls.h>
#include <ratls/verifier.h>

#define RATLS_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is loaded, for example "0.1.0". */
RATLS_API const char *ratls_version(void);

#ifdef __cplusplus
}
#endif
#endif
