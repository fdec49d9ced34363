/* Requests and their challenges. */
#include <stdlib.h>

#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

#define NAME_LEN_MAX 253 /* of a DNS name: RFC 1035, 2.3.4 */

/* As the columns of RATLS_SQL_ENTRY. */
enum column {
    STATE,
    SHA256,
    EK,
    BODY,
    AT,
    NAMES,
    DECIDED_BY,
    REASON,
    ID,
    CHALLENGE,
    ANSWER_KEY,
    EXPIRES,
    ANSWERED,
};

void ratls_store_entry_done(struct ratls_store_entry *entry)
{
    free(entry->body);
    free(entry->names);
    free(entry->decided_by);
    free(entry->reason);
    free(entry->challenge);
    explicit_bzero(entry, sizeof *entry); /* the answer key */
}

static bool is_name(struct ratls_slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == '\\')
            return false;
    return name.len > 0 && name.len <= NAME_LEN_MAX;
}

/* Bytewise, as memcmp(), and the shorter one first. */
static bool is_before(struct ratls_slice a, struct ratls_slice b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

    return order < 0 || (order == 0 && a.len < b.len);
}

char *ratls_store_join(const struct ratls_store_names *names)
{
    const size_t size = RATLS_STORE_NAMES_MAX * (NAME_LEN_MAX + 1);
    char *text = NULL;
    struct ratls_writer w;

    if (names->count == 0 || names->count > RATLS_STORE_NAMES_MAX)
        return NULL;
    for (size_t i = 0; i < names->count; i++)
        if (!is_name(names->p[i]) || (i > 0 && !is_before(names->p[i - 1], names->p[i])))
            return NULL;
    text = malloc(size);
    if (text == NULL)
        return NULL;
    w = ratls_writer((uint8_t *)text, size);
    for (size_t i = 0; i < names->count; i++) {
        ratls_write_bytes(&w, names->p[i]);
        ratls_write_u8(&w, i + 1 < names->count ? ' ' : '\0');
    }
    return text;
}

static void read_entry(struct ratls_store_tx *tx, int64_t now, struct ratls_store_entry *ret)
{
    ret->state =
        (enum ratls_store_state)ratls_store_read_number(tx, STATE, (int64_t)RATLS_STORE_EXPIRED);
    ratls_store_read_hex(tx, SHA256, ret->request_sha256, sizeof ret->request_sha256);
    ratls_store_read_hex(tx, EK, ret->ek_sha256, sizeof ret->ek_sha256);
    ret->body = ratls_store_read_base64(tx, BODY, &ret->body_len);
    ret->at = ratls_store_read_number(tx, AT, INT64_MAX);
    ret->names = ratls_store_read_text(tx, NAMES);
    ret->decided_by = ratls_store_read_text(tx, DECIDED_BY);
    ret->reason = ratls_store_read_text(tx, REASON);
    ret->has_challenge = !ratls_store_is_null(tx, ID);
    if (!ret->has_challenge)
        return;
    ratls_store_read_hex(tx, ID, ret->id, sizeof ret->id);
    ret->challenge = ratls_store_read_base64(tx, CHALLENGE, &ret->challenge_len);
    ratls_store_read_hex(tx, ANSWER_KEY, ret->answer_key, sizeof ret->answer_key);
    ret->expires = ratls_store_read_number(tx, EXPIRES, INT64_MAX);
    ret->answered = ratls_store_read_number(tx, ANSWERED, INT64_MAX);
    if (ret->state == RATLS_STORE_CHALLENGED && ret->expires <= now)
        ret->state = RATLS_STORE_EXPIRED;
}

/* One call of any of them. */
struct work {
    const struct ratls_store_request *request;
    char *names;
    const char *sql;
    struct ratls_store_value key;
    int64_t now;
    struct ratls_store_entry entry;
    enum ratls_store_outcome outcome;
};

static bool find(struct ratls_store_tx *tx, struct work *work)
{
    ratls_store_entry_done(&work->entry);
    if (!ratls_store_ask(tx, work->sql, &work->key, 1))
        return false;
    read_entry(tx, work->now, &work->entry);
    ratls_store_end(tx);
    return true;
}

static void find_step(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;

    work->outcome = find(tx, work) ? RATLS_STORE_DONE : RATLS_STORE_UNKNOWN;
}

static enum ratls_status end_work(struct work *work, enum ratls_status status,
                                  struct ratls_store_entry *ret_entry,
                                  enum ratls_store_outcome *ret_outcome)
{
    if (status == RATLS_OK) {
        *ret_entry = work->entry;
        *ret_outcome = work->outcome;
        explicit_bzero(&work->entry, sizeof work->entry);
    } else {
        ratls_store_entry_done(&work->entry);
    }
    return status;
}

