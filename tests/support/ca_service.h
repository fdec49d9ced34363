/* `ratls ca serve` as processes, and machines without a TPM that enrol with them over HTTP. */
#ifndef RATLS_TEST_CA_SERVICE_H
#define RATLS_TEST_CA_SERVICE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "ca_world.h"

#define CA_SERVICES_MAX 2

struct ca_services {
    char config[160];
    size_t count;
    char sockets[CA_SERVICES_MAX][160];
    _Atomic pid_t pids[CA_SERVICES_MAX]; /* 0: not running */
};

/* Writes the configuration for the world's CA, with rules for these machines. */
void ca_services_configure(struct ca_services *services, struct ca_world *world,
                           const struct ca_machine *machines, size_t count);
/* Starts one, and waits until it answers. */
void ca_service_start(struct ca_services *services, size_t i);
void ca_service_kill(struct ca_services *services, size_t i);
/* SIGTERM; it must end by itself, and well. */
void ca_service_stop(struct ca_services *services, size_t i);

/* What became of one machine. */
struct ca_enrolment {
    const struct ca_services *services;
    const struct ca_machine *machine;
    char name[64];
    size_t which; /* of the services; the next one is asked if one fails */
    uint8_t id[RATLS_ENROLL_ID_LEN];
    uint8_t der[RATLS_ENROLL_RESULT_MAX]; /* of the certificate that it saw */
    size_t der_len;
    unsigned tries;
    uint64_t ms;      /* from the first question to the certificate */
    char failed[256]; /* "" if it was enrolled */
};

/* Until it has its certificate, or was refused; the same request each time. For a thread. */
void *ca_enrolment_run(void *enrolment);

#endif
