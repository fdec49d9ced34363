/* What the service of a CA says to one request of HTTP. */
#ifndef RATLS_CA_HTTP_REPLY_H
#define RATLS_CA_HTTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#define RATLS_HTTP_LOCATION_MAX 96

struct ratls_http_reply {
    unsigned status;
    const char *reason; /* a constant; "" if it was not refused */
    const char *type;   /* Content-Type */
    uint8_t *body;      /* owned, of malloc(); NULL only if memory was short */
    size_t len;
    char location[RATLS_HTTP_LOCATION_MAX]; /* "" if there is none */
    unsigned retry_after_s;                 /* 0: none */
    const char *allow;                      /* NULL: none */
};

void ratls_http_reply_done(struct ratls_http_reply *reply);

/* A problem (problem_details.h). reason is a constant. */
void ratls_http_reply_problem(struct ratls_http_reply *reply, unsigned status, const char *reason,
                              const char *detail);
/* A copy of a text. */
void ratls_http_reply_text(struct ratls_http_reply *reply, unsigned status, const char *type,
                           const char *text);

#endif
