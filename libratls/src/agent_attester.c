/* struct ratls_attester on an agent. */
#include <ratls/attester_agent.h>

#include <stdlib.h>
#include <string.h>

#include "agent_attester_parts.h"
#include "deadline.h"
#include "fail.h"

#define DEADLINE_DEFAULT_MS 5000

struct ratls_attest_job {
    struct ratls_agent_asked asked;
    struct ratls_pcr_selection selection;
    struct timespec begun;
};

/* The interface is the first member. */
static struct ratls_agent_attester *from_interface(struct ratls_attester *interface)
{
    return (struct ratls_agent_attester *)interface;
}

/*
 * A child of fork() gets a link of its own. No lock guards the pointer, for a lock might be held
 * for ever by a thread of the parent.
 */
enum ratls_status ratls_agent_attester_link(struct ratls_agent_attester *self,
                                            struct ratls_agent_link **ret_link,
                                            struct ratls_error *err)
{
    struct ratls_agent_link *present = atomic_load(&self->link);
    struct ratls_agent_link *parents = present;
    struct ratls_agent_link *mine = NULL;
    enum ratls_status status;

    if (present == NULL || !ratls_agent_link_is_ours(present)) {
        status = ratls_agent_link_new(self->path, self->service, self->deadline_ms, &mine, err);
        if (status != RATLS_OK)
            return status;
        if (!atomic_compare_exchange_strong(&self->link, &present, mine)) {
            ratls_agent_link_free(mine); /* another thread was faster; `present` is its link */
        } else {
            if (parents != NULL)
                ratls_agent_link_forget(parents);
            present = mine;
        }
    }
    *ret_link = present;
    return RATLS_OK;
}

static struct ratls_agent_question ask_for_evidence(const struct ratls_agent_attester *self,
                                                    const struct ratls_attest_request *request)
{
    struct ratls_agent_question question = {.kind = RATLS_AGENT_EVIDENCE, .request = *request};

    memcpy(question.service, self->service, sizeof question.service);
    return question;
}

static enum ratls_status attest(struct ratls_attester *interface,
                                const struct ratls_attest_request *request, uint8_t **ret_evidence,
                                size_t *ret_len, struct ratls_error *err)
{
    struct ratls_agent_attester *self = from_interface(interface);
    struct ratls_agent_question question = ask_for_evidence(self, request);
    const struct timespec begun = ratls_time_from_now(0);
    struct ratls_agent_link *link = NULL;
    enum ratls_status status = ratls_agent_attester_link(self, &link, err);

    if (status == RATLS_OK)
        status = ratls_agent_link_ask(link, &question, ret_evidence, ret_len, err);
    if (status == RATLS_OK)
        ratls_agent_attester_see(link, &request->selection, &begun,
                                 ratls_slice(*ret_evidence, *ret_len));
    return status;
}

static struct ratls_attester *up_ref(struct ratls_attester *interface)
{
    atomic_fetch_add(&from_interface(interface)->references, 1);
    return interface;
}

static void free_attester(struct ratls_attester *interface)
{
    struct ratls_agent_attester *self;
    struct ratls_agent_link *link;

    if (interface == NULL)
        return;
    self = from_interface(interface);
    if (atomic_fetch_sub(&self->references, 1) != 1)
        return;
    link = atomic_load(&self->link);
    if (link != NULL && ratls_agent_link_is_ours(link))
        ratls_agent_link_free(link);
    else if (link != NULL)
        ratls_agent_link_forget(link);
    free(self);
}

/* ---- without waiting ---- */

static void free_job(struct ratls_attest_job *job)
{
    ratls_agent_asked_end(&job->asked);
    free(job);
}

/* *ret_job is set before anybody is called: done() may take the job. */
static enum ratls_status begin(struct ratls_attester *interface,
                               const struct ratls_attest_request *request, void (*done)(void *arg),
                               void *arg, struct ratls_attest_job **ret_job,
                               struct ratls_error *err)
{
    struct ratls_agent_attester *self = from_interface(interface);
    struct ratls_agent_question question = ask_for_evidence(self, request);
    struct ratls_attest_job *job = calloc(1, sizeof *job);
    enum ratls_status status;

