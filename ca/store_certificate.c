/* Certificates that were issued, and their revocation. */
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

/* As the columns of RATLS_SQL_CERTIFICATE. */
enum column { SERIAL, ISSUER, EK, AK, NAMES, NOT_BEFORE, NOT_AFTER, REVOKED, REASON, DER };

/* RFC 5280, 5.3.1 */
#define REASON_MAX 10
#define KEY_COMPROMISE 1

static const struct {
    const char *list, *count, *revoke, *end;
} by_texts[] = {
    [RATLS_STORE_BY_ALL] = {RATLS_SQL_LIST(RATLS_SQL_BY_ALL), NULL, NULL, NULL},
    [RATLS_STORE_BY_SERIAL] = {RATLS_SQL_LIST(RATLS_SQL_BY_SERIAL),
                               RATLS_SQL_COUNT(RATLS_SQL_BY_SERIAL),
                               RATLS_SQL_REVOKE(RATLS_SQL_BY_SERIAL),
                               RATLS_SQL_END_AKS(RATLS_SQL_BY_SERIAL)},
    [RATLS_STORE_BY_NAME] = {RATLS_SQL_LIST(RATLS_SQL_BY_NAME), RATLS_SQL_COUNT(RATLS_SQL_BY_NAME),
                             RATLS_SQL_REVOKE(RATLS_SQL_BY_NAME),
                             RATLS_SQL_END_AKS(RATLS_SQL_BY_NAME)},
    [RATLS_STORE_BY_AK] = {RATLS_SQL_LIST(RATLS_SQL_BY_AK), RATLS_SQL_COUNT(RATLS_SQL_BY_AK),
                           RATLS_SQL_REVOKE(RATLS_SQL_BY_AK), RATLS_SQL_END_AK},
    [RATLS_STORE_BY_EK] = {RATLS_SQL_LIST(RATLS_SQL_BY_EK), RATLS_SQL_COUNT(RATLS_SQL_BY_EK),
                           RATLS_SQL_REVOKE(RATLS_SQL_BY_EK), RATLS_SQL_END_EK},
    [RATLS_STORE_BY_ISSUER] = {RATLS_SQL_LIST(RATLS_SQL_BY_ISSUER), NULL, NULL, NULL},
};

void ratls_store_certificate_done(struct ratls_store_certificate *certificate)
{
    free(certificate->names);
    free(certificate->der);
    *certificate = (struct ratls_store_certificate){0};
}

static void read_certificate(struct ratls_store_tx *tx, struct ratls_store_certificate *ret)
{
    ret->serial_len = ratls_store_read_hex_upto(tx, SERIAL, ret->serial, sizeof ret->serial);
    ratls_store_read_hex(tx, ISSUER, ret->issuer_sha256, sizeof ret->issuer_sha256);
    ratls_store_read_hex(tx, EK, ret->ek_sha256, sizeof ret->ek_sha256);
    ret->ak_name_len = ratls_store_read_hex_upto(tx, AK, ret->ak_name, sizeof ret->ak_name);
    ret->names = ratls_store_read_text(tx, NAMES);
    ret->not_before = ratls_store_read_number(tx, NOT_BEFORE, INT64_MAX);
    ret->not_after = ratls_store_read_number(tx, NOT_AFTER, INT64_MAX);
    ret->revoked = ratls_store_read_number(tx, REVOKED, INT64_MAX);
    ret->reason = (unsigned)ratls_store_read_number(tx, REASON, REASON_MAX);
    ret->der = ratls_store_read_base64(tx, DER, &ret->der_len);
}

struct search {
    const char *sql;
    struct ratls_store_value key;
    struct ratls_store_certificate found;
    enum ratls_store_outcome outcome;
};

static void find(struct ratls_store_tx *tx, void *arg)
{
    struct search *search = arg;

    ratls_store_certificate_done(&search->found);
    search->outcome = RATLS_STORE_UNKNOWN;
    if (!ratls_store_ask(tx, search->sql, &search->key, 1))
        return;
    read_certificate(tx, &search->found);
    ratls_store_end(tx);
    search->outcome = RATLS_STORE_DONE;
}

static enum ratls_status run_search(struct ratls_store *store, struct search *search,
                                    struct ratls_store_certificate *ret_certificate,
                                    enum ratls_store_outcome *ret_outcome, struct ratls_error *err)
{
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_READ, find, search, err);

    if (status != RATLS_OK) {
        ratls_store_certificate_done(&search->found);
        return status;
    }
    *ret_certificate = search->found;
    *ret_outcome = search->outcome;
    return RATLS_OK;
}

enum ratls_status ratls_store_result(struct ratls_store *store,
                                     const uint8_t id[static RATLS_STORE_ID_LEN],
                                     struct ratls_store_certificate *ret_certificate,
                                     enum ratls_store_outcome *ret_outcome, struct ratls_error *err)
{
    struct search search = {.sql = RATLS_SQL_CERTIFICATE("c.der", RATLS_SQL_BY_CHALLENGE),
                            .key = ratls_of_hex(id, RATLS_STORE_ID_LEN)};

    return run_search(store, &search, ret_certificate, ret_outcome, err);
}

