#include "quote_check.h"

#include "ca_outcome.h"
#include "crypto.h"

#define TPM_RH_ENDORSEMENT 0x4000000Bu /* Part 2, 7.4 */
#define EXTRA_DATA_LEN 32
#define HEX_SIZE (2 * RATLS_TPM_NAME_MAX + 1)

static void say_bytes(struct ratls_ca_answer *answer, enum ratls_ca_outcome outcome,
                      const char *what, struct ratls_slice expected, struct ratls_slice actual)
{
    char wanted[HEX_SIZE], seen[HEX_SIZE];

    if (ratls_slice_equal(expected, actual))
        return;
    ratls_hex(expected, wanted, sizeof wanted);
    ratls_hex(actual, seen, sizeof seen);
    ratls_ca_say(answer, outcome, "%s of the quote: expected %s, seen %s; make a new request", what,
                 wanted, seen);
}

/*
 * The magic is all that tells a structure of the TPM from bytes that somebody had signed by it, the
 * type all that tells a quote from a certification or a time (Part 2, 10.12.12).
 */
static void check_kind(const struct ratls_tpm_attest *attest, struct ratls_ca_answer *answer)
{
    if (attest->magic != RATLS_TPM_GENERATED)
        ratls_ca_say(answer, RATLS_CA_QUOTE_MAGIC,
                     "magic of the quote: expected 0x%08x, seen 0x%08x: no TPM made it",
                     RATLS_TPM_GENERATED, (unsigned)attest->magic);
    if (attest->type != RATLS_TPM_ST_ATTEST_QUOTE)
        ratls_ca_say(answer, RATLS_CA_QUOTE_TYPE, "type of the quote: expected 0x%04x, seen 0x%04x",
                     RATLS_TPM_ST_ATTEST_QUOTE, (unsigned)attest->type);
}

/* Only under the endorsement hierarchy a quote has the firmware's version in clear. */
static enum ratls_status check_signer(const struct ratls_enrollee *e,
                                      const struct ratls_tpm_attest *attest,
                                      struct ratls_ca_answer *answer, struct ratls_error *err)
{
    uint8_t qualified[RATLS_TPM_NAME_MAX];
    size_t len;
    enum ratls_status status = ratls_tpm_qualified_name(ratls_slice(e->ak_name, e->ak_name_len),
                                                        TPM_RH_ENDORSEMENT, qualified, &len, err);

    if (status == RATLS_OK)
        say_bytes(answer, RATLS_CA_QUOTE_SIGNER, "qualifiedSigner", ratls_slice(qualified, len),
                  attest->qualified_signer);
    return status;
}

/* Exactly the scheme of the key's own public area: no other is ever tried. */
static enum ratls_status check_signature(const struct ratls_enrollee *e,
                                         const struct ratls_tpm_attest *attest,
                                         const struct ratls_tpm_signature *signature,
                                         struct ratls_ca_answer *answer, struct ratls_error *err)
{
    bool is_valid = false;
    enum ratls_status status =
        ratls_verify(e->ak_key, &e->ak, signature, attest->raw, &is_valid, err);

    if (status == RATLS_OK && !is_valid)
        ratls_ca_say(answer, RATLS_CA_QUOTE_SIGNATURE,
                     "signature of the quote: expected is one by the attestation key of the "
                     "request, %s with %s; seen is another, %s with %s",
                     ratls_tpm_alg_name(e->ak.scheme), ratls_tpm_alg_name(e->ak.scheme_hash),
                     ratls_tpm_alg_name(signature->alg), ratls_tpm_alg_name(signature->hash));
    return status;
}

enum ratls_status ratls_quote_check(const struct ratls_quote_question *question,
                                    struct ratls_ca_answer *answer, uint64_t *ret_firmware,
                                    struct ratls_error *err)
{
    struct ratls_tpm_attest attest;
    struct ratls_tpm_signature signature;
    enum ratls_status status;

    if (!ratls_tpm_read_attest(question->attest, &attest) ||
        !ratls_tpm_read_signature(question->signature, &signature)) {
        ratls_ca_say(answer, RATLS_CA_QUOTE_FORMAT,
                     "the answer has no TPMS_ATTEST with a TPMT_SIGNATURE by ecdsa, rsassa or "
                     "rsapss");
        return RATLS_OK;
    }
    check_kind(&attest, answer);
    say_bytes(answer, RATLS_CA_QUOTE_EXTRA_DATA, "extraData",
              ratls_slice(question->extra_data, EXTRA_DATA_LEN), attest.extra_data);
    status = check_signer(question->enrollee, &attest, answer, err);
    if (status == RATLS_OK)
        status = check_signature(question->enrollee, &attest, &signature, answer, err);
    if (status == RATLS_OK)
        *ret_firmware = attest.firmware_version;
    return status;
}
