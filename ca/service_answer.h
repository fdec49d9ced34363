/* What the service of a CA says to each route, once there is room for it. */
#ifndef RATLS_CA_SERVICE_ANSWER_H
#define RATLS_CA_SERVICE_ANSWER_H

#include "service_desk.h"

/*
 * RATLS_OK with a reply, which may be a refusal by the CA: that is in the audit log already. Else
 * the CA could not work, and there is no reply.
 */
RATLS_MUST_CHECK enum ratls_status ratls_service_ask_ca(struct ratls_ca *ca,
                                                        const struct ratls_http_route *route,
                                                        struct ratls_slice body, int64_t now,
                                                        struct ratls_http_reply *ret_reply,
                                                        struct ratls_error *err);

/*
 * Whether a request carries a token that is good now, for its names or not: who was given one is
 * not a stranger (rate.h). What it may have, the CA decides.
 */
bool ratls_service_has_token(struct ratls_ca *ca, struct ratls_slice body, int64_t now);

#endif
