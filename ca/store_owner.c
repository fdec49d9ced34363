/* Whose a name is. */
#include <stdlib.h>

#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

#define CESSATION_OF_OPERATION 5 /* RFC 5280, 5.3.1 */

struct question {
    struct ratls_slice name;
    uint8_t ek_sha256[32];
    enum ratls_store_claim claim;
};

static bool find(struct ratls_store_tx *tx, const char *sql, struct question *question)
{
    bool is_found = ratls_store_ask(tx, sql, RATLS_WITH(ratls_of_name(question->name)));

    if (is_found) {
        ratls_store_read_hex(tx, 0, question->ek_sha256, sizeof question->ek_sha256);
        ratls_store_end(tx);
    }
    return is_found;
}

/* Whether one of its attestation keys may still have certificates for the name. */
static bool is_live(struct ratls_store_tx *tx, const struct question *question)
{
    return ratls_store_ask_number(
               tx, RATLS_SQL_COUNT_LIVE_AKS,
               RATLS_WITH(ratls_of_name(question->name),
                          ratls_of_hex(question->ek_sha256, sizeof question->ek_sha256))) > 0;
}

static void find_owner(struct ratls_store_tx *tx, void *arg)
{
    struct question *question = arg;

    question->claim = RATLS_STORE_FREE;
    if (find(tx, RATLS_SQL_FIND_OWNER, question))
        question->claim = is_live(tx, question) ? RATLS_STORE_OWNED : RATLS_STORE_LAPSED;
    else if (find(tx, RATLS_SQL_FIND_ONLY_BY, question))
        question->claim = RATLS_STORE_PROMISED;
}

enum ratls_status ratls_store_owner(struct ratls_store *store, struct ratls_slice name,
                                    uint8_t ek_sha256[static 32], enum ratls_store_claim *ret_claim,
                                    struct ratls_error *err)
{
    struct question question = {.name = name};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_READ, find_owner, &question, err);

    if (status != RATLS_OK)
        return status;
    if (question.claim != RATLS_STORE_FREE)
        memcpy(ek_sha256, question.ek_sha256, sizeof question.ek_sha256);
    *ret_claim = question.claim;
    return RATLS_OK;
}

struct enrolment {
    struct ratls_slice ak_name;
    uint8_t ek_sha256[32];
    bool has_ended;
    enum ratls_store_outcome outcome;
};

static void find_enrolment(struct ratls_store_tx *tx, void *arg)
{
    struct enrolment *enrolment = arg;

    enrolment->outcome = RATLS_STORE_UNKNOWN;
    if (!ratls_store_ask(tx, RATLS_SQL_FIND_ENROLMENT,
                         RATLS_WITH(ratls_of_hex(enrolment->ak_name.p, enrolment->ak_name.len))))
        return;
    ratls_store_read_hex(tx, 0, enrolment->ek_sha256, sizeof enrolment->ek_sha256);
    enrolment->has_ended = ratls_store_read_number(tx, 1, INT64_MAX) != 0;
    ratls_store_end(tx);
    enrolment->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_enrolment(struct ratls_store *store, struct ratls_slice ak_name,
                                        uint8_t ek_sha256[static 32], bool *ret_ended,
                                        enum ratls_store_outcome *ret_outcome,
                                        struct ratls_error *err)
{
    struct enrolment enrolment = {.ak_name = ak_name};
    enum ratls_status status =
        ratls_store_run(store, RATLS_STORE_READ, find_enrolment, &enrolment, err);

    if (status != RATLS_OK)
        return status;
    if (enrolment.outcome == RATLS_STORE_DONE) {
        memcpy(ek_sha256, enrolment.ek_sha256, sizeof enrolment.ek_sha256);
        *ret_ended = enrolment.has_ended;
    }
    *ret_outcome = enrolment.outcome;
    return RATLS_OK;
}

struct replacement {
    const struct ratls_store_names *names;
    char *text; /* the names */
    const uint8_t *by;
    const char *reason;
    int64_t now;
    size_t revoked;
    enum ratls_store_outcome outcome;
};

/* How many things ended. */
static size_t end_name(struct ratls_store_tx *tx, struct replacement *r, struct ratls_slice name)
{
    const struct ratls_store_value key = ratls_of_name(name), now = ratls_of_number(r->now);
    size_t ended =
        ratls_store_do(tx, RATLS_SQL_END_OWNER, RATLS_WITH(key, now, ratls_of_text(r->reason)));
    size_t revoked = ratls_store_do(tx, RATLS_SQL_REVOKE(RATLS_SQL_BY_NAME),
                                    RATLS_WITH(key, now, ratls_of_number(CESSATION_OF_OPERATION)));

    ended += ratls_store_do(tx, RATLS_SQL_END_ONLY_BY, RATLS_WITH(key, now));
    if (r->by != NULL)
        ratls_store_do_one(tx, RATLS_SQL_ADD_ONLY_BY,
                           RATLS_WITH(key, ratls_of_hex(r->by, 32), now));
    r->revoked += revoked;
    return ended + revoked;
}

static void replace(struct ratls_store_tx *tx, void *arg)
{
    struct replacement *r = arg;
    char by[65] = "anyone";
    size_t ended = 0;

    r->revoked = 0;
    r->outcome = RATLS_STORE_UNKNOWN;
    for (size_t i = 0; i < r->names->count; i++)
        ended += end_name(tx, r, r->names->p[i]);
    if (ended == 0 && r->by == NULL)
        return;
    if (r->by != NULL)
        ratls_hex(ratls_slice(r->by, 32), by, sizeof by);
    ratls_store_record(tx, r->now, "replaced", r->text, "by %s: %s; %zu certificates revoked", by,
                       r->reason, r->revoked);
    r->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_replace(struct ratls_store *store,
                                      const struct ratls_store_names *names, const uint8_t *by,
                                      const char *reason, int64_t now, size_t *ret_revoked,
                                      enum ratls_store_outcome *ret_outcome,
                                      struct ratls_error *err)
{
    struct replacement r = {.names = names, .by = by, .reason = reason, .now = now};
    enum ratls_status status;

    r.text = ratls_store_join(names);
    if (r.text == NULL || now <= 0)
        status = ratls_fail(err, RATLS_USAGE, "these are no names in their order");
    else
        status = ratls_store_run(store, RATLS_STORE_WRITE, replace, &r, err);
    if (status == RATLS_OK) {
        *ret_revoked = r.revoked;
        *ret_outcome = r.outcome;
    }
    free(r.text);
    return status;
}
