/*
 * A software TPM as its maker leaves it: swtpm_setup makes endorsement keys, and a CA in the TPM's
 * folder certifies them (localca/issuercert.pem, and above it swtpm-localca-rootca-cert.pem).
 */
#ifndef RATLS_TEST_MADE_TPM_H
#define RATLS_TEST_MADE_TPM_H

#include "swtpm.h"

/*
 * rsa_bits: "2048" makes keys of the templates L-1 and H-3, "3072" of H-6 and H-3. False, with the
 * reason on stderr. End it with swtpm_stop().
 */
bool made_tpm_start(struct swtpm *tpm, const char *rsa_bits);

#endif
