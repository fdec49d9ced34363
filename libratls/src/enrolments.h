/*
 * For which servers keys are enrolled, and which keys of a server a request may name. A part of the
 * memory of keys (keys.c), which owns it, and whose lock guards it.
 */
#ifndef RATLS_ENROLMENTS_H
#define RATLS_ENROLMENTS_H

#include <ratls/attester.h>

#include "recent.h"

#define RATLS_ENROLMENTS_MAX 4 /* servers that are remembered of one key */
#define RATLS_ENROLMENT_SERVERS_MAX 1024
#define RATLS_ENROLMENT_PLACES 1024 /* as many as keys: few have more than one server */

/* A server, by the SHA-256 of its name, and what requests to it may name. */
struct ratls_enrolled_server {
    struct ratls_recent_item item;
    uint8_t sha256[32];
    struct ratls_ring enrolments; /* the one that was used last is at the end */
};

/* That a chain was verified for a key and a server. */
struct ratls_enrolment {
    bool is_used;
    int64_t until;
    uint8_t chain[32];
    struct ratls_enrolment_name {
        uint8_t id[RATLS_KEY_ID_LEN]; /* WIRE.md, 2: of the key */
        uint8_t server[32];
    } name;
    struct ratls_slice area; /* of the key; borrowed from its entry */
    /* If requests may name it: */
    struct ratls_enrolled_server *server; /* else NULL */
    struct ratls_ring of_server;
    struct ratls_index_item by_name;
};

/* Those of one key. Zeros are none. */
struct ratls_enrolments {
    struct ratls_enrolment list[RATLS_ENROLMENTS_MAX];
    size_t next; /* to replace */
};

/* Those of all keys that may be named. */
struct ratls_enrolled {
    struct ratls_recent servers;
    struct ratls_index names;
    struct ratls_index_item *server_places[RATLS_ENROLMENT_SERVERS_MAX];
    struct ratls_index_item *name_places[RATLS_ENROLMENT_PLACES];
};

/* All are zeros. False: there are no random bytes. */
RATLS_MUST_CHECK bool ratls_enrolled_init(struct ratls_enrolled *all);
/* Frees the servers; the enrolments are not to be used any more. */
void ratls_enrolled_clear(struct ratls_enrolled *all);

/* NULL if the key has none for this server. */
struct ratls_enrolment *ratls_enrolments_find(struct ratls_enrolments *of_key,
                                              const uint8_t server[static 32]);
/* Takes chain and time over, if that of the same server may be named; else false. */
bool ratls_enrolments_renew(struct ratls_enrolments *of_key,
                            const struct ratls_enrolment *enrolment);
/* Counts as a use, if it may be named. */
void ratls_enrolment_use(struct ratls_enrolment *enrolment);

/*
 * Adds one, or replaces that of the same server, or the eldest. It may be named if it has an area
 * and there is a server for it: a known one, or `spare`, which has its hash, and is taken then.
 * Returns what is to be freed without the lock, or NULL.
 */
struct ratls_enrolled_server *ratls_enrolments_put(struct ratls_enrolled *all,
                                                   struct ratls_enrolments *of_key,
                                                   const struct ratls_enrolment *enrolment,
                                                   struct ratls_enrolled_server *spare);
/* Before a key goes. */
void ratls_enrolments_leave(struct ratls_enrolled *all, struct ratls_enrolments *of_key);

/* The ids of at most max keys of a server, those that were used last; returns how many. */
size_t ratls_enrolled_ids(struct ratls_enrolled *all, const uint8_t server[static 32], int64_t now,
                          uint8_t (*out)[RATLS_KEY_ID_LEN], size_t max);
/* What one of them names; counts as a use. NULL if it had to go since. */
const struct ratls_enrolment *ratls_enrolled_named(struct ratls_enrolled *all,
                                                   const struct ratls_enrolment_name *name);

#endif
