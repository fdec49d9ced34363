/*
 * The measured state, for whoever must know whether it is still the same: a server asks before it
 * resumes a session. It is no proof, and needs no quote.
 */
#include <string.h>

#include "fail.h"
#include "pcrs.h"
#include "request.h"
#include "worker_parts.h"

/* These move without the counter of updates (PC Client Platform TPM Profile, 4.6): 16 and up. */
#define COUNTED_PCRS 0xffffu

bool ratls_worker_knows_state(struct ratls_worker *worker,
                              const struct ratls_pcr_selection *selection, unsigned age_ms,
                              uint8_t ret_digest[static RATLS_MEASURED_LEN], unsigned *ret_age_ms)
{
    const struct ratls_known_state *known;
    bool is_known;

    pthread_mutex_lock(&worker->lock);
    known = ratls_states_find_younger(&worker->states, selection, age_ms);
    is_known = known != NULL;
    if (is_known) {
        memcpy(ret_digest, known->digest, sizeof known->digest);
        *ret_age_ms = (unsigned)ratls_time_since_ms(&known->begun);
    }
    pthread_mutex_unlock(&worker->lock);
    return is_known;
}

bool ratls_worker_want_state(struct ratls_worker *worker,
                             const struct ratls_pcr_selection *selection, unsigned deadline_ms,
                             uint8_t ret_digest[static RATLS_MEASURED_LEN])
{
    const struct ratls_known_state *known;
    bool is_known, is_due;

    pthread_mutex_lock(&worker->lock);
    is_due = ratls_states_want(&worker->states, selection);
    known = ratls_states_find_younger(&worker->states, selection, RATLS_STATE_FRESH_MS);
    is_known = known != NULL;
    if (is_known)
        memcpy(ret_digest, known->digest, sizeof known->digest);
    worker->counts.known_states += is_known;
    worker->counts.unknown_states += !is_known;
    worker->ahead_ms = deadline_ms;
    /* Without a thread the state stays unknown. */
    if (is_due &&
        ratls_worker_start(worker, &worker->tpm_thread, ratls_worker_run_tpm, NULL) != RATLS_OK)
        is_due = false;
    pthread_mutex_unlock(&worker->lock);
    if (is_due)
        pthread_cond_signal(&worker->tpm_thread.wake);
    return is_known;
}

/* Where memory is short there is no batch: then the reading has failed, and is tried later. */
bool ratls_worker_look_ahead(struct ratls_worker *worker, struct timespec *ret_next)
{
    const struct ratls_pcr_selection *selection;
    bool has_next;

    while ((selection = ratls_states_next(&worker->states, &has_next, ret_next)) != NULL) {
        const struct ratls_want want = {RATLS_JOB_STATE, *selection};
        struct ratls_batch *batch = ratls_batches_join(&worker->batches, &want);

        if (batch == NULL) {
            ratls_states_end(&worker->states, &want.selection);
            continue;
        }
        batch->is_ahead = true;
        if (batch->count > 0)
            continue;
        batch->deadline = ratls_time_from_now(worker->ahead_ms);
        batch->deadline_ms = worker->ahead_ms;
    }
    return has_next;
}

void ratls_worker_recall_state(struct ratls_worker *worker, struct ratls_batch *batch)
{
    const struct ratls_known_state *known =
        ratls_states_find(&worker->states, &batch->want.selection);

    batch->state = (struct ratls_known_state){.selection = {.count = 0}};
    if (known != NULL)
        batch->state = *known;
}

void ratls_worker_keep_state(struct ratls_worker *worker, const struct ratls_batch *batch)
{
    if (batch->status == RATLS_OK && batch->state.selection.count != 0)
        ratls_states_keep(&worker->states, &batch->state);
    if (batch->is_ahead)
        ratls_states_end(&worker->states, &batch->want.selection);
}

static bool are_counted(const struct ratls_pcr_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++)
        if ((selection->banks[i].pcrs & ~COUNTED_PCRS) != 0)
            return false;
    return true;
}

static bool is_unchanged(const struct ratls_known_state *before,
                         const struct ratls_known_state *now)
{
    return before->is_counted && are_counted(&before->selection) &&
           before->update_counter == now->update_counter &&
           before->reset_count == now->reset_count && before->restart_count == now->restart_count;
}

static enum ratls_status digest_pcrs(struct ratls_worker *worker, struct ratls_known_state *state,
                                     struct ratls_error *err)
{
    struct ratls_pcr_memory *memory = &worker->memory; /* for the next quote, too */
    struct ratls_measured measured = {
        .reset_count = state->reset_count,
        .restart_count = state->restart_count,
    };
    uint8_t signer[RATLS_TPM_NAME_MAX];
    size_t len = 0;
    enum ratls_status status =
        ratls_tpm_qualified_name(ratls_slice(worker->state.name, sizeof worker->state.name),
                                 TPM2_RH_ENDORSEMENT, signer, &len, err);

    measured.signer = ratls_slice(signer, len);
    memory->len = 0;
    if (status == RATLS_OK)
        status = ratls_pcrs_read(&worker->tpm, &state->selection, memory->values,
                                 sizeof memory->values, &len, err);
    if (status != RATLS_OK)
        return status;
    memory->selection = state->selection;
    memory->len = len;
    measured.pcr_values = ratls_slice(memory->values, len);
    return ratls_measured_digest(&measured, state->digest, err);
}

/* The counters before the values: what moves in between is seen the next time. */
enum ratls_status ratls_worker_read_state(struct ratls_worker *worker, struct ratls_batch *batch,
                                          struct ratls_error *err)
{
    struct ratls_known_state state = {
        .selection = batch->want.selection, .begun = ratls_time_from_now(0), .is_counted = true};
    enum ratls_status status =
        ratls_tpm_read_counters(&worker->tpm, &state.reset_count, &state.restart_count, err);

    if (status == RATLS_OK)
        status = ratls_pcrs_update_counter(&worker->tpm, &state.update_counter, err);
    if (status != RATLS_OK)
        return status;
    if (is_unchanged(&batch->state, &state))
        memcpy(state.digest, batch->state.digest, sizeof state.digest);
    else
        status = digest_pcrs(worker, &state, err);
    if (status == RATLS_OK)
        batch->state = state;
    return status;
}

/* What cannot be read is no state that anybody knows. */
void ratls_worker_see_state(struct ratls_batch *batch)
{
    const struct ratls_quote *quote = batch->quote;
    struct ratls_known_state state = {.selection = batch->want.selection, .begun = quote->begun};

    if (ratls_measured_quote(quote->attest, quote->pcr_values, state.digest, NULL) == RATLS_OK)
        batch->state = state;
}
