/* The measured state, as an attester that asks an agent says it. */
#include <stdlib.h>
#include <string.h>

#include "agent_attester_parts.h"
#include "evidence.h"
#include "fail.h"
#include "request.h"

struct ratls_state_job {
    struct ratls_agent_asked asked;
};

static struct ratls_agent_question ask_for_state(const struct ratls_agent_attester *self,
                                                 const struct ratls_pcr_selection *selection)
{
    struct ratls_agent_question question = {.kind = RATLS_AGENT_STATE,
                                            .request = {.selection = *selection}};

    memcpy(question.service, self->service, sizeof question.service);
    return question;
}

/* What the agent said is of the right length: agent_reader.c. */
static enum ratls_status read_answer(uint8_t *payload, size_t len,
                                     uint8_t ret_digest[RATLS_MEASURED_LEN],
                                     struct ratls_error *err)
{
    unsigned age_ms;
    bool is_read = ratls_agent_state_read(ratls_slice(payload, len), ret_digest, &age_ms);

    free(payload);
    return is_read ? RATLS_OK : ratls_fail(err, RATLS_IO, "the agent's answer is no state");
}

static enum ratls_status state(struct ratls_attester *interface,
                               const struct ratls_pcr_selection *selection,
                               uint8_t ret_digest[RATLS_MEASURED_LEN], struct ratls_error *err)
{
    struct ratls_agent_attester *self = (struct ratls_agent_attester *)interface;
    struct ratls_agent_question question = ask_for_state(self, selection);
    struct ratls_agent_link *link = NULL;
    enum ratls_status status = ratls_agent_attester_link(self, &link, err);
    uint8_t *payload = NULL;
    size_t len = 0;

    if (status == RATLS_OK)
        status = ratls_agent_link_ask(link, &question, &payload, &len, err);
    return status == RATLS_OK ? read_answer(payload, len, ret_digest, err) : status;
}

static void free_job(struct ratls_state_job *job)
{
    ratls_agent_asked_end(&job->asked);
    free(job);
}

/* *ret_job is set before anybody is called: done() may take the job. */
static enum ratls_status begin_state(struct ratls_attester *interface,
                                     const struct ratls_pcr_selection *selection,
                                     void (*done)(void *arg), void *arg,
                                     struct ratls_state_job **ret_job, struct ratls_error *err)
{
    struct ratls_agent_attester *self = (struct ratls_agent_attester *)interface;
    struct ratls_agent_question question = ask_for_state(self, selection);
    struct ratls_state_job *job = calloc(1, sizeof *job);
    enum ratls_status status;

    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_agent_asked_prepare(self, &question, &job->asked, err);
    if (status != RATLS_OK) {
        free(job);
        return status;
    }
    *ret_job = job;
    ratls_agent_link_post(job->asked.link, job->asked.question, done, arg);
    return RATLS_OK;
}

static enum ratls_status take_state(struct ratls_attester *interface, struct ratls_state_job *job,
                                    uint8_t ret_digest[RATLS_MEASURED_LEN], struct ratls_error *err)
{
    enum ratls_status status;
    uint8_t *payload = NULL;
    size_t len = 0;

    (void)interface;
    status = ratls_agent_asked_take(&job->asked, "the measured state", &payload, &len, err);
    free_job(job);
    return status == RATLS_OK ? read_answer(payload, len, ret_digest, err) : status;
}

static void cancel_state(struct ratls_attester *interface, struct ratls_state_job *job)
{
    (void)interface;
    ratls_agent_asked_cancel(&job->asked);
    free_job(job);
}

static enum ratls_status known_state(struct ratls_attester *interface,
                                     const struct ratls_pcr_selection *selection,
                                     uint8_t ret_digest[RATLS_MEASURED_LEN],
                                     struct ratls_error *err)
{
    struct ratls_agent_link *link = NULL;
    enum ratls_status status;

    if (!ratls_selection_valid(selection))
        return ratls_fail(err, RATLS_USAGE, "measured state: malformed PCR selection");
    status = ratls_agent_attester_link((struct ratls_agent_attester *)interface, &link, err);
    if (status == RATLS_OK && !ratls_agent_link_want_state(link, selection, ret_digest))
        status = ratls_fail(err, RATLS_TPM, "the measured state is not at hand");
    return status;
}

void ratls_agent_attester_add_state(struct ratls_attester *interface)
{
    interface->state = state;
    interface->begin_state = begin_state;
    interface->take_state = take_state;
    interface->cancel_state = cancel_state;
    interface->known_state = known_state;
}

/* Its quote was made for the question, and so behind it; but not that of an epoch. */
void ratls_agent_attester_see(struct ratls_agent_link *link,
                              const struct ratls_pcr_selection *selection,
                              const struct timespec *begun, struct ratls_slice bytes)
{
    struct ratls_known_state known = {.selection = *selection, .begun = *begun};
    struct ratls_evidence evidence;

    if (ratls_evidence_read(bytes, &evidence) && evidence.has_quote &&
        evidence.session.key.len == 0 &&
        ratls_measured_quote(evidence.attest, evidence.pcr_values, known.digest, NULL) == RATLS_OK)
        ratls_agent_link_keep_state(link, &known);
}
