#include "agent_attester_parts.h"
#include "agent_job.h"
#include "fail.h"

enum ratls_status ratls_agent_asked_prepare(struct ratls_agent_attester *self,
                                            struct ratls_agent_question *question,
                                            struct ratls_agent_asked *ret_asked,
                                            struct ratls_error *err)
{
    struct ratls_agent_asked asked = {.attester = self};
    enum ratls_status status = ratls_agent_attester_link(self, &asked.link, err);

    if (status == RATLS_OK)
        status = ratls_agent_link_prepare(asked.link, question, &asked.question, err);
    if (status != RATLS_OK)
        return status;
    (void)self->base.up_ref(&self->base);
    *ret_asked = asked;
    return RATLS_OK;
}

enum ratls_status ratls_agent_asked_take(struct ratls_agent_asked *asked, const char *what,
                                         uint8_t **ret_payload, size_t *ret_len,
                                         struct ratls_error *err)
{
    enum ratls_status status;

    if (ratls_agent_link_is_ours(asked->link)) {
        status = ratls_agent_link_take(asked->link, asked->question, ret_payload, ret_len, err);
    } else {
        status = ratls_fail(err, RATLS_IO, "%s was begun before fork()", what);
        ratls_agent_job_free(asked->question);
    }
    return status;
}

void ratls_agent_asked_cancel(struct ratls_agent_asked *asked)
{
    if (ratls_agent_link_is_ours(asked->link))
        ratls_agent_link_cancel(asked->link, asked->question);
    else
        ratls_agent_job_free(asked->question);
}

void ratls_agent_asked_end(struct ratls_agent_asked *asked)
{
    struct ratls_attester *interface = &asked->attester->base;

    interface->free(interface);
}
