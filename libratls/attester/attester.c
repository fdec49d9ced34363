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
    if (request->key_id_count != 0 && request->mode == RATLS_MODE_CERTIFICATE)
        return ratls_fail(err, RATLS_USAGE,
                          "attestation request: a certificate is for verifiers "
                          "that may not know the key: no key ids");
    if (wants_logs(request) && request->mode == RATLS_MODE_CERTIFICATE)
        return ratls_fail(err, RATLS_USAGE, "attestation request: no logs in a certificate");
    if (request->selection.count == 0 && wants_logs(request))
        return RATLS_OK;
    if (!ratls_selection_valid(&request->selection))
        return ratls_fail(err, RATLS_USAGE, "attestation request: malformed PCR selection");
    return RATLS_OK;
}

/* Whether the verifier has public area and certificates already: it names the key (WIRE.md, 2). */
static bool find_named(const struct ratls_tpm_attester *self,
                       const struct ratls_attest_request *request, size_t *ret_index)
{
    for (size_t i = 0; i < request->key_id_count; i++)
        if (memcmp(request->key_ids[i], self->key_id, RATLS_KEY_ID_LEN) == 0) {
            *ret_index = i;
            return true;
        }
    return false;
}

/*
 * Not for a verifier that names the key: it has them (WIRE.md, 3). request NULL: they
 * are for verifiers that have them, and for those that have not.
 */
static void add_certificates(const struct ratls_tpm_attester *self,
                             const struct ratls_attest_request *request,
                             struct ratls_evidence *evidence)
{
    size_t index;

    if (request != NULL && find_named(self, request, &index))
        return;
    evidence->certificate_count = self->state.certificate_count;
    for (size_t i = 0; i < self->state.certificate_count; i++)
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
        .context = ratls_slice(request->context, request->context_len),
    };
    enum ratls_status status =
        ratls_evidence_manifest(evidence, manifest, &statement.manifest, err);

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

bool ratls_draft_needs_quote(const struct ratls_draft *draft)
{
    return has_quote(draft) && draft->of_epoch == NULL;
}

void ratls_draft_free(struct ratls_draft *draft)
{
    if (draft == NULL)
        return;
    if (draft->of_epoch != NULL)
        ratls_quoted_clear(draft->of_epoch);
    free(draft->of_epoch);
    ratls_epoch_free(draft->epoch);
    free(draft);
}

/* Nobody can ask for what is in a certificate, so there it always is. */
static void add_tls_key(const struct ratls_tpm_attester *self,
                        const struct ratls_attest_request *request, struct ratls_evidence *evidence)
{
    if ((request->offers & RATLS_OFFER_TLS_KEY) != 0 || request->mode == RATLS_MODE_CERTIFICATE)
        evidence->tls_key = ratls_tls_keys_find(&self->first->tls_keys, request->spki_sha256);
}

/* What the manifest of the statement covers: the same before the quote, and behind it. */
static void add_endorsements(const struct ratls_tpm_attester *self, const struct ratls_epoch *epoch,
                             const struct ratls_attest_request *request,
                             struct ratls_evidence *evidence)
{
    if (epoch != NULL)
        evidence->token = ratls_epoch_token(epoch);
    add_certificates(self, epoch == NULL ? request : NULL, evidence);
    add_tls_key(self, request, evidence);
}

/* What is quoted: nothing, if logs alone are wanted. */
static enum ratls_status write_statement(const struct ratls_tpm_attester *self,
                                         const struct ratls_epoch *epoch,
                                         const struct ratls_attest_request *request,
                                         struct ratls_writer *w, struct ratls_error *err)
{
    struct ratls_evidence evidence = {.has_quote = true};

    if (request->selection.count == 0)
        return RATLS_OK;
    add_endorsements(self, epoch, request, &evidence);
    return epoch == NULL ? ratls_draft_statement(self, request, &evidence, w, err)
                         : ratls_draft_epoch_statement(self, epoch, request, &evidence, w, err);
}

enum ratls_status ratls_draft_make(struct ratls_tpm_attester *self,
                                   const struct ratls_attest_request *request,
                                   struct ratls_epoch *epoch, struct ratls_draft **ret_draft,
                                   struct ratls_error *err)
{
    uint8_t statement[RATLS_STATEMENT_MAX];
    struct ratls_writer w = ratls_writer(statement, sizeof statement);
    enum ratls_status status = write_statement(self, epoch, request, &w, err);
    struct ratls_draft *draft = status == RATLS_OK ? malloc(sizeof *draft + w.len) : NULL;