enum ratls_status ratls_store_find_request(struct ratls_store *store,
                                           const uint8_t sha256[static 32], int64_t now,
                                           struct ratls_store_entry *ret_entry,
                                           enum ratls_store_outcome *ret_outcome,
                                           struct ratls_error *err)
{
    struct work work = {.sql = RATLS_SQL_FIND_REQUEST, .key = ratls_of_hex(sha256, 32), .now = now};

    return end_work(&work, ratls_store_run(store, RATLS_STORE_READ, find_step, &work, err),
                    ret_entry, ret_outcome);
}

enum ratls_status ratls_store_find_challenge(struct ratls_store *store,
                                             const uint8_t id[static RATLS_STORE_ID_LEN],
                                             int64_t now, struct ratls_store_entry *ret_entry,
                                             enum ratls_store_outcome *ret_outcome,
                                             struct ratls_error *err)
{
    struct work work = {
        .sql = RATLS_SQL_FIND_CHALLENGE, .key = ratls_of_hex(id, RATLS_STORE_ID_LEN), .now = now};

    return end_work(&work, ratls_store_run(store, RATLS_STORE_READ, find_step, &work, err),
                    ret_entry, ret_outcome);
}

static void add_challenge(struct ratls_store_tx *tx, const uint8_t request_sha256[static 32],
                          const struct ratls_store_new_challenge *challenge)
{
    ratls_store_do_one(tx, RATLS_SQL_ADD_CHALLENGE,
                       RATLS_WITH(ratls_of_hex(challenge->id, sizeof challenge->id),
                                  ratls_of_hex(request_sha256, 32),
                                  ratls_of_base64(challenge->challenge),
                                  ratls_of_hex(challenge->answer_key, sizeof challenge->answer_key),
                                  ratls_of_number(challenge->expires)));
}

static void add_request(struct ratls_store_tx *tx, const struct work *work, bool has_record)
{
    const struct ratls_store_request *r = work->request;
    const bool waits = r->challenge == NULL;
    char subject[65];

    ratls_hex(ratls_slice(r->sha256, 32), subject, sizeof subject);
    ratls_store_do_one(
        tx, RATLS_SQL_ADD_REQUEST,
        RATLS_WITH(ratls_of_hex(r->sha256, 32), ratls_of_base64(r->body),
                   ratls_of_hex(r->ek_sha256, 32), ratls_of_hex(r->ak_name.p, r->ak_name.len),
                   ratls_of_text(work->names), ratls_of_hex(r->token_id.p, r->token_id.len),
                   ratls_of_number(waits ? RATLS_STORE_WAITING : RATLS_STORE_CHALLENGED),
                   ratls_of_number(work->now), ratls_of_text(r->decided_by)));
    if (!waits)
        add_challenge(tx, r->sha256, r->challenge);
    if (has_record)
        ratls_store_record(tx, work->now, waits ? "waiting" : "challenged", subject, "%s; by %s",
                           work->names, r->decided_by);
}

/* Whether one more may wait. */
static bool has_room(struct ratls_store_tx *tx, const struct ratls_store_request *r)
{
    const size_t max = r->waiting_max, per_ek = r->waiting_per_ek_max;

    return (max == 0 ||
            ratls_store_ask_number(tx, RATLS_SQL_COUNT_WAITING, NULL, 0) < (int64_t)max) &&
           (per_ek == 0 ||
            ratls_store_ask_number(tx, RATLS_SQL_COUNT_WAITING_OF_EK,
                                   RATLS_WITH(ratls_of_hex(r->ek_sha256, sizeof r->ek_sha256))) <
                (int64_t)per_ek);
}

static void put_step(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;
    bool has_record;

    work->outcome = RATLS_STORE_ANSWERED;
    if (find(tx, work) || tx->status != RATLS_OK)
        return;
    /* Of those that wait there are only a few. */
    has_record =
        work->request->challenge == NULL || ratls_store_has_record(tx, work->request->ek_sha256);
    work->outcome = RATLS_STORE_FULL;
    if (!(work->request->challenge == NULL ? has_room(tx, work->request)
                                           : ratls_store_make_room(tx, work->request, work->now)))
        return;
    add_request(tx, work, has_record);
    work->outcome = RATLS_STORE_DONE;
    (void)find(tx, work);
}

enum ratls_status ratls_store_put_request(struct ratls_store *store,
                                          const struct ratls_store_request *request, int64_t now,
                                          struct ratls_store_entry *ret_entry,
                                          enum ratls_store_outcome *ret_outcome,
                                          struct ratls_error *err)
{
    struct work work = {.request = request,
                        .sql = RATLS_SQL_FIND_REQUEST,
                        .key = ratls_of_hex(request->sha256, 32),
                        .now = now};
    enum ratls_status status;

