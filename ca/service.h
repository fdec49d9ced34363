/*
 * The service of a CA: enrolment over HTTP. It listens on a UNIX socket or on loopback alone: TLS,
 * names, and limits by address are the work of a web server in front.
 */
#ifndef RATLS_CA_SERVICE_H
#define RATLS_CA_SERVICE_H

#include "config.h"

#define RATLS_SERVICE_THREADS 4
#define RATLS_SERVICE_DRAIN_MS 5000 /* for what is being answered when it is to end */

struct ratls_service;

struct ratls_service_options {
    int listener;                             /* listening, and does not block: becomes its own */
    void (*log)(int level, const char *text); /* one line, from any thread; level: syslog(3) */
};

/*
 * RATLS_USAGE, with the reason, unless it is a stream socket at a path, or of a loopback address:
 * what comes over a network would come without TLS.
 */
RATLS_MUST_CHECK enum ratls_status ratls_service_check_listener(int fd, struct ratls_error *err);

/*
 * Opens all that the configuration names and begins to answer, in threads of its own. The
 * configuration and the listener are the service's, also if it cannot begin.
 */
RATLS_MUST_CHECK enum ratls_status ratls_service_start(struct ratls_ca_config *config,
                                                       const struct ratls_service_options *options,
                                                       struct ratls_service **ret_service,
                                                       struct ratls_error *err);
/*
 * Answers by another configuration from now on, and by the files that it names as they are now; if
 * that cannot be, all stays as it was. The configuration is the service's in both cases. How many
 * connections may be open stays.
 */
RATLS_MUST_CHECK enum ratls_status ratls_service_reload(struct ratls_service *service,
                                                        struct ratls_ca_config *config,
                                                        struct ratls_error *err);
/* For the metrics: a configuration could not even be read. */
void ratls_service_count_failed_reload(struct ratls_service *service);
/* Takes no more connections, waits for what is being answered, and frees it. Accepts NULL. */
void ratls_service_stop(struct ratls_service *service);

#endif
