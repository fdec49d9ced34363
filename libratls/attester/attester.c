/* Evidence of a TPM: builds the statement, and packs what was quoted of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attester_parts.h"
#include "crypto.h"
#include "fail.h"
#include "passport.h"
#include "request.h"

static bool wants_logs(const struct ratls_attest_request *request)
{
    return request->logs.boot_bank != 0 || request->logs.ima_bank != 0;
}

static enum ratls_status check_request(const struct ratls_attest_request *request,
                                       struct ratls_error *err)
{
    if (request->mode != RATLS_MODE_CERTIFICATE && !ratls_mode_has_session(request->mode))
        return ratls_fail(err, RATLS_USAGE, "attestation request: unknown mode %d", request->mode);
    if (request->role != RATLS_ROLE_SERVER && request->role != RATLS_ROLE_CLIENT)
        return ratls_fail(err, RATLS_USAGE, "attestation request: unknown role %d", request->role);
    if (request->context_len > RATLS_CONTEXT_MAX)
        return ratls_fail(err, RATLS_USAGE, "attestation request: context of more than %d bytes",
                          RATLS_CONTEXT_MAX);
    if (request->key_id_count > RATLS_KEY_IDS_MAX)
        return ratls_fail(err, RATLS_USAGE, "attestation request: more than %d key ids",
                          RATLS_KEY_IDS_MAX);
    if (wants_logs(request) && request->mode == RATLS_MODE_CERTIFICATE)
        return ratls_fail(err, RATLS_USAGE, "attestation request: no logs in a certificate");
    if (request->selection.count == 0 && wants_logs(request))
        return RATLS_OK;
    if (!ratls_selection_valid(&request->selection))
        return ratls_fail(err, RATLS_USAGE, "attestation request: malformed PCR selection");
    return RATLS_OK;
}

/* The verifier has the certificates already if it names the key (WIRE.md, 2). */
static void add_certificates(const struct ratls_tpm_attester *self,
                             const struct ratls_attest_request *request,
                             struct ratls_evidence *evidence)
{
    size_t i;

    for (i = 0; i < request->key_id_count; i++)
        if (memcmp(request->key_ids[i], self->key_id, RATLS_KEY_ID_LEN) == 0)
            return;
    evidence->certificate_count = self->state.certificate_count;
    for (i = 0; i < self->state.certificate_count; i++)
        evidence->certificates[i] = self->state.certificates[i];
}

/* WIRE.md, 5. The service is this attester's, whatever the caller wants. */
enum ratls_status ratls_draft_statement(const struct ratls_tpm_attester *self,
                                        const struct ratls_attest_request *request,
                                        const struct ratls_evidence *evidence,
                                        struct ratls_writer *w, struct ratls_error *err)
{
    uint8_t manifest[32];
    bool has_session = ratls_mode_has_session(request->mode);
    struct ratls_statement statement = {
        .label = ratls_slice(RATLS_STATEMENT_LABEL, strlen(RATLS_STATEMENT_LABEL)),
        .mode = (uint64_t)request->mode,
        .role = (uint64_t)request->role,
        .tls_version = request->tls_version,
        .cipher_suite = request->cipher_suite,
        .nonce = ratls_slice(request->nonce, has_session ? RATLS_NONCE_LEN : 0),
        .binder = ratls_slice(request->binder, has_session ? RATLS_BINDER_LEN : 0),
        .spki_sha256 = ratls_slice(request->spki_sha256, RATLS_SPKI_HASH_LEN),
        .service = ratls_slice(self->service, strlen(self->service)),
        .manifest = ratls_slice(manifest, sizeof manifest),
        .context = ratls_slice(request->context, request->context_len),
    };
    enum ratls_status status = ratls_evidence_manifest(evidence, manifest, err);

    if (status != RATLS_OK)
        return status;
    ratls_statement_write(&statement, w);
    if (w->failed)
        return ratls_fail(err, RATLS_LIMIT, "the statement has more than %d bytes",
                          RATLS_STATEMENT_MAX);
    return RATLS_OK;
}

static bool has_quote(const struct ratls_draft *draft)
{
    return draft->request.selection.count != 0;
}

static enum ratls_status begin_draft(struct ratls_tpm_attester *self, struct ratls_draft *draft,
                                     struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(draft->statement, sizeof draft->statement);
    enum ratls_status status;

    if (!has_quote(draft))
        return RATLS_OK;
    if (ratls_draft_join_epoch(self, draft))
        return ratls_draft_begin_epoch(self, draft, err);
    add_certificates(self, &draft->request, &draft->evidence);
    status = ratls_draft_statement(self, &draft->request, &draft->evidence, &w, err);
    draft->evidence.statement = ratls_writer_slice(&w);
    return status == RATLS_OK ? ratls_merkle_leaf(draft->evidence.statement, draft->leaf, err)
                              : status;
}

bool ratls_draft_needs_quote(const struct ratls_draft *draft)
{
    return has_quote(draft) && !draft->is_quoted;
}

void ratls_draft_free(struct ratls_draft *draft)
{
    if (draft == NULL)
        return;
    ratls_epoch_free(draft->epoch);
    free(draft);
}

