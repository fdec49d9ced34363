/*
 * The CA as several threads use it: one configuration, and a struct ratls_ca for each. It can be
 * read again while they work: those that are at work end with what they began.
 */
#ifndef RATLS_CA_CA_SEATS_H
#define RATLS_CA_CA_SEATS_H

#include "ca.h"
#include "config.h"

#define RATLS_CA_SEATS_MAX 16

struct ratls_ca_seats;

struct ratls_ca_seat {
    struct ratls_ca *ca;
    const struct ratls_ca_config *config;
    bool is_taken;
};

/*
 * count: how many threads there are, at most RATLS_CA_SEATS_MAX. Takes the configuration over,
 * also if it fails; so does the next one.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_seats_open(struct ratls_ca_config *config, size_t count,
                                                       int64_t now, struct ratls_ca_seats **ret,
                                                       struct ratls_error *err);
/* All seats must have been given back. Accepts NULL. */
void ratls_ca_seats_close(struct ratls_ca_seats *seats);

/* Another configuration from now on; if it cannot be, all stays as it was. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_seats_reload(struct ratls_ca_seats *seats,
                                                         struct ratls_ca_config *config,
                                                         int64_t now, struct ratls_error *err);

/* For this thread alone until it is given back; waits until one is free. */
struct ratls_ca_seat *ratls_ca_seats_take(struct ratls_ca_seats *seats);
void ratls_ca_seats_give(struct ratls_ca_seats *seats, struct ratls_ca_seat *seat);

#endif
