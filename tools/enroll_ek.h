/* The endorsement key that a request is about, of those that this machine's TPM has. */
#ifndef RATLS_TOOL_ENROLL_EK_H
#define RATLS_TOOL_ENROLL_EK_H

#include "chain_file.h"
#include "ek.h"
#include "enroll_message.h"

struct ratls_enroll_ek {
    const struct ratls_ek_profile *profile;
    uint8_t area[RATLS_EK_AREA_MAX]; /* TPMT_PUBLIC */
    size_t area_len;
    /* The key's own first, then those of CAs; borrowed from below. */
    struct ratls_slice certificates[RATLS_ENROLL_EK_CERTIFICATES_MAX];
    size_t certificate_count;
    struct ratls_eks eks;
    struct ratls_chain_file file;
};

/*
 * name: of a template; NULL or "auto": the first that has a certificate of the key that the TPM
 * makes of it. file: the certificate, if it is not in the TPM; then "auto" is the first template
 * that makes the key of the certificate. RATLS_USAGE for another name; RATLS_TPM if there is no
 * certificate, or only those of other keys. Free with ratls_enroll_ek_done().
 */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_ek_find(struct ratls_tpm *tpm, const char *name,
                                                        const char *file,
                                                        struct ratls_enroll_ek *ret_ek,
                                                        struct ratls_error *err);
void ratls_enroll_ek_done(struct ratls_enroll_ek *ek);

#endif
