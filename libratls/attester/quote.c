#include "quote.h"

#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "ak_use.h"
#include "crypto.h"
#include "fail.h"
#include "pcrs.h"
#include "request.h"
#include "tpm_wire.h"

#define TRIES_MAX 6 /* the first may only find that the remembered values are old */

struct ratls_quote *ratls_quote_up_ref(struct ratls_quote *quote)
{
    atomic_fetch_add(&quote->references, 1);
    return quote;
}

void ratls_quote_free(struct ratls_quote *quote)
{
    if (quote != NULL && atomic_fetch_sub(&quote->references, 1) == 1)
        free(quote);
}

/* What the TPM is asked. */
struct question {
    const TPML_PCR_SELECTION *selection;
    TPM2B_DATA qualifying;
    TPM2B_ATTEST *attest; /* the answer, as is */
    TPMT_SIGNATURE *signature;
};

static TSS2_RC ask_quote(ESYS_CONTEXT *esys, ESYS_TR key, ESYS_TR session, void *arg)
{
    const TPMT_SIG_SCHEME scheme_of_key = {.scheme = TPM2_ALG_NULL};
    struct question *question = arg;

    return Esys_Quote(esys, key, session, ESYS_TR_NONE, ESYS_TR_NONE, &question->qualifying,
                      &scheme_of_key, question->selection, &question->attest, &question->signature);
}

/* Copies a part behind the ones before it. */
static struct ratls_slice add_part(struct ratls_quote *quote, size_t *len, const uint8_t *part,
                                   size_t part_len)
{
    uint8_t *place = quote->bytes + *len;

    memcpy(place, part, part_len);
    *len += part_len;
    return ratls_slice(place, part_len);
}

static enum ratls_status new_quote(const struct ratls_raw_quote *answer,
                                   const struct timespec *begun,
                                   const struct ratls_pcr_memory *memory,
                                   struct ratls_quote **ret_quote, struct ratls_error *err)
{
    const TPM2B_ATTEST *attest = answer->attest;
    struct ratls_quote *quote =
        malloc(sizeof *quote + attest->size + answer->signature_len + memory->len);
    size_t len = 0;

    if (quote == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    atomic_init(&quote->references, 1);
    quote->begun = *begun;
    quote->attest = add_part(quote, &len, attest->attestationData, attest->size);
    quote->signature = add_part(quote, &len, answer->signature, answer->signature_len);
    quote->pcr_values = add_part(quote, &len, memory->values, memory->len);
    *ret_quote = quote;
    return RATLS_OK;
}

static enum ratls_status keep_signature(struct ratls_tpm *tpm, const struct question *question,
                                        struct ratls_raw_quote *ret_quote, struct ratls_error *err)
{
    struct ratls_raw_quote quote = {.attest = question->attest};
    TSS2_RC rc = Tss2_MU_TPMT_SIGNATURE_Marshal(question->signature, quote.signature,
                                                sizeof quote.signature, &quote.signature_len);

    if (rc != TSS2_RC_SUCCESS)
        return ratls_tpm_fail(tpm, rc, "the TPM's signature", err);
    if (quote.attest->size > RATLS_TPM_STRUCTURE_MAX)
        return ratls_fail(err, RATLS_TPM, "the TPM's quote has %u bytes", quote.attest->size);
    *ret_quote = quote;
    return RATLS_OK;
}

enum ratls_status ratls_quote_sign(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                   const TPML_PCR_SELECTION *selection,
                                   const uint8_t qualifying[static RATLS_QUALIFYING_LEN],
                                   struct ratls_raw_quote *ret_quote, struct ratls_error *err)
{
    struct question question = {.selection = selection, .qualifying.size = RATLS_QUALIFYING_LEN};
    const struct ratls_ak_command command = {RATLS_AK_SIGNS, "quoting", ask_quote, &question};
    enum ratls_status status;

