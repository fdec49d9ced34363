/* Policies that are built in memory: a test changes the rules as it likes. */
#ifndef RATLS_TEST_FAKE_POLICY_H
#define RATLS_TEST_FAKE_POLICY_H

#include <openssl/x509.h>

#include "fake_tpm.h"
#include "rules.h"

/*
 * A policy with one file of rules, "fake.yaml", for every server: the values that the TPM has now
 * for PCR 0 to 7 of SHA-256, service "default", evidence of the session; no attestation key yet.
 * Freed with ratls_policy_free().
 */
struct ratls_policy *fake_policy_new(struct fake_tpm *tpm);
struct ratls_rules *fake_policy_rules(struct ratls_policy *policy);

/* Pins the key of this TPM for a server; NULL: for every server. */
void fake_policy_pin(struct ratls_policy *policy, const struct fake_tpm *tpm, const char *server);
/* Trusts certificates by an issuer with this one for a server; NULL: for every server. Takes a
 * reference. */
void fake_policy_issuer(struct ratls_policy *policy, X509 *certificate, const char *server);
/* freshness: epoch, with the time stamps of an authority with this certificate, or below it. */
void fake_policy_epoch(struct ratls_policy *policy, X509 *authority, uint64_t within_s);
/* Allows one more value, the one that the TPM has now; PCRs must come in ascending order. */
void fake_policy_pcr(struct ratls_policy *policy, struct fake_tpm *tpm, uint16_t bank,
                     uint8_t index);
/* Removes all PCR rules. */
void fake_policy_no_pcrs(struct ratls_policy *policy);
/* After those that sort before it: the Names are ascending. */
void fake_policy_deny_key(struct ratls_policy *policy, const struct fake_tpm *tpm);
void fake_policy_deny_firmware(struct ratls_policy *policy, uint64_t version);

#endif