enum ratls_status ratls_store_find_certificate(struct ratls_store *store, struct ratls_slice serial,
                                               struct ratls_store_certificate *ret_certificate,
                                               enum ratls_store_outcome *ret_outcome,
                                               struct ratls_error *err)
{
    struct search search = {.sql = RATLS_SQL_CERTIFICATE("c.der", RATLS_SQL_BY_SERIAL),
                            .key = ratls_of_hex(serial.p, serial.len)};

    return run_search(store, &search, ret_certificate, ret_outcome, err);
}

static struct ratls_store_value key_of(enum ratls_store_by by, struct ratls_slice value)
{
    if (by == RATLS_STORE_BY_NAME)
        return ratls_of_name(value);
    return ratls_of_hex(value.p, by == RATLS_STORE_BY_ALL ? 0 : value.len);
}

struct listing {
    const struct ratls_store_filter *filter;
    bool (*call)(void *arg, const struct ratls_store_certificate *certificate);
    void *arg;
};

static void list(struct ratls_store_tx *tx, void *arg)
{
    const struct listing *listing = arg;
    const struct ratls_store_filter *filter = listing->filter;
    bool goes_on = ratls_store_ask(
        tx, by_texts[filter->by].list,
        RATLS_WITH(key_of(filter->by, filter->value), ratls_of_number(filter->only_revoked),
                   ratls_of_number(filter->valid_from), ratls_of_number(filter->valid_until)));

    while (goes_on) {
        struct ratls_store_certificate certificate = {0};

        read_certificate(tx, &certificate);
        goes_on = tx->status == RATLS_OK && listing->call(listing->arg, &certificate);
        ratls_store_certificate_done(&certificate);
        goes_on = goes_on && ratls_store_next(tx);
    }
    ratls_store_end(tx);
}

enum ratls_status
ratls_store_list(struct ratls_store *store, const struct ratls_store_filter *filter,
                 bool (*call)(void *arg, const struct ratls_store_certificate *certificate),
                 void *arg, struct ratls_error *err)
{
    struct listing listing = {filter, call, arg};

    return ratls_store_run(store, RATLS_STORE_READ, list, &listing, err);
}

enum ratls_status
ratls_store_each_revoked(struct ratls_store *store, const uint8_t issuer_sha256[static 32],
                         int64_t valid_from,
                         bool (*call)(void *arg, const struct ratls_store_certificate *certificate),
                         void *arg, struct ratls_error *err)
{
    const struct ratls_store_filter filter = {.by = RATLS_STORE_BY_ISSUER,
                                              .value = ratls_slice(issuer_sha256, 32),
                                              .only_revoked = true,
                                              .valid_from = valid_from};

    return ratls_store_list(store, &filter, call, arg, err);
}

struct revocation {
    enum ratls_store_by by;
    struct ratls_slice value;
    unsigned reason;
    int64_t now;
    size_t count;
    enum ratls_store_outcome outcome;
};

static void record_revocation(struct ratls_store_tx *tx, const struct revocation *r, size_t ended)
{
    static const char *const kinds[] = {"", "serial ", "", "ak:", "ek:", ""};
    char hex[2 * 66 + 1], subject[sizeof hex + 255];

    ratls_hex(r->value, hex, sizeof hex);
    if (r->by == RATLS_STORE_BY_NAME)
        (void)snprintf(subject, sizeof subject, "%.*s", (int)r->value.len,
                       (const char *)r->value.p);
    else
        (void)snprintf(subject, sizeof subject, "%s%s", kinds[r->by], hex);
    ratls_store_record(tx, r->now, "revoked", subject,
                       "reason %u; %zu certificates, %zu attestation keys", r->reason, r->count,
                       ended);
}

/* A key that was named, and one that others have: another certificate of it would be as bad. */
static bool ends_keys(const struct revocation *r)
{
    return r->by == RATLS_STORE_BY_AK || r->by == RATLS_STORE_BY_EK || r->reason == KEY_COMPROMISE;
}

static void revoke(struct ratls_store_tx *tx, void *arg)
{
    struct revocation *r = arg;
    const struct ratls_store_value key = key_of(r->by, r->value);
    const struct ratls_store_value now = ratls_of_number(r->now);
    size_t ended = 0;

    r->count = 0;
    r->outcome = RATLS_STORE_UNKNOWN;
    if (ratls_store_ask_number(tx, by_texts[r->by].count, &key, 1) == 0)
        return;
    r->count = ratls_store_do(tx, by_texts[r->by].revoke,
                              RATLS_WITH(key, now, ratls_of_number((int64_t)r->reason)));
    if (ends_keys(r))
        ended = ratls_store_do(tx, by_texts[r->by].end, RATLS_WITH(key, now));
    if (r->count > 0 || ended > 0)
        record_revocation(tx, r, ended);
    r->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_revoke(struct ratls_store *store, enum ratls_store_by by,
                                     struct ratls_slice value, unsigned reason, int64_t now,
                                     size_t *ret_count, enum ratls_store_outcome *ret_outcome,
                                     struct ratls_error *err)
{
    struct revocation r = {.by = by, .value = value, .reason = reason, .now = now};
    enum ratls_status status;

    if (by_texts[by].revoke == NULL || reason > REASON_MAX || now <= 0)
        return ratls_fail(err, RATLS_USAGE, "certificates that cannot be revoked so");
    status = ratls_store_run(store, RATLS_STORE_WRITE, revoke, &r, err);
    if (status != RATLS_OK)
        return status;
    *ret_count = r.count;
    *ret_outcome = r.outcome;
    return RATLS_OK;
}