    memcpy(question.qualifying.buffer, qualifying, RATLS_QUALIFYING_LEN);
    status = ratls_ak_use(tpm, ak, &command, err);
    if (status != RATLS_OK)
        return status;
    status = keep_signature(tpm, &question, ret_quote, err);
    Esys_Free(question.signature);
    if (status != RATLS_OK)
        Esys_Free(question.attest);
    return status;
}

/* *ret_agree: whether the values are those that were quoted. The AK's scheme hashes with SHA-256.
 */
static enum ratls_status compare_values(const TPM2B_ATTEST *raw,
                                        const struct ratls_pcr_memory *memory, bool *ret_agree,
                                        struct ratls_error *err)
{
    uint8_t digest[RATLS_DIGEST_MAX];
    struct ratls_tpm_attest attest;
    enum ratls_status status;

    if (!ratls_tpm_read_attest(ratls_slice(raw->attestationData, raw->size), &attest) ||
        attest.magic != RATLS_TPM_GENERATED || attest.type != RATLS_TPM_ST_ATTEST_QUOTE)
        return ratls_fail(err, RATLS_TPM, "the TPM answered with something that is not a quote");
    if (!ratls_selection_is(&memory->selection, attest.selection.banks, attest.selection.count))
        return ratls_fail(err, RATLS_TPM, "the TPM quoted other PCRs than it was asked for");
    status = ratls_sha256(ratls_slice(memory->values, memory->len), digest, err);
    if (status == RATLS_OK)
        *ret_agree = ratls_slice_equal(ratls_slice(digest, 32), attest.pcr_digest);
    return status;
}

/* Before the quote: reading says in words which PCRs the TPM does not have. */
static enum ratls_status recall_values(struct ratls_tpm *tpm,
                                       const struct ratls_pcr_selection *selection,
                                       struct ratls_pcr_memory *memory, struct ratls_error *err)
{
    const struct ratls_pcr_selection *last = &memory->selection;
    enum ratls_status status;
    size_t len = 0;

    if (memory->len > 0 && ratls_selection_is(selection, last->banks, last->count))
        return RATLS_OK;
    memory->len = 0;
    status = ratls_pcrs_read(tpm, selection, memory->values, sizeof memory->values, &len, err);
    memory->selection = *selection;
    memory->len = len;
    return status;
}

/* One try; *ret_quote stays NULL if a PCR moved between reading and quoting. */
static enum ratls_status try_quote(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                   const TPML_PCR_SELECTION *selection,
                                   const uint8_t qualifying[static RATLS_QUALIFYING_LEN],
                                   const struct ratls_pcr_memory *memory,
                                   struct ratls_quote **ret_quote, struct ratls_error *err)
{
    const struct timespec begun = ratls_time_from_now(0);
    struct ratls_raw_quote answer;
    bool agree = false;
    enum ratls_status status = ratls_quote_sign(tpm, ak, selection, qualifying, &answer, err);

    if (status != RATLS_OK)
        return status;
    status = compare_values(answer.attest, memory, &agree, err);
    if (status == RATLS_OK && agree)
        status = new_quote(&answer, &begun, memory, ret_quote, err);
    Esys_Free(answer.attest);
    return status;
}

enum ratls_status ratls_quote_make(struct ratls_tpm *tpm, struct ratls_ak *ak,
                                   const struct ratls_pcr_selection *selection,
                                   const uint8_t qualifying[RATLS_QUALIFYING_LEN],
                                   struct ratls_pcr_memory *memory, struct ratls_quote **ret_quote,
                                   struct ratls_error *err)
{
    TPML_PCR_SELECTION wanted;
    struct ratls_quote *quote = NULL;

    ratls_tpm_selection_out(selection, &wanted);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        enum ratls_status status = recall_values(tpm, selection, memory, err);

        if (status == RATLS_OK)
            status = try_quote(tpm, ak, &wanted, qualifying, memory, &quote, err);
        if (status != RATLS_OK)
            return status;
        if (quote != NULL) {
            *ret_quote = quote;
            return RATLS_OK;
        }
        memory->len = 0;
    }
    return ratls_fail(err, RATLS_TPM,
                      "a PCR moved between reading and quoting, %d times: leave out PCRs that "
                      "change all the time",
                      TRIES_MAX);
}
