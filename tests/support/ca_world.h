/*
 * A CA in a folder of its own: a maker whose root is pinned, an issuer, a configuration, and a
 * store (store_place.h). It certifies names below bank.example, and nothing by rules or by hand
 * unless the configuration says so.
 */
#ifndef RATLS_TEST_CA_WORLD_H
#define RATLS_TEST_CA_WORLD_H

#include "ca.h"
#include "ca_machine.h"
#include "config.h"
#include "store.h"
#include "store_place.h"

struct ca_world {
    struct store_place place;
    char folder[64];
    struct ca_maker maker;
    EVP_PKEY *issuer_key;
    X509 *issuer;
    int64_t now; /* of all calls; goes on only if a test says so */
    struct ratls_ca_config *config;
    struct ratls_ca *ca;
};

/* more: lines for the configuration (ratls-ca.yaml), or "". */
void ca_world_make(struct ca_world *world, const char *more);
void ca_world_done(struct ca_world *world);
/* Closed, and opened with other lines. */
void ca_world_reopen(struct ca_world *world, const char *more);

/* Requests and answers; who asks ends the answer with ratls_ca_answer_done(). */
struct ratls_ca_answer ca_world_ask(struct ca_world *world, struct ratls_slice request);
struct ratls_ca_answer ca_world_answer(struct ca_world *world, struct ratls_slice answer);

/* How many records of this kind and with this reason word the audit log has. */
unsigned ca_world_count_refused(const struct ca_world *world, const char *kind, const char *reason);

/* A token by these terms, of which id and key are set here. The text may be carried. */
#define CA_TOKEN_SIZE 57
void ca_world_token(struct ca_world *world, struct ratls_store_token *terms,
                    char out[static CA_TOKEN_SIZE]);

#endif
