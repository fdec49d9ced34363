/*
 * The measured state, for whoever must know whether it is still the same: a server asks before it
 * resumes a session. It is no proof, and needs no quote.
 */
#include <string.h>

#include "fail.h"
#include "pcrs.h"
#include "request.h"
#include "worker_parts.h"

#define FRESH_MS 1000

/* These move without the counter of updates (PC Client Platform TPM Profile, 4.6): 16 and up. */
#define COUNTED_PCRS 0xffffu

const struct ratls_known_state *ratls_worker_find_state(struct ratls_worker *worker,
                                                        const struct ratls_pcr_selection *selection)
{
    for (size_t i = 0; i < RATLS_STATES_MAX; i++) {
        struct ratls_known_state *known = &worker->states[i];

        if (!ratls_selection_is(selection, known->selection.banks, known->selection.count) ||
            ratls_time_is_past(&known->fresh_until))
            continue;
        known->used = ++worker->state_uses;
        return known;
    }
    return NULL;
}

bool ratls_worker_knows_state(struct ratls_worker *worker,
                              const struct ratls_pcr_selection *selection,
                              uint8_t ret_digest[static RATLS_MEASURED_LEN])
{
    const struct ratls_known_state *known;

    pthread_mutex_lock(&worker->lock);
    known = ratls_worker_find_state(worker, selection);
    if (known != NULL)
        memcpy(ret_digest, known->digest, sizeof known->digest);
    pthread_mutex_unlock(&worker->lock);
    return known != NULL;
}

void ratls_worker_recall_state(struct ratls_worker *worker, struct ratls_batch *batch)
{
    batch->state = (struct ratls_known_state){.selection = {.count = 0}};
    for (size_t i = 0; i < RATLS_STATES_MAX; i++) {
        const struct ratls_known_state *known = &worker->states[i];

        if (ratls_selection_is(&batch->want.selection, known->selection.banks,
                               known->selection.count))
            batch->state = *known;
    }
}

/* In the place of what was known of these PCRs, else of what was longest not asked for. */
void ratls_worker_keep_state(struct ratls_worker *worker, const struct ratls_known_state *state)
{
    struct ratls_known_state *place = &worker->states[0];

    for (size_t i = 0; i < RATLS_STATES_MAX; i++) {
        struct ratls_known_state *known = &worker->states[i];

        if (ratls_selection_is(&state->selection, known->selection.banks, known->selection.count)) {
            place = known;
            break;
        }
        if (known->used < place->used)
            place = known;
    }
    *place = *state;
    place->used = ++worker->state_uses;
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
    return before->selection.count != 0 && are_counted(&before->selection) &&
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
    struct ratls_known_state state = {.selection = batch->want.selection,
                                      .fresh_until = ratls_time_from_now(FRESH_MS)};
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
