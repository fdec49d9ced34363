#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto.h"
#include "fail.h"
#include "store_query.h"
#include "store_schema.h"
#include "store_sql.h"

#define TRIES 8
#define PAUSE_MS                                                                                   \
    4 /* before the second try; twice as long before each further one, and by chance               \
       */

struct ratls_store {
    char *where;
    const struct ratls_store_engine *engine;
    struct ratls_store_link *link;
    struct ratls_store_link *of_parent; /* inherited by a fork: not even closed */
    pid_t process;                      /* of link */
};

static bool is_postgresql(const char *where)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"}; /* as libpq has them */

    return strncmp(where, schemes[0], strlen(schemes[0])) == 0 ||
           strncmp(where, schemes[1], strlen(schemes[1])) == 0;
}

static void disconnect(struct ratls_store *store)
{
    if (store->link != NULL)
        store->engine->disconnect(store->link);
    store->link = NULL;
}

static void run_step(struct ratls_store *store, enum ratls_store_access access,
                     void (*step)(struct ratls_store_tx *tx, void *arg), void *arg,
                     struct ratls_store_tx *tx)
{
    tx->engine = store->engine;
    tx->link = store->link;
    tx->status = store->engine->begin(store->link, access, tx->err);
    if (tx->status == RATLS_OK)
        step(tx, arg);
}

static enum ratls_status connect_own(struct ratls_store *store, struct ratls_error *err)
{
    struct ratls_store_tx tx = {.err = err};
    enum ratls_status status;

    if (store->link != NULL && store->process != getpid()) {
        store->of_parent = store->link;
        store->link = NULL;
    }
    if (store->link != NULL)
        return RATLS_OK;
    status = store->engine->connect(store->where, &store->link, err);
    if (status != RATLS_OK)
        return status;
    store->process = getpid();
    run_step(store, RATLS_STORE_SETUP, ratls_store_set_up, NULL, &tx);
    if (tx.status == RATLS_OK)
        tx.status = store->engine->commit(store->link, err);
    if (tx.status != RATLS_OK)
        disconnect(store);
    return tx.status;
}

/* Whether a commit without an answer was done. To be let in as a writer is to know that it ended.
 */
static enum ratls_status find_record(struct ratls_store *store, const uint8_t sha256[static 32],
                                     bool *ret_found, struct ratls_error *err)
{
    struct ratls_store_tx tx = {.engine = store->engine, .err = err};
    enum ratls_status status = connect_own(store, err);

    if (status != RATLS_OK)
        return status;
    tx.link = store->link;
    tx.status = store->engine->begin(store->link, RATLS_STORE_WRITE, err);
    *ret_found = ratls_store_ask_number(&tx, RATLS_SQL_COUNT_RECORD,
                                        RATLS_WITH(ratls_of_hex(sha256, 32))) > 0;
    disconnect(store);
    return tx.status;
}

/* RATLS_OK and *ret_again: nothing was done, and it can be tried again. */
static enum ratls_status try_once(struct ratls_store *store, enum ratls_store_access access,
                                  void (*step)(struct ratls_store_tx *tx, void *arg), void *arg,
                                  bool *ret_again, struct ratls_error *err)
{
    struct ratls_store_tx tx = {.err = err};
    enum ratls_store_trouble trouble;
    bool was_at_commit = false, is_done = false;
    enum ratls_status status = connect_own(store, err);

    if (status != RATLS_OK)
        return status;
    run_step(store, access, step, arg, &tx);
    was_at_commit = tx.status == RATLS_OK;
    if (was_at_commit)
        tx.status = store->engine->commit(store->link, err);
    if (tx.status == RATLS_OK)
        return RATLS_OK;
    trouble = store->engine->trouble(store->link);
    disconnect(store); /* which takes back what was begun */
    *ret_again = trouble == RATLS_STORE_CONFLICT;
    if (!was_at_commit || !tx.is_recorded || trouble != RATLS_STORE_LOST)
        return tx.status;
    if (err != NULL)
        *err = (struct ratls_error){0};
    if (find_record(store, tx.recorded, &is_done, NULL) != RATLS_OK)
        return ratls_fail(
            err, RATLS_IO,
            "the connection to the store was lost at the end, and whether it was done "
            "is not known: ask again");
    *ret_again = !is_done;
    return is_done ? RATLS_OK : tx.status;
}

static void pause_by_chance(unsigned try)
{
    const unsigned max_ms = PAUSE_MS << try;
    struct timespec t = {0, (long)max_ms * 1000000 / 2};
    uint8_t chance = 0;

    if (ratls_random(&chance, sizeof chance, NULL) == RATLS_OK)
        t.tv_nsec += (long)max_ms * 1000000 / 2 * chance / UINT8_MAX;
    (void)nanosleep(&t, NULL);
}

enum ratls_status ratls_store_run(struct ratls_store *store, enum ratls_store_access access,
                                  void (*step)(struct ratls_store_tx *tx, void *arg), void *arg,
                                  struct ratls_error *err)
{
    struct ratls_error last = {0};
    enum ratls_status status = RATLS_OK;
    bool again = true;

    for (unsigned try = 0; again && try < TRIES; try++) {
        if (try > 0)
            pause_by_chance(try);
        again = false;
        last = (struct ratls_error){0};
        status = try_once(store, access, step, arg, &again, &last);
    }
    if (status != RATLS_OK)
        (void)ratls_fail(err, status, "%s",
                         last.text[0] != '\0' ? last.text : "the store could not do it; try again");
    return status;
}

enum ratls_status ratls_store_open(const char *where, struct ratls_store **ret_store,
                                   struct ratls_error *err)
{
    struct ratls_store *store = calloc(1, sizeof *store);
    enum ratls_status status = RATLS_OK;

    if (store != NULL)
        store->where = strdup(where);
    if (store == NULL || store->where == NULL) {
        free(store);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    store->engine = is_postgresql(where) ? &ratls_store_postgresql : &ratls_store_sqlite;
    status = connect_own(store, err);
    if (status == RATLS_OK)
        *ret_store = store;
    else
        ratls_store_close(store);
    return status;
}

void ratls_store_close(struct ratls_store *store)
{
    if (store == NULL)
        return;
    if (store->process == getpid())
        disconnect(store);
    free(store->where);
    free(store);
}
