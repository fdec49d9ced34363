/*
 * An enrolment at a CA's service, from the request to the certificate. It may be killed at any
 * point: request and challenge are kept before they are used (enroll_state.h), and the next one
 * goes on where this one was.
 */
#ifndef RATLS_TOOL_ENROLL_H
#define RATLS_TOOL_ENROLL_H

#include "ca_client.h"
#include "enroll_names.h"
#include "enrolment.h"

struct ratls_enroll {
    struct ratls_ca_client client;
    const struct ratls_enroll_names *names;
    struct ratls_enrolment enrolment; /* but for its names */
    const char *ca_file;              /* NULL: it is not checked who issued the certificate */
    /* Called each time before it is waited for an approval; may be NULL. */
    void (*waits)(void *waits_arg, const char *request_id);
    void *waits_arg;
};

enum ratls_enroll_end {
    RATLS_ENROLL_INSTALLED,
    RATLS_ENROLL_WAITING, /* and all is kept: to be called again */
    RATLS_ENROLL_REFUSED, /* and nothing is kept */
};

struct ratls_enroll_ended {
    enum ratls_enroll_end end;
    char request_id[2 * 32 + 1];        /* SHA-256, by which the CA knows it */
    char words[RATLS_HTTP_PROBLEM_MAX]; /* of the CA; "" if there are none */
};

/* RATLS_USAGE also if another process enrols with this state folder. */
RATLS_MUST_CHECK enum ratls_status ratls_enroll(struct ratls_enroll *enroll,
                                                struct ratls_enroll_ended *ret_ended,
                                                struct ratls_error *err);

#endif
