/*
 * A state of a machine in which a sealed attestation key may be used (ratls-seal(1)): the values of
 * some PCRs, and the signature of the authority over the TPM's policy for them. Sealed means that
 * the key's authPolicy is TPM2_PolicyAuthorize by that authority and that userWithAuth is clear
 * (TPM 2.0 Part 3, 23.16): the TPM itself refuses to sign in any other state.
 */
#ifndef RATLS_SEAL_H
#define RATLS_SEAL_H

#include <openssl/types.h>

#include "evidence.h"
#include "tpm_wire.h"

#define RATLS_SEAL_DIGEST_LEN 32     /* of policies: SHA-256, as nameAlg of keys of ours */
#define RATLS_SEAL_MESSAGE_LEN 64    /* two of these */
#define RATLS_SEAL_NAME_LEN 34       /* of the authority: nameAlg and that */
#define RATLS_SEAL_AREA_MAX 320      /* its TPMT_PUBLIC: RSA 2048 needs 280 */
#define RATLS_SEAL_SIGNATURE_MAX 270 /* TPMT_SIGNATURE of RSA 2048: 262 */
#define RATLS_SEAL_COMMENT_MAX 200
#define RATLS_SEAL_MAX (RATLS_PCR_VALUES_MAX + 1024) /* the rest needs 800 */

/*
 * A file of such a state (deterministic CBOR, WIRE.md, 1):
 * [ "ratls-seal-1", authority: bstr .size 34, selection, values: bstr, signature: bstr,
 *   comment: tstr ], with the selection as in requests, values in its order, TPMT_SIGNATURE.
 */
struct ratls_seal {
    struct ratls_slice authority; /* its Name; only says which key to try */
    struct ratls_pcr_selection selection;
    struct ratls_slice values;
    struct ratls_slice signature;
    struct ratls_slice comment; /* printable ASCII; for people */
};

/* False if the bytes are not exactly one such file. *ret borrows from them. */
bool ratls_seal_read(struct ratls_slice in, struct ratls_seal *ret);
void ratls_seal_write(const struct ratls_seal *seal, struct ratls_writer *w);

/* What TPM2_PolicyPCR compares: SHA-256 of the values. */
RATLS_MUST_CHECK enum ratls_status ratls_seal_pcr_digest(const struct ratls_seal *seal,
                                                         uint8_t out[static RATLS_SEAL_DIGEST_LEN],
                                                         struct ratls_error *err);
/*
 * The approved policy: PolicyPCR of selection and values, then PolicyAuthValue: in an authorised
 * state the key still wants its secret.
 */
RATLS_MUST_CHECK enum ratls_status ratls_seal_policy(const struct ratls_seal *seal,
                                                     uint8_t out[static RATLS_SEAL_DIGEST_LEN],
                                                     struct ratls_error *err);
/*
 * SHA-256("ratls-seal-1" || TPML_PCR_SELECTION): what else the authority signs authorises no state,
 * nor does a state of other PCRs, such as of fewer ones, authorise a key that is sealed to these.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_seal_policy_ref(const struct ratls_pcr_selection *selection,
                      uint8_t out[static RATLS_SEAL_DIGEST_LEN], struct ratls_error *err);
/* What the authority signs for TPM2_PolicyAuthorize: approved policy || policyRef. */
RATLS_MUST_CHECK enum ratls_status ratls_seal_message(const struct ratls_seal *seal,
                                                      uint8_t out[static RATLS_SEAL_MESSAGE_LEN],
                                                      struct ratls_error *err);
/* The authPolicy of a key that the authority of this Name has sealed to PCRs: PolicyAuthorize. */
RATLS_MUST_CHECK enum ratls_status
ratls_seal_auth_policy(const uint8_t authority[static RATLS_SEAL_NAME_LEN],
                       const struct ratls_pcr_selection *selection,
                       uint8_t out[static RATLS_SEAL_DIGEST_LEN], struct ratls_error *err);

/* Whether a TPMT_PUBLIC is of a sealed key: userWithAuth and adminWithPolicy clear, a policy. */
bool ratls_seal_is_sealed(const struct ratls_tpm_public *key);

#endif
