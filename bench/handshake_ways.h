/* The ways of a handshake that are compared: contexts and policies for each, and what they cost. */
#ifndef RATLS_BENCH_HANDSHAKE_WAYS_H
#define RATLS_BENCH_HANDSHAKE_WAYS_H

#include <openssl/ssl.h>

#include <ratls/ratls.h>

#include "fake_tpm.h"
#include "samples.h"
#include "timed.h"

#define WAY_NAME "bank.example"
#define PER_ROUND 100 /* handshakes of each way */

enum way {
    WAY_PLAIN,    /* leaf and intermediate; so with all but the alone */
    WAY_ATTESTED, /* key pinned, as a drop-in: nobody reads the report */
    WAY_WORDED,   /* the same, with a report to read */
    WAY_ALONE,    /* a self-signed leaf that no PKI vouches for; key known, as a drop-in */
    WAY_FIRST,    /* each handshake another key, with its certificate, as a drop-in */
    WAYS
};

extern const char *const way_names[WAYS];

/* CPU time of one round, per handshake; of the server without its attester. */
struct way_round {
    struct samples client_us, server_us;
    size_t to_client, to_server; /* bytes of the last handshake */
};

struct ways;

struct ways *ways_new(void);
void ways_free(struct ways *ways);
/* New keys, with certificates, for the next PER_ROUND of WAY_FIRST. */
void ways_renew_keys(struct ways *ways);
/* One handshake, the i-th of a round. */
void ways_run(struct ways *ways, enum way way, size_t i, struct way_round *round);
/* CPU time of a client whose policy refuses the key, until its alert is out. */
double ways_refused_us(struct ways *ways);

/* Heap that a client has on a connection whose handshake is over, mean of some. */
double ways_kept_bytes(struct ways *ways, enum way way);

/* The policy of WAY_ATTESTED, its TPM, and another TPM whose key no policy knows. Borrowed. */
struct ratls_policy *ways_policy(const struct ways *ways);
struct fake_tpm *ways_tpm(const struct ways *ways);
struct fake_tpm *ways_stranger(const struct ways *ways);

#endif
