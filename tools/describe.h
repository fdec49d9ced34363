/* What `show` says about each kind of thing. All of it may come from a peer and may be nonsense. */
#ifndef RATLS_TOOL_DESCRIBE_H
#define RATLS_TOOL_DESCRIBE_H

#include <openssl/x509.h>

#include <ratls/policy.h>

#include "capture.h"
#include "tpm_wire.h"
#include "view.h"

/* The fields of evidence; says so where a part of it cannot be read. False if it is no evidence. */
bool ratls_describe_evidence(struct ratls_view *v, struct ratls_slice evidence);

/* Item 10 of evidence (WIRE.md, 5.3); false if it is none. Nothing of it is verified. */
bool ratls_describe_tls_key(struct ratls_view *v, struct ratls_slice bytes);

/* An attestation result, as CWT or JWT; false if it is none. Nothing of it is verified. */
bool ratls_describe_result(struct ratls_view *v, struct ratls_slice bytes);

void ratls_describe_key(struct ratls_view *v, const struct ratls_tpm_public *key);
void ratls_describe_signature(struct ratls_view *v, const struct ratls_tpm_signature *signature);
void ratls_describe_capture(struct ratls_view *v, const struct ratls_capture *capture);
void ratls_describe_policy(struct ratls_view *v, const struct ratls_policy *policy);

/* The fields of a certificate or of a request, and the evidence in it. */
void ratls_describe_certificate(struct ratls_view *v, const X509 *certificate);
void ratls_describe_csr(struct ratls_view *v, X509_REQ *csr);

/* A time as people and programs read it: RFC 3339, UTC. */
#define RATLS_TIME_TEXT_MAX 32
void ratls_time_text(int64_t seconds, char out[static RATLS_TIME_TEXT_MAX]);

#endif
