/* An enrolment in a world of a CA (ca_world.h), step by step, and what is said to it. */
#ifndef RATLS_TEST_CA_ENROL_SCENE_H
#define RATLS_TEST_CA_ENROL_SCENE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ca_world.h"

static struct ca_world w;

/* From now on a rule says that this machine may have these names, and nothing else is configured.
 */
static inline void allow(const struct ca_machine *machine, const char *names)
{
    char hex[65], more[256];

    ca_machine_ek_text(machine, hex);
    snprintf(more, sizeof more, "approval: {rules: [{ek: %s, names: [%s]}]}\n", hex, names);
    ca_world_reopen(&w, more);
}

/* Asks for these names; the caller frees *ret_request, unless it is NULL. */
static inline struct ratls_ca_answer ask_for(const struct ca_machine *machine, const char *names,
                                             const char *token, struct ratls_slice *ret_request)
{
    static uint8_t kept[RATLS_ENROLL_REQUEST_MAX];
    struct ca_wish wish;
    size_t len;
    uint8_t *bytes;

    ca_machine_wish(machine, names, &wish);
    bytes = ca_wish_write(&wish, token, &len);
    memcpy(kept, bytes, len);
    free(bytes);
    *ret_request = ratls_slice(kept, len);
    return ca_world_ask(&w, *ret_request);
}

static inline struct ratls_ca_answer reply_to(const struct ca_machine *machine,
                                              struct ratls_slice request,
                                              const struct ratls_ca_answer *challenged)
{
    uint8_t bytes[RATLS_ENROLL_ANSWER_MAX];
    struct ca_reply reply;
    size_t len;

    ca_machine_reply(machine, request, ratls_slice(challenged->body, challenged->len), NULL,
                     &reply);
    len = ca_reply_write(&reply, bytes);
    ca_reply_done(&reply);
    return ca_world_answer(&w, ratls_slice(bytes, len));
}

/* All of it; the reason word of what refused it, or "". */
static inline const char *enrol(const struct ca_machine *machine, const char *names,
                                const char *token)
{
    struct ratls_slice request;
    struct ratls_ca_answer challenged = ask_for(machine, names, token, &request), done = {0};
    const char *reason = challenged.reason;

    if (reason[0] == '\0' && challenged.is_waiting)
        reason = "waiting";
    if (reason[0] == '\0') {
        done = reply_to(machine, request, &challenged);
        reason = done.reason;
    }
    ratls_ca_answer_done(&done);
    ratls_ca_answer_done(&challenged);
    return reason;
}

#endif
