/*
 * The part of an enrolment that needs the TPM and the state folder of this machine: a request, the
 * answer to a CA's challenge, and the certificate that comes of it (WIRE.md, 14). How the messages
 * travel, by files or by HTTP, is the business of the commands.
 */
#ifndef RATLS_TOOL_ENROLMENT_H
#define RATLS_TOOL_ENROLMENT_H

#include <ratls/error.h>

#include "bytes.h"
#include "enroll_message.h"

struct ratls_enrolment {
    const char *state_dir;
    const char *tcti;           /* NULL: that of the state folder */
    const char *ek;             /* a template, such as "L-1"; NULL or "auto": the first of them that
                                   has a certificate */
    const char *ek_certificate; /* NULL, or a file with the certificate (DER or PEM, with those of
                                   its issuers behind it), of TPMs that have none */
    const char *token_file;     /* NULL: without a token. RATLS_USAGE if others may read it */
    const struct ratls_slice *names; /* DNS names and IP addresses as people write them */
    size_t name_count;
};

/*
 * A new request for these names. It is kept in the state folder (enroll_state.h), and takes the
 * place of an older one with its challenge. RATLS_USAGE for names, template or token file;
 * RATLS_TPM if there is no certificate for the endorsement key, or it is that of another key.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_enrolment_request(const struct ratls_enrolment *enrolment,
                        uint8_t out[static RATLS_ENROLL_REQUEST_MAX], size_t *ret_len,
                        struct ratls_error *err);

/*
 * The answer to a challenge, which is kept in the state folder. `request`: as it was sent.
 * RATLS_MALFORMED if either is none; RATLS_REJECTED if the challenge is for another request, the
 * request of another attestation key or endorsement key, or if the TPM does not open the challenge.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_enrolment_answer(const struct ratls_enrolment *enrolment, struct ratls_slice request,
                       struct ratls_slice challenge, uint8_t out[static RATLS_ENROLL_ANSWER_MAX],
                       size_t *ret_len, struct ratls_error *err);

/*
 * Writes ak.crt (PEM), at once or not at all, and forgets request and challenge. certificates: DER,
 * the AK's first. RATLS_REJECTED unless it is a certificate of the attestation key of the state
 * folder, for attestation, now valid, for exactly enrolment->names (none: those of the request that
 * is kept; if there is none either, whatever names it has), those behind it are its chain and, with
 * ca_file (PEM), lead to one of the certificates in there. Without ca_file any CA will do.
 */
RATLS_MUST_CHECK enum ratls_status ratls_enrolment_install(const struct ratls_enrolment *enrolment,
                                                           const char *ca_file,
                                                           const struct ratls_slice *certificates,
                                                           size_t count, struct ratls_error *err);

#endif
