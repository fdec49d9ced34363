/* Evidence of an epoch: one quote for all sessions of a while, and a key that signs for each. */
#include <stdlib.h>
#include <string.h>

#include "attester_parts.h"
#include "crypto.h"
#include "fail.h"

static void use_of(const struct ratls_attest_request *request, struct ratls_epoch_use *ret_use)
{
    *ret_use =
        (struct ratls_epoch_use){.role = request->role,
                                 .selection = request->selection,
                                 .wants_tls_key = (request->offers & RATLS_OFFER_TLS_KEY) != 0,
                                 .ima_bank = request->logs.ima_bank};
    memcpy(ret_use->spki_sha256, request->spki_sha256, sizeof ret_use->spki_sha256);
}

/*
 * What the verifier knows of the IMA list must be in the quoted PCR 10: another process of this
 * machine, with a later quote, may have shown it more than an epoch here has.
 */
static uint64_t find_known_ima(const struct ratls_tpm_attester *self,
                               const struct ratls_log_request *logs)
{
    return logs->ima_bank != 0 && memcmp(logs->ima_key_id, self->key_id, RATLS_KEY_ID_LEN) == 0
               ? logs->ima_offset
               : 0;
}

/* WIRE.md, 5.1: mode 5. */
enum ratls_status ratls_draft_epoch_statement(const struct ratls_tpm_attester *self,
                                              const struct ratls_epoch *epoch,
                                              const struct ratls_attest_request *session,
                                              const struct ratls_evidence *evidence,
                                              struct ratls_writer *w, struct ratls_error *err)
{
    const struct ratls_slice spki = ratls_epoch_key_spki(ratls_epoch_key(epoch));
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_EPOCH, .role = session->role, .context_len = 32};
    enum ratls_status status = ratls_sha256(spki, request.context, err);

    memcpy(request.spki_sha256, session->spki_sha256, sizeof request.spki_sha256);
    return status == RATLS_OK ? ratls_draft_statement(self, &request, evidence, w, err) : status;
}

enum ratls_status ratls_draft_find_epoch(struct ratls_tpm_attester *self, struct ratls_draft *draft,
                                         struct ratls_error *err)
{
    const struct ratls_log_request *logs = &draft->request.logs;
    struct ratls_epoch_use use;
    struct ratls_quoted quoted;

    use_of(&draft->request, &use);
    if (ratls_epoch_find(draft->epoch, &use, find_known_ima(self, logs), &quoted)) {
        draft->of_epoch = malloc(sizeof *draft->of_epoch);
        if (draft->of_epoch == NULL) {
            ratls_quoted_clear(&quoted);
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
        }
        *draft->of_epoch = quoted;
    } else if (logs->ima_bank != 0) {
        draft->ima_len = ratls_logs_ima_len(&self->first->logs, logs->ima_bank);
    }
    return RATLS_OK;
}

void ratls_draft_keep_epoch(const struct ratls_draft *draft, const struct ratls_quoted *quoted)
{
    struct ratls_epoch_use use;

    use_of(&draft->request, &use);
    ratls_epoch_keep(draft->epoch, &use, draft->ima_len, quoted);
}

enum ratls_status ratls_draft_sign_session(struct ratls_tpm_attester *self,
                                           const struct ratls_draft *draft,
                                           struct ratls_packing *packing, struct ratls_error *err)
{
    const struct ratls_epoch_key *key = ratls_epoch_key(draft->epoch);
    struct ratls_writer w = ratls_writer(packing->session, sizeof packing->session);
    size_t len = 0;
    enum ratls_status status =
        ratls_draft_statement(self, &draft->request, &packing->evidence, &w, err);

    if (status == RATLS_OK)
        status = ratls_epoch_key_sign(key, ratls_writer_slice(&w), packing->signature, &len, err);
    packing->evidence.session =
        (struct ratls_epoch_session){.key = ratls_epoch_key_spki(key),
                                     .statement = ratls_writer_slice(&w),
                                     .signature = ratls_slice(packing->signature, len)};
    return status;
}

/* By the thread of the epochs. What fails here is made by the next connection. */
static void quote_ahead(void *arg, struct ratls_epoch *epoch, const struct ratls_epoch_use *use)
{
    struct ratls_tpm_attester *self = arg;
    struct ratls_attest_request request = {.role = use->role,
                                           .offers = use->wants_tls_key ? RATLS_OFFER_TLS_KEY : 0,
                                           .selection = use->selection,
                                           .logs.ima_bank = use->ima_bank};
    struct ratls_draft *draft = NULL;
    struct ratls_quoted quoted;

    memcpy(request.spki_sha256, use->spki_sha256, sizeof request.spki_sha256);
    if (ratls_draft_make(self, &request, ratls_epoch_up_ref(epoch), &draft, NULL) != RATLS_OK)
        return;
    if (ratls_attester_quote(self, draft, &quoted, NULL) == RATLS_OK) {
        ratls_draft_keep_epoch(draft, &quoted);
        ratls_quoted_clear(&quoted);
    }
    ratls_draft_free(draft);
}

/* As with the worker: each process has its own, and leaves its parent's alone. */
static struct ratls_epochs *get_epochs(struct ratls_tpm_attester *self)
{
    const struct ratls_epochs_options options = {.source = self->epoch_source,
                                                 .length_s = self->epoch_s,
                                                 .quote = quote_ahead,
                                                 .self = self,
                                                 .notice = self->notice,
                                                 .notice_arg = self->notice_arg};
    struct ratls_epochs *present = atomic_load(&self->epochs);
    struct ratls_epochs *mine = NULL;

    if (present != NULL && ratls_epochs_is_ours(present))
        return present;
    if (ratls_epochs_new(&options, &mine, NULL) != RATLS_OK)
        return NULL;
    if (atomic_compare_exchange_strong(&self->epochs, &present, mine))
        return mine;
    ratls_epochs_free(mine); /* another thread was faster */
    return present;
}

struct ratls_epoch *ratls_draft_join_epoch(struct ratls_tpm_attester *self,
                                           const struct ratls_attest_request *request)
{
    struct ratls_epochs *epochs;

    if (self->epoch_source[0] == '\0' || (request->offers & RATLS_OFFER_EPOCH) == 0 ||
        !ratls_mode_has_session(request->mode) || request->selection.count == 0)
        return NULL;
    epochs = get_epochs(self);
    return epochs == NULL ? NULL : ratls_epochs_now(epochs);
}

void ratls_attester_end_epochs(struct ratls_tpm_attester *self)
{
    struct ratls_epochs *epochs = atomic_load(&self->epochs);

    if (epochs != NULL && ratls_epochs_is_ours(epochs))
        ratls_epochs_free(epochs);
}
