#include "http_reply.h"

#include <stdlib.h>
#include <string.h>

#include "problem_details.h"

void ratls_http_reply_done(struct ratls_http_reply *reply)
{
    free(reply->body);
    *reply = (struct ratls_http_reply){.status = 0};
}

void ratls_http_reply_problem(struct ratls_http_reply *reply, unsigned status, const char *reason,
                              const char *detail)
{
    char *text = malloc(RATLS_PROBLEM_MAX);

    *reply =
        (struct ratls_http_reply){.status = status, .reason = reason, .type = RATLS_PROBLEM_TYPE};
    if (text == NULL)
        return;
    reply->len = ratls_problem_details(status, reason, detail, text);
    reply->body = (uint8_t *)text;
}

void ratls_http_reply_text(struct ratls_http_reply *reply, unsigned status, const char *type,
                           const char *text)
{
    *reply = (struct ratls_http_reply){.status = status, .reason = "", .type = type};
    reply->body = (uint8_t *)strdup(text);
    reply->len = reply->body == NULL ? 0 : strlen(text);
}
