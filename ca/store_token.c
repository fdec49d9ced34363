/* Tokens, each good for some enrolments. */
#include <stdlib.h>

#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

struct work {
    const struct ratls_store_token *given;
    const uint8_t *id;
    struct ratls_store_token found;
    int64_t now;
    enum ratls_store_outcome outcome;
};

void ratls_store_token_done(struct ratls_store_token *token)
{
    free(token->names);
    free(token->note);
    explicit_bzero(token, sizeof *token);
}

static void read_token(struct ratls_store_tx *tx, struct ratls_store_token *ret)
{
    size_t ek_len;

    ratls_store_read_hex(tx, 0, ret->id, sizeof ret->id);
    ratls_store_read_hex(tx, 1, ret->key, sizeof ret->key);
    ret->names = ratls_store_read_text(tx, 2);
    ek_len = ratls_store_read_hex_upto(tx, 3, ret->ek_sha256, sizeof ret->ek_sha256);
    ret->has_ek = ek_len == sizeof ret->ek_sha256;
    ret->uses_left = ratls_store_read_number(tx, 4, INT64_MAX);
    ret->expires = ratls_store_read_number(tx, 5, INT64_MAX);
    ret->note = ratls_store_read_text(tx, 6);
}

static void find(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;

    ratls_store_token_done(&work->found);
    work->outcome = RATLS_STORE_UNKNOWN;
    if (!ratls_store_ask(tx, RATLS_SQL_FIND_TOKEN,
                         RATLS_WITH(ratls_of_hex(work->id, RATLS_STORE_TOKEN_ID_LEN))))
        return;
    read_token(tx, &work->found);
    ratls_store_end(tx);
    work->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_find_token(struct ratls_store *store,
                                         const uint8_t id[static RATLS_STORE_TOKEN_ID_LEN],
                                         struct ratls_store_token *ret_token,
                                         enum ratls_store_outcome *ret_outcome,
                                         struct ratls_error *err)
{
    struct work work = {.id = id};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_READ, find, &work, err);

    if (status == RATLS_OK) {
        *ret_token = work.found;
        *ret_outcome = work.outcome;
    } else {
        ratls_store_token_done(&work.found);
    }
    return status;
}

static void add(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;
    const struct ratls_store_token *token = work->given;
    char subject[2 * RATLS_STORE_TOKEN_ID_LEN + 1];

    work->outcome = RATLS_STORE_ANSWERED;
    if (ratls_store_do(
            tx, RATLS_SQL_ADD_TOKEN,
            RATLS_WITH(ratls_of_hex(token->id, sizeof token->id),
                       ratls_of_hex(token->key, sizeof token->key), ratls_of_text(token->names),
                       ratls_of_hex(token->ek_sha256, token->has_ek ? 32 : 0),
                       ratls_of_number(token->uses_left), ratls_of_number(token->expires),
                       ratls_of_text(token->note))) != 1)
        return;
    ratls_hex(ratls_slice(token->id, sizeof token->id), subject, sizeof subject);
    ratls_store_record(tx, work->now, "token", subject, "%lld uses; %s; %s",
                       (long long)token->uses_left, token->names,
                       token->note == NULL ? "" : token->note);
    work->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_add_token(struct ratls_store *store,
                                        const struct ratls_store_token *token, int64_t now,
                                        enum ratls_store_outcome *ret_outcome,
                                        struct ratls_error *err)
{
    struct work work = {.given = token, .now = now};
    enum ratls_status status;

    if (token->names == NULL || token->uses_left < 1 || token->expires <= now || now <= 0)
        return ratls_fail(err, RATLS_USAGE, "a token that would be good for nothing");
    status = ratls_store_run(store, RATLS_STORE_WRITE, add, &work, err);
    if (status == RATLS_OK)
        *ret_outcome = work.outcome;
    return status;
}

static void revoke(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;
    const struct ratls_store_value id = ratls_of_hex(work->id, RATLS_STORE_TOKEN_ID_LEN);
    char subject[2 * RATLS_STORE_TOKEN_ID_LEN + 1];

    work->outcome = RATLS_STORE_UNKNOWN;
    if (ratls_store_ask_number(tx, RATLS_SQL_COUNT_TOKEN, &id, 1) == 0)
        return;
    work->outcome = RATLS_STORE_ANSWERED;
    if (ratls_store_do(tx, RATLS_SQL_END_TOKEN, &id, 1) != 1)
        return;
    ratls_hex(ratls_slice(work->id, RATLS_STORE_TOKEN_ID_LEN), subject, sizeof subject);
    ratls_store_record(tx, work->now, "token revoked", subject, "%s", "");
    work->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_revoke_token(struct ratls_store *store,
                                           const uint8_t id[static RATLS_STORE_TOKEN_ID_LEN],
                                           int64_t now, enum ratls_store_outcome *ret_outcome,
                                           struct ratls_error *err)
{
    struct work work = {.id = id, .now = now};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_WRITE, revoke, &work, err);

    if (status == RATLS_OK)
        *ret_outcome = work.outcome;
    return status;
}

struct listing {
    bool (*call)(void *arg, const struct ratls_store_token *token);
    void *arg;
};

static void list(struct ratls_store_tx *tx, void *arg)
{
    const struct listing *listing = arg;
    bool goes_on = ratls_store_ask(tx, RATLS_SQL_EACH_TOKEN, NULL, 0);

    while (goes_on) {
        struct ratls_store_token token = {.names = NULL};

        read_token(tx, &token);
        goes_on = tx->status == RATLS_OK && listing->call(listing->arg, &token);
        ratls_store_token_done(&token);
        goes_on = goes_on && ratls_store_next(tx);
    }
    ratls_store_end(tx);
}

enum ratls_status ratls_store_each_token(struct ratls_store *store,
                                         bool (*call)(void *arg,
                                                      const struct ratls_store_token *token),
                                         void *arg, struct ratls_error *err)
{
    struct listing listing = {call, arg};

    return ratls_store_run(store, RATLS_STORE_READ, list, &listing, err);
}
