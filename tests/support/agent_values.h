/* The question of tests/vectors/agent.values. */
#ifndef RATLS_TEST_AGENT_VALUES_H
#define RATLS_TEST_AGENT_VALUES_H

#include "agent_message.h"
#include "request.h"
#include "values.h"

/* All but its kind. request: that of request.values. */
static inline void values_agent_question(const struct values *values,
                                         const struct ratls_request *request,
                                         struct ratls_agent_question *question)
{
    struct ratls_attest_request *attest = &question->request;
    struct ratls_slice service = values_get(values, "service");
    struct ratls_slice context = values_get(values, "context");

    question->id = values_number(values, "id");
    memcpy(question->service, service.p, service.len);
    question->deadline_ms = (unsigned)values_number(values, "deadline-ms");
    ratls_request_to_attest(request, attest);
    attest->offers = (unsigned)values_number(values, "offers");
    attest->mode = (enum ratls_mode)values_number(values, "mode");
    attest->role = (enum ratls_role)values_number(values, "role");
    attest->tls_version = (uint16_t)values_number(values, "tls-version");
    attest->cipher_suite = (uint16_t)values_number(values, "cipher-suite");
    memcpy(attest->binder, values_get(values, "binder").p, sizeof attest->binder);
    memcpy(attest->spki_sha256, values_get(values, "spki-sha256").p, sizeof attest->spki_sha256);
    memcpy(attest->context, context.p, context.len);
    attest->context_len = context.len;
}

#endif
