/* Revocation lists, each with the number after the last. */
#include <stdio.h>
#include <stdlib.h>

#include "store_query.h"
#include "store_sql.h"

struct work {
    const uint8_t *issuer_sha256;
    struct ratls_store_crl found;
    const struct ratls_store_crl *given;
    int64_t now;
    enum ratls_store_outcome outcome;
};

void ratls_store_crl_done(struct ratls_store_crl *crl)
{
    free(crl->der);
    *crl = (struct ratls_store_crl){0};
}

static void find_last(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;

    ratls_store_crl_done(&work->found);
    work->outcome = RATLS_STORE_UNKNOWN;
    if (!ratls_store_ask(tx, RATLS_SQL_LAST_CRL, RATLS_WITH(ratls_of_hex(work->issuer_sha256, 32))))
        return;
    work->found.number = ratls_store_read_number(tx, 0, INT64_MAX);
    work->found.this_update = ratls_store_read_number(tx, 1, INT64_MAX);
    work->found.next_update = ratls_store_read_number(tx, 2, INT64_MAX);
    work->found.der = ratls_store_read_base64(tx, 3, &work->found.len);
    ratls_store_end(tx);
    work->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_last_crl(struct ratls_store *store,
                                       const uint8_t issuer_sha256[static 32],
                                       struct ratls_store_crl *ret_crl,
                                       enum ratls_store_outcome *ret_outcome,
                                       struct ratls_error *err)
{
    struct work work = {.issuer_sha256 = issuer_sha256};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_READ, find_last, &work, err);

    if (status == RATLS_OK) {
        *ret_crl = work.found;
        *ret_outcome = work.outcome;
    } else {
        ratls_store_crl_done(&work.found);
    }
    return status;
}

static void put(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;
    const struct ratls_store_crl *crl = work->given;
    const struct ratls_store_value issuer = ratls_of_hex(work->issuer_sha256, 32);
    char subject[65];

    work->outcome = RATLS_STORE_ANSWERED;
    if (ratls_store_ask_number(tx, RATLS_SQL_LAST_CRL_NUMBER, &issuer, 1) != crl->number - 1)
        return;
    ratls_store_do_one(tx, RATLS_SQL_ADD_CRL,
                       RATLS_WITH(issuer, ratls_of_number(crl->number),
                                  ratls_of_number(crl->this_update),
                                  ratls_of_number(crl->next_update),
                                  ratls_of_base64(ratls_slice(crl->der, crl->len))));
    ratls_hex(ratls_slice(work->issuer_sha256, 32), subject, sizeof subject);
    ratls_store_record(tx, work->now, "crl", subject, "number %lld", (long long)crl->number);
    work->outcome = RATLS_STORE_DONE;
}

enum ratls_status ratls_store_put_crl(struct ratls_store *store,
                                      const uint8_t issuer_sha256[static 32],
                                      const struct ratls_store_crl *crl, int64_t now,
                                      enum ratls_store_outcome *ret_outcome,
                                      struct ratls_error *err)
{
    struct work work = {.issuer_sha256 = issuer_sha256, .given = crl, .now = now};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_WRITE, put, &work, err);

    if (status == RATLS_OK)
        *ret_outcome = work.outcome;
    return status;
}