enum ratls_status ratls_draft_new(struct ratls_tpm_attester *self,
                                  const struct ratls_attest_request *request,
                                  struct ratls_draft **ret_draft, struct ratls_error *err)
{
    struct ratls_draft *draft;
    enum ratls_status status = check_request(request, err);

    if (status != RATLS_OK)
        return status;
    draft = calloc(1, sizeof *draft);
    if (draft == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    draft->request = *request;
    status = begin_draft(self, draft, err);
    if (status == RATLS_OK)
        *ret_draft = draft;
    else
        ratls_draft_free(draft);
    return status;
}

static void add_quote(const struct ratls_tpm_attester *self, struct ratls_draft *draft)
{
    const struct ratls_quote *quote = &draft->quoted.quote;
    struct ratls_evidence *evidence = &draft->evidence;

    evidence->has_quote = true;
    evidence->path = draft->quoted.path;
    evidence->attest = ratls_slice(quote->attest, quote->attest_len);
    evidence->signature = ratls_slice(quote->signature, quote->signature_len);
    evidence->ak_public = ratls_slice(self->state.public_area, self->state.public_len);
    evidence->pcr_values = ratls_slice(quote->pcr_values, quote->pcr_values_len);
}

/* The offset that was asked for, if it counts in the list that is sent (WIRE.md, 2); else 0. */
static uint64_t choose_offset(const struct ratls_tpm_attester *self,
                              const struct ratls_log_request *logs,
                              const struct ratls_evidence *evidence)
{
    struct ratls_tpm_attest attest;

    if (!evidence->has_quote)
        return logs->ima_offset;
    if (memcmp(logs->ima_key_id, self->key_id, RATLS_KEY_ID_LEN) != 0 ||
        !ratls_tpm_read_attest(evidence->attest, &attest) ||
        attest.reset_count != logs->ima_reset_count ||
        attest.restart_count != logs->ima_restart_count)
        return 0;
    return logs->ima_offset;
}

/* Behind the quote: the IMA list that is read has all that is in the quoted PCR. */
static enum ratls_status add_logs(struct ratls_tpm_attester *self, struct ratls_draft *draft,
                                  struct ratls_error *err)
{
    const struct ratls_log_request *logs = &draft->request.logs;
    struct ratls_evidence *evidence = &draft->evidence;
    struct ratls_logs *ours = &self->first->logs;
    enum ratls_status status = RATLS_OK;

    if (logs->boot_bank != 0)
        status = ratls_logs_boot(ours, logs->boot_bank, &evidence->boot_log, err);
    if (status != RATLS_OK)
        return status;
    if (logs->ima_bank != 0)
        evidence->has_ima =
            ratls_logs_ima(ours, logs->ima_bank, choose_offset(self, logs, evidence), draft->ima,
                           ratls_evidence_ima_room(evidence), &evidence->ima);
    if (!evidence->has_quote && evidence->boot_log.len == 0 && !evidence->has_ima)
        return ratls_fail(err, RATLS_IO, "logs alone were asked for, and there are none to send");
    return RATLS_OK;
}

/* What cannot be read is not sent. */
static void add_result(const struct ratls_tpm_attester *self, struct ratls_draft *draft)
{
    if (self->result == NULL || (draft->request.offers & RATLS_OFFER_RESULT) == 0)
        return;
    if (ratls_passport_read(self->result, draft->result, &draft->evidence.result, NULL) != RATLS_OK)
        draft->evidence.result = ratls_slice(NULL, 0);
}

/* Beside a long log there may be no room for a result, which no policy wants both. */
static enum ratls_status write_evidence(struct ratls_evidence *evidence, uint8_t **ret_evidence,
                                        size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(NULL, RATLS_EVIDENCE_MAX); /* counts */
    uint8_t *out;

    ratls_evidence_write(evidence, &w);
    if (w.failed && evidence->result.len > 0) {
        evidence->result = ratls_slice(NULL, 0);
        w = ratls_writer(NULL, RATLS_EVIDENCE_MAX);
        ratls_evidence_write(evidence, &w);
    }
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "the evidence has more than %zu bytes", w.cap);
    out = malloc(w.len);
    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(out, w.len);
    ratls_evidence_write(evidence, &w);
    *ret_evidence = out;
    *ret_len = w.len;
    return RATLS_OK;
}

enum ratls_status ratls_draft_finish(struct ratls_tpm_attester *self, struct ratls_draft *draft,
                                     uint8_t **ret_evidence, size_t *ret_len,
                                     struct ratls_error *err)
{
    enum ratls_status status;

    if (has_quote(draft)) {
        add_quote(self, draft);
        add_result(self, draft);
    }
    if (draft->epoch != NULL)
        ratls_draft_keep_epoch(draft);
    status = add_logs(self, draft, err);
    if (status == RATLS_OK && draft->epoch != NULL)
        status = ratls_draft_sign_session(self, draft, err);
    return status == RATLS_OK ? write_evidence(&draft->evidence, ret_evidence, ret_len, err)
                              : status;
}
