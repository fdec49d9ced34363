/* Evidence of an epoch: one quote for all sessions of a while, and a key that signs for each. */
#include <stdlib.h>
#include <string.h>

#include "attester_parts.h"
#include "crypto.h"

static void use_of(const struct ratls_attest_request *request, struct ratls_epoch_use *ret_use)
{
    *ret_use = (struct ratls_epoch_use){
        .role = request->role, .selection = request->selection, .ima_bank = request->logs.ima_bank};
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

/* One quote is for verifiers that have the certificates, and for those that have not. */
static void add_endorsements(const struct ratls_tpm_attester *self, struct ratls_draft *draft)
{
    struct ratls_evidence *evidence = &draft->evidence;

    evidence->token = ratls_epoch_token(draft->epoch);
    evidence->certificate_count = self->state.certificate_count;
    for (size_t i = 0; i < self->state.certificate_count; i++)
        evidence->certificates[i] = self->state.certificates[i];
}

/* WIRE.md, 5.1: mode 5. */
static enum ratls_status write_statement(const struct ratls_tpm_attester *self,
                                         struct ratls_draft *draft, struct ratls_error *err)
{
    const struct ratls_slice spki = ratls_epoch_key_spki(ratls_epoch_key(draft->epoch));
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_EPOCH, .role = draft->request.role, .context_len = 32};
    struct ratls_writer w = ratls_writer(draft->statement, sizeof draft->statement);
    enum ratls_status status = ratls_sha256(spki, request.context, err);

    memcpy(request.spki_sha256, draft->request.spki_sha256, sizeof request.spki_sha256);
    if (status == RATLS_OK)
        status = ratls_draft_statement(self, &request, &draft->evidence, &w, err);
    draft->evidence.statement = ratls_writer_slice(&w);
    return status;
}

enum ratls_status ratls_draft_begin_epoch(struct ratls_tpm_attester *self,
                                          struct ratls_draft *draft, struct ratls_error *err)
{
    const struct ratls_log_request *logs = &draft->request.logs;
    struct ratls_epoch_use use;
    enum ratls_status status;

    add_endorsements(self, draft);
    status = write_statement(self, draft, err);
    if (status == RATLS_OK)
        status = ratls_merkle_leaf(draft->evidence.statement, draft->leaf, err);
    if (status != RATLS_OK)
        return status;
    use_of(&draft->request, &use);
    draft->is_quoted =
        ratls_epoch_find(draft->epoch, &use, find_known_ima(self, logs), &draft->quoted);
    if (!draft->is_quoted && logs->ima_bank != 0)
        draft->ima_len = ratls_logs_ima_len(&self->first->logs, logs->ima_bank);
    return RATLS_OK;
}

void ratls_draft_keep_epoch(struct ratls_draft *draft)
{
    struct ratls_epoch_use use;

    use_of(&draft->request, &use);
    if (!draft->is_quoted)
        ratls_epoch_keep(draft->epoch, &use, draft->ima_len, &draft->quoted);
}

enum ratls_status ratls_draft_sign_session(struct ratls_tpm_attester *self,
                                           struct ratls_draft *draft, struct ratls_error *err)
{
    const struct ratls_epoch_key *key = ratls_epoch_key(draft->epoch);
    struct ratls_writer w = ratls_writer(draft->session, sizeof draft->session);
    size_t len = 0;
    enum ratls_status status =
        ratls_draft_statement(self, &draft->request, &draft->evidence, &w, err);

    if (status == RATLS_OK)
        status = ratls_epoch_key_sign(key, ratls_writer_slice(&w), draft->signature, &len, err);
    draft->evidence.session =
        (struct ratls_epoch_session){.key = ratls_epoch_key_spki(key),
                                     .statement = ratls_writer_slice(&w),
                                     .signature = ratls_slice(draft->signature, len)};
    return status;
}

/* By the thread of the epochs. What fails here is made by the next connection. */
static void quote_ahead(void *arg, struct ratls_epoch *epoch, const struct ratls_epoch_use *use)
{
    struct ratls_tpm_attester *self = arg;
    struct ratls_draft *draft = calloc(1, sizeof *draft);

    if (draft == NULL)
        return;
    draft->epoch = ratls_epoch_up_ref(epoch);
    draft->request.role = use->role;
    draft->request.selection = use->selection;
    draft->request.logs.ima_bank = use->ima_bank;
    memcpy(draft->request.spki_sha256, use->spki_sha256, sizeof use->spki_sha256);
    if (ratls_draft_begin_epoch(self, draft, NULL) == RATLS_OK &&
        ratls_attester_quote(self, draft, NULL) == RATLS_OK)
        ratls_draft_keep_epoch(draft);
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

bool ratls_draft_join_epoch(struct ratls_tpm_attester *self, struct ratls_draft *draft)
{
    struct ratls_epochs *epochs;

    if (self->epoch_source[0] == '\0' || (draft->request.offers & RATLS_OFFER_EPOCH) == 0 ||
        !ratls_mode_has_session(draft->request.mode))
        return false;
    epochs = get_epochs(self);
    if (epochs != NULL)
        draft->epoch = ratls_epochs_now(epochs);
    return draft->epoch != NULL;
}

void ratls_attester_end_epochs(struct ratls_tpm_attester *self)
{
    struct ratls_epochs *epochs = atomic_load(&self->epochs);

    if (epochs != NULL && ratls_epochs_is_ours(epochs))
        ratls_epochs_free(epochs);
}