    if (job == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    job->selection = request->selection;
    job->begun = ratls_time_from_now(0);
    status = ratls_agent_asked_prepare(self, &question, &job->asked, err);
    if (status != RATLS_OK) {
        free(job);
        return status;
    }
    *ret_job = job;
    ratls_agent_link_post(job->asked.link, job->asked.question, done, arg);
    return RATLS_OK;
}

static enum ratls_status take(struct ratls_attester *interface, struct ratls_attest_job *job,
                              uint8_t **ret_evidence, size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status =
        ratls_agent_asked_take(&job->asked, "the evidence", ret_evidence, ret_len, err);

    (void)interface;
    if (status == RATLS_OK)
        ratls_agent_attester_see(job->asked.link, &job->selection, &job->begun,
                                 ratls_slice(*ret_evidence, *ret_len));
    free_job(job);
    return status;
}

static void cancel(struct ratls_attester *interface, struct ratls_attest_job *job)
{
    (void)interface;
    ratls_agent_asked_cancel(&job->asked);
    free_job(job);
}

/* ---- options ---- */

static enum ratls_status take_options(struct ratls_agent_attester *self,
                                      const struct ratls_agent_options *options,
                                      struct ratls_error *err)
{
    const char *path = options->socket == NULL ? RATLS_AGENT_SOCKET : options->socket;
    const char *service = options->service == NULL ? "" : options->service;
    size_t service_len = strlen(service);

    if (path[0] != '/' || strlen(path) > RATLS_AGENT_PATH_MAX)
        return ratls_fail(err, RATLS_USAGE,
                          "agent = %.64s: must be the absolute path of a socket, of at most %d "
                          "bytes",
                          path, RATLS_AGENT_PATH_MAX);
    if (service_len > RATLS_SERVICE_MAX)
        return ratls_fail(err, RATLS_USAGE, "service: 1 to %d characters", RATLS_SERVICE_MAX);
    if (!ratls_slice_is_printable(ratls_slice(service, service_len)))
        return ratls_fail(err, RATLS_USAGE, "service: only printable ASCII");
    if (options->deadline_ms > RATLS_AGENT_DEADLINE_MAX_MS)
        return ratls_fail(err, RATLS_USAGE, "a deadline of more than %d ms",
                          RATLS_AGENT_DEADLINE_MAX_MS);
    memcpy(self->path, path, strlen(path) + 1);
    memcpy(self->service, service, service_len + 1);
    self->deadline_ms = options->deadline_ms == 0 ? DEADLINE_DEFAULT_MS : options->deadline_ms;
    return RATLS_OK;
}

static unsigned count_threads(struct ratls_attester *interface)
{
    struct ratls_agent_link *link = atomic_load(&from_interface(interface)->link);

    return link != NULL && ratls_agent_link_is_ours(link) ? ratls_agent_link_threads(link) : 0;
}

enum ratls_status ratls_agent_attester_new(const struct ratls_agent_options *options,
                                           struct ratls_attester **ret_attester,
                                           struct ratls_error *ret_error)
{
    struct ratls_agent_attester *self = calloc(1, sizeof *self);
    enum ratls_status status;

    if (self == NULL)
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    self->base = (struct ratls_attester){.attest = attest,
                                         .up_ref = up_ref,
                                         .free = free_attester,
                                         .begin = begin,
                                         .take = take,
                                         .cancel = cancel,
                                         .threads = count_threads};
    ratls_agent_attester_add_state(&self->base);
    atomic_init(&self->references, 1);
    atomic_init(&self->link, NULL);
    status = take_options(self, options, ret_error);
    if (status == RATLS_OK)
        *ret_attester = &self->base;
    else
        free(self);
    return status;
}