    work.names = ratls_store_join(&request->names);
    if (work.names == NULL || now <= 0 ||
        (request->token_id.len != 0 && request->token_id.len != RATLS_STORE_TOKEN_ID_LEN))
        status = ratls_fail(err, RATLS_USAGE, "these are no names in their order, or no token");
    else
        status = end_work(&work, ratls_store_run(store, RATLS_STORE_WRITE, put_step, &work, err),
                          ret_entry, ret_outcome);
    free(work.names);
    return status;
}

struct waiting {
    int64_t now;
    bool (*call)(void *arg, const struct ratls_store_entry *entry);
    void *arg;
};

static void each_waiting(struct ratls_store_tx *tx, void *arg)
{
    const struct waiting *waiting = arg;
    bool goes_on = ratls_store_ask(tx, RATLS_SQL_EACH_WAITING, NULL, 0);

    while (goes_on) {
        struct ratls_store_entry entry = {0};

        read_entry(tx, waiting->now, &entry);
        goes_on = tx->status == RATLS_OK && waiting->call(waiting->arg, &entry);
        ratls_store_entry_done(&entry);
        goes_on = goes_on && ratls_store_next(tx);
    }
    ratls_store_end(tx);
}

enum ratls_status ratls_store_each_waiting(struct ratls_store *store, int64_t now,
                                           bool (*call)(void *arg,
                                                        const struct ratls_store_entry *entry),
                                           void *arg, struct ratls_error *err)
{
    struct waiting waiting = {now, call, arg};

    return ratls_store_run(store, RATLS_STORE_READ, each_waiting, &waiting, err);
}

struct choice {
    const struct ratls_store_decision *decision;
    int64_t now;
    enum ratls_store_outcome outcome;
};

static void decide(struct ratls_store_tx *tx, void *arg)
{
    struct choice *choice = arg;
    const struct ratls_store_decision *d = choice->decision;
    const struct ratls_store_value key = ratls_of_hex(d->request_sha256, 32);
    const bool approves = d->challenge != NULL;
    char subject[65];

    choice->outcome = RATLS_STORE_UNKNOWN;
    if (!ratls_store_ask(tx, RATLS_SQL_FIND_REQUEST, &key, 1))
        return;
    ratls_store_end(tx);
    choice->outcome = RATLS_STORE_ANSWERED;
    if (ratls_store_do(
            tx, RATLS_SQL_DECIDE,
            RATLS_WITH(key, ratls_of_number(approves ? RATLS_STORE_CHALLENGED : RATLS_STORE_FAILED),
                       ratls_of_text(d->who), ratls_of_text(d->reason))) != 1)
        return;
    if (approves)
        add_challenge(tx, d->request_sha256, d->challenge);
    ratls_hex(ratls_slice(d->request_sha256, 32), subject, sizeof subject);
    ratls_store_record(tx, choice->now, approves ? "approved" : "refused", subject, "by %s: %s",
                       d->who, d->reason);
    choice->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_decide(struct ratls_store *store,
                                     const struct ratls_store_decision *decision, int64_t now,
                                     enum ratls_store_outcome *ret_outcome, struct ratls_error *err)
{
    struct choice choice = {.decision = decision, .now = now};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_WRITE, decide, &choice, err);

    if (status == RATLS_OK)
        *ret_outcome = choice.outcome;
    return status;
}

struct sweep {
    int64_t before, waiting_before, now;
};

static void sweep_away(struct ratls_store_tx *tx, void *arg)
{
    const struct sweep *sweep = arg;
    size_t challenges =
        ratls_store_do(tx, RATLS_SQL_SWEEP_CHALLENGES,
                       RATLS_WITH(ratls_of_number(sweep->before), ratls_of_number(sweep->now)));
    size_t requests = ratls_store_do(
        tx, RATLS_SQL_SWEEP_REQUESTS,
        RATLS_WITH(ratls_of_number(sweep->before), ratls_of_number(sweep->waiting_before)));

    if (requests > 0 || challenges > 0)
        ratls_store_record(tx, sweep->now, "swept", "", "%zu requests, %zu challenges", requests,
                           challenges);
}

enum ratls_status ratls_store_sweep(struct ratls_store *store, int64_t before,
                                    int64_t waiting_before, int64_t now, struct ratls_error *err)
{
    struct sweep sweep = {before, waiting_before, now};

    return ratls_store_run(store, RATLS_STORE_WRITE, sweep_away, &sweep, err);
}
