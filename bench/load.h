/*
 * A load of TLS clients on one server: what is wanted of it, and what came of it. Every client is a
 * whole OpenSSL client on a connection of its own; those with a policy verify evidence.
 */
#ifndef RATLS_BENCH_LOAD_H
#define RATLS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "load_account.h"

#define LOAD_REASON_MAX 256

enum load_manner {
    LOAD_ORDERLY,
    LOAD_VANISHING, /* closes or resets its connection while it waits for the server */
    LOAD_SLOW,      /* sends its ClientHello in pieces, and is late in reading the answer */
};

struct load_plan {
    const char *server; /* ADDRESS:PORT or unix:PATH */
    const char *name;   /* of the server, verified and in the SNI */
    const char *ca;
    const char *policy; /* NULL: plain clients */
    enum load_manner manner;
    double rate;        /* arrivals per second; 0: a closed loop, whoever ends makes room for one */
    bool is_even;       /* arrivals at even distances; else Poisson's */
    size_t clients_max; /* at once */
    size_t count_max;   /* in all; 0: until the time is over */
    double warm_up_s;   /* before anything is counted, failures excepted */
    double seconds;     /* in which it is counted */
    double deadline_s;  /* of one handshake, from its arrival on */
    struct load_account account;
};

struct load_latencies {
    float *ms; /* sorted once the run is over */
    size_t count, room;
};

struct load_result {
    size_t accepted; /* within the time that counts */
    size_t refused;  /* by either side's TLS, at any time */
    size_t broken;   /* connections that ended too early, or were not made */
    size_t late;     /* not accepted within the deadline */
    size_t vanished;
    size_t most;      /* at once */
    size_t overtaken; /* accepted behind one that arrived later */
    double seconds;
    double cpu_s;                    /* of this program, within the time that counts */
    struct load_latencies latencies; /* from the arrival to the accepted handshake */
    struct load_usage usage;         /* of the servers, within the time that counts */
    double quote_ms;                 /* that the TPM had a quote within it, the median; 0: none */
    char reason[LOAD_REASON_MAX];    /* of the first failure */
};

/* Ends the program if it cannot work. */
void load_run(const struct load_plan *plan, struct load_result *ret_result);

/* The latency which this fraction of all does not exceed. */
double load_latency_ms(const struct load_latencies *latencies, double fraction);

#endif