    if (draft == NULL) {
        ratls_epoch_free(epoch);
        return status != RATLS_OK ? status : ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *draft = (struct ratls_draft){.request = *request, .epoch = epoch, .statement_len = w.len};
    memcpy(draft->statement, statement, w.len);
    status = ratls_merkle_leaf(ratls_writer_slice(&w), draft->leaf, err);
    if (status == RATLS_OK && epoch != NULL)
        status = ratls_draft_find_epoch(self, draft, err);
    if (status == RATLS_OK)
        *ret_draft = draft;
    else
        ratls_draft_free(draft);
    return status;
}

enum ratls_status ratls_draft_new(struct ratls_tpm_attester *self,
                                  const struct ratls_attest_request *request,
                                  struct ratls_draft **ret_draft, struct ratls_error *err)
{
    enum ratls_status status = check_request(request, err);

    return status == RATLS_OK
               ? ratls_draft_make(self, request, ratls_draft_join_epoch(self, request), ret_draft,
                                  err)
               : status;
}

/* All but the path is the same for all evidence of a quote, and is borrowed from it. */
static void add_quote(const struct ratls_tpm_attester *self, const struct ratls_draft *draft,
                      const struct ratls_quoted *quoted, struct ratls_evidence *evidence)
{
    evidence->has_quote = true;
    evidence->statement = ratls_slice(draft->statement, draft->statement_len);
    evidence->path = quoted->path;
    evidence->attest = quoted->quote->attest;
    evidence->signature = quoted->quote->signature;
    evidence->is_ak_named = find_named(self, &draft->request, &evidence->ak_index);
    if (!evidence->is_ak_named)
        evidence->ak_public = ratls_slice(self->state.public_area, self->state.public_len);
    evidence->pcr_values = quoted->quote->pcr_values;
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

static enum ratls_status add_ima(struct ratls_tpm_attester *self,
                                 const struct ratls_log_request *logs,
                                 struct ratls_packing *packing, struct ratls_error *err)
{
    struct ratls_evidence *evidence = &packing->evidence;

    packing->ima = malloc(RATLS_EVIDENCE_MAX + 1);
    if (packing->ima == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    evidence->has_ima =
        ratls_logs_ima(&self->first->logs, logs->ima_bank, choose_offset(self, logs, evidence),
                       packing->ima, ratls_evidence_ima_room(evidence), &evidence->ima);
    return RATLS_OK;
}

/* Behind the quote: the IMA list that is read has all that is in the quoted PCR. */
static enum ratls_status add_logs(struct ratls_tpm_attester *self,
                                  const struct ratls_log_request *logs,
                                  struct ratls_packing *packing, struct ratls_error *err)
{
    struct ratls_evidence *evidence = &packing->evidence;
    enum ratls_status status = RATLS_OK;

    if (logs->boot_bank != 0)
        status = ratls_logs_boot(&self->first->logs, logs->boot_bank, &evidence->boot_log, err);
    if (status == RATLS_OK && logs->ima_bank != 0)
        status = add_ima(self, logs, packing, err);
    if (status != RATLS_OK)
        return status;
    if (!evidence->has_quote && evidence->boot_log.len == 0 && !evidence->has_ima)
        return ratls_fail(err, RATLS_IO, "logs alone were asked for, and there are none to send");
    return RATLS_OK;
}

/* What cannot be read is not sent. */
static void add_result(const struct ratls_tpm_attester *self,
                       const struct ratls_attest_request *request, struct ratls_packing *packing)
{
    struct ratls_slice *result = &packing->evidence.result;

    if (self->result == NULL || (request->offers & RATLS_OFFER_RESULT) == 0)
        return;
    packing->result = malloc(RATLS_RESULT_MAX + 1);
    if (packing->result == NULL ||
        ratls_passport_read(self->result, packing->result, result, NULL) != RATLS_OK)
        *result = ratls_slice(NULL, 0);
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

enum ratls_status ratls_draft_finish(struct ratls_tpm_attester *self,
                                     const struct ratls_draft *draft,
                                     const struct ratls_quoted *quoted, uint8_t **ret_evidence,
                                     size_t *ret_len, struct ratls_error *err)
{
    struct ratls_packing packing;
    enum ratls_status status;

    packing.evidence = (struct ratls_evidence){.has_quote = false};
    packing.ima = packing.result = NULL;
    if (has_quote(draft)) {
        add_endorsements(self, draft->epoch, &draft->request, &packing.evidence);
        add_quote(self, draft, draft->of_epoch == NULL ? quoted : draft->of_epoch,
                  &packing.evidence);
        add_result(self, &draft->request, &packing);
    }
    if (draft->epoch != NULL && draft->of_epoch == NULL)
        ratls_draft_keep_epoch(draft, quoted);
    status = add_logs(self, &draft->request.logs, &packing, err);
    if (status == RATLS_OK && draft->epoch != NULL)
        status = ratls_draft_sign_session(self, draft, &packing, err);
    if (status == RATLS_OK)
        status = write_evidence(&packing.evidence, ret_evidence, ret_len, err);
    free(packing.ima);
    free(packing.result);
    return status;
}
