/*
 * States at hand in a process that asks an agent: its reader asks for them ahead of need. How old
 * an answer is counts from when the question was sent, and what the agent says of its age comes on
 * top.
 */
#include <stdlib.h>
#include <string.h>

#include "agent_link_parts.h"

bool ratls_agent_link_want_state(struct ratls_agent_link *link,
                                 const struct ratls_pcr_selection *selection,
                                 uint8_t ret_digest[static RATLS_MEASURED_LEN])
{
    const struct ratls_known_state *known;
    bool is_known, is_due;

    pthread_mutex_lock(&link->lock);
    is_due = ratls_states_want(&link->states, selection);
    known = ratls_states_find_younger(&link->states, selection, RATLS_STATE_FRESH_MS);
    is_known = known != NULL;
    if (is_known)
        memcpy(ret_digest, known->digest, sizeof known->digest);
    /* Without a reader the state stays unknown. */
    if (is_due && ratls_agent_link_start(link, NULL) != RATLS_OK)
        is_due = false;
    pthread_mutex_unlock(&link->lock);
    if (is_due) /* without the lock: a thread may be cancelled here */
        ratls_agent_link_wake(link);
    return is_known;
}

void ratls_agent_link_keep_state(struct ratls_agent_link *link,
                                 const struct ratls_known_state *state)
{
    pthread_mutex_lock(&link->lock);
    ratls_states_keep(&link->states, state);
    pthread_mutex_unlock(&link->lock);
}

/* Called by the reader, without the lock. */
static void take_answer(void *arg)
{
    struct ratls_agent_ahead *ahead = arg;
    struct ratls_agent_link *link = ahead->link;
    struct ratls_known_state state = {.selection = ahead->selection};
    uint8_t *payload = NULL;
    unsigned age_ms = 0;
    size_t len = 0;
    bool is_known = ratls_agent_link_take(link, ahead->job, &payload, &len, NULL) == RATLS_OK &&
                    ratls_agent_state_read(ratls_slice(payload, len), state.digest, &age_ms);

    free(payload);
    ahead->job = NULL;
    state.begun = ratls_time_before(&ahead->begun, age_ms);
    pthread_mutex_lock(&link->lock);
    if (is_known)
        ratls_states_keep(&link->states, &state);
    ratls_states_end(&link->states, &ahead->selection);
    pthread_mutex_unlock(&link->lock);
}

static struct ratls_agent_ahead *find_place(struct ratls_agent_link *link)
{
    for (size_t i = 0; i < RATLS_STATES_MAX; i++)
        if (link->ahead[i].job == NULL)
            return &link->ahead[i];
    return NULL;
}

/* False: it could not be asked. */
static bool ask(struct ratls_agent_link *link, const struct ratls_pcr_selection *selection)
{
    struct ratls_agent_question question = {.kind = RATLS_AGENT_STATE,
                                            .request = {.selection = *selection}};
    struct ratls_agent_ahead *ahead = find_place(link);

    if (ahead == NULL)
        return false;
    memcpy(question.service, link->service, sizeof question.service);
    *ahead = (struct ratls_agent_ahead){
        .link = link, .selection = *selection, .begun = ratls_time_from_now(0)};
    if (ratls_agent_link_prepare(link, &question, &ahead->job, NULL) != RATLS_OK) {
        ahead->job = NULL;
        return false;
    }
    ratls_agent_link_post(link, ahead->job, take_answer, ahead);
    return true;
}

bool ratls_agent_look_ahead(struct ratls_agent_link *link)
{
    const struct ratls_pcr_selection *next =
        ratls_states_next(&link->states, &link->has_turn, &link->turn);
    struct ratls_pcr_selection selection;
    bool is_asked;

    if (next == NULL)
        return false;
    selection = *next;
    pthread_mutex_unlock(&link->lock);
    is_asked = ask(link, &selection);
    pthread_mutex_lock(&link->lock);
    if (!is_asked)
        ratls_states_end(&link->states, &selection);
    return true;
}
