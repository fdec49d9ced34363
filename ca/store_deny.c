/* What gets no certificate. */
#include <stdlib.h>

#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

struct work {
    const char *kind, *value, *reason;
    int64_t now;
    bool is_denied;
    enum ratls_store_outcome outcome;
};

static void deny(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;

    work->outcome = RATLS_STORE_ANSWERED;
    if (ratls_store_do(tx, RATLS_SQL_DENY,
                       RATLS_WITH(ratls_of_text(work->kind), ratls_of_text(work->value),
                                  ratls_of_text(work->reason), ratls_of_number(work->now))) != 1)
        return;
    ratls_store_record(tx, work->now, "denied", work->value, "%s: %s", work->kind, work->reason);
    work->outcome = RATLS_STORE_DONE;
}

static enum ratls_status run(struct ratls_store *store, struct work *work,
                             void (*step)(struct ratls_store_tx *tx, void *arg),
                             enum ratls_store_outcome *ret_outcome, struct ratls_error *err)
{
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_WRITE, step, work, err);

    if (status == RATLS_OK)
        *ret_outcome = work->outcome;
    return status;
}

enum ratls_status ratls_store_deny(struct ratls_store *store,
                                   const struct ratls_store_denial *denial, int64_t now,
                                   enum ratls_store_outcome *ret_outcome, struct ratls_error *err)
{
    struct work work = {denial->kind, denial->value, denial->reason == NULL ? "" : denial->reason,
                        now,          false,         RATLS_STORE_DONE};

    return run(store, &work, deny, ret_outcome, err);
}

static void allow(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;

    work->outcome = RATLS_STORE_UNKNOWN;
    if (ratls_store_do(tx, RATLS_SQL_ALLOW,
                       RATLS_WITH(ratls_of_text(work->kind), ratls_of_text(work->value),
                                  ratls_of_number(work->now))) != 1)
        return;
    ratls_store_record(tx, work->now, "allowed again", work->value, "%s", work->kind);
    work->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_allow_again(struct ratls_store *store, const char *kind,
                                          const char *value, int64_t now,
                                          enum ratls_store_outcome *ret_outcome,
                                          struct ratls_error *err)
{
    struct work work = {kind, value, "", now, false, RATLS_STORE_DONE};

    return run(store, &work, allow, ret_outcome, err);
}

static void look(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;

    work->is_denied = ratls_store_ask_number(
                          tx, RATLS_SQL_COUNT_DENIED,
                          RATLS_WITH(ratls_of_text(work->kind), ratls_of_text(work->value))) > 0;
}

enum ratls_status ratls_store_is_denied(struct ratls_store *store, const char *kind,
                                        const char *value, bool *ret_denied,
                                        struct ratls_error *err)
{
    struct work work = {kind, value, "", 0, true, RATLS_STORE_DONE};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_READ, look, &work, err);

    if (status == RATLS_OK)
        *ret_denied = work.is_denied;
    return status;
}

struct listing {
    bool (*call)(void *arg, const struct ratls_store_denial *denial);
    void *arg;
};

static void list(struct ratls_store_tx *tx, void *arg)
{
    const struct listing *listing = arg;
    bool goes_on = ratls_store_ask(tx, RATLS_SQL_EACH_DENIED, NULL, 0);

    while (goes_on) {
        char *const texts[] = {ratls_store_read_text(tx, 0), ratls_store_read_text(tx, 1),
                               ratls_store_read_text(tx, 2)};
        const struct ratls_store_denial denial = {
            .kind = texts[0],
            .value = texts[1],
            .reason = texts[2],
            .since = ratls_store_read_number(tx, 3, INT64_MAX),
        };

        goes_on = tx->status == RATLS_OK && listing->call(listing->arg, &denial);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            free(texts[i]);
        goes_on = goes_on && ratls_store_next(tx);
    }
    ratls_store_end(tx);
}

enum ratls_status ratls_store_each_denied(struct ratls_store *store,
                                          bool (*call)(void *arg,
                                                       const struct ratls_store_denial *denial),
                                          void *arg, struct ratls_error *err)
{
    struct listing listing = {call, arg};

    return ratls_store_run(store, RATLS_STORE_READ, list, &listing, err);
}
